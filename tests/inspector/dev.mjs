// A running `tidings dev`, and a browser in front of it.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const libraries = createRequire(`${process.env.NODE_LIBRARIES}/node_modules/`);
const { chromium } = libraries("playwright-core");
export const AXE = libraries.resolve("axe-core/axe.min.js");
export const TIDINGS = join(process.cwd(), process.env.TIDINGS);

/** A folder without a project, where the demo's project is used. */
export const home = mkdtempSync(join(tmpdir(), "tidings-inspector-"));
const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("TIDINGS_")));
export const environment = { ...clean, XDG_RUNTIME_DIR: home, HOME: home };

export class Dev {
  /** Starts it on a free port, and reads its addresses. */
  static async start(...more) {
    const process = spawn(TIDINGS, ["dev", ...(more.includes("--port") ? [] : ["--port", "0"]), ...more], { cwd: home, env: environment, stdio: ["ignore", "pipe", "inherit"] });
    const dev = new Dev();
    dev.process = process;
    dev.addresses = {};
    const lines = createInterface(process.stdout);
    await new Promise((resolve, reject) => {
      process.on("exit", (code) => reject(new Error(`tidings dev ended with ${code}`)));
      lines.on("line", (line) => {
        const [, name, address] = /^\s+(webhooks|inspector|DynamoDB|token)\s+(\S+)/.exec(line) ?? [];
        if (name) dev.addresses[name] = address.replace("/webhooks/{source}", "");
        if (name === "token") resolve();
      });
    });
    return dev;
  }

  get url() {
    return this.addresses.webhooks;
  }

  get pages() {
    return this.addresses.inspector;
  }

  /** Sends as `tidings send` does. */
  send(...given) {
    return this.run("send", "--url", this.url, "--json", ...given);
  }

  /** Sends a body of our own, signed for a source. */
  sendBody(source, body) {
    return this.sendText(source, JSON.stringify(body));
  }

  sendText(source, text) {
    const file = join(home, "body.json");
    writeFileSync(file, text);
    return this.send(source, "--file", file);
  }

  run(...given) {
    const ended = spawnSync(TIDINGS, given, { cwd: home, env: environment, encoding: "utf8" });
    return { status: ended.status, text: ended.stdout, error: ended.stderr };
  }

  /** Asks for its tables and queues, as a command does. */
  ask(...given) {
    return this.run(...given, "--endpoint-url", this.addresses.DynamoDB);
  }

  /** Waits until an event has a state. */
  async becomes(key, state) {
    for (let n = 0; n < 200; n += 1) {
      const { text } = this.ask("events", "show", key, "--json");
      if (text && JSON.parse(text).state === state) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${key} isn't ${state}`);
  }

  /** Waits until this many messages are in the dead-letter queue: a claim is dead before its message has moved. */
  async holds(messages) {
    for (let n = 0; n < 200; n += 1) {
      if (JSON.parse(this.ask("dlq", "list", "--json").text).messages === messages) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`there aren't ${messages} dead letters`);
  }

  stop() {
    this.process.removeAllListeners("exit");
    this.process.kill("SIGKILL");
  }
}

export async function browser() {
  // Chromium has no sandbox of its own in a container.
  return chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
}

export function forget() {
  rmSync(home, { recursive: true, force: true });
}
