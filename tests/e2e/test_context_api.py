"""The read API: not there by default; deployed with a parameter, it answers who has a token, and its role can only query."""

import json
import os

import pytest
from botocore.exceptions import ClientError

from conftest import REPOSITORY

TOKEN = "an-e2e-token-of-more-than-32-characters"
DENIED = {"AccessDenied", "AccessDeniedException"}
ANN = "/context/whatsapp%3A491713920012"


def deploy(stack, tidings, built, **parameters):
    stack.deploy_again(os.environ["E2E_SAM_BIN"], built, REPOSITORY, **parameters)
    stack.make_ready(tidings.secrets)


@pytest.fixture
def with_api(stack, tidings, built):
    deploy(stack, tidings, built, ContextApi="token")
    yield stack
    deploy(stack, tidings, built, ContextApi="false")


def test_a_stack_has_no_read_api_unless_it_is_asked_for(stack):
    assert not [name for name in stack.resources if name.startswith(("Reader", "ContextRoute", "ContextTokens"))]
    assert "ContextUrl" not in stack.outputs
    assert stack.http("GET", ANN, {"Authorization": f"Bearer {TOKEN}"}).status == 404


def test_a_bot_reads_a_context_with_a_token_and_nobody_without(with_api, tidings, corpus):
    stack = with_api
    assert stack.http("GET", ANN, {"Authorization": f"Bearer {TOKEN}"}).status == 503, "no token is written yet"
    tokens = json.dumps({"bot": TOKEN})
    stack.client("secretsmanager").put_secret_value(SecretId=stack.outputs["ContextTokensArn"], SecretString=tokens)
    stack.restart("Reader")
    assert stack.send(tidings.sign(corpus.plain)).status == 202
    stack.settle()
    shown = stack.http("GET", ANN, {"Authorization": f"Bearer {TOKEN}"})
    assert shown.status == 200, shown
    assert shown.json["conversation"] == "whatsapp:491713920012"
    for headers in ({}, {"Authorization": "Bearer " + TOKEN[:-1]}, {"Authorization": TOKEN}):
        assert stack.http("GET", ANN, headers).status == 401, headers

    reads = stack.role("ReaderRole")("dynamodb")
    key = {"pk": {"S": "e2e"}, "sk": {"S": "node"}}
    asked = {"KeyConditionExpression": "pk = :name", "ExpressionAttributeValues": {":name": {"S": "e2e"}}}
    reads.query(TableName=stack.context_table, **asked)
    for refused in (
        lambda: reads.scan(TableName=stack.context_table),
        lambda: reads.put_item(TableName=stack.context_table, Item=key),
        lambda: reads.delete_item(TableName=stack.context_table, Key=key),
        lambda: reads.get_item(TableName=stack.claims_table, Key={"pk": {"S": "e2e"}}),
        lambda: stack.role("ReaderRole")("secretsmanager").get_secret_value(SecretId=stack.secret),
    ):
        with pytest.raises(ClientError) as refusal:
            refused()
        assert refusal.value.response["Error"]["Code"] in DENIED
