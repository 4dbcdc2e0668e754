// Conversations, and what the chatbot knows of one.

import { get, named } from "./api.js";
import { badge, command, empty, facts, h, json, page, replace, said, section, short, table } from "./dom.js";
import { address, go } from "./route.js";
import { stateOf } from "./rows.js";
import { time } from "./time.js";

const READ = 500;

export async function show(pane, name, { about, signal }) {
  if (name === null) return list(pane, about, signal);
  const { context, timeline, unreadable_preferences: unreadable } = await get(named("api/conversations", name), {}, signal);
  const entities = Object.entries(context.entities ?? {});
  const event = (claim) => {
    const [word, kind] = stateOf(claim);
    const at = claim.occurred ? /\d{4}-\d\d-\d\dT[\d:.]+Z/.exec(claim.occurred)?.[0] : null;
    return [time(at ?? claim.received, true), h("a", { href: address("deliveries", claim.key) }, said(claim.type || claim.key)), said(claim.source), badge(word, kind)];
  };
  page(
    pane,
    [
      h("p", {}, h("a", { href: "#/conversations" }, "Conversations")),
      h("h1", { text: context.conversation }),
      context.conversation === name ? null : h("p", { class: "box" }, said(name), " is one of its identities."),
      facts([
        ["Dialogue node", context.node ? JSON.stringify(context.node.value) : "none"],
        ["Identities", context.identities?.length ? context.identities.map((one) => h("div", {}, said(one))) : null],
        ["Linked to", context.linked_to === context.conversation ? null : context.linked_to],
      ]),
      h("div", { class: "actions" }, h("a", { class: "button", href: address("deliveries", null, { conversation: context.conversation }) }, "Its deliveries")),
    ],
    unreadable?.length ? h("div", { class: "box warn" }, "Preferences that can’t be read suppress messages: ", said(unreadable.join(", "))) : null,
    entities.length ? entities.map(([entity, all]) => section(said(entity), of(entity, all))) : section("Facts", h("p", { class: "second" }, "None is known.")),
    timeline.length ? section("Timeline", table("The newest events, by their own time", [{ name: "Time" }, { name: "Event" }, { name: "Source" }, { name: "Outcome" }], [...timeline].reverse().map(event))) : null,
    h("details", {}, h("summary", {}, "The context as JSON"), json(context, "The context as JSON")),
  );
  return {};
}

function of(entity, all) {
  const row = ([name, fact]) => [
    h("span", { class: "mono" }, said(name)),
    h("span", { class: "mono" }, said(fact.value === null ? "(forgotten)" : JSON.stringify(fact.value))),
    h("span", {}, time(fact.time, true), fact.expires ? [" until ", time(fact.expires, true)] : null),
    h("a", { href: address("deliveries", fact.key) }, said(short(fact.key, 40))),
  ];
  return table(`Facts of ${entity}`, [{ name: "Fact" }, { name: "Value" }, { name: "Time" }, { name: "From" }], Object.entries(all).map(row));
}

async function list(pane, about, signal) {
  const input = h("input", { type: "search", id: "search", placeholder: "whatsapp:491713920012", autocomplete: "off", spellcheck: "false" });
  const found = h("div", {}, about.billed ? h("p", { class: "second" }, "A list reads the whole claims table, which is billed. ", h("button", { type: "button", on: { click: () => recent() } }, "Read it")) : null);
  const open = (event) => {
    event.preventDefault();
    if (input.value.trim()) go("conversations", input.value.trim());
  };
  replace(
    pane,
    h(
      "article",
      { class: "page" },
      h("h1", {}, "Conversations"),
      h("form", { class: "line actions", role: "search", on: { submit: open } }, h("label", { class: "hidden-label", for: "search" }, "Conversation or identity"), input, h("button", { type: "submit" }, "Open")),
      found,
    ),
  );
  const recent = async () => {
    const { events } = await get("api/events", { limit: READ }, signal);
    const all = new Map();
    for (const claim of events) {
      if (!claim.conversation) continue;
      const one = all.get(claim.conversation) ?? { events: 0, last: claim };
      one.events += 1;
      all.set(claim.conversation, one);
    }
    const row = ([name, { events, last }]) => [h("a", { href: address("conversations", name) }, said(name)), said(last.type), time(last.processed ?? last.received, true), String(events)];
    replace(
      found,
      all.size
        ? table(`Those of the newest ${events.length} events`, [{ name: "Conversation" }, { name: "Last event" }, { name: "Time" }, { name: "Events", number: true }], [...all].map(row))
        : empty("No conversations yet", h("span", {}, "An event’s rules or its preset say whose it is."), about.stack ? null : command("tidings send stripe")),
    );
  };
  if (!about.billed) await recent();
  return {};
}
