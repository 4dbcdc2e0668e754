"""docs/signing.md: the code of the page, as it stands there, sends events that Tidings takes."""

import json
import os
import subprocess

import pytest

from conftest import REPOSITORY

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENT = {"type": "preference.changed", "conversation": "whatsapp:491713920012", "opt_in": False}
ASK = 'import { send } from "./send.mjs";\nfor (const [id, event] of JSON.parse(process.argv[2])) console.log(await send(id, event));\n'


def code(language):
    block, = (part.split("```")[0] for part in (REPOSITORY / "docs/signing.md").read_text().split(f"```{language}\n")[1:])
    return block


@pytest.fixture(scope="module")
def url(start_dev, tmp_path_factory):
    secrets = tmp_path_factory.mktemp("secrets") / "secrets.json"
    secrets.write_text(json.dumps({"standard-webhooks": SECRET}))
    return f"{start_dev('--presets', '--secrets', str(secrets)).url}/webhooks/standard-webhooks"


def test_what_python_sends_is_taken_once(url, monkeypatch):
    monkeypatch.setenv("SECRET", SECRET)
    monkeypatch.setenv("URL", url)
    page = {}
    exec(code("python"), page)
    assert [page["send"]("py-1", EVENT), page["send"]("py-1", EVENT), page["send"]("py-2", EVENT | {"text": "Ä"})] == [202, 200, 202]


def test_what_node_sends_is_taken_once(url, tmp_path):
    (tmp_path / "send.mjs").write_text(code("js"))
    (tmp_path / "ask.mjs").write_text(ASK)
    events = [["node-1", EVENT], ["node-1", EVENT], ["node-2", EVENT | {"text": "Ä"}]]
    ran = subprocess.run(
        ["node", "ask.mjs", json.dumps(events)], cwd=tmp_path, env=os.environ | {"SECRET": SECRET, "URL": url}, capture_output=True, text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["202", "200", "202"]
