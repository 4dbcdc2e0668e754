// A bot behind Tidings' actions queue: it says what the rules decided, each action once.
//
// On AWS Lambda calls `handler` (template.yaml). On your machine `node bot.mjs` takes the actions of a running
// `tidings dev --actions-to queue` (README.md).

import { pathToFileURL } from "node:url";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Claims } from "./claims.mjs";

/** @typedef {import("./tidings.js").Action} Action */
/** @typedef {import("./tidings.js").Notification} Notification */
/** @typedef {{ messageId: string, body: string, attributes: { MessageGroupId: string } }} Message */
/** @typedef {(conversation: string, data: Notification, idempotencyKey: string) => Promise<void>} Say */

// ── what the bot does ───────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Sends a text to a person. This is the port to your channel: replace it with a call of WhatsApp's, Slack's, … API.
 *
 * The text is ready to send: escaped for its channel, as `data.format` says. Give the key to the channel's API if it takes one.
 * An exception means that the text was not sent, and that it should be tried again.
 *
 * @type {Say}
 */
export async function say(conversation, data, idempotencyKey) {
  const url = process.env.SAY_URL;
  if (!url) {
    console.log(`${conversation} <- ${data.text}`);
    return;
  }
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": idempotencyKey },
    body: JSON.stringify({ conversation, ...data }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!answer.ok) throw new Error(`the channel answered ${answer.status}`);
}

/**
 * One action. `tidings.notify` is a text for a person; other types are those that your rules `emit`.
 *
 * @param {Action} action
 * @param {Say} say
 */
async function act(action, say) {
  if (action.type === "tidings.notify") {
    await say(action.conversation, /** @type {Notification} */ (action.data), action.id);
  } else {
    // An action that nobody handles must not stop its conversation. To handle one, read what is known:
    //   (await read(dynamodb, table, action.conversation)).entities    from context.mjs
    console.warn(JSON.stringify({ message: "no handler for the action's type", type: action.type }));
  }
}

// ── at least once, in order, once by id ─────────────────────────────────────────────────────────────────────────────

/**
 * Handles a batch of SQS records. The answer names the messages that SQS should deliver again.
 *
 * A message group is a conversation. After a failure the rest of its conversation fails too, so that its order is kept; other
 * conversations go on.
 *
 * @param {Message[]} records
 * @param {Pick<Claims, "take" | "done">} claims
 * @param {Say} say
 */
export async function handle(records, claims, say) {
  /** @type {string[]} */
  const failed = [];
  const stopped = new Set();
  for (const record of records) {
    const conversation = record.attributes.MessageGroupId;
    if (stopped.has(conversation)) {
      failed.push(record.messageId);
      continue;
    }
    try {
      /** @type {Action} */
      const action = JSON.parse(record.body);
      if (await claims.take(action.id)) {
        await act(action, say);
        await claims.done(action.id);
      }
    } catch (error) {
      console.error(JSON.stringify({ message: "an action failed", messageId: record.messageId, error: String(error) }));
      stopped.add(conversation);
      failed.push(record.messageId);
    }
  }
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}

/** @type {Claims | undefined} */
let claims;

/**
 * AWS Lambda's entry point. The event source mapping needs ReportBatchItemFailures, or failed messages are lost.
 *
 * @param {{ Records: Message[] }} event
 */
export async function handler(event) {
  claims ??= new Claims(new DynamoDBClient(), process.env.CLAIMS_TABLE ?? "");
  return handle(event.Records, claims, say);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { main } = await import("./local.mjs");
  await main(handle, say);
}
