// One request as it arrived, redacted, and why it was refused.

import { get, named } from "./api.js";
import { badge, facts, h, json, page, plain, said, section } from "./dom.js";
import { again } from "./event.js";
import { exact } from "./exact.js";
import { headers } from "./headers.js";
import { address } from "./route.js";
import { time } from "./time.js";

export async function show(pane, id, { parameters, signal }) {
  const request = await get(named("api/requests", id), {}, signal);
  const { verify } = request;
  const accepted = request.status < 300;
  const resend = () => again(request);
  page(
    pane,
    [
      h("div", { class: "line" }, h("h1", { text: `${request.method} ${request.path}` }), badge(`${request.status} ${request.word ?? ""}`.trim(), accepted ? "good" : "bad")),
      h("p", { class: "second" }, time(request.at, true), `, ${request.bytes} bytes, answered in ${request.took_ms} ms`),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", "aria-keyshortcuts": "s", on: { click: resend } }, "Send again", h("kbd", { "aria-hidden": "true" }, "s")),
        h("a", { class: "button", href: address("deliveries", null, parameters), "aria-label": "Close this request" }, "Close"),
      ),
    ],
    diagnosis(request, verify),
    events(verify),
    section("Headers", headers(request.headers)),
    request.query.length ? section("Query", h("p", { class: "mono" }, said(request.query.map((name) => `${name}=…`).join("&")))) : null,
    section("Body", body(request.body)),
    section("Reply", request.reply.hidden ? h("p", { class: "second" }, request.reply.hidden) : text(request.reply.text, "Reply")),
    h("details", {}, h("summary", {}, "The diagnosis as JSON"), json(verify, "The diagnosis as JSON")),
  );
  return { s: resend, r: null };
}

function diagnosis(request, verify) {
  const hints = [...(verify.hints ?? []), verify.answer?.hint].filter(Boolean);
  if (request.status < 300) {
    const other = verify.why ? h("p", { class: "box warn" }, "It was accepted. Checked again now: ", said(verify.why)) : null;
    return other ?? h("p", { class: "box good" }, verify.answer?.handshake ? "A handshake, answered. It contains no event." : "The signature is valid.");
  }
  return h(
    "div",
    { class: "box bad" },
    h("strong", {}, "Why it was refused: "),
    said(verify.why ?? request.refused ?? "unknown"),
    hints.length ? h("ul", {}, hints.map((hint) => h("li", {}, said(hint)))) : null,
  );
}

function events(verify) {
  const all = verify.answer?.events ?? [];
  if (!all.length) return null;
  const one = (event) => h("li", {}, badge("event", "plain"), h("span", {}, said(event.type)), h("a", { class: "mono", href: address("deliveries", event.key) }, said(event.key)));
  return section("Events in it", h("ul", { class: "reasons" }, all.map(one)));
}

function body(body) {
  if (!body) return h("p", { class: "second" }, "none");
  if (body.hidden) return h("p", { class: "second" }, `${body.bytes} bytes, not shown: `, said(body.hidden));
  return [text(body.text, "Body"), body.cut ? h("p", { class: "small second" }, `cut; all of it has ${body.bytes} bytes`) : null];
}

/** JSON on several lines; any other text as it is. */
function text(text, label) {
  if (!text) return h("p", { class: "second" }, "none");
  try {
    return json(exact(text), label);
  } catch {
    return plain(text, label);
  }
}
