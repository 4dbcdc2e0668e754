"""A model of a stack under load: a steady rate, and a storm of ten times as much that comes within a minute and lasts ten.

    python3 docs/pictures/scale.py            # writes docs/performance.md between its markers, and docs/scale.svg
    python3 docs/pictures/scale.py --check    # says whether both are current

It is arithmetic, second by second, on limits that AWS documents and on counts of infra/cost. Nothing of it was measured on AWS.
Messages are a fluid: of a batch, and of a queue, it knows the rate and not each message.
"""

import json
import math
import sys
import tomllib
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from canvas import document, text, width  # noqa: E402

ROOT = Path(__file__).parents[2]
PAGE, PICTURE = ROOT / "docs/performance.md", ROOT / "docs/scale.svg"
BEGIN, END = "<!-- made by docs/pictures/scale.py -->", "<!-- end of the model -->"

# AWS's limits. Lambda developer guide, "Configuring scaling behavior for SQS event source mappings": the standard mode begins with 5 batches
# at once and adds up to 300 a minute, up to 1,250; provisioned mode adds up to 1,000 a minute, up to 20,000; a poller hands out up to 10
# batches at once and polls up to 10 times a second. "Lambda function scaling": 1,000 environments more in 10 s, of each function.
STANDARD_BEGINS, STANDARD_A_MINUTE, STANDARD_MOST = 5, 300, 1_250
PROVISIONED_A_MINUTE, PROVISIONED_MOST, A_POLLERS_BATCHES, A_POLLERS_POLLS = 1_000, 20_000, 10, 10
ENVIRONMENTS_IN_TEN_SECONDS = 1_000
# DynamoDB developer guide: a new on-demand table takes 4,000 write units a second, and later twice its previous peak at once. A table's default
# quota is 40,000. A partition takes 1,000: the key of an event is its own, so claims spread evenly; one entity's events don't.
NEW_TABLE, TIMES_THE_PEAK, TABLE_QUOTA = 4_000, 2, 40_000
# SQS developer guide: messages of a standard queue that are received and not deleted yet.
MOST_IN_FLIGHT = 120_000

BATCH, VISIBILITY, RECEIVES = 10, 180, 5

STORM_AT, STORM_RAMP, STORM_LASTS, TIMES, HORIZON = 300, 60, 600, 10, 7_200

counted = json.loads((ROOT / "infra/cost/counted.json").read_text())
assumed = tomllib.loads((ROOT / "infra/cost/assumed.toml").read_text())
# Units of the claims table for an event, in the receiver and in the processor; and of the context table. The transaction's part is half the
# claim's and half the entity's, and the index has a capacity of its own.
RECEIVER_UNITS = counted["accepted"]["write_units"]
PROCESSOR_UNITS = math.ceil((counted["processed"]["write_units"] - 1) / 2)
BATCH_SECONDS = (assumed["processed_ms"] + (BATCH - 1) * assumed["further_event_ms"]) / 1000
RECEIVER_SECONDS = assumed["accepted_ms"] / 1000


@dataclass(frozen=True)
class Stack:
    name: str
    door: int = 500
    concurrency: int = 20
    pollers: tuple = ()
    warm: int = 0
    quota: int = TABLE_QUOTA


@dataclass
class Outcome:
    refused: float
    backlog: list
    lag: list
    recovered: int | None
    receives: float
    dead: float


def offered(steady, second):
    into = second - STORM_AT
    if into < 0 or into >= STORM_RAMP + STORM_LASTS:
        return steady
    return steady * (1 + (TIMES - 1) * min(into / STORM_RAMP, 1))


def capacity(stack, units):
    """Of a table that has taken so many units a second until now."""
    return max(stack.warm, min(max(NEW_TABLE, TIMES_THE_PEAK * units), stack.quota))


def simulate(stack, steady):
    """Second by second."""
    before = min(steady, stack.door)
    claims = capacity(stack, before * (RECEIVER_UNITS + PROCESSOR_UNITS))
    contexts = capacity(stack, before * PROCESSOR_UNITS)
    # Messages that wait, by how often they have been received.
    waiting = [0.0] * RECEIVES
    returning = [[0.0] * RECEIVES for _ in range(HORIZON + VISIBILITY + 1)]
    batches = before / BATCH * BATCH_SECONDS
    arrived, served, backlog, lag = [0.0], [0.0], [], []
    refused = attempts = dead = 0.0
    for second in range(HORIZON):
        comes = offered(steady, second)
        accepted = min(comes, stack.door)
        refused += comes - accepted
        waiting = [now + back for now, back in zip(waiting, returning[second])]
        waiting[0] += accepted
        visible = sum(waiting)
        # Pollers follow the backlog: they are added while messages wait.
        needs = visible / BATCH * BATCH_SECONDS
        if stack.pollers:
            least, most = (count * A_POLLERS_BATCHES for count in stack.pollers)
            batches = min(max(least, min(needs, batches + PROVISIONED_A_MINUTE / 60)), most, PROVISIONED_MOST)
            polled = batches / A_POLLERS_BATCHES * A_POLLERS_POLLS * BATCH
        else:
            most = min(stack.concurrency, STANDARD_MOST)
            batches = min(max(STANDARD_BEGINS, min(needs, batches + STANDARD_A_MINUTE / 60)), most)
            polled = math.inf
        tried = min(visible, batches / BATCH_SECONDS * BATCH, polled, MOST_IN_FLIGHT)
        # Receiver and processor share the claims table. What the receiver can't claim is queued without a claim.
        units = accepted * RECEIVER_UNITS + tried * PROCESSOR_UNITS
        done = min(tried * min(1, claims / units if units else 1), contexts / PROCESSOR_UNITS)
        failing = 1 - done / tried if tried else 0.0
        taken = [many * tried / visible if visible else 0.0 for many in waiting]
        waiting = [many - some for many, some in zip(waiting, taken)]
        for receives, some in enumerate(taken):
            if receives + 1 < RECEIVES:
                returning[second + VISIBILITY][receives + 1] += some * failing
        lost = taken[-1] * failing
        attempts, dead = attempts + tried, dead + lost
        arrived.append(arrived[-1] + accepted)
        served.append(served[-1] + done + lost)
        backlog.append(arrived[-1] - served[-1])
        # The age of the oldest: when as many had arrived as are served now.
        lag.append(max(0, second - bisect_right(arrived, served[-1] + 1e-6) + 1))
    over = [second for second in range(HORIZON) if lag[second] > 5]
    end = STORM_AT + STORM_RAMP + STORM_LASTS
    recovered = None if over and over[-1] >= HORIZON - 1 else max(0, (over[-1] if over else end) - end)
    offers = sum(offered(steady, second) for second in range(HORIZON))
    return Outcome(refused / offers, backlog, lag, recovered, attempts / max(served[-1], 1), dead)


SMALL = [
    Stack("the defaults"),
    Stack("`ThrottleRateLimit=10000`", door=10_000),
    Stack("and `ProcessorMaxConcurrency=200`", door=10_000, concurrency=200),
    Stack("and `TableWarmWrites=40000`", door=10_000, concurrency=200, warm=40_000),
    Stack("and `ProcessorMinPollers=20`, `ProcessorMaxPollers=200`", door=10_000, pollers=(20, 200), warm=40_000),
]
LARGE = [
    Stack("`ThrottleRateLimit=100000`, `ProcessorMaxConcurrency=1000`, quotas raised", door=100_000, concurrency=1_000, quota=800_000),
    Stack("and `TableWarmWrites=400000`", door=100_000, concurrency=1_000, warm=400_000, quota=800_000),
    Stack("and `ProcessorMinPollers=200`, `ProcessorMaxPollers=2000`", door=100_000, pollers=(200, 2_000), warm=400_000, quota=800_000),
]


def lasting(seconds):
    if seconds is None:
        return f"over {HORIZON // 60} min"
    return f"{seconds} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def row(stack, outcome):
    many = max(outcome.backlog)
    cells = [
        stack.name,
        f"{outcome.refused * 100:.0f} %" if outcome.refused else "none",
        f"{many:,.0f}" if many < 1e6 else f"{many / 1e6:.1f} M",
        lasting(max(outcome.lag)),
        lasting(outcome.recovered),
        f"{outcome.receives:.1f}",
        f"{outcome.dead:,.0f}" if outcome.dead >= 1 else "none",
    ]
    return "| " + " | ".join(cells) + " |"


def table(steady, stacks):
    head = [
        f"{steady:,} events a second, {steady * TIMES:,} in the storm", "refused at first (429)", "most messages that wait",
        "longest wait", "recovered after the storm", "receives an event", "dead-lettered",
    ]
    rows = [row(stack, simulate(stack, steady)) for stack in stacks]
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *rows])


def needs(steady):
    """What a steady rate and its storm need at the same time."""
    lines = ["| at once | steady | storm |", "|---|---|---|"]
    rates = (steady, steady * TIMES)
    lines.append("| requests a second, of 10,000 that an account may have | " + " | ".join(f"{rate:,}" for rate in rates) + " |")
    lines.append("| receivers, of 1,000 functions | " + " | ".join(f"{math.ceil(rate * RECEIVER_SECONDS):,}" for rate in rates) + " |")
    lines.append("| processors, with full batches | " + " | ".join(f"{math.ceil(rate / BATCH * BATCH_SECONDS):,}" for rate in rates) + " |")
    units = [rate * (RECEIVER_UNITS + PROCESSOR_UNITS) for rate in rates]
    lines.append("| write units a second of the claims table, of 40,000 | " + " | ".join(f"{unit:,.0f}" for unit in units) + " |")
    lines.append("| its partitions, of 1,000 units each | " + " | ".join(f"{math.ceil(unit / 1000):,}" for unit in units) + " |")
    return "\n".join(lines)


def page():
    small, large = table(1_000, SMALL), table(10_000, LARGE)
    return "\n\n".join([needs(1_000), small, needs(10_000), large])


WIDE, HIGH, LEFT, RIGHT, TOP, BOTTOM = 1200, 420, 110, 30, 60, 50
STYLE = """
:root{--ink:#1f2328;--soft:#59636e;--card:#fff;--grid:#d1d9e0;--a:#9aa4af;--b:#c98a1b;--c:#c4341c;--d:#0b6bcb;--e:#1f7a4d}
@media (prefers-color-scheme:dark){:root{--ink:#f0f3f6;--soft:#a0aab4;--card:#151b23;--grid:#30363d;--a:#5b6672;--b:#e3b341;--c:#ff8272;--d:#6cb2ff;--e:#57c98c}}
text{fill:var(--ink);font-size:13px}.soft{fill:var(--soft)}.title{font-size:16px;font-weight:700}.card{fill:var(--card)}.grid{stroke:var(--grid)}
.a,.b,.c,.d,.e{fill:none;stroke-width:2}.a{stroke:var(--a)}.b{stroke:var(--b)}.c{stroke:var(--c)}.d{stroke:var(--d)}.e{stroke:var(--e)}
"""


def picture():
    """How long the oldest message has waited, on a logarithmic scale."""
    minutes, marks = 60, [1, 10, 60, 600, 3_600]
    x = lambda second: LEFT + second / (minutes * 60) * (WIDE - LEFT - RIGHT)
    y = lambda lag: HIGH - BOTTOM - math.log10(max(lag, 1)) / math.log10(3_600) * (HIGH - BOTTOM - TOP)
    title = "How long the oldest event waits: 1,000 events a second, 10,000 from minute 5 to 16"
    parts = [f'<rect class="card" width="{WIDE}" height="{HIGH + 30 * len(SMALL)}" rx="8"/>', text(20, 30, title, "title")]
    for mark in marks:
        parts.append(f'<path class="grid" d="M{LEFT} {y(mark):.1f}H{WIDE - RIGHT}"/>' + text(LEFT - 12, y(mark) + 4, lasting(mark), "soft", "end"))
    for minute in range(0, minutes + 1, 10):
        parts.append(text(x(minute * 60), HIGH - BOTTOM + 24, f"{minute} min", "soft", "middle"))
    for place, (kind, stack) in enumerate(zip("abcde", SMALL)):
        lag = simulate(stack, 1_000).lag
        points = " ".join(f"{x(second):.1f},{y(lag[second]):.1f}" for second in range(0, minutes * 60, 15))
        parts.append(f'<polyline class="{kind}" points="{points}"/>')
        line = HIGH + 30 * place
        parts.append(f'<path class="{kind}" d="M{LEFT} {line}h30"/>' + text(LEFT + 42, line + 4, stack.name.replace("`", ""), "soft"))
    assert width(title, 16) < WIDE
    return document(WIDE, HIGH + 30 * len(SMALL), title, STYLE, parts)


def written():
    """The page and the picture as they should be."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN, 1)
    _, after = rest.split(END, 1)
    return {PAGE: f"{before}{BEGIN}\n{page()}\n{END}{after}", PICTURE: picture()}


def stale():
    return [path for path, expected in written().items() if not path.exists() or path.read_text(encoding="utf-8") != expected]


def main(arguments):
    if arguments == ["--check"]:
        for path in stale():
            print(f"{path.relative_to(ROOT)} is stale: python3 docs/pictures/scale.py writes it")
        return 1 if stale() else 0
    for path, expected in written().items():
        path.write_text(expected, encoding="utf-8")
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
