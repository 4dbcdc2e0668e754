"""What `processor` does, for two types of event, written by hand: each event once, one update of the context, one action."""

import hashlib
import json
import os
import time

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function
from botocore.exceptions import ClientError
from clients import dynamodb, sqs

CONTEXT_TABLE = os.environ["CONTEXT_TABLE"]
ACTIONS_QUEUE_URL = os.environ["ACTIONS_QUEUE_URL"]

logger = Logger(service="processor")
metrics = Metrics(service="processor")
processor = BatchProcessor(event_type=EventType.SQS)
claims = DynamoDBPersistenceLayer(table_name=os.environ["CLAIMS_TABLE"], boto3_client=dynamodb)
once = IdempotencyConfig(event_key_jmespath="claimkey", expires_after_seconds=30 * 24 * 3600, raise_on_no_idempotency_key=True)


def priced(event):
    order = event["data"]["order"]
    return f"whatsapp:{order['customer_phone'][1:]}", event["subject"], {"total": order["total_cents"] / 100, "currency": order["currency"]}, None


def mentioned(event):
    said = event["data"]["event"]
    facts = {"text": said.get("text"), "user": said.get("user")}
    wanted = {"channel": said["channel"], "text": said.get("text", "")}
    return event["conversation"], event["conversation"], facts, {"type": "answer.wanted", "data": wanted}


RULES = {"order.priced": priced, "app_mention": mentioned}


def update(conversation, entity, facts, event):
    """Sets the facts, unless a newer event has."""
    try:
        dynamodb.update_item(
            TableName=CONTEXT_TABLE,
            Key={"pk": {"S": conversation}, "sk": {"S": f"entity#{entity}"}},
            UpdateExpression="SET facts = :facts, occurred = :occurred ADD version :one",
            ConditionExpression="attribute_not_exists(occurred) OR occurred <= :occurred",
            ExpressionAttributeValues={
                ":facts": {"S": json.dumps(facts)},
                ":occurred": {"S": event["time"]},
                ":one": {"N": "1"},
            },
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return "stale"
    return "applied"


def send(conversation, action, event):
    body = {
        "specversion": "1.0",
        "id": hashlib.sha256(event["claimkey"].encode()).hexdigest(),
        "source": "/rules",
        "type": action["type"],
        "time": event["time"],
        "conversation": conversation,
        "cause": event["claimkey"],
        "data": action["data"],
    }
    sqs.send_message(
        QueueUrl=ACTIONS_QUEUE_URL,
        MessageBody=json.dumps(body),
        MessageGroupId=hashlib.sha256(conversation.encode()).hexdigest(),
        MessageDeduplicationId=body["id"],
    )


@idempotent_function(data_keyword_argument="event", config=once, persistence_store=claims)
def apply(event):
    conversation, entity, facts, action = RULES[event["type"]](event)
    outcome = update(conversation, entity, facts, event)
    if action and outcome == "applied":
        send(conversation, action, event)
    return {"outcome": outcome}


def record_handler(record):
    event = json.loads(record.body)
    outcome = apply(event=event)["outcome"]
    metrics.add_metric("Processed", MetricUnit.Count, 1)
    metrics.add_metric("LagMs", MetricUnit.Milliseconds, time.time() * 1000 - int(record.attributes.sent_timestamp))
    logger.info("processed", claim_key=event["claimkey"], event_type=event["type"], outcome=outcome)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(batch, context):
    once.register_lambda_context(context)
    return process_partial_response(event=batch, record_handler=record_handler, processor=processor, context=context)
