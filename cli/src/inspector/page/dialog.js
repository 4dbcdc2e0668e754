// Questions and short messages.

import { h, replace, said } from "./dom.js";

const box = document.getElementById("dialog");
const notes = document.getElementById("notes");
const NOTE_MS = 8_000;

/** Says something for a few seconds. */
export function note(text, kind = "") {
  const one = h("div", { class: `note ${kind}` }, said(text));
  notes.append(one);
  setTimeout(() => one.remove(), NOTE_MS);
}

export function failed(problem) {
  note([problem.message, problem.hint].filter(Boolean).join(". "), "bad");
}

export function isOpen() {
  return box.open;
}

/** Shows content until it is closed. */
export function show(title, ...children) {
  const close = h("button", { type: "button", on: { click: () => box.close() } }, "Close");
  open(title, children, [close]);
  close.focus();
}

/** Asks before a change. Resolves to whether it was confirmed. The button that changes nothing has the focus. */
export function confirmed(title, action, ...children) {
  return new Promise((resolve) => {
    let answer = false;
    const no = h("button", { type: "button", on: { click: () => box.close() } }, "Cancel");
    const yes = h("button", { type: "button", class: "danger", on: { click: () => { answer = true; box.close(); } } }, action);
    open(title, children, [no, yes]);
    no.focus();
    box.addEventListener("close", () => resolve(answer), { once: true });
  });
}

function open(title, children, actions) {
  replace(box, h("div", {}, h("h1", { id: "dialog-title" }, title), children, h("div", { class: "actions" }, actions)));
  if (!box.open) box.showModal();
}
