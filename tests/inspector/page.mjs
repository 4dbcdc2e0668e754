// A page of the inspector that is watched: what it requests, what its policy refuses, what it logs.

import { readFileSync } from "node:fs";
import { AXE } from "./dev.mjs";

const axe = readFileSync(AXE, "utf8");

export class Watched {
  /** Opens an address in a context of its own. */
  static async open(browser, address, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    const page = await context.newPage();
    const watched = new Watched();
    Object.assign(watched, { page, context, requested: [], answers: [], refused: [], errors: [] });
    await page.exposeFunction("violated", (text) => watched.refused.push(text));
    await page.addInitScript(() => addEventListener("securitypolicyviolation", (event) => window.violated(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`)));
    page.on("request", (request) => watched.requested.push(request.url()));
    page.on("response", (response) => {
      if (!response.url().includes("api/live")) watched.answers.push(response.text().catch(() => ""));
    });
    page.on("pageerror", (error) => watched.errors.push(String(error)));
    page.on("dialog", (dialog) => {
      watched.errors.push(`a dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    await page.goto(address);
    return watched;
  }

  /** Goes to a fragment, and waits until its page is there. */
  async go(fragment, selector) {
    await this.page.evaluate((fragment) => (location.hash = fragment), fragment);
    await this.page.waitForSelector(selector);
  }

  text(selector) {
    return this.page.locator(selector).first().innerText();
  }

  /** What axe finds. */
  async barriers() {
    await this.page.evaluate(axe);
    const found = await this.page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join(" | ")}`);
  }

  async close() {
    await this.context.close();
  }
}
