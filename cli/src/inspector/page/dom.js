// Builds elements. Text is only ever text: no function here takes markup.

import { hasParts } from "./exact.js";

/** An element. `properties`: attributes, `on` (listeners by event), `text`. A child that is null or false is left out. */
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else if (key === "text") element.append(said(value));
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function replace(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child));
  return element;
}

/** Fills a pane with a page: its head, and what follows. */
export function page(pane, head, ...parts) {
  return replace(pane, h("article", { class: "page" }, h("div", { class: "head" }, head), parts));
}

// Controls, marks that change the direction of text, characters without a width, separators of lines, unassigned ones.
// A line feed and a tab are white space.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}\u115f\u1160\u3164\uffa0]/gu;
const MAX_SAID = 65_536;

/** Text of others: isolated in its direction, each character that can't be seen as its number. */
export function said(value) {
  let text = typeof value === "string" ? value : value === undefined ? "" : String(value);
  const cut = text.length > MAX_SAID;
  if (cut) text = text.slice(0, MAX_SAID);
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(UNSEEN)) {
    if (found[0] === "\n" || found[0] === "\t") continue;
    if (found.index > from) parts.push(text.slice(from, found.index));
    parts.push(h("span", { class: "escape" }, `\\u{${found[0].codePointAt(0).toString(16)}}`));
    from = found.index + found[0].length;
  }
  if (from < text.length) parts.push(text.slice(from));
  if (cut) parts.push(h("span", { class: "faint" }, " … (cut)"));
  const shown = document.createElement("bdi");
  shown.append(...parts);
  return shown;
}

/** The same for an attribute, or for the window's title. */
export function visible(text) {
  return String(text).replace(UNSEEN, (found) => `\\u{${found.codePointAt(0).toString(16)}}`);
}

/** A short form of a long id: its end is kept, because the ends of ids differ. */
export function short(text, most = 48) {
  const all = [...String(text)];
  if (all.length <= most) return all.join("");
  const start = Math.floor((most - 1) / 2);
  return `${all.slice(0, start).join("")}…${all.slice(all.length - (most - 1 - start)).join("")}`;
}

/** Names with values. A value that is null, false or empty is left out. */
export function facts(pairs) {
  const rows = pairs.filter(([, value]) => value !== null && value !== undefined && value !== false && value !== "");
  return h(
    "dl",
    {},
    rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value instanceof Node || Array.isArray(value) ? value : said(value))]),
  );
}

export function section(title, ...children) {
  const content = children.flat(Infinity).filter((child) => child);
  return content.length ? h("section", {}, h("h2", {}, title), content) : null;
}

export function table(caption, columns, rows) {
  const head = columns.map((column) => h("th", { scope: "col", class: column.number ? "number" : null }, column.name));
  const cell = (value, n) => {
    const element = n === 0 ? h("th", { scope: "row" }) : h("td", { class: columns[n].number ? "number" : null });
    element.append(value instanceof Node ? value : said(value ?? ""));
    return element;
  };
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell))))),
  );
}

const MAX_NODES = 4_000;

/** JSON on several lines, with its kinds of values in colour. A large one is plain text. */
export function json(value, label) {
  const box = h("pre", { class: "json", tabindex: "0", role: "region", "aria-label": label });
  let nodes = 0;
  const walk = (value, indent, into) => {
    nodes += 1;
    const inner = `${indent}  `;
    const list = Array.isArray(value);
    if (hasParts(value)) {
      into.push(list ? "[" : "{");
      const entries = Object.entries(value);
      entries.forEach(([name, inside], n) => {
        into.push(`\n${inner}`);
        if (!list) into.push(h("span", { class: "name" }, said(JSON.stringify(name))), ": ");
        walk(inside, inner, into);
        if (n + 1 < entries.length) into.push(",");
      });
      into.push(`\n${indent}${list ? "]" : "}"}`);
    } else {
      const kind = typeof value === "string" ? "text" : "number";
      into.push(h("span", { class: kind }, said(JSON.stringify(value))));
    }
  };
  const count = (value) => (hasParts(value) ? Object.values(value).reduce((sum, inside) => sum + (sum > MAX_NODES ? 0 : count(inside)), 1) : 1);
  if (count(value) > MAX_NODES) {
    box.append(said(JSON.stringify(value, null, 2)));
  } else {
    const parts = [];
    walk(value, "", parts);
    box.append(...parts);
  }
  return box;
}

export function plain(text, label) {
  return h("pre", { tabindex: "0", role: "region", "aria-label": label, text });
}

export function badge(word, kind = "") {
  return h("span", { class: `badge ${kind}` }, said(word));
}

export function empty(title, ...children) {
  return h("div", { class: "empty" }, h("strong", {}, title), children);
}

/** A command to copy. */
export function command(text) {
  return h("code", {}, text);
}
