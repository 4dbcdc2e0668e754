"""A newcomer's way with a release alone. Each step prints what holds, and how long it took; the first stumble ends it with 1.

The cloud is that of tests/e2e (cloud.py says what it can't do and what is made up for). What a newcomer would do with AWS's own
command is done by its calls: the secrets are written, and nothing else.
"""

import base64
import json
import os
import re
import secrets
import sys
import time
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "e2e"))

from cloud import HARNESS, REGION, ROOT, Emulator, Stack, architecture  # noqa: E402
from watching import door  # noqa: E402

import release as a_release  # noqa: E402
from machine import Failed, Machine, expect  # noqa: E402

PROJECT = "pizza"  # What docs/start.md makes.
CONVERSATION = "whatsapp:491713920012"
SAID = "See you soon!"
SAID_LATER = "Bring an appetite!"
RELOAD_S = float(os.environ.get("NEWCOMER_RELOAD_S", "2"))
PATIENCE_S = 60


@contextmanager
def step(text):
    begun = time.monotonic()
    notes = []
    try:
        yield notes
    except Failed as failure:
        raise Failed(f"✗ {text}\n{failure}") from failure
    except Exception as failure:
        raise Failed(f"✗ {text}\n{failure!r}") from failure
    print(f"{time.monotonic() - begun:5.1f} s  {text}{''.join(f': {note}' for note in notes)}", flush=True)


def until(what, condition, timeout_s=PATIENCE_S):
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        expect(time.monotonic() < deadline, f"after {timeout_s} s: not {what}")
        time.sleep(0.05)
    return value


class Newcomer:
    def __init__(self, machine, release):
        self.machine, self.release = machine, release
        self.folder = machine.work / PROJECT
        self.bot = release / "examples" / "bots" / "python"

    def tidings(self, *arguments, release=None, **more):
        return self.machine.run((release or self.release) / "tidings", *arguments, cwd=more.pop("cwd", self.folder), **more)

    def json(self, *arguments, **more):
        return json.loads(self.tidings(*arguments, "--json", **more))

    def send(self, *more, **env):
        """The kitchen's webhook, signed with the project's own secret."""
        return self.json("send", "kitchen", "--file", "order.json", "--secrets", "secrets.json", *more, **env)

    # ── a project ───────────────────────────────────────────────────────────────────────────────────────────────────

    def begins(self):
        for example, source in (("shop", "sentry"), ("devops", "stripe")):
            self.tidings("init", f"my-{example}", "--example", example, "--with", source, cwd=self.machine.work)
            self.tidings("check", cwd=self.machine.work / f"my-{example}")
        self.tidings("init", PROJECT, "--example", "empty", "--with", "stripe", cwd=self.machine.work)
        self.tidings("check")

    def follows_the_first_page(self):
        """Writes what docs/start.md of the release says, beside what `init --with` has written."""
        page = a_release.blocks(self.release / "docs" / "start.md")
        of_init = {name: (self.folder / name).read_text() for name in ("sources.yaml", "rules.yaml", "secrets.example.json")}
        _, sources = page["sources.yaml"].split("sources:\n")
        (self.folder / "sources.yaml").write_text(of_init["sources.yaml"] + sources)
        _, rules = page["rules.yaml"].split("version: 1\n")
        (self.folder / "rules.yaml").write_text(of_init["rules.yaml"].replace("rules:\n", rules, 1))
        examples = json.loads(of_init["secrets.example.json"]) | json.loads(page["secrets.example.json"])
        (self.folder / "secrets.example.json").write_text(json.dumps(examples))
        (self.folder / "tests" / "kitchen.yaml").write_text(page["tests/kitchen.yaml"])
        self.secrets = {"kitchen": secrets.token_hex(32), "stripe": f"whsec_{secrets.token_hex(16)}"}
        expect(self.secrets.keys() == examples.keys(), f"secrets.example.json has {sorted(examples)}")
        (self.folder / "secrets.json").write_text(json.dumps(self.secrets))
        order = {"id": "7", "phone": "+491713920012", "pizza": "Margherita"}
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        (self.folder / "order.json").write_text(json.dumps({"id": "k-1", "type": "order.ready", "at": at, "order": order}))
        self.tidings("check")

    # ── a running dev ───────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def dev(self):
        """A running `tidings dev`. Gives its environment, and the bot's."""
        command = [self.release / "tidings", "dev", "--port", "0", "--secrets", "secrets.json", "--actions-to", "queue"]
        with self.machine.background(*command, cwd=self.folder) as printed:
            until("listening", lambda: "Listening" in printed.read_text())
            banner = dict(line.split()[:2] for line in printed.read_text().splitlines() if len(line.split()) > 1)
            token = {"TIDINGS_DEV_TOKEN": banner["token"]}
            url = {"TIDINGS_URL": banner["webhooks"].removesuffix("/webhooks/{source}")}
            yield token | url, token | {"TIDINGS_DEV_ENDPOINT": banner["DynamoDB"]}

    def runs_the_bot_once(self, env, bot):
        """The bot of examples/bots/python takes each action once, and then there is none."""
        # It ends when the queue is empty, which it is until the event is processed.
        said = until("a text of the bot", lambda: self.machine.run("python", "bot.py", "--once", cwd=self.bot, **bot))
        once = f"{CONVERSATION} <- Order *7* is ready. {SAID}\n"
        expect(said == once, f"the bot said {said!r}, expected {once!r}")
        expect(self.send("--same", **env)["status"] == 200, "the same event isn't a duplicate")
        expect(self.machine.run("python", "bot.py", "--once", cwd=self.bot, **bot) == "", "the bot said it twice")

    def edits_a_rule(self, env, bot):
        """Changes a text while `dev` and the bot run. Gives the seconds from the save to the bot's saying it."""
        rules = (self.folder / "rules.yaml").read_text()
        expect(SAID in rules, "docs/start.md has another text")
        with self.machine.background("python", "bot.py", cwd=self.bot, **bot) as printed:
            self.send("--new", **env)
            until("the bot's first text", lambda: SAID in printed.read_text())
            begun = time.monotonic()
            (self.folder / "rules.yaml").write_text(rules.replace(SAID, SAID_LATER))
            while SAID_LATER not in printed.read_text():
                expect(time.monotonic() < begun + PATIENCE_S, f"the new text was never said: {printed.read_text()}")
                # A new event each time: one that came before the change is said as it was decided.
                if self.send("--new", **env)["status"] == 202:
                    wait = time.monotonic() + 0.2
                    while time.monotonic() < wait and SAID_LATER not in printed.read_text():
                        time.sleep(0.01)
            took = time.monotonic() - begun
        expect(took <= RELOAD_S, f"it took {took:.2f} s, at most {RELOAD_S:g} s are promised (NEWCOMER_RELOAD_S)")
        return took

    def tests_the_rules(self):
        """A test that expects the old text fails, and passes when it expects the new one."""
        test = self.folder / "tests" / "kitchen.yaml"
        failed = self.tidings("rules", "test", status=1)
        expect(SAID in failed, f"the failure doesn't name what was expected: {failed}")
        test.write_text(test.read_text().replace(SAID, SAID_LATER))
        self.tidings("rules", "test")
        self.tidings("check")

    def verifies_a_wrong_request(self):
        """A request as an editor saves it, and one that another secret has signed."""
        signed = self.send("--dry-run")
        head = [f"{signed['method']} {signed['path']} HTTP/1.1", *(f"{name}: {value}" for name, value in signed["headers"].items())]
        body = base64.b64decode(signed["body_base64"])
        request = self.folder / "request.txt"

        def asks(body, status):
            request.write_bytes("\r\n".join([*head, "", ""]).encode() + body)
            return self.tidings("verify", "kitchen", "request.txt", "--secrets", "secrets.json", status=status)

        expect("✓ kitchen  verifies" in (said := asks(body, 0)), said)
        for wrong, reason in (
            (body + b"\n", "a line feed was added at the end of the body"),
            (json.dumps(json.loads(body), indent=2).encode(), "the body was parsed and written again"),
        ):
            said = asks(wrong, 1)
            expect("the signature doesn't match any secret" in said and reason in said, f"expected {reason!r}: {said}")

    # ── a deployed stack ────────────────────────────────────────────────────────────────────────────────────────────

    def builds(self, release):
        self.tidings("build", "--functions", release / "functions" / architecture(), release=release)
        for function, expected in (("receiver", 2), ("processor", 2), ("reader", 1)):
            package = sorted(path.name for path in (self.folder / "build" / function).iterdir())
            expect(len(package) == expected and "bootstrap" in package, f"build/{function} has {package}")

    def deploys(self, stack):
        """As docs/deploy.md says, without its questions. CodeDeploy isn't emulated, so GradualDeployment isn't named."""
        self.machine.run(
            "sam", "deploy", "--no-confirm-changeset", "--no-progressbar", "--region", REGION, "--parameter-overrides",
            f"Architecture={architecture()}", cwd=self.folder, **cloud_env(stack),
        )
        stack.look_up()

    def is_processed(self, stack, key, release):
        def state():
            shown = self.json("events", "show", key, "--stack", PROJECT, release=release, **cloud_env(stack))
            return shown["state"] == "processed"

        until(f"{key} processed", state)

    def sends_to_the_stack(self, stack, url, release, *more):
        """Sends the kitchen's webhook to the deployed address. Gives the status and the event's claim key."""
        sent = self.send("--url", url, *more, release=release)
        key, = sent["claim_keys"]
        return sent["status"], key


def cloud_env(stack):
    return ROOT | {"AWS_ENDPOINT_URL": stack.proxy.url, "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true",
                   "SAM_CLI_TELEMETRY": "0", "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}


def live(stack):
    """The version that each function's alias is on."""
    return {name: int(stack.live(name)) for name in ("Receiver", "Processor")}


def uses_a_release(machine, archive):
    with step("the archive is what its checksum says, and so is each file in it"):
        release = a_release.unpack(machine, archive)
        a_release.is_whole(machine, release)
    with step("functions for the architecture that their folder names, a list of what is linked, pages without a broken link"):
        a_release.has_functions(release, architecture())
        a_release.lists_what_is_linked(release)
        a_release.has_what_its_pages_link_to(release)
    of = (release / "BUILD.txt").read_text().splitlines()[0]
    published = of.endswith("profile release")
    if published:
        with step("no file names a folder of the machine that built it"):
            a_release.names_no_folder_of(release, [str(REPOSITORY), os.environ.get("CARGO_HOME", f"{Path.home()}/.cargo")])
    with step("tidings --version has the version and the commit") as notes:
        said = machine.run(release / "tidings", "--version").strip()
        version, commit = re.match(r"(tidings \S+)( \(\w{7})", of).groups()
        # A checkout without a reflog doesn't know its commit.
        known = said.startswith(version + commit) or (said == version and not published)
        expect(known, f"{said!r} isn't of the commit in BUILD.txt, {of!r}: is it built of what is checked out?")
        notes.append(said)
    return release


def develops(newcomer):
    with step("tidings init with examples and presets, and tidings check of each"):
        newcomer.begins()
    with step("what docs/start.md says is a project without a problem"):
        newcomer.follows_the_first_page()
    with newcomer.dev() as (env, bot):
        with step("tidings dev takes a webhook of tidings send"):
            sent = newcomer.send(**env)
            expect(sent["status"] == 202 and sent["claim_keys"] == ["kitchen#k-1"], sent)
        with step("the bot of examples/bots/python handles its action once"):
            newcomer.runs_the_bot_once(env, bot)
        with step("an edited rule is in effect in the running dev") as notes:
            notes.append(f"{newcomer.edits_a_rule(env, bot):.2f} s after it was saved, of {RELOAD_S:g} s")
    with step("tidings rules test fails for the old text and passes for the new one"):
        newcomer.tests_the_rules()
    with step("tidings verify says why a wrong request is wrong"):
        newcomer.verifies_a_wrong_request()


def deploys(newcomer, stack):
    machine, release = newcomer.machine, newcomer.release
    with step("tidings build packs the release's functions with the project"):
        newcomer.builds(release)
    with step("sam deploy"):
        newcomer.deploys(stack)
        stack.make_ready(newcomer.secrets)
    with door(stack) as url:
        with step("a signed event is answered 202 by the deployed address, and processed"):
            status, first = newcomer.sends_to_the_stack(stack, url, release)
            expect((status, first) == (202, "kitchen#k-1"), f"{status} for {first}")
            newcomer.is_processed(stack, first, release)
            # An action leaves the outbox after its event is processed.
            said = [action["data"]["text"] for action in until("an action", stack.actions)]
            expect(len(said) == 1 and SAID_LATER in said[0], f"the actions say {said}")
        with step("a later build: tidings upgrade --check sees it, --yes writes it"):
            later = a_release.later_build(release, machine.work / "later")
            a_release.is_whole(machine, later)
            newcomer.tidings("upgrade", "--check")
            shown = newcomer.tidings("upgrade", "--check", release=later, status=1)
            changed = [line[0] + line[1:].strip() for line in shown.splitlines() if line.startswith(("+D", "-D"))]
            expect(changed == [f"-{a_release.OF_THE_TEMPLATE.decode()}", f"+{a_release.OF_THE_LATER.decode()}"], shown)
            newcomer.tidings("upgrade", "--yes", release=later)
            newcomer.tidings("upgrade", "--check", release=later)
            expect((newcomer.folder / "template.yaml").read_bytes() == (later / "template.yaml").read_bytes(), "not its template")
            newcomer.tidings("check", release=later)
        with step("tidings build and sam deploy of it put new versions of both functions in place") as notes:
            before = live(stack)
            newcomer.builds(later)
            newcomer.deploys(stack)
            stack.make_up_for_the_emulator()
            after = live(stack)
            expect(all(after[name] > before[name] for name in before), f"versions before {before}, after {after}")
            deployed = str(stack.client("cloudformation").get_template(StackName=PROJECT)["TemplateBody"])
            expect("chatbot context out!" in deployed, "the stack hasn't the later build's template")
            notes.append(f"{before} -> {after}")
        with step("the event that was sent before is a duplicate, and a new one is processed"):
            status, again = newcomer.sends_to_the_stack(stack, url, later)
            expect((status, again) == (200, first), f"{status} for {again}")
            status, new = newcomer.sends_to_the_stack(stack, url, later, "--new")
            expect(status == 202 and new != first, f"{status} for {new}")
            newcomer.is_processed(stack, new, later)
            causes = [action["cause"] for action in until("an action", stack.actions)]
            expect(causes == [new], f"actions of {causes}, expected one of {new}")


def main():
    begun, archive = time.monotonic(), Path(sys.argv[1]).resolve()
    machine = Machine()
    try:
        machine.has_no_toolchain()
        machine.install("sam", Path(os.environ["NEWCOMER_SAM_BIN"]) / "sam")
        machine.install("python", Path(os.environ["NEWCOMER_BOT_BIN"]) / "python")
        newcomer = Newcomer(machine, uses_a_release(machine, archive))
        develops(newcomer)
        emulator = Emulator(os.environ["NEWCOMER_EMULATOR_BIN"], machine.root / "cloud")
        try:
            deploys(newcomer, Stack(emulator, PROJECT))
        except Exception as failure:
            raise Failed(f"{failure}\nThe emulator's log ends with\n{emulator.tail()}") from failure
        finally:
            emulator.stop()
    except Failed as failure:
        sys.exit(str(failure))
    finally:
        machine.close()
    print(f"a newcomer's way: {time.monotonic() - begun:.0f} s")


main()
