// Calls the Node example as conftest.py asks it to: one question on standard input, one answer on standard output.

import { text } from "node:stream/consumers";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { handle } from "./bot.mjs";
import { Claims } from "./claims.mjs";
import { read } from "./context.mjs";

const question = JSON.parse(await text(process.stdin));
const { endpoint, region, token } = question;
const dynamodb = new DynamoDBClient({ endpoint, region, credentials: { accessKeyId: token, secretAccessKey: "dev" } });

const said = [];
async function say(conversation, data, key) {
  if (question.fail.includes(data.text)) throw new Error("the channel is down");
  said.push([conversation, data.text, key]);
}

const answers = {
  handle: async () => ({ answer: await handle(question.records, new Claims(dynamodb, question.table), say), said }),
  read: () => read(dynamodb, question.table, question.name, new Date(question.now)),
};
console.log(JSON.stringify(await answers[question.what]()));
