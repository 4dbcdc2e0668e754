// Takes the actions of a running `tidings dev`, as AWS Lambda does it: in batches, and what fails comes again.

import { parseArgs } from "node:util";
import { CreateTableCommand, DynamoDBClient, ResourceInUseException } from "@aws-sdk/client-dynamodb";
import { DeleteMessageCommand, GetQueueUrlCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { Claims } from "./claims.mjs";

const QUEUE = "tidings-actions.fifo";
const CLAIMS_TABLE = "bot-claims";
const REGION = "eu-central-1";

const USAGE = `Takes the actions of \`tidings dev --actions-to queue\` and says them.

  --endpoint URL   where \`tidings dev\` has its tables and queues, as its first lines say (http://127.0.0.1:8788)
  --token TOKEN    its token, or TIDINGS_DEV_TOKEN
  --once           end when the queue is empty`;

/**
 * @param {typeof import("./bot.mjs").handle} handle
 * @param {import("./bot.mjs").Say} say
 */
export async function main(handle, say) {
  const { values: options } = parseArgs({
    options: {
      endpoint: { type: "string", default: process.env.TIDINGS_DEV_ENDPOINT ?? "http://127.0.0.1:8788" },
      token: { type: "string", default: process.env.TIDINGS_DEV_TOKEN },
      once: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (options.help) return console.log(USAGE);
  if (!options.token) {
    console.error("no token: `tidings dev` prints it; give it as --token or in TIDINGS_DEV_TOKEN");
    process.exitCode = 2;
    return;
  }
  const aws = {
    endpoint: options.endpoint,
    region: REGION,
    credentials: { accessKeyId: options.token, secretAccessKey: "dev" },
  };
  // The queue's URL names AWS's host; the queue is at the endpoint.
  const sqs = new SQSClient({ ...aws, useQueueUrlAsEndpoint: false });
  const dynamodb = new DynamoDBClient(aws);
  await createClaimsTable(dynamodb);
  await poll(handle, say, sqs, new Claims(dynamodb, CLAIMS_TABLE), options.once);
}

/**
 * @param {typeof import("./bot.mjs").handle} handle
 * @param {import("./bot.mjs").Say} say
 * @param {SQSClient} sqs
 * @param {Claims} claims
 * @param {boolean} once
 */
async function poll(handle, say, sqs, claims, once) {
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: QUEUE }));
  for (;;) {
    const received = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: once ? 1 : 20,
        AttributeNames: ["All"],
      }),
    );
    const messages = received.Messages ?? [];
    if (once && messages.length === 0) return;
    const records = messages.map((message) => ({
      messageId: message.MessageId ?? "",
      body: message.Body ?? "",
      attributes: { MessageGroupId: message.Attributes?.MessageGroupId ?? "" },
    }));
    const { batchItemFailures } = await handle(records, claims, say);
    const failed = new Set(batchItemFailures.map((failure) => failure.itemIdentifier));
    for (const { MessageId, ReceiptHandle } of messages) {
      if (!failed.has(MessageId ?? "")) await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
}

/**
 * As template.yaml makes it on AWS.
 *
 * @param {DynamoDBClient} dynamodb
 */
async function createClaimsTable(dynamodb) {
  try {
    await dynamodb.send(
      new CreateTableCommand({
        TableName: CLAIMS_TABLE,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      }),
    );
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
}
