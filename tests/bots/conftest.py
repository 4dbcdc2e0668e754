"""A running `tidings dev`, and both bots as they are shipped, behind one interface."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "examples" / "bots"
BINARY = os.path.abspath(os.environ["TIDINGS"])
REGION, CONTEXT_TABLE = "eu-central-1", "tidings-context"


class Dev:
    """`tidings dev` on free ports, with these options more."""

    def __init__(self, folder, *more):
        self.said, self.url = folder / "said", None
        # Into a file: a pipe that nobody reads would fill up, and stop it.
        with self.said.open("w") as output:
            self.process = subprocess.Popen([BINARY, "dev", "--port", "0", *more], cwd=REPOSITORY, stdout=output, stderr=output)
        until = time.monotonic() + 60
        while "Listening" not in self.said.read_text():
            assert self.process.poll() is None and time.monotonic() < until, self.said.read_text()
            time.sleep(0.1)
        banner = dict(line.split()[:2] for line in self.said.read_text().splitlines() if len(line.split()) > 1)
        self.url = banner["webhooks"].removesuffix("/webhooks/{source}")
        self.endpoint, self.token = banner["DynamoDB"], banner["token"]
        session = boto3.Session(aws_access_key_id=self.token, aws_secret_access_key="dev", region_name=REGION)
        self.dynamodb = session.resource("dynamodb", endpoint_url=self.endpoint)

    def tidings(self, *arguments):
        env = os.environ | {"TIDINGS_DEV_TOKEN": self.token}
        return subprocess.run([BINARY, *arguments], cwd=REPOSITORY, env=env, capture_output=True, text=True)

    def send(self, case, claim_key):
        """Sends a case of the corpus, and waits until its event is processed."""
        sent = self.tidings("send", "--case", case, "--url", self.url)
        assert sent.returncode == 0, sent.stderr
        self.until_processed(claim_key)

    def until_processed(self, claim_key):
        until = time.monotonic() + 30
        while True:
            shown = self.tidings("events", "show", claim_key, "--json", "--endpoint-url", self.endpoint)
            if shown.returncode == 0 and json.loads(shown.stdout)["state"] == "processed":
                return
            assert time.monotonic() < until, f"{claim_key}: {shown.stdout}{shown.stderr}"
            time.sleep(0.1)

    def context(self, name):
        """What `tidings context show --json` says."""
        shown = self.tidings("context", "show", name, "--json", "--endpoint-url", self.endpoint)
        assert shown.returncode == 0, shown.stderr
        return json.loads(shown.stdout)["context"]

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="module")
def start_dev(tmp_path_factory):
    started = []

    def start(*more):
        started.append(Dev(tmp_path_factory.mktemp("dev"), *more))
        return started[-1]

    yield start
    for dev in started:
        dev.stop()


@pytest.fixture(scope="module")
def dev(start_dev):
    return start_dev()


def _module(name):
    """A file of the Python example, under a name of its own: the example's files import one another."""
    folder = str(EXAMPLES / "python")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / "python" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Python:
    name = "python"
    program = [sys.executable, EXAMPLES / "python" / "bot.py"]

    def handle(self, dev, table, records, fail):
        said = []

        def say(conversation, data, idempotency_key):
            if data["text"] in fail:
                raise RuntimeError("the channel is down")
            said.append([conversation, data["text"], idempotency_key])

        claims = _module("claims").Claims(dev.dynamodb.Table(table))
        return _module("bot").handle(records, claims, say), said

    def read(self, dev, name, now):
        from datetime import datetime

        return _module("context").read(dev.dynamodb.Table(CONTEXT_TABLE), name, datetime.fromisoformat(now))


class Node:
    name = "node"

    def __init__(self, folder):
        # As `npm install` leaves it, without a copy of the libraries in the repository.
        shutil.copytree(EXAMPLES / "node", folder, dirs_exist_ok=True)
        (folder / "node_modules").symlink_to(Path(os.environ["NODE_LIBRARIES"]) / "node_modules")
        shutil.copy(Path(__file__).parent / "ask.mjs", folder)
        self.folder, self.program = folder, ["node", folder / "bot.mjs"]

    def _ask(self, dev, **question):
        question |= {"endpoint": dev.endpoint, "token": dev.token, "region": REGION}
        ran = subprocess.run(["node", "ask.mjs"], cwd=self.folder, input=json.dumps(question), capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    def handle(self, dev, table, records, fail):
        answered = self._ask(dev, what="handle", table=table, records=records, fail=fail)
        return answered["answer"], answered["said"]

    def read(self, dev, name, now):
        return self._ask(dev, what="read", table=CONTEXT_TABLE, name=name, now=now)


@pytest.fixture(scope="module", params=["python", "node"])
def bot(request, tmp_path_factory):
    return Python() if request.param == "python" else Node(tmp_path_factory.mktemp("node"))


@pytest.fixture
def claims_table(dev, bot, request):
    name = f"claims-{bot.name}-{abs(hash(request.node.nodeid))}"
    dev.dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    return name
