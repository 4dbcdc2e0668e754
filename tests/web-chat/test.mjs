// The web chat of examples/web-chat against `tidings dev --feed`, in Chromium if there is one.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { follow } from "../../examples/web-chat/client.js";

const { TIDINGS, CHROMIUM, NODE_LIBRARIES } = process.env;
const SECRET = "whsec_web_chat_test";
const SOURCES = "version: 1\nsources:\n  stripe: { provider: stripe }\n";
const RULES = `version: 1
conversations:
  - { on: "*", conversation: "'web:ann'" }
rules:
  - name: paid
    on: invoice.paid
    set: { status: "'paid'", last: data.data.object.number }
    notify: { text: "Invoice {data.data.object.number} is paid." }
`;

const started = [];
let folder, dev, key, backend, proxy, browser;

/** Starts a program, and waits for a line of its output. */
async function start(command, args, env, wanted) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
  started.push(child);
  const found = [];
  await new Promise((ready, failed) => {
    child.once("exit", (status) => failed(new Error(`${command} ended with ${status}`)));
    createInterface(child.stdout).on("line", (line) => {
      found.push(...wanted.map((pattern) => line.match(pattern)?.[1]).filter(Boolean));
      if (found.length >= wanted.length) ready();
    });
  });
  return found;
}

/** A proxy whose connections can be cut, as by a network. */
async function proxyTo(port) {
  const open = new Set();
  let down = false, cuts = 0;
  const server = createServer((from) => {
    if (down) return from.destroy();
    const to = connect(port, "127.0.0.1");
    for (const socket of [from, to]) {
      open.add(socket);
      socket.on("error", () => {}).on("close", () => { open.delete(socket); from.destroy(); to.destroy(); });
    }
    from.pipe(to).pipe(from);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: server.address().port,
    connections: () => open.size / 2,
    cut() { down = true; cuts += open.size; open.forEach((socket) => socket.destroy()); return cuts; },
    heal() { down = false; },
    stop() { server.close(); open.forEach((socket) => socket.destroy()); },
  };
}

let sent = 0;
/** Posts a signed event as Stripe does. */
async function pay(number) {
  const time = Math.floor(Date.now() / 1000);
  const body = JSON.stringify({
    id: `evt_${time}_${String(++sent).padStart(4, "0")}`, object: "event", type: "invoice.paid", created: time,
    data: { object: { id: `in_${number}`, object: "invoice", customer: "cus_ann", number } },
  });
  const v1 = createHmac("sha256", SECRET).update(`${time}.${body}`).digest("hex");
  const answer = await fetch(`${dev}/webhooks/stripe`, {
    method: "POST", body, headers: { "content-type": "application/json", "stripe-signature": `t=${time},v1=${v1}` },
  });
  assert.equal(answer.status, 202, await answer.text());
}

const text = (number) => `Invoice ${number} is paid.`;

async function until(what, look) {
  const end = Date.now() + 20_000;
  for (;;) {
    const seen = await look();
    try { assert.deepEqual(seen, what); return; } catch (error) { if (Date.now() > end) throw error; }
    await new Promise((over) => setTimeout(over, 50));
  }
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "web-chat-"));
  await writeFile(join(folder, "sources.yaml"), SOURCES);
  await writeFile(join(folder, "rules.yaml"), RULES);
  const secrets = join(folder, "secrets.json");
  await writeFile(secrets, JSON.stringify({ stripe: SECRET }));
  const args = ["dev", "--port", "0", "--feed", "--secrets", secrets];
  [dev, key] = await start(TIDINGS, args, { TIDINGS_PROJECT: folder }, [/webhooks +(\S+)\/webhooks\//, /token +([0-9a-f]{64})/]);
  proxy = await proxyTo(Number(new URL(dev).port));
  const environment = { FEED_KEY: key, FEED_URL: `http://127.0.0.1:${proxy.port}`, PORT: "0" };
  [backend] = await start(process.execPath, ["examples/web-chat/server.mjs"], environment, [/(http:\S+)/]);
  if (CHROMIUM) {
    const { chromium } = await import(join(NODE_LIBRARIES, "node_modules/playwright-core/index.mjs"));
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  }
});

after(async () => {
  await browser?.close();
  proxy?.stop();
  started.forEach((child) => child.kill("SIGINT"));
  await rm(folder, { recursive: true, force: true });
});

/** A page with the chat: what it says, and what it knows. */
async function page(transport) {
  const errors = [];
  const page = await browser.newPage();
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(`${backend}/?transport=${transport}`);
  return {
    said: () => page.locator("#said li").allTextContents(),
    state: () => page.locator("#state").textContent(),
    facts: async () => JSON.parse(await page.locator("#facts").textContent()),
    async stop() { await page.close(); assert.deepEqual(errors, []); },
  };
}

/** The client in this process: the same, without a page. */
async function inNode(transport) {
  const session = await (await fetch(`${backend}/session`)).json();
  const said = [], facts = {};
  let state = "";
  const following = follow({
    ...session, transport, token: async () => session.token, onState: (now) => { state = now; },
    onUpdate({ event, data }) {
      if (event === "action") said.push(data.data.text);
      if (event === "context") Object.assign(facts, data.entities);
    },
  });
  return { said: async () => [...said], state: async () => state, facts: async () => facts, stop: async () => following.stop() };
}

const ways = CHROMIUM ? [["Chromium", page], ["Node", inNode]] : [["Node", inNode]];
// Events that come together are processed by two processors: their order is decided by who commits first, and then the same for
// every viewer.
const shown = [], sorted = (list) => [...list].sort();
let order;
for (const [where, open] of ways) {
  for (const transport of ["sse", "websocket"]) {
    test(`${transport} in ${where} shows each event once, whatever is cut`, async (context) => {
      const chat = await open(transport);
      context.after(chat.stop);
      const expect = async (...numbers) => {
        shown.push(...numbers.map(text));
        await until(sorted(shown), async () => sorted(await chat.said()));
      };
      await until("open", chat.state);
      await expect();
      if (order) assert.deepEqual(await chat.said(), order, "a later viewer sees the same order");
      await pay(`${where}-${transport}-1`);
      await expect(`${where}-${transport}-1`);

      // Cut while nothing happens, and while events come.
      for (const round of [2, 5]) {
        assert.ok(proxy.connections() > 0, "it is connected");
        proxy.cut();
        await pay(`${where}-${transport}-${round}`);
        await pay(`${where}-${transport}-${round + 1}`);
        proxy.heal();
        await pay(`${where}-${transport}-${round + 2}`);
        await expect(...[round, round + 1, round + 2].map((n) => `${where}-${transport}-${n}`));
      }
      const said = async () => Object.values(await chat.facts()).map(({ status, last }) => status === "paid" && text(last));
      await until(sorted(shown), async () => sorted(await said()));
      order = await chat.said();
    });
  }
}

test("a page without a token, and one with a token for another conversation, see nothing", async () => {
  const { conversation, token } = await (await fetch(`${backend}/session`)).json();
  const ask = (name, headers = {}) => fetch(`${dev}/feed/${encodeURIComponent(name)}`, { headers });
  assert.equal((await ask(conversation)).status, 401);
  assert.equal((await ask("web:bob", { authorization: `Bearer ${token}` })).status, 403);
  assert.equal((await ask(conversation, { authorization: `Bearer ${token.slice(0, -2)}AA` })).status, 401);
  const socket = new WebSocket(`${dev.replace("http", "ws")}/socket?token=x.y.z`);
  await new Promise((closed) => { socket.onclose = socket.onerror = closed; });
});

test("parts that a backend appends are shown in order, once each", async (context) => {
  const { conversation } = await (await fetch(`${backend}/session`)).json();
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS256" })}.${part({ sub: conversation, exp: Date.now() / 1000 + 60, scope: "append" })}`;
  const authorization = `Bearer ${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
  const append = async (sequence, text, done = false) => {
    const body = JSON.stringify({ id: "m1", sequence, text, done });
    return (await fetch(`${dev}/feed/${conversation}`, { method: "POST", headers: { authorization }, body })).status;
  };
  const chat = await (CHROMIUM ? page : inNode)("websocket");
  context.after(chat.stop);
  await until("open", chat.state);
  assert.equal(await append(1, "too early"), 409);
  for (const [n, word] of ["Your ", "order ", "is ", "on ", "its ", "way."].entries()) {
    assert.equal(await append(n, word, n === 5), 202);
    assert.equal(await append(n, word, n === 5), 200, "a retry");
  }
  if (CHROMIUM) await until("Your order is on its way.", async () => (await chat.said()).at(-1));
});
