// Which actions were done: a table with the key `id`, and `expires_at` for DynamoDB's TTL.

import { ConditionalCheckFailedException, PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";

// An action can come again as long as its event can.
const KEEP_SECONDS = 30 * 24 * 3600;

export class Claims {
  /**
   * @param {import("@aws-sdk/client-dynamodb").DynamoDBClient} dynamodb
   * @param {string} table
   * @param {() => number} now in milliseconds
   */
  constructor(dynamodb, table, now = Date.now) {
    this.dynamodb = dynamodb;
    this.table = table;
    this.now = now;
  }

  /**
   * True: do it. False: it was done before.
   *
   * A claim that was taken and not done is given again: the attempt before failed or died. SQS gives a conversation's messages to
   * one consumer at a time, so no two attempts run at once, as long as the queue's visibility timeout is longer than both.
   *
   * @param {string} id
   */
  async take(id) {
    const now = Math.floor(this.now() / 1000);
    const put = new PutItemCommand({
      TableName: this.table,
      Item: { id: { S: id }, done: { BOOL: false }, expires_at: { N: String(now + KEEP_SECONDS) } },
      // DynamoDB deletes what has expired within days, not at once.
      ConditionExpression: "attribute_not_exists(id) OR done = :no OR expires_at < :now",
      ExpressionAttributeValues: { ":no": { BOOL: false }, ":now": { N: String(now) } },
    });
    try {
      await this.dynamodb.send(put);
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  /**
   * Call it after the action, not before: if the bot dies in between, a text is said twice rather than never.
   *
   * @param {string} id
   */
  async done(id) {
    await this.dynamodb.send(
      new UpdateItemCommand({
        TableName: this.table,
        Key: { id: { S: id } },
        UpdateExpression: "SET done = :yes",
        ExpressionAttributeValues: { ":yes": { BOOL: true } },
      }),
    );
  }
}
