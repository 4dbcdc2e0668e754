"""Writes the figures of docs/benchmark.json into docs/performance.md, between its markers, and draws the charts beside it.

`tests/bench/run --write` calls it, in the repository's root, with docs/pictures on Python's path.
"""

import json
import sys
from pathlib import Path

from canvas import document, text, width

FIGURES, PAGE = Path("docs/benchmark.json"), Path("docs/performance.md")
BEGIN, END = "<!-- made by tests/bench/run -->", "<!-- end -->"
MB = 1_000_000
# Those that the charts have: the receiver's, and the template's size of a batch.
CHARTED = ("accepted", "duplicate", "forged", "delivery-of-10", "batch-of-10-")
LANGUAGES = {"hello": "hello world, Rust", "tidings": "Tidings", "python": "Python", "node": "Node"}

WIDE, LABEL, BAR, GAP, TITLE = 1200, 330, 22, 18, 58
STYLE = """
:root{--ink:#1f2328;--soft:#59636e;--card:#fff;--hello:#9aa4af;--tidings:#0b6bcb;--python:#c98a1b;--node:#1f7a4d}
@media (prefers-color-scheme:dark){:root{--ink:#f0f3f6;--soft:#a0aab4;--card:#151b23;--hello:#5b6672;--tidings:#6cb2ff;--python:#e3b341;--node:#57c98c}}
text{fill:var(--ink);font-size:13px}.soft{fill:var(--soft)}.title{font-size:16px;font-weight:700}.card{fill:var(--card)}
.hello{fill:var(--hello)}.tidings{fill:var(--tidings)}.python{fill:var(--python)}.node{fill:var(--node)}
"""


def number(value):
    """Two or three figures that count: the others are noise."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def chart(path, title, unit, groups):
    """Groups of bars, all on one scale: `(label, [(language, value)])`."""
    most = max(value for _, bars in groups for _, value in bars)
    room = WIDE - LABEL - 130
    parts, y = [], TITLE
    for label, bars in groups:
        parts.append(text(LABEL - 14, y + 16, label, "", "end"))
        for language, value in bars:
            long = max(value / most * room, 1.5)
            parts.append(f'<rect class="{language}" x="{LABEL}" y="{y}" width="{long:.1f}" height="{BAR - 5}" rx="2"/>')
            parts.append(text(LABEL + long + 8, y + 13, f"{number(value)} {unit}", "soft"))
            y += BAR
        y += GAP
    head, x = [text(20, 30, title, "title")], WIDE - 20
    for language in reversed([name for name in LANGUAGES if any(name == bar for _, bars in groups for bar, _ in bars)]):
        x -= width(LANGUAGES[language], 13) + 30
        head.append(f'<rect class="{language}" x="{x:.1f}" y="19" width="13" height="13" rx="2"/>' + text(x + 19, 30, LANGUAGES[language]))
    card = f'<rect class="card" width="{WIDE}" height="{y}" rx="8"/>'
    Path(path).write_text(document(WIDE, y, title, STYLE, [card, *head, *parts]))


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def ratio(of, to):
    return f"{of / to:.1f}" if of and to else ""


def starts(results):
    hello = next(program["init_ms"]["median"] for program in results["programs"] if program["language"] == "hello")
    counted = any(program["init_instructions"] for program in results["programs"])
    header = ["", "INIT, ms", "10th to 90th percentile", "× hello", "first event, ms", "deployed, MB"]
    rows = []
    for program in results["programs"]:
        init = program["init_ms"]
        row = [f"{LANGUAGES[program['language']]}: {program['role']}", number(init["median"])]
        row += [f"{number(init['p10'])} to {number(init['p90'])}", ratio(init["median"], hello)]
        row += [number(program["first_ms"]["median"]), number(program["artefact_bytes"] / MB)]
        if counted:
            row.append(f"{program['init_instructions']:,}" if program["init_instructions"] else "")
        rows.append(row)
    return table(header + (["instructions of INIT"] if counted else []), rows)


def calls(case, row):
    """An invocation's, by operation."""
    each = {operation.split(":")[1]: count["calls"] / row["invocations"] for operation, count in row["aws"].items()}
    return ", ".join(f"{count:g} `{operation}`" for operation, count in each.items()) or "none"


def warm(results):
    counted = any(row["instructions"] for case in results["cases"] for row in case["rows"])
    header = ["case", "", "p50, ms", "p99, ms", "CPU, ms an event", "× hello", "Python takes ×", "Node takes ×", "peak RSS, MB"]
    header += ["log, bytes an event", "AWS, bytes an event", "AWS calls of an invocation"]
    rows = []
    for case in results["cases"]:
        cpu = {row["language"]: row["cpu_ms"] for row in case["rows"]}
        for row in case["rows"]:
            language, events = row["language"], row["invocations"] * case["events"]
            moved = sum(count["request_bytes"] + count["answer_bytes"] for count in row["aws"].values()) / events
            cells = [f"`{case['case']}`", LANGUAGES[language], number(row["p50_ms"]), number(row["p99_ms"]), f"{row['cpu_ms']:.3f}"]
            cells.append(ratio(row["cpu_ms"], cpu.get("hello")) if language != "hello" else "")
            cells += [ratio(cpu.get(peer), row["cpu_ms"]) if language not in (peer, "hello") else "" for peer in ("python", "node")]
            cells += [number(row["peak_rss_bytes"] / MB), f"{row['log_bytes']:.0f}", f"{moved:.0f}", calls(case, row)]
            if counted:
                cells.append(f"{row['instructions']:,}" if row["instructions"] else "")
            rows.append(cells)
    return table(header + (["instructions an event"] if counted else []), rows)


def section(results):
    machine, settings = results["machine"], results["settings"]
    return "\n".join(
        [
            BEGIN,
            f"Measured on {machine['date']} at `{machine['commit']}`: {machine['processor']}, {machine['cores']} cores, Linux "
            f"{machine['kernel']}, load {machine['load_before']} before it began; {machine['rustc']}; {machine['python']}; Node "
            f"{machine['node']}; {'TLS' if settings['tls'] else 'no TLS'}. `{settings['command']}`: {settings['starts']} starts of each "
            f"program, {settings['events']} events of each case in {settings['rounds']} rounds.",
            "",
            "![INIT of each program](benchmark-init.svg)",
            "",
            "![Processor time of an event](benchmark-cpu.svg)",
            "",
            "![Peak memory](benchmark-memory.svg)",
            "",
            starts(results),
            "",
            warm(results),
            "",
            "[All figures](benchmark.json)",
            END,
        ]
    )


def draw(results):
    roles = ("receiver", "processor")
    init = [
        (role, [(p["language"], p["init_ms"]["median"]) for p in results["programs"] if p["role"] == role])
        for role in roles
    ]
    chart("docs/benchmark-init.svg", "From process start to the first request for an event (INIT)", "ms", init)

    def of(value):
        charted = [case for case in results["cases"] if case["case"].startswith(CHARTED)]
        return [(case["case"], [(row["language"], value(row)) for row in case["rows"]]) for case in charted]

    chart("docs/benchmark-cpu.svg", "Processor time of one event", "ms", of(lambda row: row["cpu_ms"]))
    chart("docs/benchmark-memory.svg", "Peak memory (RSS)", "MB", of(lambda row: row["peak_rss_bytes"] / MB))


def main():
    results = json.loads(FIGURES.read_text())
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest or not after:
        sys.exit(f"{PAGE} has no place for the figures: {BEGIN} … {END}")
    draw(results)
    PAGE.write_text(before + section(results) + after)
    print(f"{PAGE} and docs/benchmark-{{init,cpu,memory}}.svg are written")


main()
