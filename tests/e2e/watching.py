"""What CloudWatch would see, and `tidings status` as an operator asks it.

The emulator evaluates the alarms as they were deployed, with each datapoint that it gets, over all that it got within the alarm's
time. It reads no log and writes no metric of AWS's own: here it is fed the very lines that the functions wrote, and what the
queues and the API were seen to do. It keeps what it was fed, so one test may find what the one before it set off: `quiet`.
"""

import json
import subprocess
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cloud import STACK, aws_env

OURS = f"Tidings/{STACK}"
# The emulator takes a percentile over all that it was fed lately.
PERCENTILE_POINTS = 1_000


def alarms(stack):
    """Those on metrics of ours."""
    return [a for a in stack.client("cloudwatch").describe_alarms()["MetricAlarms"] if a["Namespace"] == OURS]


def firing(stack):
    return {a["AlarmName"] for a in alarms(stack) if a["StateValue"] == "ALARM"}


def quiet(stack):
    """Every alarm OK."""
    cloudwatch = stack.client("cloudwatch")
    for alarm in cloudwatch.describe_alarms()["MetricAlarms"]:
        cloudwatch.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="OK", StateReason="a test begins")


def feed(stack, since_ms, wanted):
    """What CloudWatch makes of the log lines, for the metrics that are `wanted`: (name, names of dimensions)."""
    data = [
        {"MetricName": p.name, "Timestamp": datetime.fromtimestamp(p.at, UTC), "Values": p.values,
         "Dimensions": [{"Name": n, "Value": v} for n, v in p.dimensions.items()]}
        for p in stack.datapoints(since_ms)
        if p.namespace == OURS and (p.name, tuple(p.dimensions)) in wanted
    ]
    if data:
        stack.client("cloudwatch").put_metric_data(Namespace=OURS, MetricData=data)


def feed_alarms(stack, since_ms):
    """The same for all that an alarm looks at."""
    feed(stack, since_ms, {(a["MetricName"], tuple(d["Name"] for d in a["Dimensions"])) for a in alarms(stack)})


def seen(stack, alarm, value):
    """AWS's own datapoint for an alarm, as it would be of what the test has seen; of a percentile as many as outweigh all others."""
    cloudwatch = stack.client("cloudwatch")
    deployed, = cloudwatch.describe_alarms(AlarmNames=[stack.resources[alarm]])["MetricAlarms"]
    values = {"Values": [value], "Counts": [PERCENTILE_POINTS]} if deployed.get("ExtendedStatistic") else {"Value": value}
    point = {"MetricName": deployed["MetricName"], "Dimensions": deployed["Dimensions"], **values}
    cloudwatch.put_metric_data(Namespace=deployed["Namespace"], MetricData=[point])


@contextmanager
def door(stack):
    """An address whose pages and webhooks are the API's: the emulator keeps `/health` for itself, and serves the stack's own address
    nowhere."""

    class Door(BaseHTTPRequestHandler):
        def do_GET(self):
            self._answer(stack.http("GET", f"/{self.path}"))

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "content-length")}
            self._answer(stack.http("POST", self.path, headers, body))

        def _answer(self, reply):
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask_status(tidings, url, *more, credentials=None):
    """(exit status, what it printed)."""
    done = subprocess.run(
        [str(tidings.binary), "status", "--stack", STACK, "--endpoint-url", tidings.endpoint, "--url", url, "--json", *more],
        cwd=tidings.repository, env=aws_env(tidings.endpoint) | (credentials or {}), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)
