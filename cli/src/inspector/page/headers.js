// A request's headers, redacted.

import { h, said, table } from "./dom.js";

export function headers(all) {
  return table("A value that could be a secret isn’t shown, only its length.", [{ name: "Header" }, { name: "Value" }], all.map(header));
}

function header({ name, value, hidden_bytes: bytes }) {
  return [h("span", { class: "mono" }, said(name)), value === undefined ? h("span", { class: "faint" }, `hidden, ${bytes} bytes`) : h("span", { class: "mono" }, said(value))];
}
