"""A bot behind Tidings' actions queue: it says what the rules decided, each action once.

On AWS Lambda calls `handler` (template.yaml). On your machine `python bot.py` takes the actions of a running
`tidings dev --actions-to queue` (README.md).
"""

import json
import logging
import os
import urllib.request

from claims import Claims

log = logging.getLogger("bot")
log.setLevel(logging.INFO)


# ── what the bot does ────────────────────────────────────────────────────────────────────────────────────────────────


def say(conversation, data, idempotency_key):
    """Sends a text to a person. This is the port to your channel: replace it with a call of WhatsApp's, Slack's, … API.

    The text is ready to send: escaped for its channel, as `data["format"]` says. Give the key to the channel's API if it takes one.
    An exception means that the text was not sent, and that it should be tried again.
    """
    url = os.environ.get("SAY_URL")
    if not url:
        print(f"{conversation} <- {data['text']}", flush=True)
        return
    body = json.dumps({"conversation": conversation, **data}).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10):
        pass  # Any other answer than a 2xx is an exception.


def act(action, say):
    """One action. `tidings.notify` is a text for a person; other types are those that your rules `emit`."""
    if action["type"] == "tidings.notify":
        say(action["conversation"], action["data"], action["id"])
    else:
        # An action that nobody handles must not stop its conversation. To handle one, read what is known:
        #   context.read(table, action["conversation"])["entities"]
        log.warning("no handler for the action's type", extra={"type": action["type"]})


# ── at least once, in order, once by id ──────────────────────────────────────────────────────────────────────────────


def handle(records, claims, say):
    """Handles a batch of SQS records. The answer names the messages that SQS should deliver again.

    A message group is a conversation. After a failure the rest of its conversation fails too, so that its order is kept; other
    conversations go on.
    """
    failed, stopped = [], set()
    for record in records:
        conversation = record["attributes"]["MessageGroupId"]
        try:
            if conversation in stopped:
                failed.append(record["messageId"])
                continue
            action = json.loads(record["body"])
            if claims.take(action["id"]):
                act(action, say)
                claims.done(action["id"])
        except Exception:
            # The text of an exception may quote what a person wrote: only its place is logged.
            log.exception("an action failed", extra={"message_id": record["messageId"]})
            stopped.add(conversation)
            failed.append(record["messageId"])
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


_claims = None


def handler(event, _context):
    """AWS Lambda's entry point. The event source mapping needs ReportBatchItemFailures, or failed messages are lost."""
    global _claims
    if _claims is None:
        import boto3

        _claims = Claims(boto3.resource("dynamodb").Table(os.environ["CLAIMS_TABLE"]))
    return handle(event["Records"], _claims, say)


if __name__ == "__main__":
    from local import main

    main(handle, say)
