// Draws the pictures of docs/inspector.md: the demo's events in the inspector.

import { writeFileSync } from "node:fs";
import { Dev, browser, forget } from "./dev.mjs";
import { encoded } from "./png.mjs";

const EVENT = "#/deliveries/orders%23ord-evt-3666";
const CASES = ["github-issue-opened", "orders-inventory-reserved", "stripe-checkout-completed", "stripe-duplicate", "slack-app-mention", "github-deployed", "shopify-order-fulfilled", "whatsapp-message", "orders-delivered-early", "orders-shipped-late", "orders-poison", "github-forged", "slack-body-changed", "stripe-stale"];

const dev = await Dev.start("--keep-events", "--port", "8787");
for (const name of CASES) dev.send("--case", name);
await dev.holds(1);
const chromium = await browser();

async function draw(file, colorScheme, address, act) {
  const page = await chromium.newPage({ viewport: { width: 1200, height: 720 }, colorScheme, reducedMotion: "reduce" });
  await page.goto(dev.pages + address);
  await act(page);
  const shot = await page.screenshot();
  await page.close();
  writeFileSync(`docs/pictures/${file}`, await small(shot));
  console.log(`docs/pictures/${file}`);
}

/** The same picture with a palette. The browser decodes it. */
async function small(shot) {
  const page = await chromium.newPage();
  const { pixels, width, height } = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const canvas = new OffscreenCanvas(image.width, image.height);
    const drawing = canvas.getContext("2d");
    drawing.drawImage(image, 0, 0);
    const { data } = drawing.getImageData(0, 0, image.width, image.height);
    let text = "";
    for (let at = 0; at < data.length; at += 32_768) text += String.fromCharCode(...data.subarray(at, at + 32_768));
    return { pixels: btoa(text), width: image.width, height: image.height };
  }, shot.toString("base64"));
  await page.close();
  return encoded(Buffer.from(pixels, "base64"), width, height);
}

await draw("inspector.png", "light", EVENT, (page) => page.waitForSelector("article .reasons"));
await draw("inspector-refused.png", "dark", "#/deliveries?state=refused", async (page) => {
  await page.locator(".row a", { hasText: "slack" }).first().click();
  await page.waitForSelector("article tbody tr");
});
await chromium.close();
dev.stop();
forget();
