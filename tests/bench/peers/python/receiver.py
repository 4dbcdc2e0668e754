"""What `receiver` does, for Stripe and WhatsApp, written by hand: verify, claim, enqueue, mark, answer."""

import base64
import hashlib
import hmac
import json
import os
import time

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities import parameters
from botocore.exceptions import ClientError
from clients import CONFIG, dynamodb, sqs

CLAIMS_TABLE = os.environ["CLAIMS_TABLE"]
QUEUE_URL = os.environ["EVENTS_QUEUE_URL"]
SECRET_ARN = os.environ["SECRET_ARN"]
TOLERANCE_S = 300
CLAIM_LIFETIME_S = 30 * 24 * 3600

logger = Logger(service="receiver")
metrics = Metrics(service="receiver")
provider = parameters.SecretsProvider(boto_config=CONFIG)


def secret_of(source):
    return provider.get(SECRET_ARN, max_age=300, transform="json")[source].encode()


class Unauthentic(Exception):
    """The request isn't the provider's."""


def stripe(headers, body):
    """`Stripe-Signature: t=TIME,v1=HMAC[,v1=HMAC]` over `TIME.BODY`."""
    fields = [field.partition("=")[::2] for field in headers.get("stripe-signature", "").split(",")]
    signed_at = next((value for name, value in fields if name == "t"), "")
    if not signed_at.isdigit() or abs(time.time() - int(signed_at)) > TOLERANCE_S:
        raise Unauthentic("timestamp")
    expected = hmac.new(secret_of("stripe"), signed_at.encode() + b"." + body, hashlib.sha256).hexdigest()
    if not any(hmac.compare_digest(expected.encode(), value.encode()) for name, value in fields if name == "v1"):
        raise Unauthentic("signature")
    event = json.loads(body)
    return [(event["id"], event["type"], event)]


def whatsapp(headers, body):
    """`X-Hub-Signature-256: sha256=HMAC` over the body, which has several messages."""
    expected = "sha256=" + hmac.new(secret_of("whatsapp"), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), headers.get("x-hub-signature-256", "").encode()):
        raise Unauthentic("signature")
    changes = [change["value"] for entry in json.loads(body)["entry"] for change in entry["changes"]]
    messages = [message for change in changes for message in change.get("messages", [])]
    return [(message["id"], "message." + message["type"], message) for message in messages]


VERIFY = {"stripe": stripe, "whatsapp": whatsapp}


def claim(key, source, event_type, digest, now):
    """The state that the claim had, or `None` if it is new."""
    try:
        dynamodb.put_item(
            TableName=CLAIMS_TABLE,
            Item={
                "pk": {"S": key},
                "state": {"S": "received"},
                "source": {"S": source},
                "event_type": {"S": event_type},
                "body_sha256": {"S": digest},
                "received_at": {"N": str(int(now * 1000))},
                "expires_at": {"N": str(int(now) + CLAIM_LIFETIME_S)},
            },
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return error.response["Item"]["state"]["S"]
    return None


def enqueue(messages):
    if len(messages) == 1:
        sqs.send_message(QueueUrl=QUEUE_URL, MessageBody=messages[0])
        return
    for start in range(0, len(messages), 10):
        entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(messages[start : start + 10])]
        answer = sqs.send_message_batch(QueueUrl=QUEUE_URL, Entries=entries)
        if answer.get("Failed"):
            raise RuntimeError(f"not enqueued: {answer['Failed'][0]['Code']}")


def mark_enqueued(key):
    try:
        dynamodb.update_item(
            TableName=CLAIMS_TABLE,
            Key={"pk": {"S": key}},
            UpdateExpression="SET #state = :enqueued, enqueued_at = :at",
            ConditionExpression="#state = :received",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={
                ":enqueued": {"S": "enqueued"},
                ":received": {"S": "received"},
                ":at": {"N": str(int(time.time() * 1000))},
            },
        )
    except ClientError as error:
        # The processor was quicker.
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise


def answer(status, word):
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps({"status": word})}


@metrics.log_metrics
@logger.inject_lambda_context
def handler(request, context):
    source = request["rawPath"].removeprefix("/webhooks/")
    body = base64.b64decode(request["body"]) if request["isBase64Encoded"] else request["body"].encode()
    if source not in VERIFY:
        return answer(404, "unknown")
    try:
        events = VERIFY[source](request["headers"], body)
    except Unauthentic as reason:
        metrics.add_metric("Unauthentic", MetricUnit.Count, 1)
        logger.warning("refused", source=source, reason=str(reason))
        return answer(401, "unauthentic")

    now, digest = time.time(), hashlib.sha256(body).hexdigest()
    fresh = []
    for event_id, event_type, data in events:
        key = f"{source}#{event_id}"
        # What was claimed and not enqueued is enqueued again.
        if claim(key, source, event_type, digest, now) in (None, "received"):
            message = {"claimkey": key, "id": event_id, "source": source, "type": event_type, "received": now, "data": data}
            fresh.append((key, json.dumps(message, separators=(",", ":"))))
        logger.info("claimed", claim_key=key, event_type=event_type)
    if fresh:
        enqueue([message for _, message in fresh])
        for key, _ in fresh:
            mark_enqueued(key)
    metrics.add_metric("Accepted", MetricUnit.Count, len(fresh))
    metrics.add_metric("Duplicate", MetricUnit.Count, len(events) - len(fresh))
    if fresh and source != "whatsapp":
        return answer(202, "accepted")
    return answer(200, "accepted" if fresh else "duplicate")


# Asked for before the first request, as the Rust function does.
secret_of("stripe")
