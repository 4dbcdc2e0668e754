// Health: the same as `tidings status`.

import { get } from "./api.js";
import { badge, command, facts, h, page, said, section, table } from "./dom.js";
import { span, time } from "./time.js";

export async function show(pane, _, { about, parameters, signal }) {
  const status = await get("api/status", { over: parameters.over }, signal);
  const good = status.status === "healthy";
  page(
    pane,
    [
      h("div", { class: "line" }, h("h1", {}, about.stack ? ["Stack ", said(about.stack)] : "tidings dev"), badge(status.status.replaceAll("_", " "), good ? "good" : "bad")),
      h("p", { class: "second" }, "Read at ", time(status.at, true)),
      h("div", { class: "actions" }, h("button", { type: "button", on: { click: () => show(pane, null, { about, parameters, signal }) } }, "Refresh")),
    ],
    status.next.length ? section("What to do next", h("ol", {}, status.next.map((step) => h("li", {}, said(step.why), " ", command(step.do))))) : null,
    section("Endpoint", endpoint(status.endpoint)),
    section("Queues", backlog(status.backlog)),
    rates(status.rates),
    alarms(status.alarms),
  );
  return {};
}

/** A part that isn't there, or that couldn't be read. */
function missing(part) {
  if (part?.absent) return h("p", { class: "second" }, said(part.absent));
  if (part?.unread && typeof part.unread === "string") return h("p", { class: "box warn" }, said(part.unread), " Needs: ", command(part.needs));
  return null;
}

function endpoint({ url, health, ready }) {
  const checks = Object.entries(ready.checks ?? {}).map(([name, state]) => [h("span", {}, said(name), " "), badge(String(state), state === "ok" ? "good" : "bad"), " "]);
  return facts([
    ["Address", url],
    ["Health", [badge(health.state, health.state === "answers" ? "good" : "bad"), " ", said(health.said ?? `version ${health.version}`)]],
    ["Ready", [badge(ready.state.replaceAll("_", " "), ready.state === "ready" ? "good" : "warn"), " ", checks, ready.said ? said(ready.said) : null]],
    ["Configuration", health.configuration?.slice(0, 12)],
  ]);
}

function backlog(part) {
  const gone = missing(part);
  if (gone) return gone;
  const row = ({ queue, depth, oldest_s: oldest }) => {
    const read = missing(depth);
    return read ? [queue, read, "", "", ""] : [queue, String(depth.visible), String(depth.in_flight), String(depth.delayed), oldest === null || oldest === undefined ? "" : span(oldest * 1_000)];
  };
  const columns = [{ name: "Queue" }, { name: "Visible", number: true }, { name: "In flight", number: true }, { name: "Delayed", number: true }, { name: "Oldest", number: true }];
  const card = ({ state, events }) => h("div", { class: "card" }, h("b", {}, String(events)), said(state));
  return [table("Messages. SQS reports approximate numbers.", columns, part.queues.map(row)), part.claims ? [h("h2", {}, "Newest events by state"), h("div", { class: "cards" }, part.claims.map(card))] : null];
}

const NAMES = { answer_p99_ms: "answer, p99", effect_p99_ms: "effect, p99" };

function rates(part) {
  const gone = missing(part);
  if (gone) return part.absent ? null : section("Rates", gone);
  const { over_s: over, unread, ...counts } = part;
  const card = ([name, value]) => h("div", { class: "card" }, h("b", {}, value === null ? "—" : name.endsWith("_ms") ? span(value) : String(value)), said(NAMES[name] ?? name));
  return section(`Rates over ${span(over * 1_000)}`, h("div", { class: "cards" }, Object.entries(counts).map(card)), unread ? h("p", { class: "box warn" }, said(JSON.stringify(unread))) : null);
}

function alarms(part) {
  const gone = missing(part);
  if (gone) return section("Alarms", gone);
  const row = (alarm) => [h("span", {}, said(alarm.alarm)), badge(alarm.state.replaceAll("_", " "), alarm.counts ? "bad" : ""), time(alarm.since, true), said(alarm.reason), command(alarm.next)];
  const text = `${part.firing} of ${part.watched} alarms report a problem.`;
  return section("Alarms", part.note ? h("p", { class: "second" }, said(part.note)) : null, part.listed.length ? table(text, [{ name: "Alarm" }, { name: "State" }, { name: "Since" }, { name: "Reason" }, { name: "Command" }], part.listed.map(row)) : h("p", { class: "second" }, text));
}
