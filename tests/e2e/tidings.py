"""The project's own command: it signs what the tests send and reads what came of it. There is no second implementation here."""

import base64
import json
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from cloud import STACK, Failed, aws_env, run


@dataclass(frozen=True)
class Request:
    """One signed delivery, as a provider would send it. Sending it twice is a provider's retry."""

    source: str
    method: str
    path: str
    headers: dict
    body: bytes

    def with_body(self, body):
        return replace(self, body=body)


class Tidings:
    def __init__(self, binary, repository, endpoint):
        self.binary = binary
        self.repository = repository
        self.endpoint = endpoint
        self.secrets_file = repository / "events" / "secrets.json"
        self.secrets = json.loads(self.secrets_file.read_text())

    @staticmethod
    def build(repository, env):
        """Builds `tidings`, and gives the path that cargo says it has."""
        out = run(
            "cargo build", ["cargo", "build", "--quiet", "--bin", "tidings", "--message-format=json"], env, repository, 3600
        )
        for line in out.splitlines():
            if line.startswith("{"):
                artifact = json.loads(line)
                if artifact.get("executable") and artifact["target"]["name"] == "tidings":
                    return Path(artifact["executable"])
        raise Failed("cargo built no binary named tidings")

    def __call__(self, *arguments, check=True):
        """Runs it with --json, and gives what it printed."""
        done = subprocess.run(
            [str(self.binary), *arguments, "--json"], cwd=self.repository, env=aws_env(self.endpoint), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
        )
        if check and done.returncode:
            raise AssertionError(f"tidings {' '.join(arguments)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return json.loads(done.stdout)

    def cases(self):
        """The corpus, in the order in which it is to be sent."""
        return self("send", "--list")

    def sign(self, case, tamper=None):
        """The signed request of a corpus case, not sent."""
        tampering = ("--tamper", tamper) if tamper else ()
        made = self("send", "--case", case, "--dry-run", "--secrets", str(self.secrets_file), *tampering)
        return Request(
            made["source"], made["method"], made["path"],
            {k: v for k, v in made["headers"].items() if k.lower() not in ("host", "content-length")},
            base64.b64decode(made["body_base64"]),
        )

    def post(self, case, stack):
        """Signs and sends as a user would."""
        return self(
            "send", "--case", case, "--secrets", str(self.secrets_file), "--url", stack.api_url,
            "--header", f"Host={stack.api_host}",
        )

    def context(self, conversation):
        return self("context", "show", conversation, *self._deployed())

    def event(self, claim_key):
        return self("events", "show", claim_key, *self._deployed())

    def _deployed(self):
        return ("--stack", STACK, "--endpoint-url", self.endpoint)


class Corpus:
    """Cases by what they are for, found by what the corpus expects of them and never by a name."""

    def __init__(self, cases):
        self.cases = cases

    def __iter__(self):
        return iter(self.cases)

    def _where(self, what, **expected):
        for case in self.cases:
            if all(case["expect"].get(k) == v for k, v in expected.items()):
                return case
        raise AssertionError(f"the corpus has no {what}: {expected}")

    @property
    def plain(self):
        """An event that is accepted and changes a context."""
        return self._where("event that is processed", status=202, state="processed", outcome="applied")["name"]

    @property
    def others(self):
        """Names of further events that are processed, `plain` left out."""
        return [
            c["name"]
            for c in self.cases
            if (c["expect"].get("status"), c["expect"].get("outcome")) == (202, "applied") and c["name"] != self.plain
        ]

    @property
    def poison(self):
        """An event that is accepted and can never be processed."""
        return self._where("poison event", status=202, state="dead")["name"]

    @property
    def wrong_order(self):
        """(newer, older) about one entity, in the order of the corpus: the older one comes out `stale`."""
        older = self._where("event that is out of order", outcome="stale")
        before = self.cases[: self.cases.index(older)]
        newer = [c for c in before if c["source"] == older["source"] and c["expect"].get("outcome") == "applied"]
        if not newer:
            raise AssertionError(f"the corpus has nothing newer before {older['name']}")
        return newer[-1]["name"], older["name"]

    @property
    def timestamped(self):
        """An event whose scheme signs a timestamp, so that it can be stale."""
        for case in self.cases:
            if case["source"] in ("stripe", "slack", "svix") and case["expect"].get("outcome") == "applied":
                return case["name"]
        raise AssertionError("the corpus has no event with a signed timestamp")


