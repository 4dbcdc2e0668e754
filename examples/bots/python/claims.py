"""Which actions were done: a table with the key `id`, and `expires_at` for DynamoDB's TTL."""

import time

from botocore.exceptions import ClientError

# An action can come again as long as its event can.
KEEP_SECONDS = 30 * 24 * 3600


class Claims:
    def __init__(self, table, now=time.time):
        self.table, self.now = table, now

    def take(self, action_id):
        """True: do it. False: it was done before.

        A claim that was taken and not done is given again: the attempt before failed or died. SQS gives a conversation's messages to
        one consumer at a time, so no two attempts run at once, as long as the queue's visibility timeout is longer than both.
        """
        now = int(self.now())
        try:
            self.table.put_item(
                Item={"id": action_id, "done": False, "expires_at": now + KEEP_SECONDS},
                # DynamoDB deletes what has expired within days, not at once.
                ConditionExpression="attribute_not_exists(id) OR done = :no OR expires_at < :now",
                ExpressionAttributeValues={":no": False, ":now": now},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def done(self, action_id):
        """Call it after the action, not before: if the bot dies in between, a text is said twice rather than never."""
        self.table.update_item(
            Key={"id": action_id}, UpdateExpression="SET done = :yes", ExpressionAttributeValues={":yes": True}
        )
