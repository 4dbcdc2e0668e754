"""The architecture as a picture, laid out by hand: who calls what, and where an event can be."""

import sys
from pathlib import Path

from canvas import document, text

WIDE, HIGH = 1200, 500
STYLE = """
:root{--ink:#1f2328;--soft:#59636e;--card:#fff;--edge:#9aa4af;--frame:#f6f8fa;--frame-edge:#d1d9e0;--ours:#0b6bcb;--ours-fill:#e8f2fd;--store:#1f7a4d;--store-fill:#e7f6ee;--bad:#c4341c;--bad-fill:#fdecea}
@media (prefers-color-scheme:dark){:root{--ink:#f0f3f6;--soft:#a0aab4;--card:#151b23;--edge:#5b6672;--frame:#0d1117;--frame-edge:#30363d;--ours:#6cb2ff;--ours-fill:#0f2236;--store:#57c98c;--store-fill:#0f2a1e;--bad:#ff8272;--bad-fill:#361714}}
text{fill:var(--ink);font-size:12px}.soft{fill:var(--soft)}.name{font-size:14px;font-weight:700}.frame{fill:var(--frame);stroke:var(--frame-edge)}
.label{fill:var(--soft);font-size:11.5px;paint-order:stroke;stroke:var(--frame);stroke-width:5px}.outside{fill:var(--card);stroke:var(--edge)}
.ours{fill:var(--ours-fill);stroke:var(--ours);stroke-width:1.6}.store{fill:var(--store-fill);stroke:var(--store);stroke-width:1.4}.bad{fill:var(--bad-fill);stroke:var(--bad);stroke-width:1.4}
.arrow{fill:none;stroke:var(--soft);stroke-width:1.6}.head{fill:var(--soft)}.icon{fill:none;stroke:var(--soft);stroke-width:1.3}.heading{font-size:13px;font-weight:700;fill:var(--soft)}
"""
ICONS = {
    "function": '<text x="3" y="15" class="soft" font-size="17" font-weight="700">λ</text>',
    "queue": '<path class="icon" d="M1 4h14v9H1zM5 4v9M10 4v9"/>',
    "table": '<path class="icon" d="M1 3h14v11H1zM1 7h14M6 7v7"/>',
    "door": '<path class="icon" d="M1 8h11M8 4l4 4-4 4M15 2v12"/>',
    "bell": '<path class="icon" d="M3 12h10l-1.500-2V7a3.500 3.500 0 0 0-7 0v3zM7 14h2"/>',
    "people": '<circle class="icon" cx="8" cy="5" r="3"/><path class="icon" d="M2 15c0-7 12-7 12 0"/>',
}


def box(kind, icon, x, y, wide, high, name, *lines):
    parts = [f'<rect class="{kind}" x="{x}" y="{y}" width="{wide}" height="{high}" rx="8"/>']
    parts.append(f'<g transform="translate({x + 11} {y + 10})">{ICONS[icon]}</g>')
    parts.append(text(x + 34, y + 23, name, "name"))
    return parts + [text(x + 12, y + 44 + 16 * row, line, "soft") for row, line in enumerate(lines)]


def arrow(path, label="", x=0, y=0, anchor="middle"):
    parts = [f'<path class="arrow" marker-end="url(#head)" d="{path}"/>']
    for row, line in enumerate(label.split("\n") if label else ()):
        parts.append(text(x, y + 14 * row, line, "label", anchor))
    return parts


def main():
    parts = [
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse">'
        '<path class="head" d="M0 0L8 4L0 8z"/></marker></defs>',
        f'<rect class="frame" x="182" y="16" width="866" height="{HIGH - 32}" rx="12"/>',
        text(200, 40, "Tidings: one CloudFormation stack in your AWS account", "heading"),
        # Outside.
        *box("outside", "door", 12, 168, 138, 118, "Providers", "send webhooks:", "Stripe, WhatsApp,", "GitHub, Shopify, …"),
        *box("outside", "people", 1072, 168, 116, 118, "Your bot", "reads the context,", "takes actions,", "writes to people"),
        *box("outside", "people", 12, 366, 138, 84, "On call", "SNS, runbook,", "tidings status"),
        *box("outside", "door", 1072, 366, 116, 84, "Your apps", "link identities", "to conversations"),
        # The way of an event.
        *box("ours", "door", 204, 168, 112, 118, "HTTP API", "throttles,", "logs access"),
        *box("ours", "function", 356, 168, 148, 118, "Receiver", "verifies the signature,", "claims the event,", "queues it, answers"),
        *box("store", "queue", 544, 168, 140, 118, "Events queue", "14 days,", "up to 5 receives"),
        *box("ours", "function", 724, 168, 148, 118, "Processor", "applies the rules,", "writes all effects in", "one transaction"),
        *box("store", "table", 898, 160, 140, 62, "Context", "facts by conversation"),
        *box("store", "queue", 898, 236, 140, 62, "Actions", "what to send, in order"),
        # Above: what each event's state is. Below: what fails, and what other programs know.
        *box("store", "table", 534, 56, 160, 76, "Claims", "one record per event:", "no effect happens twice"),
        *box("bad", "queue", 534, 370, 160, 80, "Dead-letter queue", "kept with its reason,", "redriven on command"),
        *box("bad", "bell", 346, 370, 148, 80, "Alarms", "each with a first", "command; dashboard"),
        *box("store", "queue", 724, 370, 148, 80, "Links queue", "identity →", "conversation"),
        *arrow("M150 224H200"),
        *arrow("M316 224H352"),
        *arrow("M504 224H540"),
        *arrow("M684 224H720"),
        *arrow("M872 200H884V191H894"),
        *arrow("M872 250H884V267H894"),
        *arrow("M1038 191H1068"),
        *arrow("M1038 267H1068"),
        *arrow("M430 168V94H530", "claims", 424, 112, "end"),
        *arrow("M798 168V94H698", "marks as processed,\nin the same transaction", 806, 106, "start"),
        *arrow("M614 286V366", "after 5 failed receives", 622, 322, "start"),
        *arrow("M534 410H498"),
        *arrow("M346 410H154", "notify", 262, 402),
        *arrow("M1072 410H876", "link", 974, 402),
        *arrow("M798 370V290"),
    ]
    Path(sys.argv[1]).write_text(document(WIDE, HIGH, "Tidings: from a provider's webhook to your bot", STYLE, parts))


if __name__ == "__main__":
    main()
