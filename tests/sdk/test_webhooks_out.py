"""Official libraries of Standard Webhooks, for Python and for Node, verify what `tidings dev` sends to endpoints."""

import http.server
import json
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from test_sdks import BODIES, stripe

BINARY = os.environ["TIDINGS"]


class Endpoint:
    """A server on this machine that answers 204, and keeps what it got."""

    def __init__(self):
        got = self.got = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                got.append(({name.lower(): value for name, value in self.headers.items()}, body.decode()))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for(self, number):
        until = time.monotonic() + 30
        while len(self.got) < number:
            assert time.monotonic() < until, self.got
            time.sleep(0.1)
        return self.got[number - 1]


def tidings(dev, *arguments):
    command = [BINARY, "endpoints", *arguments, "--json", "--endpoint-url", dev.dynamodb]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def by_node(secret, headers, body):
    given = json.dumps({"secret": secret, "headers": headers, "body": body})
    script = Path(__file__).with_name("receive.mjs")
    return subprocess.run(["node", script], input=given, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def sent(start_dev):
    """The secrets, the new and the old one, and a webhook that was signed while they rotate."""
    dev, endpoint = start_dev({"stripe": "whsec_stripe"}), Endpoint()
    added = tidings(dev, "add", endpoint.url, "--event", "*", "--ed25519")["id"]
    tidings(dev, "rotate", added, "--yes")
    secrets = tidings(dev, "show", added, "--secret")["secrets"]
    body = json.dumps(BODIES["stripe"])
    assert dev.post("stripe", stripe(body, "whsec_stripe", None), body) == 202
    return secrets, *endpoint.wait_for(1)


def test_both_libraries_verify_with_each_secret(sent):
    secrets, headers, body = sent
    assert len(secrets) == 2 and headers["webhook-signature"].count("v1,") == 2 and "v1a," in headers["webhook-signature"]
    for secret in secrets:
        assert Webhook(secret).verify(body, headers)["specversion"] == "1.0"
        assert by_node(secret, headers, body) == "verified"


def test_both_libraries_refuse_what_was_changed(sent):
    (secret, _), headers, body = sent
    other = "whsec_" + "A" * 43 + "="
    for key, changed, content in [
        (other, headers, body),
        (secret, headers, body + " "),
        (secret, headers | {"webhook-id": "msg_other"}, body),
        (secret, headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)}, body),
    ]:
        with pytest.raises(WebhookVerificationError):
            Webhook(key).verify(content, changed)
        assert by_node(key, changed, content).startswith("refused")
