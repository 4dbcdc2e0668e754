// The rows of the list: events by their claims, and requests that made no new event. Pure.

import { span } from "./time.js";

/** Word and colour of an event's state. */
export function stateOf(claim) {
  if (claim.erased) return ["erased", ""];
  switch (claim.state) {
    case "processed":
      if (claim.outcome === "applied") return claim.overtaken?.length ? ["applied in part", "warn"] : ["applied", "good"];
      return claim.outcome === "stale" ? ["stale", "warn"] : [claim.outcome ?? "processed", claim.outcome ? "" : "good"];
    case "dead":
      return ["dead", "bad"];
    default:
      return [claim.state, "plain"];
  }
}

/** What a state means, in a sentence. */
export function meaning(claim) {
  if (claim.erased) return "It was erased with its conversation: only its key is stored, so that duplicates are recognised.";
  switch (claim.state) {
    case "processed":
      if (claim.outcome === "noted") return "No rule matches it, so it had no effect. It is in the timeline only.";
      if (claim.outcome === "stale") return "The context already had newer values for all its facts.";
      if (claim.overtaken?.length) return "Part of its effect is in the context: the overtaken facts already had newer values.";
      return "Its effect is in the context.";
    case "dead":
      return "Its message was moved to the dead-letter queue after the last receive failed.";
    case "enqueued":
      return "It is queued and waits for the processor. Another delivery is a duplicate.";
    default:
      return "It waits for the processor. Another delivery is queued again.";
  }
}

export const cameOf = (claim) => claim.received ?? claim.enqueued ?? claim.processed ?? claim.dead ?? claim.erased ?? "";

/** Word and colour of a request; null if its event's row shows all there is to say. */
export function requestWord(request, isRepeat) {
  if (request.status >= 500) return ["not taken", "bad"];
  if (request.status >= 400 || request.refused) return ["refused", "bad"];
  if (request.handshake) return ["handshake", ""];
  if (request.word === "duplicate" || isRepeat) return ["duplicate", "warn"];
  if (!request.events.length) return ["no event", ""];
  return null;
}

/** Whether a request is shown with these parameters. Those of events alone leave it out. */
export function takesRequest(request, { source, type, state, conversation, text, since, until }) {
  if (type || conversation || (state && state !== "refused")) return false;
  if (source && request.source !== source) return false;
  const at = new Date(request.at).getTime();
  if (since && at < past(since)) return false;
  if (until && at > past(until)) return false;
  const events = request.events.flatMap((event) => [event.key, event.type]);
  const all = [request.path, request.refused, request.word, request.status, request.id, ...events].join(" ").toLowerCase();
  return !text || all.includes(text.toLowerCase());
}

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time, or a span before now, in milliseconds since 1970. */
export function past(text) {
  const found = /^(\d+)([smhd])$/.exec(text);
  return found ? Date.now() - Number(found[1]) * UNITS[found[2]] : new Date(text).getTime();
}

/** All rows, newest first. */
export function rows(claims, requests, parameters) {
  const all = [];
  if (parameters.state !== "refused") {
    for (const claim of claims) {
      const [word, kind] = stateOf(claim);
      const ended = claim.processed ?? claim.dead;
      all.push({
        page: "deliveries",
        id: claim.key,
        at: cameOf(claim),
        source: claim.source,
        type: claim.type || "(no type)",
        who: claim.conversation ?? claim.subject ?? claim.id ?? "",
        word,
        kind,
        took: claim.received && ended ? span(new Date(ended) - new Date(claim.received)) : "",
      });
    }
  }
  const seen = new Set();
  for (const request of [...requests].sort((a, b) => (a.at < b.at ? -1 : 1))) {
    const isRepeat = request.events.length > 0 && request.events.every((event) => seen.has(event.key));
    request.events.forEach((event) => seen.add(event.key));
    const word = requestWord(request, isRepeat);
    if (!word || !takesRequest(request, parameters)) continue;
    if (parameters.state === "refused" && word[1] !== "bad") continue;
    all.push({
      page: "requests",
      id: request.id,
      at: request.at,
      source: request.source ?? "—",
      type: request.refused ?? request.events[0]?.type ?? "a request",
      who: request.events[0]?.key ?? `${request.method} ${request.path}`,
      word: word[0],
      kind: word[1],
      took: String(request.status),
    });
  }
  return all.sort((a, b) => (a.at === b.at ? (a.id < b.id ? 1 : -1) : a.at < b.at ? 1 : -1));
}

const FILTERS = ["source", "type", "state", "since", "until", "conversation"];

/** Splits what a person wrote into filters (`state:dead`) and text. */
export function parsed(text) {
  const parameters = {};
  const rest = text
    .trim()
    .split(/\s+/)
    .filter((word) => {
      const place = word.indexOf(":");
      const name = word.slice(0, place);
      if (place < 1 || !FILTERS.includes(name) || place + 1 === word.length) return true;
      parameters[name] = word.slice(place + 1);
      return false;
    });
  if (rest.join(" ")) parameters.text = rest.join(" ");
  return parameters;
}

/** The same, for the input: what no other control shows. */
export function written({ text, type, until, conversation }) {
  const words = Object.entries({ type, until, conversation }).filter(([, value]) => value);
  return [...words.map(([name, value]) => `${name}:${value}`), text].filter(Boolean).join(" ");
}
