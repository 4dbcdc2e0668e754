"""infra/dashboard.json as CloudWatch would show it after a simulated day (day.py). Titles, lines, statistics, periods, thresholds, axes
and legends are what the file says; only the numbers are made up."""

import json
import math
import re
import sys
from itertools import accumulate
from pathlib import Path

import yaml
from canvas import document, fit, text, width
from day import MINUTES, STORY, simulate
from widget import Widget, points

SEED = 7
COLUMN, ROW, GAP = 50, 38, 8
COLOURS = ["#3b7dd8", "#e8833a", "#2f9e5f", "#d2435b", "#8d63c7", "#9a6b4f", "#d670b5", "#7d858f", "#a7a622", "#25a8b8"]
WHAT = (
    "Drawn from infra/dashboard.json: its titles, lines, statistics, periods and thresholds. Nothing was measured: the numbers come from a seeded",
    "simulation (docs/pictures/day.py). A line with the mark AWS is a model of a metric that AWS counts itself.",
)
STYLE = """
:root{--page:#f2f4f7;--card:#fff;--edge:#dfe3e8;--ink:#16191f;--soft:#5c6670;--grid:#e9ecef;--red:#d13212;--ok:#1d8102}
@media (prefers-color-scheme:dark){:root{--page:#0f141a;--card:#171e26;--edge:#2b3540;--ink:#e9ebed;--soft:#97a3af;--grid:#26303a;--red:#ff6b57;--ok:#4cc38a}}
.page{fill:var(--page)}.card{fill:var(--card);stroke:var(--edge)}text{fill:var(--ink);font-size:11px}.soft{fill:var(--soft)}
.head{font-size:18px;font-weight:700}.bold{font-weight:700}.section{font-size:17px;font-weight:700}.title{font-size:12px;font-weight:600}.tick{fill:var(--soft);font-size:10px}
.limit{fill:var(--red);font-size:10px;paint-order:stroke;stroke:var(--card);stroke-width:3px}.at{stroke:var(--red);stroke-dasharray:5 3;fill:none}
.grid{stroke:var(--grid);fill:none}.line{fill:none;stroke-width:1.4;stroke-linejoin:round}.number{font-size:24px;font-weight:600}
.key{font-size:10.5px}.aws{fill:var(--soft);font-size:8px;font-weight:700}.ok{fill:var(--ok)}.alarm{fill:var(--red)}.tile{fill:var(--page)}.tile-name{font-size:10px}
""" + "".join(f".c{i}{{stroke:{colour}}}.f{i}{{fill:{colour}}}" for i, colour in enumerate(COLOURS))


class Tagged(yaml.SafeLoader):
    """CloudFormation's tags read as plain values."""


Tagged.add_multi_constructor(
    "!",
    lambda loader, tag, node: loader.construct_scalar(node)
    if isinstance(node, yaml.ScalarNode)
    else loader.construct_sequence(node, deep=True)
    if isinstance(node, yaml.SequenceNode)
    else loader.construct_mapping(node, deep=True),
)


def with_api(value):
    """Of each choice between the front doors what a stack with an HTTP API has."""
    if isinstance(value, list):
        return with_api(value[1]) if len(value) == 3 and value[0] == "HttpApi" else [with_api(item) for item in value]
    return {name: with_api(item) for name, item in value.items()} if isinstance(value, dict) else value


def substitute(source, template):
    """As `Fn::Sub` does: the stack is called tidings and has an HTTP API, a parameter has its default, a resource is its own name."""
    parameters = template["Parameters"]
    own = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"][1]

    def value(found):
        name = found[1]
        if name in own:
            return own[name]
        return "tidings" if name == "AWS::StackName" else str(parameters[name]["Default"]) if name in parameters else name

    return re.sub(r"\$\{([^}]+)\}", value, source)


def nice(top):
    """The step of an axis of three or four lines, and its end."""
    rough = top / 4
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough)
    return step, step * math.ceil(top / step - 1e-9)


def parts_of(end):
    """The step of an axis whose end is given."""
    return next(end / parts for parts in (4, 3, 5, 2, 1) if len(f"{end / parts:g}".rstrip("0")) <= 2)


def number(value):
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def path(series, left, wide, bottom, scale, floor):
    """Where there is no point there is no line; a point alone is a dash. What is level is one stroke."""
    step = wide / len(series)
    at = [None if p is None else f"{max(bottom - p * scale, floor):.1f}" for p in series]
    parts = []
    for index, y in enumerate(at):
        before, after = at[index - 1] if index else None, at[index + 1] if index + 1 < len(at) else None
        if y is None or (before == y == after):
            continue
        x = f"{left + (index + 0.5) * step:.1f}"
        parts.append(f"L{x} {y}" if before is not None else f"M{x} {y}" if after is not None else f"M{x} {y}h1")
    return "".join(parts)


def legend(lines, wide, right):
    """(x, row, room) of each key: side by side, or one below the other."""
    if right:
        return [(0, row, wide) for row in range(len(lines))]
    rooms = [min(width(label, 10.5) + 20 + (20 if of_aws else 0), wide) for label, of_aws, _ in lines]
    if sum(rooms) + 8 * (len(rooms) - 1) <= wide:
        return [(sum(rooms[:at]) + 8 * at, 0, room) for at, room in enumerate(rooms)]
    columns = max(1, int(wide // (max(rooms) - 10)))
    return [(at % columns * (wide / columns), at // columns, wide / columns) for at in range(len(rooms))]


def graph(x, y, wide, high, properties, widget):
    lines = [(label, of_aws, series) for label, of_aws, series in widget.lines() if any(p is not None for p in series)]
    if not lines:
        raise SystemExit(f"{properties['title']!r} would be empty on an ordinary day")
    if properties.get("stacked"):
        sums = list(accumulate((series for _, _, series in lines), lambda one, other: [(a or 0) + (b or 0) for a, b in zip(one, other)]))
        drawn = [(label, of_aws, total) for (label, of_aws, _), total in zip(lines, sums)]
    else:
        drawn = lines
    right = properties["legend"]["position"] == "right"
    keys_wide = 230 if right else wide - 28
    places = legend(lines, keys_wide, right)
    rows = places[-1][1] + 1
    left, top = x + 42, y + 34
    bottom = y + high - 24 - (8 if right else rows * 15 + 4)
    across = wide - 56 - (keys_wide + 6 if right else 0)
    marks = properties.get("annotations", {}).get("horizontal", [])
    most = max([p for _, _, series in drawn for p in series if p is not None] + [mark["value"] for mark in marks])
    end = properties["yAxis"]["left"].get("max")
    step, end = (parts_of(end), end) if end else nice(max(most * 1.05, 1))
    scale = (bottom - top) / end
    parts = []
    for tick in range(int(end / step + 1e-9) + 1):
        at = bottom - tick * step * scale
        parts += [f'<path class="grid" d="M{left} {at:.1f}h{across}"/>', text(left - 6, round(at + 3.5, 1), number(tick * step), "tick", "end")]
    for hour in range(0, 25, 6):
        anchor = "start" if hour == 0 else "end" if hour == 24 else "middle"
        parts.append(text(round(left + across * hour / 24), bottom + 14, f"{hour:02}:00", "tick", anchor))
    for index, (_, _, series) in enumerate(drawn):
        colour = index % len(COLOURS)
        outline = path(series, left, across, bottom, scale, top)
        if properties.get("stacked"):
            below = drawn[index - 1][2] if index else [0] * len(series)
            back = path(below[::-1], left + across, -across, bottom, scale, top).replace("M", "L", 1)
            parts.append(f'<path class="f{colour}" fill-opacity=".3" d="{outline}{back}Z"/>')
        parts.append(f'<path class="line c{colour}" d="{outline}"/>')
    written = []
    for mark in sorted(marks, key=lambda mark: -mark["value"]):
        at = bottom - mark["value"] * scale
        parts.append(f'<path class="at" d="M{left} {at:.1f}h{across}"/>')
        above = at - 4
        if written and above - written[-1] < 12:
            above = written[-1] + 12
        written.append(above)
        parts.append(text(left + across, round(above, 1), mark["label"], "limit", "end"))
    key_left, key_top = (left + across + 22, top + 4) if right else (x + 14, bottom + 32)
    for index, ((label, of_aws, _), (dx, row, room)) in enumerate(zip(lines, places)):
        at, down = key_left + dx, key_top + row * 15
        parts.append(f'<rect class="f{index % len(COLOURS)}" x="{at:g}" y="{down - 8:g}" width="9" height="9" rx="2"/>')
        shown = fit(label, 10.5, room - 14 - (20 if of_aws else 0))
        tag = '<tspan class="aws" dx="4" dy="-2">AWS</tspan>' if of_aws else ""
        parts.append(text(round(at + 13, 1), down, shown, "key").replace("</text>", f"{tag}</text>"))
    return parts


def numbers(x, y, wide, high, widget):
    """The last datapoint of each line."""
    lines, parts = list(widget.lines()), []
    each = (wide - 28) / len(lines)
    for at, (label, _, series) in enumerate(lines):
        left = x + 14 + at * each
        parts += [text(left, y + 64, f"{[p for p in series if p is not None][-1]:.2f}", "number"), text(left, y + 84, label, "soft")]
    return parts


BREACHES = {
    "GreaterThanThreshold": lambda value, limit: value > limit,
    "GreaterThanOrEqualToThreshold": lambda value, limit: value >= limit,
    "LessThanThreshold": lambda value, limit: value < limit,
}


def in_alarm(alarm, day):
    """Its state at the day's end: of its last periods, as many breach its threshold as it wants."""
    namespace = alarm["Namespace"].replace("${AWS::StackName}", "tidings")
    dimensions = tuple(sorted((d["Name"], d["Value"]) for d in alarm.get("Dimensions", [])))
    values = day.values.get((namespace, alarm["MetricName"], dimensions), {})
    period, evaluated = min(alarm["Period"], MINUTES * 60), alarm["EvaluationPeriods"]
    stat = alarm.get("Statistic") or alarm["ExtendedStatistic"]
    last = points(values, stat, period)[-evaluated:]
    last += [None] * (evaluated - len(last))
    missing = alarm["TreatMissingData"] == "breaching"
    breaching = [missing if v is None else BREACHES[alarm["ComparisonOperator"]](v, alarm["Threshold"]) for v in last]
    return sum(breaching) >= alarm.get("DatapointsToAlarm", evaluated)


def alarms(x, y, wide, properties, template, day):
    parts, across = [], 7
    each = (wide - 28) / across
    for at, name in enumerate(properties["alarms"]):
        name = name.removesuffix(".Arn")
        state = "alarm" if in_alarm(template["Resources"][name]["Properties"], day) else "ok"
        left, down = x + 14 + at % across * each, y + 32 + at // across * 27
        parts += [
            f'<rect class="tile" x="{left:g}" y="{down}" width="{each - 6:g}" height="22" rx="3"/>',
            f'<rect class="{state}" x="{left:g}" y="{down}" width="4" height="22" rx="2"/>',
            text(left + 9, down + 15, fit(name, 10, each - (62 if state == "alarm" else 36)), "tile-name"),
            text(round(left + each - 12), down + 15, {"ok": "OK", "alarm": "In alarm"}[state], f"tile-name {state}", "end"),
        ]
    return parts


def header():
    """What the picture is, and the day that it shows."""
    parts = [text(8, 32, "The CloudWatch dashboard after a simulated day", "head")]
    parts += [text(8, 54 + 17 * row, line, "soft") for row, line in enumerate(WHAT)]
    for at, (hour, what) in enumerate(STORY):
        x, y = 8 + at // 3 * 600, 96 + at % 3 * 17
        parts += [text(x, y, hour, "bold"), text(x + 42, y, what, "soft")]
    return parts, 140


def main():
    template = with_api(yaml.load(Path("template.yaml").read_text(), Tagged))
    dashboard = json.loads(substitute(Path("infra/dashboard.json").read_text(), template))
    if dashboard["start"] != "-P1D" or dashboard["periodOverride"] != "inherit":
        raise SystemExit("infra/dashboard.json doesn't show one day by its own periods: the preview does")
    day = simulate(SEED, template["Parameters"]["ProcessorMaxConcurrency"]["Default"])
    parts, down = header()
    for widget in dashboard["widgets"]:
        properties = widget["properties"]
        x, y = widget["x"] * COLUMN + GAP / 2, down + widget["y"] * ROW + GAP / 2
        wide, high = widget["width"] * COLUMN - GAP, widget["height"] * ROW - GAP
        if widget["type"] == "text":
            parts.append(text(x + 4, y + 23, properties["markdown"].lstrip("# "), "section"))
            continue
        parts.append(f'<rect class="card" x="{x:g}" y="{y:g}" width="{wide}" height="{high}" rx="6"/>')
        parts.append(text(x + 14, y + 20, properties["title"], "title"))
        if width(properties["title"], 12) > wide - 20:
            raise SystemExit(f"{properties['title']!r} is too long for its widget")
        if widget["type"] == "alarm":
            parts += alarms(x, y, wide, properties, template, day)
        elif properties["view"] == "singleValue":
            parts += numbers(x, y, wide, high, Widget(properties, day))
        else:
            parts += graph(x, y, wide, high, properties, Widget(properties, day))
    high = down + max(w["y"] + w["height"] for w in dashboard["widgets"]) * ROW + 8
    page = f'<rect class="page" width="100%" height="100%"/>'
    Path(sys.argv[1]).write_text(document(24 * COLUMN, high, "The CloudWatch dashboard of a simulated day", STYLE, [page, *parts]))


if __name__ == "__main__":
    main()
