"""Takes the actions of a running `tidings dev`, as AWS Lambda does it: in batches, and what fails comes again."""

import argparse
import os
import signal

import boto3

from claims import Claims

QUEUE, CLAIMS_TABLE, REGION = "tidings-actions.fifo", "bot-claims", "eu-central-1"


def main(handle, say):
    parser = argparse.ArgumentParser(description="Takes the actions of `tidings dev --actions-to queue` and says them.")
    parser.add_argument("--endpoint", default=os.environ.get("TIDINGS_DEV_ENDPOINT", "http://127.0.0.1:8788"),
                        help="where `tidings dev` has its tables and queues, as its first lines say (default: %(default)s)")
    parser.add_argument("--token", default=os.environ.get("TIDINGS_DEV_TOKEN"), help="its token, or TIDINGS_DEV_TOKEN")
    parser.add_argument("--once", action="store_true", help="end when the queue is empty")
    options = parser.parse_args()
    if not options.token:
        parser.error("no token: `tidings dev` prints it; give it as --token or in TIDINGS_DEV_TOKEN")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        poll(handle, say, options)
    except KeyboardInterrupt:
        pass


def poll(handle, say, options):
    session = boto3.Session(aws_access_key_id=options.token, aws_secret_access_key="dev", region_name=REGION)
    sqs = session.client("sqs", endpoint_url=options.endpoint)
    claims = Claims(claims_table(session.resource("dynamodb", endpoint_url=options.endpoint)))
    queue = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    while True:
        received = sqs.receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1 if options.once else 20, AttributeNames=["All"]
        )
        messages = received.get("Messages", [])
        if options.once and not messages:
            return
        receipts = {message["MessageId"]: message["ReceiptHandle"] for message in messages}
        records = [{"messageId": m["MessageId"], "body": m["Body"], "attributes": m["Attributes"]} for m in messages]
        failed = {failure["itemIdentifier"] for failure in handle(records, claims, say)["batchItemFailures"]}
        for message_id, receipt in receipts.items():
            if message_id not in failed:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=receipt)


def claims_table(dynamodb):
    """As template.yaml makes it on AWS."""
    try:
        return dynamodb.create_table(
            TableName=CLAIMS_TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
    except dynamodb.meta.client.exceptions.ResourceInUseException:
        return dynamodb.Table(CLAIMS_TABLE)
