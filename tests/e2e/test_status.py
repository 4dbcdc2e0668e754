"""`tidings status` against CloudWatch, CloudFormation and SQS as the emulated cloud speaks them: what it reads, what it says to do
next, that this can be called as it is written, and what is left where a permission is missing.

The emulator evaluates no expression, so what is only counted by source (duplicates, refused, dead) is told as unread here."""

import json
import shlex
from datetime import UTC, datetime

from watching import feed, quiet

WATCHED = ("Received", "Accepted", "Processed", "ProcessingLag")


def depths(said):
    return {queue["queue"]: queue["depth"] for queue in said["backlog"]["queues"]}


def test_a_stack_that_is_well(stack, tidings, corpus, status):
    stack.send(tidings.sign(corpus.plain))
    stack.settle()
    stack.until("its metrics", lambda: set(WATCHED) <= {p.name for p in stack.datapoints(stack.since_ms)})
    before = status()[1]["rates"]
    feed(stack, stack.since_ms, {(name, ()) for name in WATCHED})
    quiet(stack)
    code, said = status()
    assert (code, said["status"], said["next"]) == (0, "healthy", []), said
    assert said["endpoint"]["health"]["state"] == "answers"
    assert said["endpoint"]["ready"]["state"] == "ready"
    assert said["alarms"]["watched"] >= 15 and said["alarms"]["firing"] == 0
    assert set(depths(said)) == {"events", "dead letters", "actions", "dead actions", "links", "dead links"}
    assert depths(said)["events"] == {"visible": 0, "in_flight": 0, "delayed": 0}
    counted = [said["rates"][name] - before[name] for name in ("received", "accepted", "processed")]
    assert counted == [1, 1, 1]
    assert said["rates"]["effect_p99_ms"] is not None
    assert set(said["rates"]["unread"]) == {"duplicates", "refused", "dead"}


def test_what_died_is_said_with_a_command_that_can_be_called(stack, tidings, corpus, status):
    quiet(stack)
    stack.set_visibility(1)
    stack.send(tidings.sign(corpus.poison[0]))
    stack.until("a dead letter", stack.dead_letters)
    code, said = status()
    assert (code, said["status"]) == (1, "dead_letters"), said
    assert sum(depths(said)["dead letters"].values()) == 1
    step = shlex.split(said["next"][0]["do"])
    assert step[:3] == ["tidings", "dlq", "list"]
    assert tidings(*step[1:])["messages"] == 1

    alarm = stack.resources["DeadLetterAlarm"]
    stack.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="one is too many")
    try:
        code, said = status()
        assert (code, said["status"], said["alarms"]["firing"]) == (1, "alarms", 1), said
        fires = said["alarms"]["listed"][0]
        assert (fires["alarm"], fires["reason"]) == ("DeadLetterAlarm", "one is too many")
        assert fires["since"].startswith(f"{datetime.now(UTC):%Y-%m-%d}")
        assert fires["next"] == said["next"][0]["do"] and len(said["next"]) == 1
    finally:
        quiet(stack)


def test_what_may_not_be_read_is_said_and_the_rest_is_shown(stack, status):
    """Of the queues: of a call in CBOR, as those to CloudWatch are, the emulator knows no action to hold a policy against."""
    quiet(stack)
    users, name = stack.client("iam"), "reads-no-queues"
    users.create_user(UserName=name)
    allowed = [
        "cloudformation:DescribeStacks", "cloudformation:DescribeStackResources", "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
    ]
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": allowed, "Resource": "*"}]}
    users.put_user_policy(UserName=name, PolicyName="most", PolicyDocument=json.dumps(document))
    key = users.create_access_key(UserName=name)["AccessKey"]
    try:
        code, said = status(
            credentials={"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        )
    finally:
        users.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        users.delete_user_policy(UserName=name, PolicyName="most")
        users.delete_user(UserName=name)
    assert (code, said["status"]) == (1, "unread"), said
    events = depths(said)["events"]
    assert events["needs"] == "sqs:GetQueueAttributes" and "AccessDenied" in events["unread"]
    assert said["alarms"]["watched"] >= 15 and "received" in said["rates"]
    assert [step["do"] for step in said["next"]] == ["let your credentials call sqs:GetQueueAttributes"]
