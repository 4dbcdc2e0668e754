// Requests for data, with the key of this session in a header.

import { exact } from "./exact.js";

const STORED = "tidings-key";
let key = sessionStorage.getItem(STORED);

/** Why there is no data: what was seen, and what to do. */
export class Problem extends Error {
  constructor(status, said) {
    super(said.error ?? `status ${status}`);
    this.status = status;
    this.details = said.details ?? [];
    this.hint = said.hint ?? "";
  }
}

/** Takes the key that the printed address contains. */
export function unlock(given) {
  key = given;
  sessionStorage.setItem(STORED, given);
}

async function problem(response) {
  const text = await response.text();
  try {
    return new Problem(response.status, JSON.parse(text));
  } catch {
    return new Problem(response.status, { error: text || `status ${response.status}` });
  }
}

/** Asks the server for a key: it gives one to a page that its own user has opened. */
async function session() {
  const response = await request("api/session", { method: "POST" });
  if (!response.ok) throw await problem(response);
  unlock((await response.json()).key);
}

async function request(path, options = {}) {
  try {
    return await fetch(path, { ...options, cache: "no-store", headers: { ...options.headers, ...(key ? { "x-tidings-key": key } : {}) } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { error: "the server doesn't answer", hint: "Was it stopped? Start it again, then reload this page." });
  }
}

async function opened(path, options) {
  if (!key) await session();
  let response = await request(path, options);
  if (response.status === 401) {
    // The server was started again, with another key.
    await session();
    response = await request(path, options);
  }
  if (!response.ok) throw await problem(response);
  return response;
}

export async function get(path, parameters = {}, signal) {
  return exact(await (await opened(path + query(parameters), { signal })).text());
}

export async function post(path, body) {
  const options = body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  return exact(await (await opened(path, { method: "POST", ...options })).text());
}

export function query(parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(given).toString();
  return text ? `?${text}` : "";
}

/** A path with a name in it that others chose. */
export function named(path, name, more = "") {
  return `${path}/${encodeURIComponent(name)}${more}`;
}

/** Reads server-sent events until `signal` stops it. `heard` gets each event's name and data. */
export async function listen(path, parameters, heard, signal) {
  const response = await opened(path + query(parameters), { signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    let end;
    while ((end = text.indexOf("\n\n")) >= 0) {
      const lines = text.slice(0, end).split("\n");
      text = text.slice(end + 2);
      const of = (name) => lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).replace(/^ /, ""));
      const data = of("data").join("\n");
      if (data) heard(of("event")[0] ?? "message", exact(data));
    }
  }
}
