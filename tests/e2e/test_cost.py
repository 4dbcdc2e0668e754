"""AWS calls per request of a warm function: what a webhook costs beyond the two invocations."""


def warm(stack, tidings, corpus):
    """Both functions started and used, and then nothing left of it but that."""
    assert stack.send(tidings.sign(corpus.plain)).status == 202
    stack.settle()
    stack.forget_state()
    stack.proxy.forget()


def receiver_calls(stack):
    return [c.operation for c in stack.proxy.made_by("receiver")]


def test_accepted_is_two_calls(stack, tidings, corpus):
    warm(stack, tidings, corpus)
    assert stack.send(tidings.sign(corpus.plain)).status == 202
    assert receiver_calls(stack) == ["PutItem", "SendMessage"]


def test_a_delivery_of_many_events_is_one_batch(stack, tidings, corpus):
    warm(stack, tidings, corpus)
    case = next(case for case in corpus.cases if len(corpus.events(case)) == 3)
    assert stack.send(tidings.sign(case["name"])).status == 200
    assert sorted(receiver_calls(stack)) == ["PutItem"] * 3 + ["SendMessageBatch"]


def test_duplicate_is_one_call(stack, tidings, corpus):
    warm(stack, tidings, corpus)
    request = tidings.sign(corpus.plain)
    stack.send(request)
    stack.settle()
    stack.proxy.forget()
    assert stack.send(request).status == 200
    assert receiver_calls(stack) == ["PutItem"]


def test_forged_is_none(stack, tidings, corpus):
    warm(stack, tidings, corpus)
    assert stack.send(tidings.sign(corpus.plain, tamper="signature")).status == 401
    assert stack.proxy.made_by() == []


def test_processing_facts_is_a_read_and_two_writes(stack, tidings, corpus):
    warm(stack, tidings, corpus)
    assert stack.send(tidings.sign(corpus.facts)).status == 202
    stack.settle()
    assert [c.operation for c in stack.proxy.made_by("processor")] == ["BatchGetItem", "PutItem", "UpdateItem"]
