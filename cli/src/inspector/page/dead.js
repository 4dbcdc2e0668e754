// Dead letters: by reason, each event, and their redrive.

import { get } from "./api.js";
import { badge, empty, h, page, said, section, short, table } from "./dom.js";
import { redriven } from "./redrive.js";
import { address, refine } from "./route.js";
import { time } from "./time.js";

export async function show(pane, _, { about, parameters, signal }) {
  const found = await get("api/dead-letters", parameters, signal);
  const again = () => show(pane, null, { about, parameters, signal });
  const redrive = async (filter, title) => {
    if (await redriven(filter, title)) await again();
  };
  const all = () => redrive(parameters, Object.keys(parameters).length ? "Redrive all that match?" : "Redrive every dead letter?");
  const input = h("input", { type: "search", id: "search", value: parameters.reason ?? "", placeholder: "A part of the reason", autocomplete: "off", spellcheck: "false" });
  const search = (event) => {
    event.preventDefault();
    refine("dead-letters", null, { ...parameters, reason: input.value.trim() });
  };
  const source = (name) => h("option", { value: name, selected: name === (parameters.source ?? "") }, name || "All sources");
  page(
    pane,
    [
      h("h1", {}, "Dead letters"),
      h("p", { class: "second" }, `${found.messages} of ${found.looked_at} messages match${found.complete ? "" : "; the queue has more than were read"}. Each stays up to 14 days.`),
      h(
        "form",
        { class: "actions", role: "search", on: { submit: search } },
        h("label", { class: "hidden-label", for: "search" }, "Search by reason"),
        input,
        h("label", {}, h("span", { class: "hidden-label" }, "Source"), h("select", { on: { change: (event) => refine("dead-letters", null, { ...parameters, source: event.target.value }) } }, ["", ...(about.sources ?? [])].map(source))),
        h("button", { type: "button", on: { click: again } }, "Refresh"),
        found.messages ? h("button", { type: "button", class: "main", "aria-keyshortcuts": "s", on: { click: all } }, `Redrive ${found.messages}`, h("kbd", { "aria-hidden": "true" }, "s")) : null,
      ),
    ],
    found.messages ? [groups(found.groups, parameters, redrive), events(found.events, redrive)] : none(parameters),
  );
  return { s: found.messages ? all : null };
}

function none(parameters) {
  return Object.keys(parameters).length
    ? empty("Nothing matches.", h("a", { href: "#/dead-letters" }, "Show all dead letters"))
    : empty("No dead letters", h("span", {}, "Every event that was received could be processed, or still waits. An event comes here after its last receive fails."));
}

/** The longest part of a reason without a number: numbers differ within a group. */
export function common(reason) {
  return reason.split(/\d+/).reduce((longest, part) => (part.length > longest.length ? part : longest), "");
}

function groups(all, parameters, redrive) {
  const one = (group) =>
    h(
      "li",
      {},
      h("span", {}, badge(String(group.messages), "bad")),
      h("span", { class: "second" }, said(group.sources.join(", ")), h("br"), group.last ? ["last ", time(group.last)] : null),
      h(
        "div",
        {},
        h("p", {}, said(group.reason)),
        group.too_old ? h("p", { class: "small second" }, `${group.too_old} were received too long ago to be redriven`) : null,
        common(group.reason).length > 3 ? h("button", { type: "button", on: { click: () => redrive({ ...parameters, reason: common(group.reason) }, "Redrive this reason?") } }, "Redrive these") : null,
      ),
    );
  return section("By reason", h("ul", { class: "reasons" }, all.map(one)));
}

function events(all, redrive) {
  const row = (dead) => [
    time(dead.at, true),
    h("span", {}, said(dead.type), h("br"), dead.key ? h("a", { class: "mono small", href: address("deliveries", dead.key) }, said(short(dead.key, 44))) : "not an event"),
    dead.conversation ? h("a", { href: address("conversations", dead.conversation) }, said(short(dead.conversation, 30))) : "",
    said(dead.reason),
    dead.key && !dead.too_old ? h("button", { type: "button", "aria-label": `Redrive ${dead.key}`, on: { click: () => redrive({ key: dead.key }, `Redrive ${short(dead.key)}?`) } }, "Redrive") : badge("too old"),
  ];
  return section("Events", table(`The first ${all.length}, in the order of the queue`, [{ name: "Dead since" }, { name: "Event" }, { name: "Conversation" }, { name: "Reason" }, { name: "Change" }], all.map(row)));
}
