"""Ten failures. Of each: the alarm's own metric crosses its line, `tidings status` names it, what the runbook says to do is done and
mends it, and the audit finds no event lost or doubled.

Metrics of ours are the functions' own lines. Those of AWS are what the test has seen: a queue's depth, answers of 5xx; an age of
minutes is told five minutes early. What AWS's own CLI does in the runbook is done here by the same call.
"""

import json
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloud import ALIAS, package, zipped
from watching import feed_alarms, quiet, seen

DOCS = Path(__file__).resolve().parents[2] / "docs"
RUNBOOK = (DOCS / "runbook.md").read_text()
FLOOD = 1_000


class Day:
    """One failure, from the alarm to the audit."""

    def __init__(self, stack, tidings, corpus, status):
        self.stack, self.tidings, self.corpus, self.ask = stack, tidings, corpus, status
        self.since_ms = time.time() * 1000

    def send(self, request, expected):
        reply = self.stack.send(request)
        assert reply.status in expected, f"{reply}, not {expected}"
        return reply

    def named(self, alarm):
        """The screen names the alarm, with a command to go on with, and its page says what it means."""
        assert f"### {alarm}\n" in RUNBOOK
        code, said = self.ask()
        listed = {fires["alarm"]: fires for fires in said["alarms"]["listed"]}
        assert code == 1 and alarm in listed, f"{alarm} isn't among {sorted(listed)}"
        assert listed[alarm]["next"]
        return listed[alarm]

    def fires(self, alarm, metric=None, value=None):
        """By the functions' own lines, once they have this metric; or by what was seen of AWS's."""
        quiet(self.stack)
        assert alarm not in {fires["alarm"] for fires in self.ask()[1]["alarms"]["listed"]}
        if metric:
            self.stack.until(metric, lambda: metric in {p.name for p in self.stack.datapoints(self.since_ms)})
            feed_alarms(self.stack, self.since_ms)
        else:
            seen(self.stack, alarm, value)
        return self.named(alarm)

    def do(self, *command):
        """A command of ours that the runbook names, of this stack."""
        assert f"tidings {command[0]}" in RUNBOOK, command
        return self.tidings(*command, *self.tidings.deployed())

    def processed(self, keys):
        """All of these have had their effect, once; nothing waits, nothing is dead."""
        keys = set(keys)
        self.stack.until("all of them processed", lambda: keys <= {
            key for key, claim in self.stack.claims().items() if claim["state"] == "processed"
        }, 240)
        self.stack.settle()
        effects = self.stack.proxy.effects()
        assert {key: effects[key] for key in keys} == dict.fromkeys(keys, 1)
        assert self.stack.depth(self.stack.events_queue) == self.stack.depth(self.stack.dead_queue) == (0, 0)

    def keys(self):
        return set(self.stack.claims())

    def dead(self, count):
        self.stack.until("dead letters", lambda: self.stack.depth(self.stack.dead_queue)[0] == count, 60)


@pytest.fixture
def day(stack, tidings, corpus, status):
    # A test before may have left the receiver with other secrets in mind.
    stack.restart("Receiver")
    stack.proxy.forget()
    yield Day(stack, tidings, corpus, status)
    quiet(stack)


@contextmanager
def secrets(stack, tidings, document):
    """Another document of secrets, which the functions have heard of."""
    client = stack.client("secretsmanager")
    client.put_secret_value(SecretId=stack.secret, SecretString=json.dumps(document))
    stack.restart("Receiver")
    try:
        yield
    finally:
        client.put_secret_value(SecretId=stack.secret, SecretString=json.dumps(tidings.secrets))
        stack.restart("Receiver")


def test_a_wrong_secret(day, stack, tidings, corpus, tmp_path):
    request = tidings.sign(corpus.plain)
    right = tidings.secrets[request.source]
    with secrets(stack, tidings, tidings.secrets | {request.source: "of-another-environment"}):
        for _ in range(3):
            day.send(request, {401})
        day.fires("ForgedAlarm", metric="Unauthentic")
        file = tmp_path / "secret.txt"
        file.write_text(right if isinstance(right, str) else right[0])
        day.do("rotate", request.source, "--secret-file", str(file), "--yes")
        stack.restart("Receiver")  # In place of the minute until it looks.
        day.send(request, {202})
        day.processed(day.keys())


def test_a_poison_type(day, stack, tidings, corpus):
    """Something that isn't an event is in the queue, beside events."""
    stack.set_visibility(1)
    with stack.processor_paused():
        stack.client("sqs").send_message(QueueUrl=stack.events_queue, MessageBody='{"type": "of nobody"}')
        for name in corpus.mates:
            day.send(tidings.sign(name), {202})
    day.dead(1)
    day.fires("DeadLetterAlarm", value=1)
    assert day.do("dlq", "list")["messages"] == 1
    day.do("dlq", "drop", "--yes")
    day.processed(day.keys())


def test_a_throttled_table(day, stack, tidings, corpus):
    with stack.proxy.fault("PutItem", "reply", status=400, code="ProvisionedThroughputExceededException"):
        for name in (corpus.plain, *corpus.mates):
            day.send(tidings.sign(name), {202})
        day.fires("ClaimsAlarm", metric="ClaimUnknown")
    for name in (corpus.plain, *corpus.mates):  # Providers weren't told to, but some send again.
        day.send(tidings.sign(name), {200, 202})
    day.processed(day.keys())
    assert len(day.keys()) == 1 + len(corpus.mates)


def test_a_queue_that_is_denied(day, stack, tidings, corpus):
    request = tidings.sign(corpus.facts)
    with stack.without("ReceiverRole", "Enqueue"):
        day.send(request, {503})
        day.fires("EnqueueAlarm", metric="EnqueueFailed")
        assert "REVERT_DRIFT" in RUNBOOK
    day.send(request, {202})
    day.processed(day.keys())


def test_a_rule_that_has_no_value(day, stack, tidings, corpus):
    stack.set_visibility(1)
    name, cause = corpus.poison
    with stack.processor_paused():
        for case in (name, *corpus.mates):
            day.send(tidings.sign(case), {202})
    day.fires("StrugglingAlarm", metric="HighReceiveCount")
    day.dead(1)
    day.fires("DeadLetterAlarm", value=1)
    group, = day.do("dlq", "list")["groups"]
    assert group["reason"].startswith(cause)
    (poison,) = (key for key, claim in stack.claims().items() if claim["state"] == "dead")
    assert day.do("events", "show", poison)["reason"].startswith(cause)
    day.do("dlq", "drop", "--reason", cause, "--yes")
    day.processed(day.keys() - {poison})
    assert stack.claims()[poison]["state"] == "dead", "its claim keeps the reason"


def test_a_schema_that_drifts(day, stack, tidings):
    """A provider leaves out what its schema requires, and then sends it as it should be."""
    stack.set_visibility(1)
    right = tidings.sign("orders-product-watched")
    body = json.loads(right.body)
    wrong = json.dumps(body | {"id": f"{body['id']}-drifted", "product": {"title": body["product"]["title"]}})
    day.send(tidings.sign("orders-product-watched", body=wrong.encode()), {202})
    day.dead(1)
    day.fires("DeadLetterAlarm", value=1)
    group, = day.do("dlq", "list")["groups"]
    assert "schema" in group["reason"] and "sku" in group["reason"], group
    day.do("dlq", "drop", "--type", "product.watched", "--yes")
    day.send(right, {202})
    day.processed(key for key, claim in stack.claims().items() if claim["state"] != "dead")


def test_a_backlog(day, stack, tidings, corpus):
    mapping = {"UUID": stack.resources["ProcessorSource"]}
    functions = stack.client("lambda")
    functions.update_event_source_mapping(**mapping, Enabled=False)
    try:
        time.sleep(0.3)
        for name in (corpus.plain, *corpus.mates):
            day.send(tidings.sign(name), {202})
        waiting = stack.depth(stack.events_queue)[0]
        assert waiting == 1 + len(corpus.mates)
        day.fires("BacklogAlarm", value=301_000)
        backlog = {queue["queue"]: queue["depth"] for queue in day.ask()[1]["backlog"]["queues"]}
        assert backlog["events"]["visible"] == waiting
        assert "aws lambda update-event-source-mapping" in RUNBOOK
    finally:
        functions.update_event_source_mapping(**mapping, Enabled=True)
    day.processed(day.keys())
    assert len(day.keys()) == waiting


def test_a_clock_that_is_wrong(day, stack, tidings, corpus):
    late, right = tidings.sign(corpus.timestamped, tamper="timestamp"), tidings.sign(corpus.timestamped)
    for _ in range(3):
        day.send(late, {401})
    day.fires("ForgedAlarm", metric="Unauthentic")
    reasons = {p.dimensions.get("reason") for p in stack.datapoints(day.since_ms) if p.name == "Refused"}
    assert "too_old" in reasons, reasons
    assert "`too_old`" in RUNBOOK
    day.send(right, {202})
    day.processed(day.keys())


def test_a_flood_of_dead_letters(day, stack, tidings, corpus):
    """What died while the actions queue was away, say: a thousand conversations' events, all good."""
    phone, request, event = next(of_a_phone(tidings, corpus))
    with stack.processor_paused():
        day.send(request, {202})
        message, = stack.until("the event", lambda: stack.client("sqs").receive_message(QueueUrl=stack.events_queue).get("Messages"))
        stack.client("sqs").delete_message(QueueUrl=stack.events_queue, ReceiptHandle=message["ReceiptHandle"])
    stack.forget_state()
    body = message["Body"]
    source, identifier = event["key"].split("#")
    assert identifier in body and phone in body
    flood = [body.replace(identifier, f"flood-{n}").replace(phone, f"49171392{n:04}") for n in range(FLOOD)]
    for begin in range(0, FLOOD, 10):
        entries = [{"Id": str(n), "MessageBody": text} for n, text in enumerate(flood[begin:begin + 10])]
        stack.client("sqs").send_message_batch(QueueUrl=stack.dead_queue, Entries=entries)
    day.dead(FLOOD)
    day.fires("DeadLetterAlarm", value=FLOOD)
    assert day.do("dlq", "redrive")["messages"] == FLOOD, "dry"
    day.dead(FLOOD)
    assert day.do("dlq", "redrive", "--yes", "--rate", "1000")["matched"] == FLOOD
    day.processed(f"{source}#flood-{n}" for n in range(FLOOD))
    assert len({claim["conversation"] for claim in stack.claims().values()}) == FLOOD


def of_a_phone(tidings, corpus):
    """Events whose conversation is a phone number that they carry: (number, request, event)."""
    for case in corpus.cases:
        if case["name"] in corpus.mates:
            event, = corpus.events(case)
            phone, request = event.get("conversation", "").split(":")[-1], tidings.sign(case["name"])
            if phone and phone.encode() in request.body:
                yield phone, request, event


def test_a_bad_deploy(day, stack, built, tidings, corpus):
    """A receiver that can't start. The alias goes back to the version before."""
    functions, name = stack.client("lambda"), stack.resources["Receiver"]
    before = functions.get_alias(FunctionName=name, Name=ALIAS)["FunctionVersion"]
    request = tidings.sign(corpus.plain)
    try:
        stack.release("Receiver", code=zipped({"bootstrap": b"#!/bin/sh\nexit 1\n"}))
        for _ in range(2):
            assert day.stack.send(request).status >= 500
        day.fires("ReceiverAlarm", value=2)
        day.fires("ReceiverFailedAlarm", value=2)
        assert "aws lambda update-alias" in (DOCS / "upgrade.md").read_text() and "(upgrade.md)" in RUNBOOK
        functions.update_alias(FunctionName=name, Name=ALIAS, FunctionVersion=before, RoutingConfig={"AdditionalVersionWeights": {}})
        day.send(request, {202})
        day.processed(day.keys())
    finally:
        stack.release("Receiver", code=package(built / "Receiver"))
