// One event's whole story.

import { get, named, post } from "./api.js";
import { confirmed, failed, note, show as say } from "./dialog.js";
import { badge, command, facts, h, json, page, plain, replace, said, section, short } from "./dom.js";
import { headers } from "./headers.js";
import { redriven } from "./redrive.js";
import { address } from "./route.js";
import { meaning, stateOf } from "./rows.js";
import { between, time } from "./time.js";

/** Shows it, and returns what its keys do. */
export async function show(pane, key, { about, parameters, signal }) {
  const path = named("api/events", key);
  const story = await get(path, {}, signal);
  const claim = story.event;
  const [word, kind] = stateOf(claim);
  const keys = { r: () => replay(path, claim), s: null };
  const last = story.requests.findLast((request) => request.status < 300) ?? story.requests.at(-1);
  if (claim.state === "dead") keys.s = () => redriven({ key }, `Redrive ${short(key)}?`);
  else if (last) keys.s = () => again(last);
  const button = (name, letter, act, main) => (act ? h("button", { type: "button", class: main ? "main" : null, "aria-keyshortcuts": letter, on: { click: act } }, name, h("kbd", { "aria-hidden": "true" }, letter)) : null);

  page(
    pane,
    [
      h("div", { class: "line" }, h("h1", { text: claim.type || "(no type)" }), badge(word, kind)),
      h("p", { class: "mono key second" }, said(claim.key)),
      h("p", { class: "second" }, meaning(claim)),
      h(
        "div",
        { class: "actions" },
        button("Replay", "r", keys.r),
        button(claim.state === "dead" ? "Redrive" : "Send again", "s", keys.s, claim.state === "dead"),
        h("a", { class: "button", href: address("deliveries", null, parameters), "aria-label": "Close this event" }, "Close"),
      ),
    ],
    claim.reason ? h("div", { class: "box bad" }, h("strong", {}, "Why it is dead: "), said(claim.reason)) : null,
    claim.off_schema ? h("div", { class: "box warn" }, h("strong", {}, "Schema violation: "), said(claim.off_schema)) : null,
    section("What happened", steps(claim, story.requests)),
    section("Effect", effect(claim, key)),
    explained(story, claim),
    payload(story),
    requests(story.requests, about),
    section(
      "Record",
      facts([
        ["Id", claim.id],
        ["Subject", claim.subject],
        ["Trace", claim.trace_id],
        ["Body", claim.body_sha256],
        ["Unread", claim.unread?.join(", ")],
        ["Expires", claim.expires ? time(claim.expires, true) : null],
      ]),
      others(claim),
      h("details", {}, h("summary", {}, "The claim as JSON"), json(claim, "The claim as JSON")),
    ),
  );
  written(pane, claim, key, signal);
  return keys;
}

function steps(claim, requests) {
  const step = (kind, name, at, ...text) => h("li", { class: kind }, h("strong", {}, name), h("span", {}, at ? [time(at, true), " "] : null, text));
  const since = (at) => (claim.received && at && at !== claim.received ? h("span", { class: "second" }, `${between(claim.received, at)} after it was received`) : null);
  const refused = requests.filter((request) => request.status >= 300).length;
  const copies = requests.filter((request) => request.status < 300).length - 1;
  const again = [copies > 0 ? copies === 1 ? "1 more delivery of it, a duplicate" : `${copies} more deliveries of it, duplicates` : null, refused ? `${refused} refused` : null].filter(Boolean).join(", ");
  const all = [claim.received ? step("good", "Received", claim.received, again ? h("span", { class: "second" }, again) : null) : null];
  if (claim.enqueued) all.push(step("good", "Queued", claim.enqueued, since(claim.enqueued)));
  if (claim.receive_count > 1 && claim.state !== "dead") all.push(step("warn", "Tried", null, `${claim.receive_count} receives`));
  if (claim.dead) all.push(step("bad", "Dead-lettered", claim.dead, since(claim.dead), claim.receive_count ? ` after ${claim.receive_count} receives` : null));
  if (claim.processed) all.push(step("good", "Processed", claim.processed, since(claim.processed)));
  if (!claim.processed && !claim.dead && !claim.erased) all.push(step("", "Waiting", null, waits(claim.message)));
  else if (claim.message) all.push(step(claim.message.found === false ? "warn" : "", "Message", null, waits(claim.message)));
  if (claim.erased) all.push(step("", "Erased", claim.erased));
  return h("ol", { class: "steps" }, all.filter(Boolean));
}

function waits(message) {
  if (!message) return "for the processor";
  switch (message.queue) {
    case "events":
      return `the events queue has ${message.visible} visible, ${message.in_flight} in flight, ${message.delayed} delayed`;
    case "dead_letters":
      return message.found ? "in the dead-letter queue" : "not found in the dead-letter queue: it was redriven or dropped, or another consumer is reading it";
    case "dead_links":
      return "in the dead-letter queue of links";
    default:
      return said(message.why ?? "unknown");
  }
}

function effect(claim, key) {
  const names = (list) => (list?.length ? list.map((one) => h("div", {}, said(one))) : null);
  const again = claim.applied_again?.map((one) => h("div", {}, h("a", { href: address("deliveries", one) }, said(one))));
  return facts([
    ["Conversation", claim.conversation ? h("a", { href: address("conversations", claim.conversation) }, said(claim.conversation)) : null],
    ["Rules", names(claim.rules)],
    ["Dialogue node", claim.node],
    ["Facts", h("span", { id: "written", class: "second" }, claim.conversation && claim.processed ? "…" : "none")],
    ["Overtaken", names(claim.overtaken)],
    ["Actions", claim.actions?.length ? names(claim.actions) : h("span", { class: "second" }, "none")],
    ["Links", names(claim.links)],
    ["Joins", names(claim.joins)],
    ["Changed by hand", claim.manual ? [said(`${claim.manual.by}: ${claim.manual.reason}`)] : null],
    ["Applied again", again?.length ? again : null],
    ["Key", claim.conversation ? null : said(key)],
  ]);
}

// What other places of this page show. Anything else that a command reports of an event is shown as it is.
const KNOWN = "key state source id type subject received enqueued processed conversation occurred outcome rules node overtaken off_schema actions joins links reason receive_count dead trace_id body_sha256 other_bodies unread manual applied_again erased event_bytes expires event message".split(" ");

function others(claim) {
  const rest = Object.entries(claim).filter(([name]) => !KNOWN.includes(name));
  return rest.map(([name, value]) => section(name.replaceAll("_", " "), typeof value === "object" ? json(value, name) : h("p", { text: String(value) })));
}

/** The facts that the event wrote and that no other event has replaced. */
async function written(pane, claim, key, signal) {
  const place = pane.querySelector("#written");
  if (!claim.conversation || !claim.processed) return;
  try {
    const { context } = await get(named("api/conversations", claim.conversation), {}, signal);
    const own = [];
    const add = (name, fact) => fact?.key === key && own.push(h("div", {}, said(`${name} = ${JSON.stringify(fact.value)}`)));
    for (const [entity, all] of Object.entries(context.entities ?? {})) {
      for (const [name, fact] of Object.entries(all)) add(`${entity}.${name}`, fact);
    }
    add("node", context.node);
    replace(place, own.length ? own : "none of its facts is current: later events have replaced them");
    if (own.length) place.className = "";
  } catch (error) {
    if (error.name !== "AbortError") replace(place, said(error.message));
  }
}

const MARKS = { true: ["matches", "good"], false: ["no", ""] };

function explained({ explained, unexplained }, claim) {
  if (!explained) return section("Rules", h("p", { class: "second" }, said(unexplained ?? "")));
  const reason = ({ name, is_about, why }) => h("li", {}, h("span", {}, badge(...MARKS[is_about])), h("span", { class: "mono" }, said(name)), h("span", { class: is_about ? "" : "second" }, said(why)));
  const list = (all) => h("ul", { class: "reasons" }, [...all].sort((a, b) => b.is_about - a.is_about).map(reason));
  const other = claim.rules && explained.claim?.rules && claim.rules.join() !== explained.claim.rules.join();
  return section(
    "Rules: which match, and why the others don’t",
    explained.schema ? h("p", { class: "second" }, explained.schema === "as it says" ? "The payload is as its schema says." : ["Schema: ", said(explained.schema)]) : null,
    other ? h("p", { class: "box warn" }, "The project’s rules have changed since: press ", h("kbd", {}, "r"), " to see what they do now.") : null,
    explained.rules.length ? list(explained.rules) : h("p", { class: "second" }, "The project has no rules."),
    explained.joins.length ? [h("h2", {}, "Joins"), list(explained.joins)] : null,
    explained.conversations.length ? [h("h2", {}, "Whose event it is"), list(explained.conversations)] : null,
  );
}

function payload({ payload }) {
  if (!payload) return null;
  const { data, data_base64, ...envelope } = payload;
  return section(
    "Payload",
    data === undefined ? plain(data_base64 ?? "", "Payload in base64") : json(data, "Payload"),
    h("details", {}, h("summary", {}, "The envelope without its payload"), json(envelope, "Envelope")),
  );
}

function requests(all, about) {
  if (!about.requests) return null;
  if (!all.length) return section("Requests", h("p", { class: "second" }, "No request with it is kept: only the newest are, until ", command("tidings dev"), " ends."));
  const one = (request) =>
    h("li", {}, badge(String(request.status), request.status < 300 ? "good" : "bad"), h("a", { href: address("requests", request.id) }, time(request.at, true)), h("span", { class: "second" }, said(request.refused ?? request.word ?? ""), ` ${request.bytes} bytes, answered in ${request.took_ms} ms`));
  return section("Requests with it", h("ul", { class: "reasons" }, all.map(one)), first(all[0]));
}

/** The headers of the first request, read when they are opened. */
function first(request) {
  const place = h("div");
  const read = async () => {
    try {
      replace(place, headers((await get(named("api/requests", request.id))).headers));
    } catch (error) {
      replace(place, h("p", { class: "second" }, said(error.message)));
    }
  };
  return h("details", { on: { toggle: (event) => event.target.open && !place.firstChild && read() } }, h("summary", {}, "The headers of the first"), place);
}

/** What the project's rules do with the event now. Nothing changes. */
async function replay(path, claim) {
  try {
    const { replayed, project } = await post(`${path}/replay`);
    const now = replayed.events.find((event) => event.key === claim.key) ?? replayed.events[0] ?? {};
    const pairs = [
      ["Outcome", claim.outcome ?? claim.state, now.outcome ?? now.state],
      ["Rules", claim.rules?.join(", "), now.rules?.join(", ")],
      ["Conversation", claim.conversation, now.conversation],
      ["Node", claim.node, now.node],
      ["Reason", claim.reason, now.reason],
    ].filter(([, then, now]) => then || now);
    // Outcome and node depend on what the context held, too.
    const differs = pairs.filter(([name, then, now]) => !["Outcome", "Node"].includes(name) && (then ?? "") !== (now ?? ""));
    say(
      "Replay",
      h("p", { class: `box ${differs.length ? "warn" : "good"}` }, differs.length ? "The rules do something else now." : "The rules do the same now.", " Nothing was changed or sent."),
      h("p", { class: "small second" }, "With the rules of ", said(project), ", on an empty context."),
      facts(pairs.map(([name, then, now]) => [name, (then ?? "") === (now ?? "") ? said(now) : [h("div", {}, "recorded: ", said(then ?? "none")), h("div", {}, h("strong", {}, "now: "), said(now ?? "none"))]])),
      replayed.actions.length ? section("Actions", replayed.actions.map((action) => json(action, `Action of ${action.rule}`))) : h("p", { class: "second" }, "No actions."),
      replayed.undone.length ? section("Scheduled, and failed", json(replayed.undone, "Failed")) : null,
    );
  } catch (error) {
    failed(error);
  }
}

/** Sends a kept request again. */
export async function again(request) {
  const yes = await confirmed(
    "Send this request again?",
    "Send again",
    h("p", {}, request.status < 300 ? "It is signed again and sent to this tidings dev. An event that was received before is a duplicate, and has no second effect." : "It is sent to this tidings dev as it was, byte for byte."),
  );
  if (!yes) return;
  try {
    const sent = await post(named("api/requests", request.id, "/send"));
    note(`Answered ${sent.status}${sent.request?.word ? `: ${sent.request.word}` : ""}${sent.signed_again ? ", signed again" : ""}`, sent.status < 300 ? "good" : "bad");
  } catch (error) {
    failed(error);
  }
}
