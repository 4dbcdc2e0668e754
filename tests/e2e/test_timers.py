"""A timer of hours waits in its table, and a sweep by the schedule's own call sends it to the events queue.

The emulator's clock is the real one, so a timer that is due soon is put into the table here.
"""

import json
import time

CONVERSATION = "whatsapp:491713920012"
SWEEP = {"sweep": "timers"}
# Longer than a deployment takes: before that no timer is stored.
LONG_AGO_MS = 2 * 3_600_000


def iso(ms):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms / 1000)) + f".{ms % 1000:03}Z"


def waiting(due_ms):
    """The message of a conversation's timer, as a version before sends it again every quarter of an hour."""
    key = f"@wake#e2e#{due_ms}#1"
    return json.dumps({
        "specversion": "1.0", "tidingsversion": 1, "id": key, "source": "/tidings", "type": "tidings.wake", "time": iso(due_ms),
        "datacontenttype": "application/json", "conversation": CONVERSATION, "partitionkey": CONVERSATION,
        "receivedtime": iso(due_ms - LONG_AGO_MS), "claimkey": key,
        "data": {"due": iso(due_ms), "what": {"wake": {"conversation": CONVERSATION, "timer": 1}}},
    })


def rows(stack):
    return stack.client("dynamodb").scan(TableName=stack.timers_table, ConsistentRead=True)["Items"]


def timers(stack):
    return {row["sk"]["S"]: row for row in rows(stack) if row["pk"]["S"] != "progress"}


def progress(stack):
    return {row["sk"]["S"]: row for row in rows(stack) if row["pk"]["S"] == "progress"}


def sweep(stack):
    answer = stack.client("lambda").invoke(FunctionName=stack.resources["Processor"], Payload=json.dumps(SWEEP))
    assert "FunctionError" not in answer, answer["Payload"].read()


def test_the_schedule_calls_the_processor_for_a_sweep(stack):
    events = stack.client("events")
    rule = events.describe_rule(Name=stack.resources["SweepSchedule"])
    assert (rule["State"], rule["ScheduleExpression"]) == ("ENABLED", "rate(5 minutes)")
    target, = events.list_targets_by_rule(Rule=stack.resources["SweepSchedule"])["Targets"]
    function = stack.client("lambda").get_function_configuration(FunctionName=stack.resources["Processor"])
    assert target["Arn"].removesuffix(":$LATEST") == function["FunctionArn"].removesuffix(":$LATEST")
    assert json.loads(target["Input"]) == SWEEP


def test_a_timer_of_hours_is_stored_and_one_that_is_due_is_swept_once(stack, tidings):
    now = int(time.time() * 1000)
    sweeps = {"pk": {"S": "progress"}, "sk": {"S": "sweeps"}, "since": {"N": str(now - LONG_AGO_MS)}, "last": {"N": str(now)}}
    stack.client("dynamodb").put_item(TableName=stack.timers_table, Item=sweeps)
    # A container remembers for a minute that the table wasn't swept.
    stack.restart("Processor")
    later = now + LONG_AGO_MS
    stack.client("sqs").send_message(QueueUrl=stack.events_queue, MessageBody=waiting(later))
    key, row = next(iter(stack.until("the stored timer", lambda: timers(stack)).items()))
    assert key.startswith(f"{later:015}#"), key
    assert json.loads(row["event"]["S"]) == {"wake": {"conversation": CONVERSATION, "timer": 1}}
    stack.settle()

    due = int(time.time() * 1000) + 2_000
    soon = row | {"sk": {"S": f"{due:015}#{key.split('#')[1]}"}}
    stack.client("dynamodb").put_item(TableName=stack.timers_table, Item=soon)
    sweep(stack)
    assert progress(stack)[row["pk"]["S"]]["sent"] == soon["sk"]
    stack.settle()
    sweep(stack)

    def lines(message):
        read = (json.loads(line) for line in stack.log_lines("Processor", stack.since_ms))
        return [line for line in read if line.get("message") == message]

    done, = stack.until("the timer's end", lambda: [line for line in lines("processed") if line["event_type"] == "tidings.wake"])
    assert done["outcome"] == "settled", "nothing waits in that conversation"
    assert [line["timers"] for line in lines("swept")] == [1], "the second sweep finds nothing"
    assert int(progress(stack)["sweeps"]["last"]["N"]) > now
    assert set(timers(stack)) == {key, soon["sk"]["S"]}, "TTL deletes them, and the emulator has none"
