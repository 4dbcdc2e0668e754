"""A command's output as a picture of a terminal: it runs in a pseudo-terminal of 80 columns, so it is coloured and cut as a person sees
it. `terminal.py PICTURE SHOWN COMMAND…`: SHOWN is the command line in the picture."""

import os
import pty
import re
import sys
from pathlib import Path

from canvas import document, escape

COLUMNS, MOST_LINES = 80, 40
CELL, LINE, LEFT, TOP = 8.4, 20, 22, 62
STYLE = """
:root{--back:#0d1117;--bar:#1b222c;--ink:#e6edf3;--black:#6e7681;--red:#ff7b72;--green:#56d364;--yellow:#e3b341;--blue:#79c0ff;--magenta:#d2a8ff;--cyan:#76e3ea;--white:#f0f6fc}
text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:14px;fill:var(--ink);white-space:pre}
.back{fill:var(--back);stroke:#30363d}.bar{fill:var(--bar)}.b{font-weight:700}.d{opacity:.62}.u{text-decoration:underline}
""" + "".join(f".c{i}{{fill:var(--{name})}}" for i, name in enumerate(("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")))
ESCAPE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


def output(command):
    """All that it prints. A command that fails has no picture."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ |= {"COLUMNS": str(COLUMNS), "LINES": str(MOST_LINES), "TERM": "xterm-256color"}
        os.environ.pop("NO_COLOR", None)
        os.execvp(command[0], command)
    import fcntl
    import struct
    import termios

    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", MOST_LINES, COLUMNS, 0, 0))
    printed = b""
    while True:
        try:
            read = os.read(terminal, 65536)
        except OSError:
            break
        if not read:
            break
        printed += read
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {status}:\n{printed.decode(errors='replace')}")
    return printed.decode()


def style(codes, classes):
    """The classes after a change of colour or weight."""
    for code in (int(code or 0) for code in codes.split(";")):
        if code == 0:
            classes = set()
        elif code in (1, 2, 4):
            classes = classes | {{1: "b", 2: "d", 4: "u"}[code]}
        elif 30 <= code <= 37 or 90 <= code <= 97:
            classes = {c for c in classes if not c.startswith("c")} | {f"c{code % 10}"}
        elif code == 39:
            classes = {c for c in classes if not c.startswith("c")}
        elif code == 22:
            classes = classes - {"b", "d"}
    return classes


def runs(line, classes):
    """(column, text, classes) of what is written in one style, and the style after it."""
    found, column, at = [], 0, 0
    for change in [*ESCAPE.finditer(line), None]:
        written = line[at : change.start() if change else len(line)]
        if written:
            found.append((column, written, classes))
            column += len(written)
        if change:
            at = change.end()
            if change[2] == "m":
                classes = style(change[1], classes)
    return found, classes


def main():
    picture, shown, *command = sys.argv[1:]
    lines = output(command).replace("\r\n", "\n").rstrip("\n").split("\n")
    if len(lines) > MOST_LINES:
        lines[MOST_LINES - 1 :] = [f"\x1b[2m… {len(lines) - MOST_LINES + 1} more lines\x1b[0m"]
    high = TOP + LINE * (len(lines) + 1) + 14
    wide = round(LEFT * 2 + COLUMNS * CELL)
    parts = [f'<rect class="back" x=".5" y=".5" width="{wide - 1}" height="{high - 1}" rx="10"/>']
    parts.append(f'<path class="bar" d="M1 34V10a9 9 0 0 1 9-9H{wide - 10}a9 9 0 0 1 9 9V34z"/>')
    parts += [f'<circle cx="{20 + 18 * at}" cy="17" r="5.5" fill="{fill}"/>' for at, fill in enumerate(("#ff5f57", "#febc2e", "#28c840"))]
    classes = set()
    for row, line in enumerate([f"\x1b[32m$\x1b[0m \x1b[1m{shown}\x1b[0m", *lines]):
        found, classes = runs(line, classes)
        for column, written, of in found:
            written = written[: max(COLUMNS - column, 0)]
            body = written.strip(" ")
            if not body:
                continue
            x = LEFT + (column + len(written) - len(written.lstrip(" "))) * CELL
            named = f' class="{" ".join(sorted(of))}"' if of else ""
            # Each run is as long as its columns, whatever font a reader has.
            parts.append(f'<text x="{x:.1f}" y="{TOP + row * LINE}" textLength="{len(body) * CELL:.1f}"{named}>{escape(body, quote=False)}</text>')
    Path(picture).write_text(document(wide, high, f"{shown} in a terminal", STYLE, parts))


if __name__ == "__main__":
    main()
