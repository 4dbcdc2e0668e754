"""Poison, a queue that refuses, and a function that dies at each point where it could lose or double an event."""

import json
import time

import pytest

# Long enough to see that nobody waited for a second receive.
POISON_VISIBILITY_S = 4


def test_poison_is_dead_after_five_receives_and_alone(stack, tidings, corpus):
    stack.set_visibility(POISON_VISIBILITY_S)
    poison, cause = corpus.poison
    with stack.processor_paused():
        assert stack.send(tidings.sign(poison)).status == 202
        (poison_key,) = stack.claims()
        for name in corpus.mates:
            assert stack.send(tidings.sign(name)).status == 202
    one_batch_at = time.monotonic()

    # All of the batch but the poison is done at the first receive: it is the only one that is still in flight.
    stack.until(
        "every batch-mate processed",
        lambda: all(c["state"] == "processed" for k, c in stack.claims().items() if k != poison_key),
        POISON_VISIBILITY_S,
    )
    stack.until("only the poison in flight", lambda: stack.depth(stack.events_queue) == (0, 1), POISON_VISIBILITY_S)
    assert time.monotonic() - one_batch_at < POISON_VISIBILITY_S

    letter, = stack.until("a dead letter", stack.dead_letters, 8 * POISON_VISIBILITY_S)
    assert time.monotonic() - one_batch_at >= 4 * POISON_VISIBILITY_S, "fewer than five receives"
    claim = stack.claims()[poison_key]
    assert claim["state"] == "dead"
    assert claim["reason"].startswith(cause)
    assert claim["receive_count"] == 5
    assert poison_key in letter["Body"]
    assert stack.depth(stack.events_queue) == (0, 0)
    assert tidings.event(poison_key)["reason"] == claim["reason"]

    # The processor's own account of it: five receives of the one, one of each of the others, in the same batch.
    batches = stack.until("five batches", lambda: five(stack.invocations("Processor", stack.since_ms)))
    failed = [[e for e in batch if e["message"] == "failed"] for batch in batches]
    done = [[e for e in batch if e["message"] == "processed"] for batch in batches]
    assert [[(e["claim_key"], e["receive_count"]) for e in batch] for batch in failed] == [
        [(poison_key, receive)] for receive in range(1, 6)
    ]
    assert [len(batch) for batch in done] == [len(corpus.mates), 0, 0, 0, 0]
    assert {e["receive_count"] for e in done[0]} == {1}
    source = claim["source"]
    counted = {name: n for (name, of), n in stack.metrics(stack.since_ms).items() if of == source}
    assert {name: counted[name] for name in ("Retried", "HighReceiveCount", "Dead")} == {"Retried": 4, "HighReceiveCount": 3, "Dead": 1}


def five(invocations):
    """The lines of five batches that have written something, once there are as many."""
    batches = [[json.loads(line) for line in lines] for lines in invocations if lines]
    batches = [[line for line in batch if "message" in line] for batch in batches]
    return batches if len(batches) >= 5 else None


def test_a_dead_event_that_the_provider_sends_again_is_queued_again(stack, tidings, corpus):
    """A redelivery by hand is a way back, and ends as it must: dead again, and known as such."""
    stack.set_visibility(1)
    request = tidings.sign(corpus.poison[0])
    assert stack.send(request).status == 202
    stack.until("a dead letter", lambda: len(stack.dead_letters()) == 1)
    assert stack.send(request).status == 202
    stack.until("another", lambda: len(stack.dead_letters()) == 2)
    (claim,) = stack.claims().values()
    assert (claim["state"], claim["receive_count"]) == ("dead", 5)


@pytest.mark.parametrize(
    "fault",
    [
        {"how": "reply", "status": 403, "code": "AccessDenied"},
        {"how": "reply", "status": 500, "code": "InternalError"},
        {"how": "hang"},
    ],
    ids=["refused", "failing", "silent"],
)
def test_a_queue_that_does_not_take_it_is_503_until_it_does(stack, tidings, corpus, fault):
    request = tidings.sign(corpus.facts)
    with stack.proxy.fault("SendMessage", **fault) as injected:
        reply = stack.send(request)
    assert injected.hits, "the fault met no call"
    assert reply.status == 503, reply
    assert "retry-after" in reply.headers
    (key, claim), = stack.claims().items()
    assert claim["state"] == "received"

    assert stack.send(request).status == 202
    one_effect(stack, key)


def test_an_event_of_a_provider_that_never_sends_it_again_is_kept_by_its_claim(stack, tidings, corpus):
    """GitHub's. What stays `received` for ten minutes is queued by a sweep, which the tests of the processor show."""
    request = tidings.sign(corpus.plain)
    with stack.proxy.fault("SendMessage", "reply", status=500, code="InternalError") as injected:
        assert stack.send(request).status == 202
    assert injected.hits, "the fault met no call"
    (key, claim), = stack.claims().items()
    assert claim["state"] == "received"
    assert "outbox_partition" in claim

    # A person may send it again meanwhile.
    assert stack.send(request).status == 202
    one_effect(stack, key)
    assert "outbox_partition" not in stack.claims()[key]


# operation, whose death it is, and whether AWS had carried the call out.
RECEIVER_DEATHS = [
    pytest.param("PutItem", True, "received", id="after_put"),
    pytest.param("SendMessage", False, "received", id="before_send"),
    pytest.param("SendMessage", True, "received", id="after_send"),
]


@pytest.mark.parametrize(("operation", "after", "state"), RECEIVER_DEATHS)
def test_a_receiver_that_dies_loses_and_doubles_nothing(stack, tidings, corpus, operation, after, state):
    request = tidings.sign(corpus.plain)
    with stack.processor_paused():
        with stack.proxy.fault(operation, "kill", after=after, times=1) as injected:
            reply = stack.send(request)
        assert injected.hits == 1
        assert reply.status >= 500, "a dead receiver can't have promised anything"
        (key, claim), = stack.claims().items()
        assert claim["state"] == state

        again = stack.send(request)
        assert again.status == 202, again
    one_effect(stack, key)


@pytest.mark.parametrize("after", [False, True], ids=["between_facts_and_claim", "after_claim"])
def test_a_processor_that_dies_commits_once(stack, tidings, corpus, after):
    with stack.proxy.fault("UpdateItem", "kill", after=after, times=1) as injected:
        assert stack.send(tidings.sign(corpus.facts)).status == 202
        stack.until("a dead processor", lambda: injected.hits == 1)
    (key,) = stack.claims()
    one_effect(stack, key)


def test_an_answer_lost_on_the_way_back_from_the_queue_doubles_nothing(stack, tidings, corpus):
    request = tidings.sign(corpus.facts)
    with stack.proxy.fault("SendMessage", "hang", after=True):
        assert stack.send(request).status == 503
    assert stack.send(request).status in (200, 202)  # 200 where the processor was quicker than the retry.
    (key,) = stack.claims()
    one_effect(stack, key)


def one_effect(stack, key):
    stack.settle()
    claim = stack.claims()[key]
    assert (claim["state"], claim["outcome"]) == ("processed", "applied")
    assert stack.proxy.commits(key) == 1
    assert stack.writes() == {1}
    assert stack.depth(stack.dead_queue) == (0, 0)
