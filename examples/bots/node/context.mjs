// Reads what Tidings knows of a conversation from its context table: one query, and one more for the name of an identity.
//
// Needs `dynamodb:Query` on the table, and `kms:Decrypt` on its key if it has one of yours. The answer is what
// `GET /context/{conversation}` gives.

import { paginateQuery } from "@aws-sdk/client-dynamodb";

/**
 * @param {import("@aws-sdk/client-dynamodb").DynamoDBClient} dynamodb
 * @param {string} table
 * @param {string} name a conversation (`whatsapp:491713920012`) or an identity (`customer:cus_123`)
 * @param {Date} now
 * @returns {Promise<import("./tidings.js").Context>}
 */
export async function read(dynamodb, table, name, now = new Date()) {
  let items = await itemsOf(dynamodb, table, name);
  const link = items.find((item) => item.sk.S === "link");
  if (link) {
    name = JSON.parse(link.state.S ?? "").conversation;
    items = await itemsOf(dynamodb, table, name);
  }
  /** @type {import("./tidings.js").Context} */
  const context = { conversation: name, entities: {}, identities: [] };
  for (const item of items) {
    const key = item.sk.S ?? "";
    const [kind] = key.split("#", 1);
    const rest = key.slice(kind.length + 1);
    if (kind === "identity") {
      context.identities.push(rest);
    } else if (kind === "entity" || kind === "node") {
      const stored = Object.entries(JSON.parse(item.facts.S ?? "{}")).filter(([, fact]) => isKnown(fact, now));
      const facts = Object.fromEntries(stored.map(([name, fact]) => [name, fact.value]));
      if (kind === "node" && "node" in facts) context.node = facts.node;
      else if (kind === "entity" && stored.length > 0) {
        context.entities[rest] = facts;
        // All other values, and all names, are a stranger's: never instructions for a model.
        const byProvider = stored.filter(([, fact]) => fact.by === "provider").map(([name]) => name);
        if (byProvider.length > 0) (context.by_provider ??= {})[rest] = byProvider.sort();
      }
    }
  }
  return context;
}

/**
 * All pages. What is between these sort keys is a bot's to read; the rest is what waits to be sent.
 *
 * @param {import("@aws-sdk/client-dynamodb").DynamoDBClient} client
 * @param {string} table
 * @param {string} name
 */
async function itemsOf(client, table, name) {
  const items = [];
  const query = {
    TableName: table,
    ConsistentRead: true,
    KeyConditionExpression: "pk = :name AND sk BETWEEN :first AND :last",
    ExpressionAttributeValues: { ":name": { S: name }, ":first": { S: "entity" }, ":last": { S: "node" } },
  };
  for await (const page of paginateQuery({ client }, query)) items.push(...(page.Items ?? []));
  return items;
}

/**
 * `null` is a fact that was unset. One that has expired may still be in the table.
 *
 * @param {{ value: unknown, expires?: string }} fact
 * @param {Date} now
 */
function isKnown(fact, now) {
  return fact.value !== null && (fact.expires === undefined || now < new Date(fact.expires));
}
