"""The feed: not there by default; deployed with a parameter, a viewer with a token follows a conversation and resumes by number, and its
role can only do that."""

import base64
import hashlib
import hmac
import json
import os
import time

import pytest
from botocore.exceptions import ClientError

from conftest import REPOSITORY

KEY = "an-e2e-key-that-signs-viewers-tokens"
DENIED = {"AccessDenied", "AccessDeniedException"}
NAME = "whatsapp:491713920012"
ANN = "/feed/whatsapp%3A491713920012"


def deploy(stack, tidings, built, **parameters):
    stack.deploy_again(os.environ["E2E_SAM_BIN"], built, REPOSITORY, **parameters)
    stack.make_ready(tidings.secrets)


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def token(**claims):
    signed = part({"alg": "HS256"}) + "." + part({"sub": NAME, "exp": int(time.time()) + 600, **claims})
    mac = hmac.new(KEY.encode(), signed.encode(), hashlib.sha256).digest()
    return signed + "." + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def events(answer):
    """The ids and kinds of an answer's events."""
    blocks = [dict(line.split(": ", 1) for line in block.split("\n")) for block in answer.body.decode().split("\n\n") if block.startswith("id")]
    return [(int(block["id"]), block["event"]) for block in blocks]


@pytest.fixture
def with_feed(stack, tidings, built):
    deploy(stack, tidings, built, Feed="true")
    yield stack
    deploy(stack, tidings, built, Feed="false")


def test_a_stack_has_no_feed_unless_it_is_asked_for(stack):
    assert not [name for name in stack.resources if name.startswith("Feed")]
    assert "FeedUrl" not in stack.outputs
    assert stack.http("GET", ANN, {"Authorization": f"Bearer {token()}"}).status == 404


def test_a_viewer_follows_a_conversation_and_nobody_without_a_token(with_feed, tidings):
    stack = with_feed

    def ask(given, **headers):
        return stack.http("GET", ANN, {"Authorization": f"Bearer {given}", **headers})

    assert ask(token()).status == 503, "no key is written yet"
    keys = json.dumps({"bot": KEY})
    stack.client("secretsmanager").put_secret_value(SecretId=stack.outputs["FeedSecretArn"], SecretString=keys)
    stack.restart("FeedReader")
    assert stack.send(tidings.sign("orders-delivered-early")).status == 202
    stack.settle()
    seen = events(ask(token()))
    assert "context" in [kind for _, kind in seen], seen
    first, last = seen[0][0], seen[-1][0]
    assert events(ask(token(), **{"Last-Event-ID": str(first)})) == seen[1:]
    assert events(ask(token(), **{"Last-Event-ID": str(last)})) == []
    for given in ("", "a.b.c", token()[:-2] + "AA"):
        assert ask(given).status == 401, given
    assert ask(token(sub="whatsapp:1")).status == 403

    body = json.dumps({"id": "m1", "sequence": 0, "text": "Hello", "done": True})
    appends = {"Authorization": f"Bearer {token(scope='append')}", "Content-Type": "application/json"}
    assert stack.http("POST", ANN, appends, body).status == 202
    assert stack.http("POST", ANN, appends, body).status == 200, "a retry"
    assert [kind for _, kind in events(ask(token(), **{"Last-Event-ID": str(last)}))] == ["message"]

    role = stack.role("FeedRole")
    key = {"pk": {"S": "e2e"}, "sk": {"S": "node"}}
    for refused in (
        lambda: role("dynamodb").scan(TableName=stack.context_table),
        lambda: role("dynamodb").delete_item(TableName=stack.context_table, Key=key),
        lambda: role("dynamodb").put_item(TableName=stack.claims_table, Item={"pk": {"S": "e2e"}}),
        lambda: role("secretsmanager").get_secret_value(SecretId=stack.secret),
    ):
        with pytest.raises(ClientError) as refusal:
            refused()
        assert refusal.value.response["Error"]["Code"] in DENIED
