"""The project's own command: it signs what the tests send and reads what came of it. There is no second implementation here."""

import base64
import json
import subprocess
import tempfile
import tomllib
from dataclasses import dataclass
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
            [str(self.binary), *arguments, "--json"], cwd=self.repository, env=aws_env(self.endpoint) | {"TIDINGS_PROJECT": "events/project"}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
        )
        if check and done.returncode:
            raise AssertionError(f"tidings {' '.join(arguments)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return json.loads(done.stdout)

    def sign(self, case, tamper=None, body=None):
        """The signed request of a corpus case, or of another body in its place; not sent."""
        options = ("--tamper", tamper) if tamper else ()
        return self._signed(body, "--case", case, *options)

    def sign_for(self, source, body, headers=None):
        """The signed request of a source that has this body, with headers beside the source's own; not sent."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        options = [word for name, value in (headers or {}).items() for word in ("--header", f"{name}={value}")]
        return self._signed(content, source, *options)

    def _signed(self, body, *options):
        with tempfile.NamedTemporaryFile() as file:
            if body is not None:
                file.write(body)
                file.flush()
                options += ("--file", file.name)
            made = self("send", *options, "--dry-run", "--secrets", str(self.secrets_file))
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
        return self("context", "show", conversation, *self.deployed())

    def event(self, claim_key):
        return self("events", "show", claim_key, *self.deployed())

    def deployed(self):
        return ("--stack", STACK, "--endpoint-url", self.endpoint)


def known(shown):
    """(node, {entity: {name: value}}) of what `context show` printed."""
    context = shown["context"]
    facts = {entity: {name: fact["value"] for name, fact in fs.items()} for entity, fs in context["entities"].items()}
    return context.get("node", {}).get("value"), facts


class Corpus:
    """events/corpus.toml: what to send, in order, and what must become of it. A test picks its cases by what they are."""

    def __init__(self, file):
        document = tomllib.loads(file.read_text())
        self.cases = document["case"]
        self.contexts = document["context"]
        self.actions = document["action"]

    def events(self, case):
        return case["expect"].get("event", [])

    def _accepted(self, fate):
        """Deliveries of one new event with this outcome, or with a reason to be dead; of providers that take a 202 for a yes."""
        return [
            case
            for case in self.cases
            if case["expect"]["status"] == 202
            and len(self.events(case)) == 1
            and (self.events(case)[0].get("outcome") == fate or (fate == "dead" and "dead" in self.events(case)[0]))
        ]

    @property
    def plain(self):
        """An event that changes a context."""
        return self._accepted("applied")[0]["name"]

    @property
    def facts(self):
        """An event that only sets facts of one entity: that of the poison, with values that its rule can read."""
        kind = self.events(self._accepted("dead")[0])[0]["type"]
        return next(case["name"] for case in self._accepted("applied") if self.events(case)[0]["type"] == kind)

    @property
    def timestamped(self):
        """An event whose scheme signs the time: the corpus has a stale one of its source."""
        stale = {case["source"] for case in self.cases if case.get("tamper") == "timestamp"}
        return next(case["name"] for case in self._accepted("applied") if case["source"] in stale)

    @property
    def oversized(self):
        return next(case["name"] for case in self.cases if case["expect"]["status"] == 413)

    @property
    def largest(self):
        """An event of the source of the oversized one: its scheme signs any body."""
        source = next(case["source"] for case in self.cases if case["expect"]["status"] == 413)
        return next(case["name"] for case in self._accepted("applied") if case["source"] == source)

    @property
    def poison(self):
        """(name, what its reason begins with)."""
        case = self._accepted("dead")[0]
        return case["name"], self.events(case)[0]["dead"]

    @property
    def mates(self):
        """Good events to put into one batch with the poison; those of its own source first."""
        source = self._accepted("dead")[0]["source"]
        return [c["name"] for c in sorted(self._accepted("applied"), key=lambda c: c["source"] != source)][:4]

    @property
    def wrong_orders(self):
        """(newer, older) about one entity, as the corpus sends them: the older one comes out `stale`."""
        pairs = []
        for older in self._accepted("stale"):
            before = self.cases[: self.cases.index(older)]
            newer = [c for c in self._accepted("applied") if c in before and c["source"] == older["source"]]
            pairs.append((newer[-1]["name"], older["name"]))
        return pairs
