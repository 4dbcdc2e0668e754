"""From a provider's POST to a changed context."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tidings import known

COPIES = 50
MESSAGE_BYTES = 1 << 20  # SQS's, and the emulator holds to it.


def the_claim(stack):
    """The one claim there is."""
    (key, claim), = stack.claims().items()
    return key, claim


def test_the_whole_corpus_comes_out_as_it_says(stack, tidings, corpus):
    wrong = []
    for case in corpus.cases:
        reply, expected = stack.send(tidings.sign(case["name"])), case["expect"]
        word = reply.json.get("status") or reply.json.get("error")
        if (reply.status, word) != (expected["status"], expected["reply"]):
            wrong.append(f"{case['name']}: {reply}, not {expected['status']} {expected['reply']}")
        # The corpus is a story: each case finds what those before it left.
        stack.until(f"done with {case['name']}", lambda: done(stack, corpus))
    stack.settle()

    claims = stack.claims()
    for case in corpus.cases:
        for event in corpus.events(case):
            claim = next((c for k, c in claims.items() if matches(event, k, c)), None)
            if claim is None:
                wrong.append(f"{case['name']}: no claim {event['key']} of {event['type']}")
            elif "dead" in event:
                if claim["state"] != "dead" or not claim["reason"].startswith(event["dead"]):
                    wrong.append(f"{case['name']}: {claim['state']}, {claim.get('reason')!r}, not dead by {event['dead']!r}")
            elif (claim["state"], claim.get("outcome")) != ("processed", event["outcome"]):
                wrong.append(f"{case['name']}: {claim['state']} {claim.get('outcome')}, not processed {event['outcome']}")
            elif "conversation" in event and claim.get("conversation") != event["conversation"]:
                wrong.append(f"{case['name']}: conversation {claim.get('conversation')}, not {event['conversation']}")

    for expected in corpus.contexts:
        node, facts = known(tidings.context(expected["conversation"]))
        if node != expected.get("node"):
            wrong.append(f"{expected['conversation']}: at node {node}, not {expected.get('node')}")
        for entity, names in expected["facts"].items():
            for name, value in names.items():
                found = facts.get(entity, {}).get(name)
                if found != value:
                    wrong.append(f"{expected['conversation']}: {entity} {name} is {found!r}, not {value!r}")
    # An effect is in the context before its action is in the queue.
    taken = {}

    def all_are_taken():
        taken.update({action["id"]: action for action in stack.actions()})
        return len(taken) >= len(corpus.actions)

    try:
        stack.until("all actions", all_are_taken)
    except AssertionError as late:
        wrong.append(str(late))
    asked = sorted((a["conversation"], a["source"].rsplit("/")[-1], said(a)) for a in taken.values())
    wanted = sorted((a["conversation"], a["rule"], a.get("text") or a["type"]) for a in corpus.actions)
    if asked != wanted:
        wrong.append(f"asked to do {asked}, not {wanted}")
    assert not wrong, "\n".join(wrong)


def said(action):
    return action["data"]["text"] if action["type"] == "tidings.notify" else action["type"]


def matches(event, key, claim):
    """A key that is a hash is known by its beginning, and then by the event's type."""
    if event["key"].endswith("sha256:"):
        return key.startswith(event["key"]) and claim["event_type"] == event["type"]
    return key == event["key"]


def done(stack, corpus):
    """Every claim has met its fate, those apart that must die slowly."""
    dying = {event["key"] for case in corpus.cases for event in corpus.events(case) if "dead" in event}
    return all(c["state"] in ("processed", "dead") for k, c in stack.claims().items() if k not in dying)


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
    assert stack.claims()[sent["claim_keys"][0]]["state"] == "processed"


def test_the_same_post_again_is_answered_and_enqueues_nothing(stack, tidings, corpus):
    request = tidings.sign(corpus.plain)
    assert stack.send(request).status == 202
    stack.settle()
    before = stack.context(), stack.claims()
    stack.proxy.forget()

    assert stack.send(request).status == 200

    assert not [c for c in stack.proxy.made_by("receiver") if c.service == "sqs"]
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
    assert stack.proxy.made_by() == []
    assert len(stack.proxy.made_by(secrets=True)) <= 1, "the secret is read again at most once a minute"
    assert stack.claims() == {}
    assert stack.depth(stack.events_queue) == (0, 0)


def test_too_large_is_413_and_leaves_no_claim(stack, tidings, corpus):
    reply = stack.send(tidings.sign(corpus.oversized))
    assert reply.status == 413, reply
    assert stack.proxy.made_by() == []
    assert stack.claims() == {}


def test_a_message_is_filled_to_the_last_byte_and_not_beyond(stack, tidings, corpus):
    case = corpus.largest
    event = json.loads(tidings.sign(case).body)

    def filled(length):
        event["padding"] = ""
        event["padding"] = "x" * (length - len(json.dumps(event)))
        return tidings.sign(case, body=json.dumps(event).encode())

    assert stack.send(filled(2000)).status == 202
    (sent,) = [json.loads(c.body) for c in stack.proxy.made_by("receiver") if c.operation == "SendMessage"]
    overhead = len(sent["MessageBody"]) - 2000
    stack.settle()
    stack.forget_state()
    stack.proxy.forget()

    over = stack.send(filled(MESSAGE_BYTES - overhead + 1))
    assert (over.status, over.json["error"]) == (413, "too_large")
    assert stack.proxy.made_by() == []
    assert stack.claims() == {}

    assert stack.send(filled(MESSAGE_BYTES - overhead)).status == 202
    stack.settle()
    _, claim = the_claim(stack)
    assert (claim["state"], claim["outcome"]) == ("processed", "applied")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"id": "e2e-1", "type": ',
        b'{"id": "e2e-1"} and more',
        b'{"id": "e2e-1", "type": "x", "deep": ' + b"[" * 1000 + b"]" * 1000 + b"}",
        b'{"id": "e2e-1"}',
    ],
    ids=["empty", "truncated", "not_json", "deep", "no_type"],
)
def test_an_authentic_body_that_is_no_event_is_kept(stack, tidings, corpus, body):
    assert stack.send(tidings.sign(corpus.largest, body=body)).status == 202
    key, claim = the_claim(stack)
    assert "#unreadable:sha256:" in key
    assert claim["event_type"] == "tidings.unreadable"


def test_two_events_in_the_wrong_order_end_as_in_the_right_one(stack, tidings, wrong_order):
    newer, older = (tidings.sign(name) for name in wrong_order)

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
    assert (claim["state"], claim["outcome"]) == ("processed", "applied")
    assert stack.proxy.commits(key) == 1
    assert stack.writes() == {1}
    assert stack.depth(stack.dead_queue) == (0, 0)
