"""Every alarm on a metric of ours is made to fire once: by the lines that the functions wrote, fed to CloudWatch as it would read
them, and by the alarm as it was deployed, which the emulator evaluates."""

import json
import time

from watching import alarms, feed_alarms, firing, seen


def test_every_alarm_on_our_metrics_fires_when_its_time_has_come(stack, tidings, corpus):
    for name in (corpus.plain, *corpus.mates):
        stack.send(tidings.sign(name))
    stack.settle()
    feed_alarms(stack, stack.since_ms)
    assert firing(stack) == set(), "nothing is wrong yet"

    stack.forget_state()
    since_ms = time.time() * 1000
    # Events that were received yesterday, one of which fails on every receive.
    stack.set_visibility(1)
    with stack.processor_paused():
        names = {corpus.poison[0], corpus.plain, *corpus.mates}
        for name in names:
            stack.send(tidings.sign(name))
        stack.until("all of them", lambda: stack.depth(stack.events_queue)[0] >= len(names))
        queue, taken = stack.client("sqs"), {}
        while len(taken) < len(names):
            for m in queue.receive_message(
                QueueUrl=stack.events_queue, MaxNumberOfMessages=10, VisibilityTimeout=60
            ).get("Messages", []):
                taken[m["MessageId"]] = m
        for message in taken.values():
            queue.delete_message(QueueUrl=stack.events_queue, ReceiptHandle=message["ReceiptHandle"])
            old = json.loads(message["Body"]) | {"receivedtime": yesterday()}
            queue.send_message(QueueUrl=stack.events_queue, MessageBody=json.dumps(old))
    stack.until("a dead letter", stack.dead_letters)

    stack.forget_state()
    # Neither queue nor table answers; somebody forges; a provider still signs with the old secret; and the secrets are gone.
    for operation in ("SendMessage", "PutItem"):
        with stack.proxy.fault(operation, "reply", status=403, code="AccessDenied"):
            stack.send(tidings.sign(corpus.plain))
    for _ in range(5):
        stack.send(tidings.sign(corpus.plain, tamper="signature"))
    # The same event in other words: its scheme covers its id.
    known = tidings.sign(corpus.timestamped)
    assert stack.send(known).status == 202
    stack.settle()
    assert stack.send(tidings.sign(corpus.timestamped, body=known.body + b" ")).status == 200
    # One body under two delivery ids, which nobody signs.
    for delivery in ("d-1", "d-2"):
        pressed = {"X-GitHub-Event": "workflow_dispatch", "X-GitHub-Delivery": delivery}
        assert stack.send(tidings.sign_for("github", {"workflow": "deploy.yml"}, pressed)).status == 202
        stack.settle()
    source = tidings.sign(corpus.plain).source
    secrets = stack.client("secretsmanager")
    mine = tidings.secrets[source]
    rotated = tidings.secrets | {source: ["not-used-by-anybody-yet", *(mine if isinstance(mine, list) else [mine])]}
    secrets.put_secret_value(SecretId=stack.secret, SecretString=json.dumps(rotated))
    try:
        stack.restart("Receiver")
        stack.send(tidings.sign(corpus.plain))
        with stack.proxy.fault("GetSecretValue", "reply", status=403, code="AccessDenied"):
            stack.restart("Receiver")
            assert stack.send(tidings.sign(corpus.plain)).status == 503
    finally:
        secrets.put_secret_value(SecretId=stack.secret, SecretString=json.dumps(tidings.secrets))
        stack.restart("Receiver")

    expected = {a["AlarmName"] for a in alarms(stack)}
    assert len(expected) >= 8
    watched = {alarm["MetricName"] for alarm in alarms(stack)}
    stack.until("all lines", lambda: watched <= {p.name for p in stack.datapoints(since_ms)})
    feed_alarms(stack, since_ms)
    many = {"ManyFailingAlarm": 50, "RepeatedBodyAlarm": 101}
    assert firing(stack) == expected - {stack.resources[alarm] for alarm in many}, "one event isn't many"
    for alarm, value in many.items():
        seen(stack, alarm, value)
    assert firing(stack) == expected


def yesterday():
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - 86400))
