// The pages by their addresses, and the keys.

import { get, unlock } from "./api.js";
import * as conversations from "./conversations.js";
import * as dead from "./dead.js";
import { isOpen, note, show as say } from "./dialog.js";
import { empty, h, replace, said, visible } from "./dom.js";
import * as event from "./event.js";
import { List } from "./list.js";
import * as request from "./request.js";
import { go, read, refine } from "./route.js";
import * as status from "./status.js";

const main = document.getElementById("main");
const place = document.getElementById("place");
const PAGES = { conversations, "dead-letters": dead, status };
const TITLES = { deliveries: "Deliveries", requests: "Request", conversations: "Conversations", "dead-letters": "Dead letters", status: "Status" };

let about = null;
let list = null;
let listed = "";
let actions = {};
let stopping = new AbortController();

/** Shows what the address names. */
async function render() {
  const route = read();
  if (route.page === "key") {
    unlock(route.name ?? "");
    // The key leaves the address and the history.
    refine("deliveries", null, {});
    return;
  }
  stopping.abort();
  stopping = new AbortController();
  const { signal } = stopping;
  actions = {};
  try {
    if (!about) await meet();
    const current = route.page === "requests" ? "deliveries" : route.page;
    for (const link of document.querySelectorAll("#pages a")) {
      if (link.dataset.page === current) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    document.title = [route.name && visible(route.name), TITLES[route.page] ?? "Tidings", "Tidings"].filter(Boolean).join(" · ").slice(0, 120);
    if (route.page === "deliveries" || route.page === "requests") await deliveries(route, signal);
    else await single(route, signal);
  } catch (error) {
    if (error.name !== "AbortError") fail(error);
  }
}

async function meet() {
  about = await get("api/about");
  const where = about.stack ? `stack ${about.stack}${about.region ? `, ${about.region}` : ""}` : about.webhooks ?? "tidings dev";
  replace(place, said([where, about.project ? `project ${about.project}` : "no project here"].join(" · ")));
}

function forget() {
  list?.stop();
  list = null;
  listed = "";
}

async function single(route, signal) {
  forget();
  main.className = "";
  const page = PAGES[route.page];
  if (!page) {
    replace(main, h("h1", { class: "hidden-label" }, "No page"), empty("There is no such page.", h("a", { href: "#/deliveries" }, "Deliveries")));
    return;
  }
  const keys = await page.show(main, route.name, { about, parameters: route.parameters, signal });
  if (!signal.aborted) actions = keys ?? {};
}

/** The list, and beside it the event or the request that the address names. */
async function deliveries(route, signal) {
  const asked = JSON.stringify(route.parameters);
  if (!list || listed !== asked) {
    const focused = document.activeElement?.id === "search";
    forget();
    replace(main, h("section", { class: "pane", "aria-label": "List of deliveries" }));
    list = new List(main.firstElementChild, about, route.parameters);
    listed = asked;
    if (focused) list.input.focus();
  }
  main.className = route.name === null ? "panes" : "panes open";
  list.select(route.name);
  list.changed = null;
  if (route.name === null) {
    main.querySelector(".pane + .pane")?.remove();
    return;
  }
  let pane = main.querySelector(".pane + .pane");
  if (!pane) {
    pane = h("section", { class: "pane", "aria-label": "Details", tabindex: "-1" });
    main.append(pane);
  }
  const page = route.page === "requests" ? request : event;
  const show = async () => {
    try {
      const keys = await page.show(pane, route.name, { about, parameters: route.parameters, signal });
      if (!signal.aborted) actions = keys;
    } catch (error) {
      if (error.name !== "AbortError") replace(pane, h("div", { class: "page" }, problem(error)));
    }
  };
  // Its state may change while it is open.
  list.changed = (data) => {
    const mine = data.events.some((claim) => claim.key === route.name);
    if (mine && page === event && !signal.aborted) {
      const { scrollTop } = pane;
      show().then(() => (pane.scrollTop = scrollTop));
    }
  };
  pane.scrollTop = 0;
  await show();
}

function problem(error) {
  return h("div", { class: "box bad" }, h("h1", { class: "text" }, said(error.message)), error.details?.length ? h("ul", {}, error.details.map((one) => h("li", {}, said(one)))) : null, error.hint ? h("p", {}, said(error.hint)) : null);
}

function fail(error) {
  forget();
  main.className = "";
  const form = h("form", { class: "actions", on: { submit: (sent) => { sent.preventDefault(); unlock(input.value.trim()); render(); } } });
  const input = h("input", { id: "key", autocomplete: "off", spellcheck: "false" });
  form.append(h("label", { for: "key" }, "Key"), input, h("button", { type: "submit" }, "Open"));
  replace(main, h("div", { class: "page" }, problem(error), error.status === 403 || error.status === 401 ? form : h("div", { class: "actions" }, h("button", { type: "button", on: { click: render } }, "Try again"))));
}

const KEYS = [
  ["j", "Next"],
  ["k", "Previous"],
  ["Enter", "Open"],
  ["Esc", "Close what is open"],
  ["/", "Search"],
  ["r", "Replay the event with the rules of now"],
  ["s", "Send again, or redrive"],
  ["p", "Pause or follow the list"],
  ["g d", "Deliveries"],
  ["g c", "Conversations"],
  ["g l", "Dead letters"],
  ["g s", "Status"],
  ["t", "Light, dark, or as the system"],
  ["?", "These keys"],
];

function help() {
  const one = ([keys, what]) => h("div", {}, h("span", {}, what), h("span", {}, keys.split(" ").map((key) => [h("kbd", {}, key), " "])));
  say("Keys", h("div", { class: "keys" }, KEYS.map(one)));
}

const GO = { d: "deliveries", c: "conversations", l: "dead-letters", s: "status" };
let going = false;

function pressed(press) {
  if (press.ctrlKey || press.metaKey || press.altKey || isOpen()) return;
  const typing = press.target.closest("input, select, textarea");
  if (press.key === "Escape") {
    if (typing) typing.blur();
    else close();
    return;
  }
  if (typing) return;
  const act = going ? GO[press.key] && (() => go(GO[press.key])) : COMMANDS[press.key];
  going = !going && press.key === "g";
  if (act) {
    press.preventDefault();
    act();
  }
}

function close() {
  const route = read();
  if (route.name === null) return;
  refine(route.page === "requests" ? "deliveries" : route.page, null, route.parameters);
}

/** Moves in the list, or among the links and buttons of a table. */
function move(by) {
  if (list) {
    list.move(by);
    return;
  }
  const all = [...main.querySelectorAll("tbody a, tbody button, .reasons a, .reasons button")];
  const at = all.indexOf(document.activeElement);
  all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))]?.focus();
}

const COMMANDS = {
  j: () => move(1),
  k: () => move(-1),
  "/": () => document.getElementById("search")?.focus(),
  "?": help,
  r: () => act("r", "There is nothing to replay here."),
  s: () => act("s", "There is nothing to send again: no request is kept."),
  p: () => list?.pause(),
  t: theme,
};

/** Does what the open page has for a key, or says that it has nothing. */
function act(key, nothing) {
  if (actions[key]) actions[key]();
  else if (actions[key] === null) note(nothing);
}

const THEMES = ["system", "light", "dark"];

function theme() {
  const now = THEMES.indexOf(localStorage.getItem("tidings-theme") ?? "system");
  localStorage.setItem("tidings-theme", THEMES[(now + 1) % THEMES.length]);
  themed();
}

function themed() {
  const chosen = localStorage.getItem("tidings-theme") ?? "system";
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  document.getElementById("theme").textContent = `Theme: ${chosen}`;
}

themed();
document.getElementById("theme").addEventListener("click", theme);
document.getElementById("help").addEventListener("click", help);
document.addEventListener("keydown", pressed);
addEventListener("hashchange", render);
render();
