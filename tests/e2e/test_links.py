"""Whoever may send links may send nothing else: a program with the role that docs/links.md gives it, and what comes of its messages."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from cloud import HARNESS

DENIED = {"AccessDenied", "AccessDeniedException"}
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}


def link(identifier, conversation="whatsapp:491713920012"):
    return {
        "specversion": "1.0", "tidingsversion": 1, "id": identifier, "source": "/tidings", "type": "tidings.link",
        "time": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()), "data": {"identity": "customer:e2e", "conversation": conversation},
    }


@pytest.fixture
def program(stack):
    """SQS as a program may use it."""
    roles, name = stack.client("iam"), "links-program"
    queue = stack.queue(stack.links_queue)["QueueArn"]
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue}]}
    role = roles.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    roles.put_role_policy(RoleName=name, PolicyName="links", PolicyDocument=json.dumps(allowed))
    given = stack.client("sts").assume_role(RoleArn=role, RoleSessionName=HARNESS)["Credentials"]
    yield stack.client(
        "sqs", aws_access_key_id=given["AccessKeyId"], aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    roles.delete_role_policy(RoleName=name, PolicyName="links")
    roles.delete_role(RoleName=name)


def test_a_program_links_an_identity_and_may_send_no_event(stack, tidings, program):
    body = json.dumps(link("e2e-1"))
    program.send_message(QueueUrl=stack.links_queue, MessageBody=body)
    stack.until("the link", lambda: stack.claims().get("@link#e2e-1", {}).get("state") == "processed")
    assert stack.claims()["@link#e2e-1"]["conversation"] == "whatsapp:491713920012"
    for url in (stack.events_queue, stack.actions_queue, stack.dead_queue, stack.dead_links_queue):
        extra = {"MessageGroupId": "e2e", "MessageDeduplicationId": "e2e"} if url.endswith(".fifo") else {}
        with pytest.raises(ClientError) as refusal:
            program.send_message(QueueUrl=url, MessageBody=body, **extra)
        assert refusal.value.response["Error"]["Code"] in DENIED
    with pytest.raises(ClientError):
        program.receive_message(QueueUrl=stack.links_queue)


def test_an_event_on_the_links_queue_dies_there_and_touches_no_claim(stack, tidings, corpus, program):
    stack.set_visibility(1)
    request = tidings.sign(corpus.plain)
    with stack.processor_paused():
        assert stack.send(request).status == 202
        message, = stack.until("the event", lambda: stack.client("sqs").receive_message(QueueUrl=stack.events_queue).get("Messages"))
        stack.client("sqs").delete_message(QueueUrl=stack.events_queue, ReceiptHandle=message["ReceiptHandle"])
    stack.forget_state()
    program.send_message(QueueUrl=stack.links_queue, MessageBody=message["Body"])
    dead, = stack.until("the dead letter", lambda: stack.dead_letters(stack.dead_links_queue), 60)
    assert dead["Body"] == message["Body"]
    assert (stack.claims(), stack.context()) == ({}, {})
    assert stack.depth(stack.dead_queue) == (0, 0), "a redrive of events would bring it in"


def test_a_link_on_the_events_queue_dies_with_where_it_belongs_and_a_redrive_sends_it_there(stack, tidings):
    stack.set_visibility(1)
    stack.client("sqs").send_message(QueueUrl=stack.events_queue, MessageBody=json.dumps(link("e2e-2")))
    stack.until("the dead letter", stack.dead_letters, 60)
    dead = tidings.event("@link#e2e-2")
    assert dead["state"] == "dead" and "send links to the links queue" in dead["reason"], dead
    tidings("dlq", "redrive", "--reason", "a link on the events queue", "--yes", *tidings.deployed())
    stack.until("the link", lambda: stack.claims()["@link#e2e-2"]["state"] == "processed")
    assert stack.depth(stack.dead_queue) == (0, 0)
