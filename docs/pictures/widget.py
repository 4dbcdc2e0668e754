"""What CloudWatch makes of a widget's `metrics`: metrics with their statistic and period, and the part of its metric math that our
dashboard uses (numbers, + - * /, FILL, SEARCH, TIME_SERIES). A series is a list of points, `None` where there is no data."""

import ast
import operator
import re

from day import MINUTES

SEARCH = re.compile(r"""SEARCH\('\{"([^"]+)",([\w,]+)\} MetricName="(\w+)"', '([\w.]+)', (\d+)\)""")
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def statistic(values, name):
    if not values:
        return None
    if name.startswith("p"):
        ordered = sorted(values)
        return ordered[min(len(ordered) - 1, int(len(ordered) * float(name[1:]) / 100))]
    return {"Sum": sum, "Maximum": max, "Minimum": min, "Average": lambda v: sum(v) / len(v), "SampleCount": len}[name](values)


def points(by_minute, stat, period):
    step = period // 60
    buckets = ([v for minute in range(at, at + step) for v in by_minute.get(minute, ())] for at in range(0, MINUTES, step))
    return [statistic(bucket, stat) for bucket in buckets]


def combine(act, left, right, length):
    """Of two series, or of a series and a number, or of all series of a search and either."""
    if isinstance(left, list) or isinstance(right, list):
        one, other = (v if isinstance(v, list) else [v] * length for v in (left, right))
        return [None if a is None or b is None or (act is operator.truediv and not b) else act(a, b) for a, b in zip(one, other)]
    if isinstance(left, dict):
        return {name: combine(act, series, right, length) for name, series in left.items()}
    if isinstance(right, dict):
        return {name: combine(act, left, series, length) for name, series in right.items()}
    return act(left, right)


def fill(series, filling):
    if isinstance(series, dict):
        return {name: fill(one, filling) for name, one in series.items()}
    return [filling if point is None else point for point in series]


class Widget:
    def __init__(self, properties, day):
        self.day = day
        self.period = properties["period"]
        self.length = MINUTES * 60 // self.period
        self.rows = []
        for metric in properties["metrics"]:
            options = metric[-1] if isinstance(metric[-1], dict) else {}
            named = [part for part in metric if isinstance(part, str)]
            self.rows.append((named, {"stat": properties["stat"], **options}))
        self.by_id = {options["id"]: (named, options) for named, options in self.rows if "id" in options}

    def lines(self):
        """(label, whether it is AWS's own, points) of each line that is shown."""
        for named, options in self.rows:
            if options.get("visible") is False:
                continue
            value, label = self.value(named, options), options.get("label")
            of_aws = any(name.startswith("AWS/") for name in self.namespaces(named, options))
            if isinstance(value, dict):
                for name, series in value.items():
                    yield f"{label} {name}" if label else name, of_aws, series
            else:
                yield label or named[1], of_aws, value

    def namespaces(self, named, options):
        if named:
            return {named[0]}
        found = {namespace for namespace, *_ in SEARCH.findall(options["expression"])}
        for word in re.findall(r"\w+", SEARCH.sub("", options["expression"])):
            if word in self.by_id:
                found |= self.namespaces(*self.by_id[word])
        return found

    def value(self, named, options):
        if named:
            dimensions = tuple(sorted(zip(named[2::2], named[3::2])))
            return points(self.day.values.get((named[0], named[1], dimensions), {}), options["stat"], self.period)
        searches = []

        def keep(found):
            searches.append(self.search(*found.groups()))
            return f"found[{len(searches) - 1}]"

        return self.walk(ast.parse(SEARCH.sub(keep, options["expression"]), mode="eval").body, searches)

    def search(self, namespace, names, metric, stat, period):
        wanted = set(names.split(","))
        found = {}
        for (of, name, dimensions), by_minute in sorted(self.day.values.items()):
            if (of, name) == (namespace, metric) and {n for n, _ in dimensions} == wanted and any(by_minute.values()):
                in_order = sorted(dimensions, key=lambda d: names.split(",").index(d[0]))
                found[" ".join(value for _, value in in_order)] = points(by_minute, stat, int(period))
        return found

    def walk(self, node, searches):
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self.value(*self.by_id[name])
            case ast.BinOp(left=left, op=op, right=right):
                return combine(OPERATORS[type(op)], self.walk(left, searches), self.walk(right, searches), self.length)
            case ast.Subscript(slice=ast.Constant(value=at)):
                return searches[at]
            case ast.Call(func=ast.Name(id="TIME_SERIES"), args=[number]):
                return [self.walk(number, searches)] * self.length
            case ast.Call(func=ast.Name(id="FILL"), args=[series, filling]):
                return fill(self.walk(series, searches), self.walk(filling, searches))
            case _:
                raise ValueError(f"not of the metric math that is known here: {ast.unparse(node)}")
