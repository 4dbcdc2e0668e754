"""infra/dashboard.json as a picture, of recorded measurements of ours. AWS's own metrics aren't recorded anywhere but on AWS: their
lines are left out, and a widget of nothing else says so. The time of a datapoint is short, since a recording is."""

import json
import re
import sys
import textwrap
from collections import defaultdict
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

BUCKET_S = 10
COLUMNS = 24
SEARCH = re.compile(r"""SEARCH\('\{"Tidings/\$\{AWS::StackName\}",([\w,]+)\} MetricName="(\w+)"', '([\w.]+)'""")
# An SVG of the same drawing is the same file, and its texts are texts.
plt.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "tidings", "font.size": 7, "axes.spines.top": False, "axes.spines.right": False}


def recorded(path):
    """Values of each metric and its dimensions, by time."""
    series = defaultdict(lambda: defaultdict(list))
    points = [json.loads(line) for line in Path(path).read_text().splitlines()]
    begin = min(point["at"] for point in points)
    for point in points:
        bucket = int((point["at"] - begin) // BUCKET_S) * BUCKET_S
        series[point["name"], tuple(sorted(point["dimensions"].items()))][bucket] += point["values"]
    return series


def statistic(values, name):
    if name.startswith("p"):
        ordered = sorted(values)
        return ordered[min(len(ordered) - 1, int(len(ordered) * float(name[1:]) / 100))]
    return {"Sum": sum, "Maximum": max, "Average": lambda v: sum(v) / len(v), "SampleCount": len}[name](values)


def lines(widget, series):
    """(label, statistic, values by time) of what a widget shows of ours."""
    properties = widget["properties"]
    for metric in properties.get("metrics", []):
        options = metric[-1] if isinstance(metric[-1], dict) else {}
        if options.get("visible") is False:
            continue
        found = SEARCH.search(options.get("expression", ""))
        if found:
            names, name, stat = found[1].split(","), found[2], found[3]
            for (of, dimensions), values in sorted(series.items()):
                if of == name and {n for n, _ in dimensions} == set(names):
                    yield " ".join(v for _, v in dimensions), stat, values
        elif isinstance(metric[0], str) and metric[0].startswith("Tidings/"):
            named = [part for part in metric[1:] if isinstance(part, str)]
            dimensions = tuple(sorted(zip(named[1::2], named[2::2])))
            values = series.get((named[0], dimensions))
            if values:
                yield options.get("label", named[0]), options.get("stat", properties.get("stat", "Sum")), values


def draw(axes, widget, series):
    properties = widget["properties"]
    axes.set_title(textwrap.fill(properties.get("title", ""), 60), loc="left", fontweight="bold", fontsize=8)
    shown = list(lines(widget, series))
    if not shown:
        note = "the state of each alarm" if widget["type"] == "alarm" else "nothing of ours was measured: AWS's own metrics, on AWS only"
        axes.text(0.5, 0.5, note, ha="center", va="center", color="#777", wrap=True, transform=axes.transAxes)
        axes.set_xticks([])
        axes.set_yticks([])
        return
    for label, stat, values in shown:
        times = sorted(values)
        axes.plot(times, [statistic(values[t], stat) for t in times], marker=".", linewidth=1, label=label)
    for line in properties.get("annotations", {}).get("horizontal", []):
        axes.axhline(line["value"], color="#c33", linewidth=0.8, linestyle="--")
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.14), ncols=2, frameon=False, fontsize=6)


def main():
    measured, into = sys.argv[1:]
    widgets = json.loads(Path("infra/dashboard.json").read_text())["widgets"]
    series = recorded(measured)
    rows = max(w["y"] + w["height"] for w in widgets)
    figure = plt.figure(figsize=(15, rows * 0.5))
    for widget in widgets:
        # Its place, with room for a title above and for a legend below.
        left, width = (widget["x"] + 0.6) / COLUMNS, (widget["width"] - 1) / COLUMNS
        bottom, height = 1 - (widget["y"] + 0.65 * widget["height"]) / rows, 0.55 * widget["height"] / rows
        draw(figure.add_axes((left, bottom, width, height)), widget, series)
    figure.savefig(into, metadata={"Date": None})


if __name__ == "__main__":
    main()
