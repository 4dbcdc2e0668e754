"""The ways out as a picture, laid out by hand: what leaves the processor, and by which part it reaches whom."""

import sys
from pathlib import Path

from architecture import STYLE, arrow, box
from canvas import document, text

WIDE, HIGH = 1200, 560


def main():
    parts = [
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse">'
        '<path class="head" d="M0 0L8 4L0 8z"/></marker></defs>',
        f'<rect class="frame" x="16" y="16" width="860" height="{HIGH - 32}" rx="12"/>',
        text(34, 40, "What leaves Tidings: each part is off until you switch it on, but the actions queue", "heading"),
        *box("ours", "function", 36, 193, 148, 118, "Processor", "writes all effects in", "one transaction,", "then sends"),
        # By part.
        *box("store", "queue", 258, 66, 152, 84, "Actions queue", "FIFO, in order of", "the conversation"),
        *box("ours", "function", 500, 66, 160, 84, "Sender", "says each action once,", "in order"),
        *box("store", "queue", 258, 210, 152, 84, "Published", "committed events", "and actions"),
        *box("ours", "function", 500, 210, 160, 84, "Publisher", "a delivery for each", "endpoint"),
        *box("store", "table", 258, 382, 152, 84, "Feed", "numbered items,", "kept 24 hours"),
        *box("ours", "function", 500, 382, 160, 84, "Reader", "status, events (SSE),", "resumes by number"),
        # Whom it reaches.
        *box("outside", "people", 926, 44, 258, 62, "Your bot", "takes actions from the queue itself"),
        *box("outside", "people", 926, 118, 258, 62, "People", "Slack, WhatsApp, Telegram, e-mail, …"),
        *box("outside", "door", 926, 198, 258, 62, "Others' servers", "outbound webhooks, signed"),
        *box("outside", "people", 926, 382, 258, 84, "Browsers and apps", "a status page, a web chat,", "answers as they are written"),
        *arrow("M110 193V108H254", "actions", 118, 156, "start"),
        *arrow("M184 252H254", "events", 219, 242),
        *arrow("M110 311V424H254", "in the same\ntransaction", 118, 380, "start"),
        *arrow("M410 108H496", "Sender=true", 453, 98),
        *arrow("M410 252H496", "Publisher=true", 453, 242),
        *arrow("M410 424H496", "Feed=true", 453, 414),
        *arrow("M334 66V54H896V66H922", "Sender=false", 700, 50),
        *arrow("M660 120H896V149H922", "channels", 778, 110),
        *arrow("M660 252H896V229H922", "webhooks", 778, 242),
        *arrow("M660 424H922", "SSE", 778, 414),
        text(34, 510, "What can't be sent ends in a dead-letter queue or in a log of attempts, with its reason; nothing waits for anything else.", "soft"),
    ]
    Path(sys.argv[1]).write_text(document(WIDE, HIGH, "Tidings: the ways out", STYLE, parts))


if __name__ == "__main__":
    main()
