// The backend of the chat: serves the page, and gives each visitor a token for their own conversation.
//
//   FEED_KEY=… FEED_URL=http://127.0.0.1:8787 node server.mjs

import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const { FEED_KEY, FEED_URL = "http://127.0.0.1:8787", SOCKET_URL, PORT = "3000" } = process.env;
if (!FEED_KEY) throw new Error("set FEED_KEY to a key of the feed's secret; with `tidings dev`: the token that it printed");

// A JSON Web Token for one conversation, valid for ten minutes.
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
export function token(conversation, claims = {}) {
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: conversation, exp: Date.now() / 1000 + 600, ...claims })}`;
  return `${signed}.${createHmac("sha256", FEED_KEY).update(signed).digest("base64url")}`;
}

const files = { "/": ["index.html", "text/html"], "/client.js": ["client.js", "text/javascript"] };
const server = createServer(async (request, answer) => {
  const { pathname } = new URL(request.url, "http://here");
  if (pathname === "/session") {
    // Your session decides whose conversation this is. Never take its name from the request.
    const conversation = "web:ann";
    answer.setHeader("content-type", "application/json");
    answer.setHeader("cache-control", "no-store");
    return answer.end(JSON.stringify({ conversation, token: token(conversation), url: FEED_URL, socketUrl: SOCKET_URL }));
  }
  const file = files[pathname];
  if (!file) return answer.writeHead(404).end();
  answer.setHeader("content-type", `${file[1]}; charset=utf-8`);
  answer.end(await readFile(new URL(file[0], import.meta.url)));
});
server.listen(Number(PORT), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
