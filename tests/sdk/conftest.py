"""A running `tidings dev` that listens as every provider."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request

import pytest

BINARY = os.environ["TIDINGS"]


class Dev:
    def __init__(self, secrets, folder):
        file, said = folder / "secrets.json", folder / "said"
        file.write_text(json.dumps(secrets))
        # Into a file: a pipe that nobody reads would fill up, and stop it.
        with said.open("w") as output:
            self.process = subprocess.Popen([BINARY, "dev", "--port", "0", "--presets", "--secrets", str(file)], stdout=output)
        until = time.monotonic() + 60
        while "Listening" not in said.read_text():
            assert self.process.poll() is None and time.monotonic() < until, said.read_text()
            time.sleep(0.1)
        banner = dict(line.split()[:2] for line in said.read_text().splitlines() if len(line.split()) > 1)
        self.url = banner["webhooks"].removesuffix("/webhooks/{source}")
        self.dynamodb = banner["DynamoDB"]

    def post(self, source, headers, body):
        """The answer's status. The body is bytes or a text."""
        content = body if isinstance(body, bytes) else body.encode()
        request = urllib.request.Request(f"{self.url}/webhooks/{source}", content, {"Content-Type": "application/json", **headers})
        try:
            return urllib.request.urlopen(request).status
        except urllib.error.HTTPError as refused:
            return refused.code

    def events(self, source):
        """All claims of a source, as `tidings events list` tells them."""
        limit = 1000
        command = [BINARY, "events", "list", "--source", source, "--limit", str(limit), "--json", "--endpoint-url", self.dynamodb]
        listed = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        assert len(listed) < limit, f"{source}: there may be more than can be listed"
        return listed


@pytest.fixture(scope="module")
def start_dev(tmp_path_factory):
    started = []

    def start(secrets):
        started.append(Dev(secrets, tmp_path_factory.mktemp("dev")))
        return started[-1]

    yield start
    for dev in started:
        dev.process.kill()
