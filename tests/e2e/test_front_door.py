"""The other front door: an address of the receiver itself, and no API. What nobody sees isn't made: such a stack has no alarms here."""

import os

import pytest

from conftest import REPOSITORY
from watching import ask_status

OTHERS = {"FrontDoor": "FunctionUrl", "CreateDashboard": "false"}


@pytest.fixture
def behind_a_url(stack, tidings, built):
    deploy(stack, tidings, built, **OTHERS)
    yield stack
    deploy(stack, tidings, built, FrontDoor="HttpApi")


def deploy(stack, tidings, built, **parameters):
    stack.deploy_again(os.environ["E2E_SAM_BIN"], built, REPOSITORY, **parameters)
    stack.make_ready(tidings.secrets)


def test_a_webhook_to_a_function_url_is_accepted_and_processed_once(behind_a_url, tidings, corpus):
    stack = behind_a_url
    assert not [name for name in stack.resources if name in ("Api", "Stage", "AccessLogGroup") or name.endswith("Route")]
    assert ".lambda-url." in stack.outputs["WebhookUrl"] and not stack.outputs["WebhookUrl"].endswith("/")
    request = tidings.sign(corpus.plain)
    assert stack.send(request).status == 202
    stack.settle()
    assert stack.send(request).status == 200
    stack.settle()
    assert {claim["state"] for claim in stack.claims().values()} == {"processed"}
    assert stack.send(tidings.sign(corpus.plain, tamper="signature")).status == 401
    # There is no route that would keep it away.
    assert stack.http("POST", "/nothing/here", body=b"{}").status == 404
    assert stack.log_lines("Receiver", stack.since_ms)

    assert not [name for name in stack.resources if name.endswith("Alarm")]
    _, said = ask_status(tidings, "http://127.0.0.1:9")
    assert (said["alarms"]["watched"], said["alarms"]["listed"]) == (0, [])
    assert "AlarmTopicArn is not set" in said["alarms"]["note"]
