"""docs/signing.md: the code of the page, as it stands there, sends events that Tidings takes."""

import json
import os
import subprocess

import pytest

from conftest import REPOSITORY

SOURCE = "standard-webhooks"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENT = {"type": "preference.changed", "conversation": "whatsapp:491713920012", "opt_in": False}
ASK = 'import { send } from "./send.mjs";\nfor (const [id, event] of JSON.parse(process.argv[2])) console.log(await send(id, event));\n'


def code(language):
    block, = (part.split("```")[0] for part in (REPOSITORY / "docs/signing.md").read_text().split(f"```{language}\n")[1:])
    return block


@pytest.fixture(scope="module")
def running(start_dev, tmp_path_factory):
    secrets = tmp_path_factory.mktemp("secrets") / "secrets.json"
    secrets.write_text(json.dumps({SOURCE: SECRET}))
    return start_dev("--presets", "--secrets", str(secrets))


@pytest.fixture(scope="module")
def url(running):
    return f"{running.url}/webhooks/{SOURCE}"


def taken_once(running, send, event_id):
    """A repeat of an event that isn't processed yet is answered with 202 and queued again: so that is waited for."""
    assert send(event_id, EVENT) == 202
    running.until_processed(f"{SOURCE}#{event_id}")
    assert send(event_id, EVENT) == 200
    assert send(f"{event_id}-other", EVENT | {"text": "Ä"}) == 202


def test_what_python_sends_is_taken_once(running, url, monkeypatch):
    monkeypatch.setenv("SECRET", SECRET)
    monkeypatch.setenv("URL", url)
    page = {}
    exec(code("python"), page)
    taken_once(running, page["send"], "py-1")


def test_what_node_sends_is_taken_once(running, url, tmp_path):
    (tmp_path / "send.mjs").write_text(code("js"))
    (tmp_path / "ask.mjs").write_text(ASK)

    def send(event_id, event):
        ran = subprocess.run(
            ["node", "ask.mjs", json.dumps([[event_id, event]])],
            cwd=tmp_path, env=os.environ | {"SECRET": SECRET, "URL": url}, capture_output=True, text=True,
        )
        assert ran.returncode == 0, ran.stderr
        return int(ran.stdout)

    taken_once(running, send, "node-1")
