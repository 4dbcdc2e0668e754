// The list of deliveries, as they come.

import { Problem, get, listen } from "./api.js";
import { failed } from "./dialog.js";
import { badge, command, empty, h, replace, said, short, visible } from "./dom.js";
import { address, refine } from "./route.js";
import { parsed, rows, written } from "./rows.js";
import { time } from "./time.js";

const LISTED = 200;
const SHOWN = 400;
const AGAIN_MS = 2_000;

export class List {
  /** `pane` is where it is shown. */
  constructor(pane, about, parameters) {
    this.pane = pane;
    this.about = about;
    this.parameters = parameters;
    this.claims = new Map();
    this.requests = new Map();
    this.known = null;
    this.read = null;
    this.failure = null;
    this.selected = null;
    // A conversation's events are found without a read of the whole table.
    this.live = !about.billed || Boolean(parameters.conversation);
    this.stopping = new AbortController();
    this.count = h("p", { class: "count", role: "status" });
    this.list = h("ul", { class: "rows", "aria-label": "Deliveries" });
    this.none = h("div");
    replace(pane, h("h1", { class: "hidden-label" }, "Deliveries"), this.filters(), this.none, this.list);
    this.start();
  }

  stop() {
    this.stopping.abort();
  }

  filters() {
    const { parameters, about } = this;
    const change = (changes) => refine("deliveries", null, { ...this.parameters, ...changes });
    const choice = (name, label, options) => {
      const known = options.some(([value]) => value === (parameters[name] ?? ""));
      const all = known ? options : [...options, [parameters[name], parameters[name]]];
      const items = all.map(([value, text]) => h("option", { value, selected: value === (parameters[name] ?? "") }, text));
      return h("label", {}, h("span", { class: "hidden-label" }, label), h("select", { on: { change: (event) => change({ [name]: event.target.value }) } }, items));
    };
    this.input = h("input", { type: "search", id: "search", value: written(parameters), placeholder: "Search: text, type:order.*, conversation:…", autocomplete: "off", spellcheck: "false" });
    const search = (event) => {
      event.preventDefault();
      const { source, state, since } = this.parameters;
      refine("deliveries", null, { source, state, since, ...parsed(this.input.value) });
    };
    const states = [...about.states, ...(about.requests ? ["refused"] : [])].map((state) => [state, state]);
    const sources = (about.sources ?? []).map((source) => [source, source]);
    this.toggle = h("button", { type: "button", class: "live", "aria-pressed": String(this.live), title: about.billed ? "Each read covers the whole claims table, which is billed" : null, on: { click: () => this.pause() } }, "Live");
    const again = about.billed ? h("button", { type: "button", on: { click: () => this.once() } }, "Refresh") : null;
    return h(
      "form",
      { class: "filters", role: "search", on: { submit: search } },
      h("label", { class: "hidden-label", for: "search" }, "Search deliveries"),
      this.input,
      choice("source", "Source", [["", "All sources"], ...sources]),
      choice("state", "State", [["", "All states"], ...states]),
      choice("since", "Time", [["", "Any time"], ["15m", "Last 15 min"], ["1h", "Last hour"], ["1d", "Last day"], ["7d", "Last 7 days"]]),
      this.toggle,
      again,
      this.count,
    );
  }

  /** What the server is asked for. Refused requests have no event. */
  asked() {
    const { state, ...others } = this.parameters;
    return { limit: LISTED, ...others, state: state === "refused" ? undefined : state };
  }

  start() {
    if (this.live) this.follow();
    else this.once();
  }

  pause() {
    this.live = !this.live;
    this.toggle.setAttribute("aria-pressed", String(this.live));
    this.stopping.abort();
    this.stopping = new AbortController();
    if (this.live) this.follow();
    else this.show();
  }

  async once() {
    const { signal } = this.stopping;
    try {
      const [found, requests] = await Promise.all([get("api/events", this.asked(), signal), this.about.requests ? get("api/requests", {}, signal) : { requests: [] }]);
      this.take("list", { ...found, requests: requests.requests });
    } catch (error) {
      if (error.name !== "AbortError") this.fail(error);
    }
  }

  /** Follows until it is stopped. A lost connection is opened again, and the list read again. */
  async follow() {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await listen("api/live", this.asked(), (name, data) => this.take(name, data), signal);
      } catch (error) {
        if (signal.aborted || error.name === "AbortError") return;
        this.fail(error);
        if (error instanceof Problem && error.status >= 400 && error.status < 500) return;
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  fail(error) {
    this.failure = error;
    if (this.known) failed(error);
    this.show();
  }

  take(name, data) {
    if (name === "problem") {
      this.fail(new Problem(0, data));
      return;
    }
    this.failure = null;
    if (name === "list") {
      this.claims.clear();
      this.requests.clear();
    }
    data.events.forEach((claim) => this.claims.set(claim.key, claim));
    data.requests?.forEach((request) => this.requests.set(request.id, request));
    this.read = data.read ?? this.read;
    this.changed?.(data);
    this.show();
  }

  all() {
    return rows(this.claims.values(), this.requests.values(), this.parameters).slice(0, SHOWN);
  }

  show() {
    const all = this.all();
    const focused = document.activeElement?.closest?.(".row a")?.getAttribute("href");
    const before = this.known;
    this.known = new Set(all.map((row) => row.id));
    replace(this.list, all.map((row) => this.row(row, before !== null && !before.has(row.id))));
    if (focused) this.list.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    const read = this.about.billed && this.read !== null ? `, ${this.read} claims read` : "";
    this.count.textContent = this.failure && !all.length ? "" : `${all.length} shown${all.length >= LISTED ? ": the newest" : ""}${read}`;
    replace(this.none, all.length ? null : this.empty());
  }

  empty() {
    if (this.failure) return empty("The events can't be read.", h("span", {}, said(this.failure.message)), this.failure.hint ? h("span", {}, said(this.failure.hint)) : null);
    if (this.known === null) return null;
    if (Object.values(this.parameters).some(Boolean)) {
      return empty("Nothing matches.", h("a", { href: "#/deliveries" }, "Show all deliveries"));
    }
    const text = this.about.stack ? "No deliveries yet. When a provider sends its first webhook, it appears here." : "Send one:";
    return empty("No deliveries yet", h("span", {}, text), this.about.stack ? null : command("tidings send stripe"));
  }

  row(row, isNew) {
    const parts = [
      time(row.at),
      h("span", { class: "source second" }, said(row.source)),
      h("span", { class: "type", title: visible(row.type).slice(0, 300) }, said(short(row.type, 120))),
      h("span", { class: "who", title: visible(row.who).slice(0, 300) }, said(short(row.who, 60))),
      h("span", { class: "badge-place" }, badge(row.word, row.kind), " ", h("span", { class: "faint small" }, row.took)),
    ];
    const current = this.selected === row.id ? "true" : null;
    return h("li", { class: isNew ? "row new" : "row" }, h("a", { href: address(row.page, row.id, this.parameters), "aria-current": current }, parts));
  }

  select(id) {
    this.selected = id;
    this.show();
    this.list.querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
  }

  /** Moves by one row. With an open row, the next one is opened. */
  move(by) {
    const links = [...this.list.querySelectorAll("a")];
    if (!links.length) return;
    const at = links.findIndex((link) => link === document.activeElement || (this.selected && link.hasAttribute("aria-current") && !this.list.contains(document.activeElement)));
    const next = links[Math.max(0, Math.min(links.length - 1, at < 0 ? 0 : at + by))];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
    if (this.selected) history.replaceState(null, "", next.getAttribute("href")), dispatchEvent(new HashChangeEvent("hashchange"));
  }
}
