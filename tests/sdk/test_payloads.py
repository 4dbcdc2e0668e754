"""What providers publish of their payloads goes through the shipped sources and rules: none is refused, merged or dead-lettered.

payloads.mjs makes them: GitHub's examples, Shopify's examples and schemas, what Slack's, Stripe's and GitLab's types say."""

import base64
import collections
import concurrent.futures
import hashlib
import hmac
import json
import os
import pathlib
import subprocess
import time

import pytest

BINARY = os.environ["TIDINGS"]
SECRETS = {
    "github": "EXAMPLE-github",
    "gitlab-token": "EXAMPLE-gitlab",
    "shopify": "EXAMPLE-shopify",
    "slack": "EXAMPLE-slack",
    "stripe": "whsec_EXAMPLE",
}
# How many there are at least: a package that has become empty proves nothing.
PUBLISHED = {"github": 329, "gitlab-token": 25, "shopify": 440, "slack": 200, "stripe": 600}
# The header with the provider's own id of a delivery, where the signature doesn't cover it.
DELIVERY_ID = {"github": "X-GitHub-Delivery", "gitlab-token": "X-Gitlab-Event-UUID", "shopify": "X-Shopify-Event-Id"}


def mac(source, message):
    return hmac.new(SECRETS[source].encode(), message, hashlib.sha256)


def sign(source, body):
    now = str(int(time.time()))
    match source:
        case "github":
            return {"X-Hub-Signature-256": f"sha256={mac(source, body).hexdigest()}"}
        case "gitlab-token":
            return {"X-Gitlab-Token": SECRETS[source]}
        case "shopify":
            return {"X-Shopify-Hmac-Sha256": base64.b64encode(mac(source, body).digest()).decode()}
        case "slack":
            signature = mac(source, f"v0:{now}:".encode() + body).hexdigest()
            return {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": f"v0={signature}"}
        case "stripe":
            return {"Stripe-Signature": f"t={now},v1={mac(source, f'{now}.'.encode() + body).hexdigest()}"}


@pytest.fixture(scope="module")
def payloads():
    """By source."""
    script = pathlib.Path(__file__).with_name("payloads.mjs")
    run = subprocess.run(["node", script], cwd=os.environ["NODE_LIBRARIES"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    made = collections.defaultdict(list)
    for line in run.stdout.splitlines():
        payload = json.loads(line)
        made[payload["source"]].append(payload)
    return made


@pytest.fixture(scope="module")
def dev(start_dev):
    return start_dev(SECRETS)


@pytest.fixture(scope="module")
def claims(dev, payloads):
    """Posts all of a source's payloads, once; their answers, and their claims when the last is processed or dead."""
    posted = {}

    def of(source):
        if source not in posted:
            answers = post_all(dev, payloads[source])
            posted[source] = answers, settled(dev, source)
        return posted[source]

    return of


def post(dev, payload, **headers):
    source, body = payload["source"], payload["body"].encode()
    return dev.post(source, {**payload["headers"], **headers, **sign(source, body)}, body)


def post_all(dev, payloads):
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        return dict(zip((payload["name"] for payload in payloads), threads.map(lambda payload: post(dev, payload), payloads)))


def settled(dev, source):
    until = time.monotonic() + 180
    while True:
        events = dev.events(source)
        waiting = [event["key"] for event in events if event["state"] not in ("processed", "dead")]
        if not waiting:
            return events
        assert time.monotonic() < until, f"neither processed nor dead: {waiting[:5]}"
        time.sleep(1)


@pytest.mark.parametrize("source", SECRETS)
def test_what_is_published_is_accepted_and_each_is_an_event_of_its_own(claims, payloads, source):
    answers, events = claims(source)
    assert len(answers) == len(payloads[source]) >= PUBLISHED[source]
    assert {name: status for name, status in answers.items() if status != 202} == {}
    assert len(events) == len(answers)


@pytest.mark.parametrize("source", SECRETS)
def test_none_is_dead_by_the_shipped_rules(claims, source):
    _, events = claims(source)
    assert collections.Counter(event["reason"] for event in events if event["state"] == "dead") == {}


@pytest.mark.parametrize("source", SECRETS)
def test_rules_can_name_every_type(claims, source, tmp_path):
    _, events = claims(source)
    rules = tmp_path / "rules.yaml"
    # JSON is YAML. No expression: only the names are tried.
    rules.write_text(json.dumps({"version": 1, "rules": [{"name": "all", "on": sorted({event["type"] for event in events}), "goto": "seen"}]}))
    checked = subprocess.run([BINARY, "rules", "check", "--project", "events/project", "--rules", str(rules), "--json"], capture_output=True, text=True,
                             cwd=pathlib.Path(__file__).parents[2])
    assert json.loads(checked.stdout)["errors"] == []


@pytest.mark.parametrize("source", SECRETS)
def test_sent_again_it_is_a_duplicate_and_under_another_delivery_id_another_event(claims, dev, payloads, source):
    claims(source)
    before = len(dev.events(source))
    some = payloads[source][::9]
    assert {name: status for name, status in post_all(dev, some).items() if status != 200} == {}
    assert len(dev.events(source)) == before
    if header := DELIVERY_ID.get(source):
        redelivered = [post(dev, payload, **{header: f"another-{number}"}) for number, payload in enumerate(some)]
        assert set(redelivered) == {202}
        assert len(dev.events(source)) == before + len(some)
