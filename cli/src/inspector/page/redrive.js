// Redrive: what would be moved, a confirmation, and the result.

import { post } from "./api.js";
import { confirmed, failed, note } from "./dialog.js";
import { badge, h, said } from "./dom.js";

/** Asks, then moves the matching messages. Resolves to whether something was moved. */
export async function redriven(filter, title) {
  try {
    const would = await post("api/dead-letters/redrive", { filter });
    if (!would.messages) {
      note("Nothing matches any more: the messages were redriven or dropped, or another consumer is reading them.", "bad");
      return false;
    }
    const group = (one) => h("li", {}, badge(String(one.messages), "bad"), h("span", { class: "second" }, said([...one.sources].join(", "))), h("span", {}, said(one.reason)));
    const old = would.groups.reduce((sum, one) => sum + one.too_old, 0);
    const count = would.messages === 1 ? "1 message" : `${would.messages} messages`;
    const yes = await confirmed(
      title,
      `Redrive ${count}`,
      h("p", {}, "They leave the dead-letter queue once the events queue has acknowledged them. Each takes effect once."),
      h("ul", { class: "reasons" }, would.groups.map(group)),
      old ? h("p", { class: "box warn" }, `${old} were received too long ago and stay.`) : null,
      would.complete ? null : h("p", { class: "box warn" }, "The queue has more messages than were read."),
    );
    if (!yes) return false;
    const { redrive } = await post("api/dead-letters/redrive", { filter, confirmed: true });
    const rest = [redrive.refused ? `${redrive.refused} refused` : "", redrive.failed ? `${redrive.failed} not acknowledged` : "", redrive.in_both ? `${redrive.in_both} in both queues` : ""].filter(Boolean);
    note([`${redrive.moved} moved to the events queue`, ...rest].join(", "), rest.length ? "bad" : "good");
    dispatchEvent(new Event("tidings-changed"));
    return redrive.moved > 0;
  } catch (error) {
    failed(error);
    return false;
  }
}
