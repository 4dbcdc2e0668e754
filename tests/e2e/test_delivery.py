"""From a provider's POST to a changed context."""

from concurrent.futures import ThreadPoolExecutor

COPIES = 50


def the_claim(stack):
    """The one claim there is."""
    (key, claim), = stack.claims().items()
    return key, claim


def test_the_whole_corpus_comes_out_as_it_says(stack, tidings, corpus):
    wrong = []
    for case in corpus:
        reply = stack.send(tidings.sign(case["name"]))
        if reply.status != case["expect"]["status"]:
            wrong.append(f"{case['name']}: {reply}, not {case['expect']['status']}")
        # The corpus is a story: each case finds what those before it left.
        if case["expect"].get("state") != "dead":
            stack.until("done with it, or with all but the poison", lambda: stack.depth(stack.events_queue)[0] == 0)
    stack.settle()

    found = [(c.get("state"), c.get("outcome")) for c in stack.claims().values()]
    for case in corpus:
        state = case["expect"].get("state")
        if case["expect"]["status"] == 202 and state:
            fate = (state, case["expect"].get("outcome"))
            if not any(f == fate or (f[0] == fate[0] and fate[1] is None) for f in found):
                wrong.append(f"{case['name']}: no claim ended as {fate}")
    assert not wrong, "\n".join(wrong)


def test_a_signed_event_changes_the_context(stack, tidings, corpus):
    assert stack.context() == {}

    assert stack.send(tidings.sign(corpus.plain)).status == 202
    stack.settle()

    key, claim = the_claim(stack)
    assert (claim["state"], claim["outcome"]) == ("processed", "applied")
    assert stack.context(claim["conversation"]) != {}
    assert tidings.context(claim["conversation"])
    assert tidings.event(key)


def test_tidings_send_reaches_it(stack, tidings, corpus):
    sent = tidings.post(corpus.plain, stack)
    assert sent["status"] == 202
    stack.settle()
    assert stack.claims()[sent["claim_key"]]["state"] == "processed"


def test_the_same_post_again_is_answered_and_enqueues_nothing(stack, tidings, corpus):
    request = tidings.sign(corpus.plain)
    assert stack.send(request).status == 202
    stack.settle()
    before = stack.context(), stack.claims()
    stack.proxy.forget()

    assert stack.send(request).status == 200

    assert "SendMessage" not in [c.operation for c in stack.proxy.made_by("receiver")]
    assert stack.depth(stack.events_queue) == (0, 0)
    assert (stack.context(), stack.claims()) == before


def test_forged_and_stale_are_401_and_cost_no_call(stack, tidings, corpus):
    assert stack.send(tidings.sign(corpus.plain)).status == 202  # A warm receiver.
    stack.settle()
    stack.forget_state()
    stack.proxy.forget()

    replies = [
        stack.send(tidings.sign(corpus.plain, tamper="signature")),
        stack.send(tidings.sign(corpus.plain, tamper="body")),
        stack.send(tidings.sign(corpus.timestamped, tamper="timestamp")),
    ]

    assert [r.status for r in replies] == [401, 401, 401]
    assert len({r.body for r in replies}) == 1, "the reply must not tell why"
    assert stack.proxy.made_by("receiver") == []
    assert len(stack.proxy.made_by("receiver", secrets=True)) <= 1, "the secret is read again at most once a minute"
    assert stack.claims() == {}
    assert stack.depth(stack.events_queue) == (0, 0)


def test_too_large_is_413_and_leaves_no_claim(stack, tidings, corpus):
    request = tidings.sign(corpus.plain)
    reply = stack.send(request.with_body(request.body + b" " * (1 << 20)))
    assert reply.status == 413, reply
    assert stack.proxy.made_by("receiver") == []
    assert stack.claims() == {}


def test_two_events_in_the_wrong_order_end_as_in_the_right_one(stack, tidings, corpus):
    newer, older = (tidings.sign(name) for name in corpus.wrong_order)

    def context_after(*requests):
        stack.forget_state()
        for request in requests:
            assert stack.send(request).status == 202
            stack.settle()
        assert {c["state"] for c in stack.claims().values()} == {"processed"}
        outcomes = sorted(c["outcome"] for c in stack.claims().values())
        return stack.context(), outcomes

    right, outcomes_right = context_after(older, newer)
    wrong, outcomes_wrong = context_after(newer, older)

    assert right == wrong
    assert right != {}
    assert outcomes_right == ["applied", "applied"]
    assert outcomes_wrong == ["applied", "stale"]


def test_fifty_copies_at_once_have_one_effect(stack, tidings, corpus):
    request = tidings.sign(corpus.plain)
    with ThreadPoolExecutor(COPIES) as senders:
        replies = list(senders.map(lambda _: stack.send(request), range(COPIES)))
    stack.settle()

    assert {r.status for r in replies} <= {200, 202}, sorted(str(r) for r in replies if r.status not in (200, 202))
    key, claim = the_claim(stack)
    assert claim["state"] == "processed"
    assert stack.proxy.commits(key) == 1
    assert stack.depth(stack.dead_queue) == (0, 0)
