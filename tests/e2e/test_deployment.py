"""What was deployed is what the template says, as far as the emulated cloud can show it."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from cloud import ALIAS, HEALTH, REGION, aws_env

REPOSITORY = Path(__file__).resolve().parents[2]


def test_outputs_are_all_there(stack):
    assert set(stack.outputs) >= {
        "WebhookUrl", "EventsQueueUrl", "LinksQueueUrl", "DeadLetterQueueUrl", "ClaimsTableName", "ContextTableName",
        "TimersTableName", "SecretArn",
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


def test_health_and_ready_are_answered_by_head_too(stack):
    """Several uptime monitors ask so."""
    for path in (HEALTH, "/ready"):
        reply = stack.http("HEAD", path)
        assert (reply.status, reply.body) == (200, b""), f"{path}: {reply}"


def test_ready_asks_with_the_receivers_own_role_and_seldom(stack):
    # The emulated cloud's worker has been asked by nobody before: `wipe` calls /health only.
    stack.restart("Receiver")
    stack.proxy.forget()
    for _ in range(3):
        reply = stack.http("GET", "/ready")
        assert (reply.status, reply.json["checks"]) == (200, {"secret": "ok", "claims": "ok", "queue": "ok"}), reply
    asked = [call.operation for call in stack.proxy.made_by() if call.operation != "GetSecretValue"]
    assert sorted(asked) == ["GetQueueAttributes", "UpdateItem"]
    assert stack.claims() == {}


@pytest.mark.parametrize(("statement", "check"), [("Claim", "claims"), ("SeeTheQueue", "queue")])
def test_ready_says_what_the_receiver_may_not(stack, statement, check):
    stack.restart("Receiver")
    with stack.without("ReceiverRole", statement):
        reply = stack.http("GET", "/ready")
    assert (reply.status, reply.json["checks"][check]) == (503, "no_answer"), reply
    stack.restart("Receiver")


def test_the_api_and_the_queue_call_the_alias(stack):
    functions = stack.client("lambda")
    mapping = functions.get_event_source_mapping(UUID=stack.resources["ProcessorSource"])
    assert mapping["FunctionArn"].endswith(f":{stack.resources['Processor']}:{ALIAS}")
    integrations = stack.client("apigatewayv2").get_integrations(ApiId=stack.resources["Api"])["Items"]
    assert [i["IntegrationUri"].endswith(f":{stack.resources['Receiver']}:{ALIAS}") for i in integrations] == [True]


def test_what_can_have_a_tag_has_the_stacks(stack):
    """samconfig.toml's, and whatever `--tags` adds."""
    tables, queues = stack.client("dynamodb"), stack.client("sqs")
    arn = tables.describe_table(TableName=stack.claims_table)["Table"]["TableArn"]
    assert {"Key": "application", "Value": "tidings"} in tables.list_tags_of_resource(ResourceArn=arn)["Tags"]
    assert queues.list_queue_tags(QueueUrl=stack.events_queue)["Tags"]["application"] == "tidings"


@pytest.fixture(autouse=True)
def region(monkeypatch):
    """SAM's translator must know a partition."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


def translated(code="s3://bucket/code.zip", **parameters):
    """SAM's own translation of the template, as CloudFormation gets it."""
    template = yaml_parse((REPOSITORY / "template.yaml").read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = code
    return transform(template, parameters, None)["Resources"]


def test_gradual_deployment_watches_its_alarms_and_rolls_back():
    resources = translated(GradualDeployment="true")
    for name, alarms in (
        ("Receiver", ["ReceiverFailedAlarm", "EnqueueAlarm"]), ("Processor", ["ProcessorFailedAlarm", "LateFastAlarm"])
    ):
        group = resources[f"{name}DeploymentGroup"]["Properties"]
        assert group["AlarmConfiguration"]["Alarms"] == [{"Name": {"Ref": alarm}} for alarm in alarms]
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        assert group["ServiceRoleArn"]["Fn::If"][:2] == ["Gradual", {"Fn::GetAtt": ["DeploymentRole", "Arn"]}]
        update = resources[f"{name}Alias{ALIAS}"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert update["DeploymentGroupName"] == {"Ref": f"{name}DeploymentGroup"}
    assert not [r for r in translated(GradualDeployment="false").values() if r["Type"].startswith("AWS::CodeDeploy")]


def test_new_code_or_a_new_parameter_is_a_new_version():
    """Configuration is in the package. The version before is kept, for the way back."""
    def versions(resources):
        return {name: r for name, r in resources.items() if r["Type"] == "AWS::Lambda::Version"}

    before, after = versions(translated()), versions(translated(code="s3://bucket/other.zip"))
    assert len(before) == len(after) == 8
    assert not set(before) & set(after)
    for version in before.values():
        # CloudFormation replaces a version whose description changes.
        assert "${LogLevel}" in version["Properties"]["Description"]["Fn::Sub"]
        assert (version["DeletionPolicy"], version["UpdateReplacePolicy"]) == ("Retain", "Retain")


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
