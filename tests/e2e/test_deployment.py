"""What was deployed is what the template says, as far as the emulated cloud can show it."""

import json
import os
import subprocess
from pathlib import Path

from cloud import HEALTH, aws_env

REPOSITORY = Path(__file__).resolve().parents[2]


def test_outputs_are_all_there(stack):
    assert set(stack.outputs) >= {
        "WebhookUrl", "EventsQueueUrl", "DeadLetterQueueUrl", "ClaimsTableName", "ContextTableName", "SecretArn",
    }
    assert all(stack.outputs.values())
    assert stack.outputs["SecretArn"].startswith("arn:")


def test_a_stack_without_secrets_is_unavailable_and_not_unauthentic(stack):
    assert stack.fresh_reply.status == 503, stack.fresh_reply
    assert "retry-after" in stack.fresh_reply.headers
    assert stack.fresh_claims == {}


def test_the_queue_outlasts_the_processor(stack):
    functions = stack.client("lambda")
    processor = functions.get_function_configuration(FunctionName=stack.resources["Processor"])
    mapping = functions.get_event_source_mapping(UUID=stack.resources["ProcessorSource"])
    queue, dead = stack.events_queue_as_deployed, stack.queue(stack.dead_queue)
    redrive = json.loads(queue["RedrivePolicy"])

    assert int(queue["VisibilityTimeout"]) >= 6 * processor["Timeout"]
    assert redrive["deadLetterTargetArn"] == dead["QueueArn"]
    assert str(redrive["maxReceiveCount"]) == str(processor["Environment"]["Variables"]["MAX_RECEIVE_COUNT"])
    assert queue["MessageRetentionPeriod"] == dead["MessageRetentionPeriod"] == str(14 * 86400)
    assert queue["MaximumMessageSize"] == str(1 << 20)
    assert json.loads(dead["RedriveAllowPolicy"])["sourceQueueArns"] == [queue["QueueArn"]]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_health(stack):
    assert stack.http("GET", HEALTH).status == 200
    assert stack.proxy.made_by() == []


def test_a_path_that_is_not_ours_starts_no_function(stack):
    reply = stack.http("POST", "/nothing/here", body=b"{}")
    assert (reply.status, reply.json) == (404, {"message": "Not Found"})
    assert stack.log_lines("Receiver", stack.since_ms) == []


def test_unknown_source_and_wrong_method_are_answered_by_us(stack, tidings, corpus):
    source = tidings.sign(corpus.plain).source
    headers = {"content-type": "application/json"}
    assert stack.http("POST", "/webhooks/no-such-source", headers, b"{}").status == 404
    assert stack.http("PUT", f"/webhooks/{source}", headers, b"{}").status == 405
    assert stack.proxy.made_by() == []
    assert stack.claims() == {}


def test_the_template_is_lint_clean():
    sam = Path(os.environ["E2E_SAM_BIN"]) / "sam"
    linted = subprocess.run([sam, "validate", "--lint"], cwd=REPOSITORY, env=aws_env("http://127.0.0.1:9", sam.parent),
                            capture_output=True, text=True)
    assert linted.returncode == 0, linted.stdout + linted.stderr
