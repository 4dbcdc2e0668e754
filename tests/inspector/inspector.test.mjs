// The inspector of a `tidings dev` in a real Chromium.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { Dev, browser, forget } from "./dev.mjs";
import { Watched } from "./page.mjs";

const CHECKOUT = "stripe#evt_1TidingsCheckout1042";
const DEAD = "orders#ord-evt-3666";
const CUSTOMER = "whatsapp:491713920012";
const event = (key) => `#/deliveries/${encodeURIComponent(key)}`;
const MARKUP = `<img src=x onerror="alert(1)"><script>alert(2)</script>`;
const RIGHT_TO_LEFT = "\u202egnp.exe\u2066";
const CONTROLS = "a\u0007b\u001b[31mc\u200bd";

let dev;
let chromium;

before(async () => {
  dev = await Dev.start("--keep-events");
  chromium = await browser();
  dev.send("--case", "stripe-checkout-completed");
  await dev.becomes(CHECKOUT, "processed");
  for (const name of ["stripe-duplicate", "orders-delivered-early", "orders-shipped-late", "github-push", "whatsapp-message", "github-forged", "stripe-stale", "orders-poison"]) {
    dev.send("--case", name);
  }
  await dev.becomes(DEAD, "dead");
  await dev.holds(1);
});

after(async () => {
  await chromium?.close();
  dev?.stop();
  forget();
});

/** The number of the request with this status and source. */
async function requestOf(watched, status, source) {
  await watched.go("#/deliveries", ".row");
  const row = watched.page.locator(`.row a[href*="#/requests/"]`, { hasText: String(status) }).filter({ hasText: source }).first();
  return (await row.getAttribute("href")).slice(1);
}

const PAGES = [
  ["the list", "#/deliveries", ".row"],
  ["an event", event(CHECKOUT), "article .reasons"],
  ["a dead event", event(DEAD), "article .box.bad"],
  ["an event that doesn't exist", event("stripe#none"), ".box.bad"],
  ["a search without a match", "#/deliveries?text=nothing-has-this", ".empty"],
  ["the conversations", "#/conversations", "tbody tr"],
  ["a conversation", `#/conversations/${encodeURIComponent(CUSTOMER)}`, "tbody tr"],
  ["a conversation that doesn't exist", "#/conversations/nobody", ".box.bad"],
  ["the dead letters", "#/dead-letters", "tbody tr"],
  ["the status", "#/status", ".cards"],
  ["no page", "#/nothing", ".empty"],
];

describe("each page", () => {
  for (const [scheme, width] of [["light", 1280], ["dark", 1280], ["light", 480]]) {
    test(`is accessible and breaks no policy, ${scheme}, ${width} pixels wide`, async () => {
      const watched = await Watched.open(chromium, dev.pages, { colorScheme: scheme, viewport: { width, height: 800 } });
      await watched.page.waitForSelector(".row");
      const forged = await requestOf(watched, 401, "github");
      const found = {};
      for (const [name, fragment, selector] of [...PAGES, ["a refused request", `#${forged}`, "article .box.bad"]]) {
        await watched.go(fragment, selector);
        const barriers = await watched.barriers();
        if (barriers.length) found[name] = barriers;
      }
      await watched.page.keyboard.press("?");
      await watched.page.waitForSelector("dialog[open]");
      const barriers = await watched.barriers();
      if (barriers.length) found.help = barriers;
      assert.deepEqual(found, {});
      assert.deepEqual(watched.refused, []);
      assert.deepEqual(watched.errors, []);
      await watched.close();
    });
  }

  test("loads nothing from elsewhere, and contains no secret and no signature", async () => {
    const watched = await Watched.open(chromium, dev.pages);
    await watched.page.waitForSelector(".row");
    const forged = await requestOf(watched, 401, "github");
    for (const [, fragment, selector] of [...PAGES, ["", `#${forged}`, "article .box.bad"]]) await watched.go(fragment, selector);
    const outside = watched.requested.filter((url) => !url.startsWith(`${dev.url}/_dev/`));
    assert.deepEqual(outside, []);
    const secrets = Object.values(JSON.parse(readFileSync("events/secrets.json", "utf8"))).flat();
    assert.ok(secrets.length > 5);
    const all = (await Promise.all(watched.answers)).join("\n");
    assert.ok(all.includes("evt_1TidingsCheckout1042"));
    for (const secret of [...secrets, dev.addresses.token]) assert.ok(!all.includes(secret), secret);
    assert.ok(all.includes("x-hub-signature-256") && !/sha256=[0-9a-f]{64}/.test(all));
    await watched.close();
  });
});

test("every answer has the policy, and no page can frame it or read it", async () => {
  for (const path of ["", "assets/app.js", "assets/none.js", "api/about", "api/none"]) {
    const response = await fetch(dev.pages + path);
    const policy = response.headers.get("content-security-policy");
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/, path);
    assert.match(policy, /frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'$/);
    assert.doesNotMatch(policy, /unsafe|\*|data:|blob:/);
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
    assert.equal(response.headers.get("cross-origin-resource-policy"), "same-origin");
    assert.equal(response.headers.get("access-control-allow-origin"), null);
  }
  const watched = await Watched.open(chromium, dev.pages);
  await watched.page.waitForSelector(".row");
  const refused = await watched.page.evaluate(() => {
    try {
      document.body.innerHTML = "<b>markup</b>";
      return "taken";
    } catch (error) {
      return error.name;
    }
  });
  assert.equal(refused, "TypeError", "the browser refuses text as markup");
  await watched.close();
});

test("a hostile event is text wherever it is shown", async () => {
  const body = { id: `evil-${MARKUP}`, type: `order.${MARKUP}`, occurred_at: new Date().toISOString(), order: { id: MARKUP, note: RIGHT_TO_LEFT, controls: CONTROLS, huge: "x".repeat(50_000) } };
  const sent = dev.sendBody("orders", body);
  assert.equal(sent.status, 0, sent.error + sent.text);
  const key = JSON.parse(sent.text).claim_keys[0];
  await dev.becomes(key, "processed");
  await fetch(`${dev.url}/webhooks/${encodeURIComponent(MARKUP)}`, { method: "POST", headers: { "x-evil": MARKUP, "user-agent": MARKUP }, body: MARKUP });

  const watched = await Watched.open(chromium, dev.pages + event(key));
  await watched.page.waitForSelector("article h1");
  await watched.page.waitForSelector("article .json");
  const article = await watched.text("article");
  assert.ok(article.includes(MARKUP), "as it was written");
  for (const escape of ["\\u{202e}", "\\u{2066}", "\\u{200b}"]) assert.ok(article.includes(escape), `${escape} is visible`);
  assert.equal(await watched.page.locator("article img, article script, .row img, .row script").count(), 0);
  assert.deepEqual(await watched.barriers(), []);
  const wide = await watched.page.evaluate(() => [...document.querySelectorAll(".pane")].filter((pane) => pane.scrollWidth > pane.clientWidth + 1).length);
  assert.equal(wide, 0, "a long text doesn't widen the page");
  await watched.go(`#/conversations/${encodeURIComponent(MARKUP)}`, ".box.bad");
  const row = watched.page.locator(".row a", { hasText: "POST" }).first();
  await watched.go("#/deliveries?state=refused", ".row");
  await row.click();
  await watched.page.waitForSelector("article .box.bad");
  assert.deepEqual(watched.refused, []);
  assert.deepEqual(watched.errors, [], "no script ran");
  await watched.close();
});

test("an event appears while the page is open, and its story follows its state", async () => {
  const watched = await Watched.open(chromium, `${dev.pages}#/deliveries?source=slack`);
  await watched.page.waitForSelector(".empty");
  dev.send("--case", "slack-app-mention");
  await watched.page.waitForSelector(".row", { timeout: 5_000 });
  await watched.page.waitForSelector(".row .badge.good");
  assert.match(await watched.text(".row"), /app_mention/);
  await watched.close();
});

test("a refused request shows why, and its signature is hidden", async () => {
  const watched = await Watched.open(chromium, dev.pages);
  await watched.page.waitForSelector(".row");
  await watched.go(`#${await requestOf(watched, 401, "stripe")}`, "article .box.bad");
  const article = await watched.text("article");
  assert.match(article, /Why it was refused: signed \d+ s ago, allowed: 300 s/);
  assert.match(article, /stripe-signature\s+hidden, \d+ bytes/);
  assert.match(article, /payment_intent\.payment_failed/);
  await watched.close();
});

test("an event tells which rules matched and why the others didn't, and its facts", async () => {
  const watched = await Watched.open(chromium, dev.pages + event(CHECKOUT));
  await watched.page.waitForSelector("article .reasons");
  const article = await watched.text("article");
  assert.match(article, /matches\s+checkout-paid/);
  assert.match(article, /no\s+order-shipped\s+another source: orders/);
  assert.match(article, /1 more delivery of it, a duplicate/);
  await watched.page.waitForFunction(() => document.querySelector("#written")?.textContent.includes('order/1042.payment = "paid"'));
  await watched.page.locator("article a", { hasText: CUSTOMER }).first().click();
  await watched.page.waitForSelector("tbody tr");
  assert.match(await watched.text("article"), /order\/1042/);
  await watched.close();
});

test("an event's story has the redacted headers of its request, and its numbers keep their digits", async () => {
  const body = `{"id":"digits-1","type":"order.moved","occurred_at":"${new Date().toISOString()}","order":{"id":"7","total":48.90,"number":12345678901234567890}}`;
  const sent = JSON.parse(dev.sendText("orders", body).text);
  await dev.becomes(sent.claim_keys[0], "processed");
  const watched = await Watched.open(chromium, dev.pages + event(sent.claim_keys[0]));
  await watched.page.waitForSelector("article .json");
  assert.match(await watched.text("article"), /"total": 48\.90,\s+"number": 12345678901234567890/);
  await watched.page.getByText("The headers of the first").click();
  await watched.page.waitForFunction(() => document.querySelector("article").innerText.includes("hidden, "));
  assert.match(await watched.text("article"), /content-type\s+application\/json/);
  await watched.close();
});

test("keys alone lead through the list, a replay, the search and a redrive", async () => {
  const watched = await Watched.open(chromium, dev.pages);
  const { page } = watched;
  await page.waitForSelector(".row");
  await page.keyboard.press("?");
  await page.waitForSelector("dialog[open]");
  for (const key of ["j", "g d", "Replay"]) assert.ok((await watched.text("dialog")).includes(key));
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForSelector("article h1");
  const first = page.url();
  await page.keyboard.press("j");
  await page.waitForFunction((first) => location.href !== first, first);
  await page.keyboard.press("k");
  await page.waitForFunction((first) => location.href === first, first);
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => location.hash === "#/deliveries");

  await page.keyboard.press("/");
  await page.keyboard.type(`type:checkout.session.completed state:processed`);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll(".row").length === 1);
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForSelector("article .reasons");
  await page.keyboard.press("r");
  await page.waitForSelector("dialog[open] .box");
  assert.match(await watched.text("dialog"), /Nothing was changed or sent/);
  await page.keyboard.press("Escape");

  await page.keyboard.press("g");
  await page.keyboard.press("l");
  await page.waitForSelector("tbody tr");
  await page.keyboard.press("s");
  await page.waitForSelector("dialog[open] .danger");
  assert.deepEqual(await watched.barriers(), [], "the question is accessible");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog:not([open])", { state: "attached" });
  assert.equal(await page.locator("tbody tr").count(), 1, "the button with the focus changes nothing");
  await page.keyboard.press("s");
  await page.waitForSelector("dialog[open] .danger");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".note.good");
  assert.match(await watched.text(".note"), /1 moved to the events queue/);
  // Its rule fails again.
  await dev.holds(1);
  assert.deepEqual(watched.errors, []);
  await watched.close();
});

test("a request is sent again after a question: an accepted one is signed again and is a duplicate", async () => {
  const watched = await Watched.open(chromium, dev.pages + event(CHECKOUT));
  await watched.page.waitForSelector("article .reasons");
  const before = JSON.parse(dev.ask("events", "show", CHECKOUT, "--json").text);
  await watched.page.getByRole("button", { name: "Send again" }).click();
  await watched.page.locator("dialog .danger").click();
  await watched.page.waitForSelector(".note.good");
  assert.match(await watched.text(".note"), /Answered 200: duplicate, signed again/);
  assert.deepEqual(JSON.parse(dev.ask("events", "show", CHECKOUT, "--json").text), before, "it has no second effect");
  await watched.go(`#${await requestOf(watched, 401, "github")}`, "article .box.bad");
  await watched.page.keyboard.press("s");
  await watched.page.locator("dialog .danger").click();
  await watched.page.waitForSelector(".note.bad");
  assert.match(await watched.text(".note.bad"), /Answered 401/);
  await watched.close();
});

test("an address says everything: it opens the same page, with its search", async () => {
  const watched = await Watched.open(chromium, dev.pages);
  await watched.page.waitForSelector(".row");
  await watched.page.locator("#search").fill("conversation:whatsapp:491713920012 checkout");
  await watched.page.locator("#search").press("Enter");
  await watched.page.waitForFunction(() => document.querySelectorAll(".row").length === 1);
  await watched.page.locator(".row a").first().click();
  await watched.page.waitForSelector("article h1");
  const address = watched.page.url();
  const other = await Watched.open(chromium, address);
  await other.page.waitForSelector("article h1");
  await other.page.waitForSelector(".row");
  assert.equal(await other.text("article h1"), await watched.text("article h1"));
  assert.equal(await other.page.locator(".row").count(), 1);
  assert.equal(await other.page.locator("#search").inputValue(), "conversation:whatsapp:491713920012 checkout");
  await other.page.reload();
  await other.page.waitForSelector("article h1");
  await other.close();
  await watched.close();
});

test("a person chooses light or dark, and the choice stays", async () => {
  const watched = await Watched.open(chromium, dev.pages, { colorScheme: "light" });
  const ground = () => watched.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await ground();
  await watched.page.keyboard.press("t");
  assert.equal(await ground(), light);
  await watched.page.keyboard.press("t");
  const dark = await ground();
  assert.notEqual(dark, light);
  await watched.page.reload();
  assert.equal(await ground(), dark);
  await watched.close();
});

test("an empty dev says what to do, and a stopped one is said", async () => {
  const fresh = await Dev.start();
  const watched = await Watched.open(chromium, fresh.pages);
  await watched.page.waitForSelector(".empty");
  assert.match(await watched.text(".empty"), /No deliveries yet[\s\S]*tidings send stripe/);
  await watched.go("#/dead-letters", "article .empty");
  assert.match(await watched.text(".empty"), /No dead letters/);
  assert.deepEqual(await watched.barriers(), []);
  await watched.go("#/conversations", "article .empty");
  await watched.go("#/deliveries", ".pane .empty");
  fresh.stop();
  await watched.page.waitForFunction(() => document.body.innerText.includes("doesn’t answer") || document.body.innerText.includes("doesn't answer"));
  await watched.close();
});

test("`tidings inspect` shows the same of a dev elsewhere, without its requests", async () => {
  const { serve } = await import("./inspect.mjs");
  const served = await serve(dev);
  const watched = await Watched.open(chromium, served.address);
  await watched.page.waitForSelector(".row");
  assert.equal(await watched.page.locator('.row a[href*="#/requests/"]').count(), 0);
  await watched.go(event(CHECKOUT), "article h1");
  assert.match(await watched.text("article"), /order\/1042|checkout-paid/);
  assert.deepEqual(await watched.barriers(), []);
  assert.deepEqual(watched.errors, []);
  await watched.close();
  await served.stop();
});

test("an address with the key opens the pages, and the key leaves the address", async () => {
  const { serve } = await import("./inspect.mjs");
  const served = await serve(dev, "--with-key");
  assert.match(served.address, /#\/key\/[0-9a-f]{64}$/);
  const watched = await Watched.open(chromium, served.address);
  await watched.page.waitForSelector(".row");
  assert.ok(!watched.page.url().includes("key"));
  assert.ok(!watched.requested.some((url) => url.includes("session") || url.includes("key")), "it isn't sent in an address");
  await watched.page.reload();
  await watched.page.waitForSelector(".row");
  await watched.close();
  await served.stop();
});
