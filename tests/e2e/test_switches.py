"""What is off by default, all of it on in one stack with IAM enforced: the read API, the feed, the sender, the publisher with endpoints
and sinks, the API of the endpoints, and Kafka. Off, there is nothing of it.

The deployed functions reach public addresses alone, and no server of the Internet is called here: endpoints and sinks have names
that lead nowhere, so an attempt is made, fails and is recorded. What arrives at a server is shown with `tidings dev`, and at a broker in
`tests/kafka`.
"""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import time

import pytest
from botocore.exceptions import ClientError

from cloud import aws_env, zipped
from conftest import REPOSITORY

KEY = "an-e2e-key-that-signs-viewers-tokens"
DENIED = {"AccessDenied", "AccessDeniedException"}
NAME = "whatsapp:491713920012"
ANN = "/feed/whatsapp%3A491713920012"


def test_a_stack_has_nothing_that_is_not_asked_for(stack):
    """The first test of this file: the stack is as it was deployed."""
    assert parts(stack) == set()
    assert not {"FeedUrl", "ContextUrl", "EndpointsUrl", "SendsTableName", "EndpointsTableName", "KafkaQueueUrl"} & set(stack.outputs)
    for path in (ANN, "/endpoints", "/endpoints/ep_a"):
        assert stack.http("GET", path, {"Authorization": f"Bearer {token()}"}).status == 404


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


ON = {"Feed": "true", "ContextApi": "token", "Sender": "true", "Publisher": "true", "Kafka": "true", "EndpointsApi": "true"}
OFF = dict.fromkeys(ON, "false")
PARTS = (
    "Reader", "Context", "Feed", "Send", "Channel", "BotActions", "Publish", "Deliver", "Endpoint", "Portal", "Kafka", "ProcessorPublish", "Sink",
)
ALWAYS = {"ContextTable"}
BACKEND = "an-e2e-token-of-a-backend-that-manages-endpoints"
# Regions and names that nobody has.
SINKS = """
version: 1
sinks:
  queue: { to: "arn:aws:sqs:xx-none-1:123456789012:orders", events: ["order.*"] }
  log: { kafka: { brokers: ["127.0.0.1:9"], topic: events, tls: false }, events: ["nothing.of.the.corpus"] }
"""


def parts(stack):
    """What a stack has of the switches."""
    return {name for name in stack.resources if name.startswith(PARTS)} - ALWAYS


def artefact(tidings, folder):
    """The configuration of the demo's project, with sinks."""
    project = folder / "project"
    subprocess.run(["cp", "-r", str(REPOSITORY / "events" / "project"), str(project)], check=True)
    (project / "sinks.yaml").write_text(SINKS)
    subprocess.run(
        [str(tidings.binary), "build", "--project", str(project), "--out", str(folder / "out")], check=True, cwd=folder,
        env=aws_env("http://127.0.0.1:9"), stdout=subprocess.DEVNULL,
    )
    return (folder / "out" / "tidings.json").read_bytes()


@pytest.fixture(scope="module")
def all_on(deployed, tidings, built, tmp_path_factory):
    """One deployment for all tests of this file."""
    deploy(deployed, tidings, built, **ON)
    configuration = artefact(tidings, tmp_path_factory.mktemp("switches"))
    for name in ("PublisherFunction", "KafkaFunction"):
        bootstrap = (built / name / "bootstrap").read_bytes()
        deployed.release(name, code=zipped({"bootstrap": bootstrap, "tidings.json": configuration}))
    yield deployed
    deploy(deployed, tidings, built, **OFF)
    assert parts(deployed) == set()


@pytest.fixture
def with_feed(all_on, stack):
    return stack


@pytest.fixture
def switched(all_on, stack):
    return stack


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


def test_an_event_goes_every_way_out_and_each_records_what_it_did(switched, tidings):
    stack = switched
    made = tidings("endpoints", "add", "https://endpoint.invalid/hooks", "--event", "*", *tidings.deployed())
    stack.restart("PublisherFunction")
    for case in ("orders-delivered-early", "orders-product-watched", "orders-product-restocked"):
        assert stack.send(tidings.sign(case)).status == 202
        stack.settle()
    # The sender has no channel for it: it is the bot's.
    actions = stack.until("an action for the bot", stack.actions, 60)
    assert {action["type"] for action in actions} == {"tidings.notify"}
    assert stack.depth(stack.outputs["SenderQueueUrl"]) == (0, 0)

    def attempted(endpoint, event_type):
        shown = tidings("endpoints", "attempts", endpoint, *tidings.deployed())
        return [one for one in shown if one["type"] == event_type and one.get("log")]

    for endpoint, event_type in ((made["id"], "order.delivered"), ("sink_queue", "order.delivered")):
        delivery = stack.until(f"an attempt at {endpoint}", lambda: attempted(endpoint, event_type), 90)[0]
        assert delivery["state"] == "pending" and delivery["log"][0]["result"] in ("not_sent", "no_answer"), delivery

    queue = stack.outputs["KafkaQueueUrl"]
    event = json.dumps({"specversion": "1.0", "id": "msg_1", "source": "/e2e", "type": "order.paid", "conversation": NAME, "data": {}})
    stack.client("sqs").send_message(
        QueueUrl=queue, MessageBody=event, MessageGroupId="e2e", MessageDeduplicationId=str(time.time()),
        MessageAttributes={"sink": {"DataType": "String", "StringValue": "log"}},
    )
    wrote = lambda: [line for line in stack.log_lines("Kafka", stack.since_ms) if "a record isn't written" in line]
    assert "msg_1" in stack.until("a refused connection to the broker", wrote, 60)[0]


def test_a_customer_manages_its_own_endpoints_over_http(switched, tidings):
    stack = switched

    def ask(method, path, given, body=None, **headers):
        return stack.http(method, path, {"Authorization": f"Bearer {given}", "Content-Type": "application/json", **headers}, json.dumps(body))

    assert ask("GET", "/endpoints", BACKEND).status == 503, "no token is written yet"
    document = json.dumps({"bot": BACKEND})
    stack.client("secretsmanager").put_secret_value(SecretId=stack.outputs["PortalTokensArn"], SecretString=document)
    stack.restart("Portal")
    assert ask("GET", "/endpoints", "wrong-token-of-thirty-two-characters").status == 401
    seven, eight = (
        tidings("endpoints", "portal-token", "--owner", owner, *tidings.deployed())["token"] for owner in ("customer-70", "customer-80")
    )
    new = {"url": "https://customer.invalid/hooks", "events": ["order.*"]}
    made = ask("POST", "/endpoints", seven, new, **{"Idempotency-Key": "k1"})
    assert made.status == 201 and made.json["secrets"], made
    again = ask("POST", "/endpoints", seven, new, **{"Idempotency-Key": "k1"})
    assert (again.status, again.json["id"]) == (201, made.json["id"])
    path = f"/endpoints/{made.json['id']}"
    assert [one["id"] for one in ask("GET", "/endpoints", seven).json["endpoints"]] == [made.json["id"]]
    assert ask("GET", "/endpoints", eight).json["endpoints"] == []
    foreign, unknown = ask("GET", path, eight), ask("GET", "/endpoints/ep_nobody", eight)
    assert (foreign.status, foreign.body) == (unknown.status, unknown.body) == (404, unknown.body)
    assert "secrets" not in ask("GET", path, seven).json
    assert ask("PATCH", path, seven, {"active": False}).json["disabled"]["reason"] == "by_hand"
    assert ask("POST", f"{path}/test", seven, {}).status == 202
    assert ask("DELETE", path, seven).status == 204


def item(pk, sk=None):
    return {"pk": {"S": pk}} | ({"sk": {"S": sk}} if sk else {})


# what, service, call, and the roles that may. The emulated cloud holds each role to its policy.
CALLS = [
    ("read endpoints", "dynamodb", lambda c, s: c.get_item(TableName=s.outputs["EndpointsTableName"], Key=item("e", "e")), {"Publisher", "Portal"}),
    ("write an endpoint", "dynamodb", lambda c, s: c.put_item(TableName=s.outputs["EndpointsTableName"], Item=item("e2e", "e")), {"Publisher", "Portal"}),
    ("delete an endpoint", "dynamodb", lambda c, s: c.delete_item(TableName=s.outputs["EndpointsTableName"], Key=item("e2e", "e")), {"Portal"}),
    ("list endpoints", "dynamodb", lambda c, s: c.scan(TableName=s.outputs["EndpointsTableName"]), set()),
    ("write a delivery", "dynamodb", lambda c, s: c.put_item(TableName=s.outputs["DeliveriesTableName"], Item=item("e2e", "e")), {"Publisher", "Portal"}),
    ("list deliveries", "dynamodb", lambda c, s: c.scan(TableName=s.outputs["DeliveriesTableName"]), set()),
    ("delete a delivery", "dynamodb", lambda c, s: c.delete_item(TableName=s.outputs["DeliveriesTableName"], Key=item("e2e", "e")), set()),
    ("claim a send", "dynamodb", lambda c, s: c.put_item(TableName=s.outputs["SendsTableName"], Item=item("e2e", "e")), {"Sender"}),
    ("read a send", "dynamodb", lambda c, s: c.get_item(TableName=s.outputs["SendsTableName"], Key=item("e2e", "e")), set()),
    ("read a context", "dynamodb", lambda c, s: c.query(TableName=s.context_table, **ABOUT), {"Reader", "Feed"}),
    ("append to a context", "dynamodb", lambda c, s: c.put_item(TableName=s.context_table, Item=item("e2e", "e")), {"Feed"}),
    ("delete a fact", "dynamodb", lambda c, s: c.delete_item(TableName=s.context_table, Key=item("e2e", "e")), set()),
    ("read a claim", "dynamodb", lambda c, s: c.get_item(TableName=s.claims_table, Key=item("e2e")), {"Feed"}),
    ("write a claim", "dynamodb", lambda c, s: c.put_item(TableName=s.claims_table, Item=item("e2e")), set()),
    ("read timers", "dynamodb", lambda c, s: c.query(TableName=s.timers_table, **ABOUT), set()),
    ("enqueue an event", "sqs", lambda c, s: c.send_message(QueueUrl=s.events_queue, MessageBody="{}"), set()),
    ("consume events", "sqs", lambda c, s: c.receive_message(QueueUrl=s.events_queue), set()),
    ("consume published", "sqs", lambda c, s: c.receive_message(QueueUrl=s.outputs["PublishedQueueUrl"]), {"Publisher"}),
    ("consume deliveries", "sqs", lambda c, s: c.receive_message(QueueUrl=s.outputs["DeliveriesQueueUrl"]), {"Publisher"}),
    ("send a delivery", "sqs", lambda c, s: c.send_message(QueueUrl=s.outputs["DeliveriesQueueUrl"], MessageBody="{}"), {"Publisher", "Portal"}),
    ("consume actions", "sqs", lambda c, s: c.receive_message(QueueUrl=s.outputs["SenderQueueUrl"]), {"Sender"}),
    ("act", "sqs", lambda c, s: c.send_message(QueueUrl=s.outputs["SenderQueueUrl"], **FIFO), set()),
    ("forward to the bot", "sqs", lambda c, s: c.send_message(QueueUrl=s.actions_queue, **FIFO), {"Sender"}),
    ("consume for Kafka", "sqs", lambda c, s: c.receive_message(QueueUrl=s.outputs["KafkaQueueUrl"]), {"Kafka"}),
    ("send to Kafka", "sqs", lambda c, s: c.send_message(QueueUrl=s.outputs["KafkaQueueUrl"], **FIFO), {"Publisher"}),
    ("read dead deliveries", "sqs", lambda c, s: c.receive_message(QueueUrl=s.resources["DeliveriesDeadLetterQueue"]), set()),
    ("read the sources' secrets", "secretsmanager", lambda c, s: c.get_secret_value(SecretId=s.secret), set()),
    ("read the endpoints' secrets", "secretsmanager", lambda c, s: c.get_secret_value(SecretId=s.outputs["EndpointsSecretArn"]), {"Publisher", "Portal"}),
    ("read the backends' tokens", "secretsmanager", lambda c, s: c.get_secret_value(SecretId=s.outputs["PortalTokensArn"]), {"Portal"}),
    ("read the channels' secrets", "secretsmanager", lambda c, s: c.get_secret_value(SecretId=s.outputs["ChannelSecretsArn"]), {"Sender"}),
    ("read the brokers' passwords", "secretsmanager", lambda c, s: c.get_secret_value(SecretId=s.outputs["KafkaSecretArn"]), {"Kafka"}),
    ("read the feed's keys", "secretsmanager", lambda c, s: c.get_secret_value(SecretId=s.outputs["FeedSecretArn"]), {"Feed"}),
    ("read the read API's tokens", "secretsmanager", lambda c, s: c.get_secret_value(SecretId=s.outputs["ContextTokensArn"]), {"Reader"}),
]
ABOUT = {"KeyConditionExpression": "pk = :key", "ExpressionAttributeValues": {":key": {"S": "e2e"}}}
FIFO = {"MessageBody": "{}", "MessageGroupId": "e2e", "MessageDeduplicationId": "e2e"}


@pytest.mark.parametrize("role", ["Reader", "Feed", "Sender", "Publisher", "Portal", "Kafka"])
def test_a_role_of_a_switch_may_do_what_its_function_does_and_no_more(switched, role):
    stack, client, wrong = switched, switched.role(f"{role}Role"), []
    with stack.processor_paused():
        for what, service, call, allowed in CALLS:
            try:
                call(client(service), stack)
                refused = False
            except ClientError as error:
                if error.response["Error"]["Code"] not in DENIED:
                    raise
                refused = True
            if refused == (role in allowed):
                wrong.append(f"{role} {'can not' if refused else 'may'} {what}")
        stack.client("sqs").purge_queue(QueueUrl=stack.events_queue)
    store = stack.client("dynamodb")
    for table in ("EndpointsTableName", "DeliveriesTableName", "SendsTableName"):
        store.delete_item(TableName=stack.outputs[table], Key=item("e2e", "e"))
    assert not wrong, wrong
