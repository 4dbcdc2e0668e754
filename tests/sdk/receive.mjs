// Verifies a webhook with the official library: a JSON object of secret, headers and body on standard input.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(`${process.env.NODE_LIBRARIES}/`);
const { Webhook } = require("standardwebhooks");
const { secret, headers, body } = JSON.parse(readFileSync(0, "utf8"));
try {
  new Webhook(secret).verify(body, headers);
  process.stdout.write("verified");
} catch (error) {
  process.stdout.write(`refused: ${error.message}`);
}
