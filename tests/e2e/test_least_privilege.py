"""Each role does what its function does, and is refused everything next to it. Real calls, with the role's own credentials."""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from cloud import REGION, ROOT

DENIED = {"AccessDenied", "AccessDeniedException"}
CLAIM = {"pk": {"S": "e2e#privilege"}}
FACT = {"pk": {"S": "e2e"}, "sk": {"S": "entity#privilege"}}
LINK = {"pk": {"S": "e2e"}, "sk": {"S": "link"}}
ACTION = {"MessageBody": "{}", "MessageGroupId": "e2e", "MessageDeduplicationId": "e2e"}
UPDATE = {
    "UpdateExpression": "SET seen = :yes",
    "ExpressionAttributeValues": {":yes": {"S": "yes"}},
}



def query(key):
    return {"KeyConditionExpression": f"{key} = :key", "ExpressionAttributeValues": {":key": {"S": "e2e"}}}


def received(stack):
    """A receipt of the events queue, received by the account's owner."""
    sqs = stack.client("sqs")
    sqs.send_message(QueueUrl=stack.events_queue, MessageBody="{}")
    return sqs.receive_message(QueueUrl=stack.events_queue, WaitTimeSeconds=5)["Messages"][0]["ReceiptHandle"]


# what, service, call, and the roles that may.
CALLS = [
    ("put a claim", "dynamodb", lambda c, s: c.put_item(TableName=s.claims_table, Item=CLAIM), {"Receiver"}),
    ("mark a claim", "dynamodb", lambda c, s: c.update_item(TableName=s.claims_table, Key=CLAIM, **UPDATE), {"Receiver", "Processor"}),
    ("read a claim", "dynamodb", lambda c, s: c.get_item(TableName=s.claims_table, Key=CLAIM), {"Processor"}),
    ("delete a claim", "dynamodb", lambda c, s: c.delete_item(TableName=s.claims_table, Key=CLAIM), set()),
    (
        "read a timeline", "dynamodb",
        lambda c, s: c.query(TableName=s.claims_table, IndexName="timeline", **query("conversation")), set(),
    ),
    ("list claims", "dynamodb", lambda c, s: c.scan(TableName=s.claims_table), set()),
    ("read facts", "dynamodb", lambda c, s: c.batch_get_item(RequestItems={s.context_table: {"Keys": [FACT]}}), {"Processor"}),
    ("read a fact", "dynamodb", lambda c, s: c.get_item(TableName=s.context_table, Key=FACT), set()),
    ("read a context", "dynamodb", lambda c, s: c.query(TableName=s.context_table, **query("pk")), {"Processor"}),
    ("write a fact", "dynamodb", lambda c, s: c.put_item(TableName=s.context_table, Item=FACT), {"Processor"}),
    ("change a fact", "dynamodb", lambda c, s: c.update_item(TableName=s.context_table, Key=FACT, **UPDATE), set()),
    ("delete a fact", "dynamodb", lambda c, s: c.delete_item(TableName=s.context_table, Key=FACT), {"Processor"}),
    ("store a timer", "dynamodb", lambda c, s: c.put_item(TableName=s.timers_table, Item=FACT), {"Processor"}),
    ("read timers", "dynamodb", lambda c, s: c.query(TableName=s.timers_table, **query("pk")), {"Processor"}),
    ("delete a timer", "dynamodb", lambda c, s: c.delete_item(TableName=s.timers_table, Key=FACT), set()),
    ("list timers", "dynamodb", lambda c, s: c.scan(TableName=s.timers_table), set()),
    ("list facts", "dynamodb", lambda c, s: c.scan(TableName=s.context_table), set()),
    (
        "commit claim and fact", "dynamodb",
        lambda c, s: c.transact_write_items(TransactItems=[
            {"Update": {"TableName": s.claims_table, "Key": CLAIM, **UPDATE}},
            {"Put": {"TableName": s.context_table, "Item": FACT}},
        ]),
        {"Processor"},
    ),
    (
        "commit a claim if there is no link", "dynamodb",
        lambda c, s: c.transact_write_items(TransactItems=[
            {"Update": {"TableName": s.claims_table, "Key": CLAIM, **UPDATE}},
            {"ConditionCheck": {"TableName": s.context_table, "Key": LINK, "ConditionExpression": "attribute_not_exists(pk)"}},
        ]),
        {"Processor"},
    ),
    (
        "put a claim inside a commit", "dynamodb",
        lambda c, s: c.transact_write_items(TransactItems=[
            {"Put": {"TableName": s.claims_table, "Item": CLAIM}},
            {"Put": {"TableName": s.context_table, "Item": FACT}},
        ]),
        set(),
    ),
    ("enqueue", "sqs", lambda c, s: c.send_message(QueueUrl=s.events_queue, MessageBody="{}"), {"Receiver", "Processor"}),
    ("consume", "sqs", lambda c, s: c.receive_message(QueueUrl=s.events_queue), {"Processor"}),
    (
        "hide an event", "sqs",
        lambda c, s: c.change_message_visibility(QueueUrl=s.events_queue, ReceiptHandle=received(s), VisibilityTimeout=1),
        {"Processor"},
    ),
    ("act", "sqs", lambda c, s: c.send_message(QueueUrl=s.actions_queue, **ACTION), {"Processor"}),
    ("read actions", "sqs", lambda c, s: c.receive_message(QueueUrl=s.actions_queue), set()),
    ("consume links", "sqs", lambda c, s: c.receive_message(QueueUrl=s.links_queue), {"Processor"}),
    ("send a link", "sqs", lambda c, s: c.send_message(QueueUrl=s.links_queue, MessageBody="{}"), set()),
    ("read the dead links", "sqs", lambda c, s: c.receive_message(QueueUrl=s.dead_links_queue), set()),
    ("purge", "sqs", lambda c, s: c.purge_queue(QueueUrl=s.events_queue), set()),
    ("write to the dead", "sqs", lambda c, s: c.send_message(QueueUrl=s.dead_queue, MessageBody="{}"), set()),
    ("read the dead", "sqs", lambda c, s: c.receive_message(QueueUrl=s.dead_queue), set()),
    ("read the secret", "secretsmanager", lambda c, s: c.get_secret_value(SecretId=s.secret), {"Receiver"}),
    ("write the secret", "secretsmanager", lambda c, s: c.put_secret_value(SecretId=s.secret, SecretString="{}"), set()),
]


@pytest.mark.parametrize("role", ["Receiver", "Processor"])
@pytest.mark.parametrize(("service", "call", "allowed"), [c[1:] for c in CALLS], ids=[c[0].replace(" ", "_") for c in CALLS])
def test_a_role_may_do_what_its_function_does_and_no_more(stack, role, service, call, allowed):
    client = stack.role(f"{role}Role")(service)
    with stack.processor_paused():
        try:
            call(client, stack)
            refused = False
        except ClientError as error:
            if error.response["Error"]["Code"] not in DENIED:
                raise
            refused = True
        for url in (stack.events_queue, stack.actions_queue):
            stack.client("sqs").purge_queue(QueueUrl=url)
    if role in allowed:
        assert not refused, f"the {role} can't do its work"
    else:
        assert refused, f"the {role} may do what it never does"


def test_the_functions_themselves_are_held_to_their_roles(stack, tidings, corpus):
    """What a role loses, its running function can't do: the refusals above are the functions' own, and nothing is lost by one."""
    request = tidings.sign(corpus.facts)
    with stack.without("ReceiverRole", "Enqueue"):
        assert stack.send(request).status == 503
        assert [c["state"] for c in stack.claims().values()] == ["received"]
    with stack.without("ProcessorRole", "CommitClaim"):
        assert stack.send(request).status == 202
        # The claim is read with the facts, before they are written.
        reads = lambda: [c.status for c in stack.proxy.made_by("processor") if c.operation == "BatchGetItem"]
        stack.until("a refused read", lambda: 403 in reads())
        assert stack.context() == {}
    stack.settle()
    assert [c["state"] for c in stack.claims().values()] == ["processed"]


def test_the_queues_refuse_what_does_not_come_over_tls(stack):
    """The proxy stands for TLS, so a call that goes around it is a plain one. Even the account's owner is refused."""
    plain = boto3.session.Session().client(
        "sqs", region_name=REGION, endpoint_url=f"http://127.0.0.1:{stack.emulator.port}",
        aws_access_key_id=ROOT["AWS_ACCESS_KEY_ID"], aws_secret_access_key=ROOT["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )
    for url in (stack.events_queue, stack.dead_queue, stack.links_queue, stack.dead_links_queue, stack.actions_queue):
        with pytest.raises(ClientError) as refusal:
            plain.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        assert refusal.value.response["Error"]["Code"] in DENIED
