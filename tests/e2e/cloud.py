"""The emulated cloud: starts it, deploys the repository's own template to it, and gives handles to what was deployed.

Promises: the template and the binaries are those that would go to AWS, unchanged; every process it starts ends with it.
Never: a fixed port, a credential or a setting of the person who runs it.

What the emulator can't do is done here, after the deployment and by calls that an operator could make, and is listed so
that nobody takes an emulated proof for more than it is:
  - it keeps a `Number` parameter as text, and its poller then stops: the mapping's MaximumConcurrency is set again;
  - its clock is the real one: the queue's visibility timeout is shortened from 180 s, after a test's look at it;
  - it doesn't apply TTL, point-in-time recovery, encryption, throttling or access logs, and writes no metric of the API;
  - it knows no `AWS::IAM::RolePolicy`: a stack with the switches that have one is deployed with `AWS::IAM::Policy` in its place, of the
    same name, role and statements;
  - it gives SAM's translation no parameters, and has no CodeDeploy: an alias moves at once, and only to new code;
  - it keeps our metrics as the log lines that they are, and makes no CloudWatch metric of them: `test_alarms.py` does that;
  - it replaces bytes that aren't UTF-8 in a JSON body before a function sees them, so such a body can't be verified here;
  - it takes `SendMessageBatch` for an action of its own, where IAM has `sqs:SendMessage` for both: the roles of the
    receiver, the processor, the publisher and the sender get it where, and only where, the template allows the latter;
  - it takes `GetAlias` and `UpdateAlias` for `ListAliases`, which the role of CodeDeploy gets in the same way (`test_upgrade.py`);
  - `/health` on its own host is its own: the route is reached as `//health`, which the gateway takes for the same;
  - it answers OPTIONS itself.
"""

import http.client
import io
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import zipfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.config import Config

from aws_proxy import HARNESS, AwsProxy

REGION = "us-east-1"
STACK = "tidings-e2e"
VISIBILITY_S = 3
START_TIMEOUT_S = 60
HEALTH = "//health"  # Not one slash: see above.
ALIAS = "live"
BATCH_WRITE = 25  # DynamoDB's most.
SEND = "sqs:SendMessage"
# A stack has alarms if a topic or its dashboard shows them. With a topic it would have composite alarms, which the emulator can't make.
WATCHED = {"CreateDashboard": "true", "SourceMetrics": "true", "Tracing": "Active"}
# The emulator's root: it stands above every policy, as the account's owner does.
ROOT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}


class Failed(Exception):
    """A step before the tests went wrong; the text is for the person who runs them."""


def architecture():
    """The host's, in CloudFormation's words: emulated functions are processes of this machine."""
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"


def run(what, command, env, cwd, timeout_s):
    """Runs a step, and shows the end of what it printed if it fails."""
    done = subprocess.run(
        [str(c) for c in command], cwd=cwd, env=env, timeout=timeout_s, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    if done.returncode:
        raise Failed(f"{what} ended with {done.returncode}: {' '.join(map(str, command))}\n{done.stdout[-6000:]}")
    return done.stdout


def aws_env(endpoint, path_first=None):
    """The caller's environment without any AWS setting of theirs, pointed at the emulated cloud."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SAM_"))}
    env |= ROOT | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
    if path_first:
        env["PATH"] = f"{path_first}{os.pathsep}{env['PATH']}"
    return env


# SAM's own way to the profile of `cargo test`, in which a panic unwinds, too: half the time of a whole run.
QUICKLY = {"SAM_BUILD_MODE": "debug"}


def build(repository, sam_bin, into, tidings):
    """`sam build` of the repository with the demo's project, for this machine's processor."""
    env = aws_env("http://127.0.0.1:9", sam_bin) | {
        "TIDINGS_PROJECT": str(repository / "events" / "project"), "TIDINGS": str(tidings)
    }
    if not os.environ.get("E2E_OPTIMIZED"):
        env |= QUICKLY
    run(
        "sam build",
        [Path(sam_bin) / "sam", "build", "--template-file", repository / "template.yaml", "--build-dir", into,
         "--parameter-overrides", f"Architecture={architecture()}"],
        env, repository, 3600,
    )
    if not os.environ.get("E2E_OPTIMIZED"):
        # As the release profile leaves them. Symbols are half of what each deployment would pack, upload and unpack.
        run("strip", ["strip", *sorted(into.glob("*/bootstrap"))], env, repository, 60)


def emulated(built, parameters):
    """The template, with what the emulator doesn't know replaced by what it knows if the parameters ask for it."""
    template = built / "template.yaml"
    if "true" not in (parameters.get("Publisher"), parameters.get("Sender")):
        return template
    kind, role = "Type: AWS::IAM::RolePolicy", re.compile(r"( +)RoleName:(?: !Ref (\w+)|\s+Ref: (\w+))")
    first, *others = template.read_text().split(kind)
    text = first + "".join(
        "Type: AWS::IAM::Policy" + role.sub(lambda m: f"{m[1]}Roles: [{{Ref: {m[2] or m[3]}}}]", other, count=1) for other in others
    )
    into = built / "emulated.yaml"
    into.write_text(text)
    return into


def build_function(repository, sam_bin, name):
    """One function of another checkout, built as its own `sam build` does it. Gives its folder."""
    env, profile = aws_env("http://127.0.0.1:9", sam_bin), ["--release"] if os.environ.get("E2E_OPTIMIZED") else []
    # What both checkouts depend on is built once.
    env["CARGO_TARGET_DIR"] = str(Path(__file__).resolve().parents[2] / "target")
    into = repository / "lambda"
    run(
        f"cargo lambda build of {name}",
        [Path(sam_bin) / "cargo-lambda", "lambda", "build", *profile, "--bin", name, "--lambda-dir", into],
        env, repository / "functions" / name, 3600,
    )
    return into / name


def zipped(files):
    """What is uploaded to Lambda: contents by name."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o755 if name == "bootstrap" else 0o644) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, 1)
    return file.getvalue()


def package(folder):
    """A function as `sam build` has built it, as what is uploaded: its bootstrap, and its configuration beside it."""
    return zipped({file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file()})


class Emulator:
    """One process of the emulated cloud with IAM enforced, its functions' AWS calls going through the proxy."""

    def __init__(self, emulator_bin, data):
        self.data = data
        self.log = data / "emulator.log"
        (data / "tmp").mkdir(parents=True)
        self.port = _free_port()
        self.proxy = AwsProxy(self.port, ROOT["AWS_ACCESS_KEY_ID"])
        # Functions inherit this environment: it has nothing of the caller's but PATH.
        env = ROOT | {
            "PATH": os.environ["PATH"], "HOME": str(data), "TMPDIR": str(data / "tmp"), "LANG": "C.UTF-8",
            "AUTH": "true", "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(self.port), "MINISTACK_REGION": REGION,
            "AWS_ENDPOINT_URL": self.proxy.url, "S3_DATA_DIR": str(data / "s3"), "STATE_DIR": str(data / "state"),
            "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0",
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(Path(emulator_bin) / "ministack")], cwd=data, env=env, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )
        try:
            self._await_ready()
        except BaseException:
            self.stop()
            raise

    def _await_ready(self):
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failed(f"the emulator ended with {self.process.returncode}\n{self.tail()}")
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
                connection.request("GET", "/_ministack/health")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                time.sleep(0.2)
        raise Failed(f"the emulator wasn't ready after {START_TIMEOUT_S} s\n{self.tail()}")

    def tail(self, lines=20):
        return "\n".join(line[:300] for line in self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self):
        """Ends the process group that the emulator leads: itself, and every function it started."""
        self.proxy.close()
        for sign, patience_s in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            try:
                os.killpg(self.process.pid, sign)
            except ProcessLookupError:
                pass
            try:
                self.process.wait(patience_s)
            except subprocess.TimeoutExpired:
                continue
        if not os.environ.get("E2E_KEEP"):
            shutil.rmtree(self.data, ignore_errors=True)


@dataclass
class Reply:
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.body[:200]!r}"


class Stack:
    """What was deployed."""

    def __init__(self, emulator, name=STACK):
        self.emulator = emulator
        self.name = name
        self.proxy = emulator.proxy
        self.releases = 0
        self._clients = {}
        self._clients_lock = threading.Lock()

    @classmethod
    def deploy(cls, emulator, sam_bin, built, repository):
        """The first deployment."""
        stack = cls(emulator)
        stack._sam_deploy(sam_bin, built, repository)
        stack.look_up()
        # Read now: the harness shortens the visibility timeout, and a later deployment changes nothing back that the template
        # hasn't changed.
        stack.events_queue_as_deployed = stack.queue(stack.events_queue)
        return stack

    def deploy_again(self, sam_bin, built, repository, **parameters):
        """Another build, or other parameters, over what is deployed."""
        self._sam_deploy(sam_bin, built, repository, **parameters)
        self.look_up()

    def _sam_deploy(self, sam_bin, built, repository, **parameters):
        """`sam deploy`, as samconfig.toml and the README have it but for the question before it."""
        run(
            "sam deploy",
            [Path(sam_bin) / "sam", "deploy", "--template-file", emulated(built, parameters), "--stack-name", self.name,
             "--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar",
             "--config-file", repository / "samconfig.toml", "--region", REGION,
             "--parameter-overrides", f"Architecture={architecture()}", *(f"{name}={value}" for name, value in (WATCHED | parameters).items())],
            aws_env(self.emulator.proxy.url, sam_bin), repository, 600,
        )

    def look_up(self):
        """What the stack has made, and where it is."""
        formation = self.client("cloudformation")
        described = formation.describe_stacks(StackName=self.name)["Stacks"][0]
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in described.get("Outputs", [])}
        self.resources = {
            r["LogicalResourceId"]: r["PhysicalResourceId"]
            for r in formation.describe_stack_resources(StackName=self.name)["StackResources"]
        }
        # A function URL is known by its own host, an API by one of the emulator's.
        url = self.outputs["WebhookUrl"].removeprefix("https://")
        self.api_host = f"{self.resources['Api']}.execute-api.localhost:{self.emulator.port}" if "Api" in self.resources else url
        self.api_url = f"http://127.0.0.1:{self.emulator.port}"
        self.events_queue = self.outputs["EventsQueueUrl"]
        self.links_queue = self.outputs["LinksQueueUrl"]
        self.dead_queue = self.outputs["DeadLetterQueueUrl"]
        self.dead_links_queue = self.resources["LinksDeadLetterQueue"]
        self.actions_queue = self.outputs["ActionsQueueUrl"]
        self.claims_table = self.outputs["ClaimsTableName"]
        self.context_table = self.outputs["ContextTableName"]
        # The last release, from which test_upgrade.py upgrades, has none.
        self.timers_table = self.outputs.get("TimersTableName")
        self.secret = self.outputs["SecretArn"]

    def make_ready(self, secrets):
        """The emulator's shortcomings, then what an operator does: write the secrets."""
        self.make_up_for_the_emulator()
        self.client("secretsmanager").put_secret_value(SecretId=self.secret, SecretString=json.dumps(secrets))
        self.restart("Receiver")

    def make_up_for_the_emulator(self):
        """What is listed above, and is the template's again after each deployment."""
        for source in ("ProcessorSource", "SenderSource", "PublishedSource", "DeliveriesSource", "KafkaSource"):
            if source in self.resources:
                self.client("lambda").update_event_source_mapping(
                    UUID=self.resources[source], ScalingConfig={"MaximumConcurrency": 20}
                )
        self.set_visibility(VISIBILITY_S)
        for role in ("Receiver", "Processor", "Publisher", "Sender"):
            if f"{role}Role" in self.resources:
                self._allow_batches(f"{role}Role", role.lower())

    def live(self, logical_id):
        """The version that a function's alias is on."""
        alias = self.client("lambda").get_alias(FunctionName=self.resources[logical_id], Name=ALIAS)
        assert not alias.get("RoutingConfig", {}).get("AdditionalVersionWeights"), alias
        return alias["FunctionVersion"]

    def versions(self, logical_id):
        pages = self.client("lambda").get_paginator("list_versions_by_function").paginate(FunctionName=self.resources[logical_id])
        return {version["Version"] for page in pages for version in page["Versions"]}

    def client(self, service, **credentials):
        """A client of the account's owner, or of the given credentials."""
        with self._clients_lock:
            key = (service, tuple(sorted(credentials.items())))
            if key not in self._clients:
                mine = credentials or {
                    "aws_access_key_id": ROOT["AWS_ACCESS_KEY_ID"],
                    "aws_secret_access_key": ROOT["AWS_SECRET_ACCESS_KEY"],
                }
                self._clients[key] = boto3.session.Session().client(
                    service, region_name=REGION, endpoint_url=self.proxy.url, **mine,
                    config=Config(user_agent_extra=HARNESS, retries={"total_max_attempts": 1}, proxies={}),
                )
            return self._clients[key]

    def role(self, logical_id):
        """Clients with a function's own role: client(service). The emulator's owner may assume it without being trusted by it."""
        arn = self.client("iam").get_role(RoleName=self.resources[logical_id])["Role"]["Arn"]
        given = self.client("sts").assume_role(RoleArn=arn, RoleSessionName=HARNESS)["Credentials"]
        return lambda service: self.client(
            service,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )

    def _allow_batches(self, role, policy):
        """`SendMessageBatch` to whatever the role may `SendMessage` to."""
        roles, name = self.client("iam"), self.resources[role]
        allowed = roles.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        statements = [s | {"Action": f"{SEND}Batch"} for s in allowed["Statement"] if s["Action"] in (SEND, [SEND])]
        assert statements, f"{role} may send nothing"
        document = json.dumps(allowed | {"Statement": statements})
        roles.put_role_policy(RoleName=name, PolicyName="emulated-batches", PolicyDocument=document)

    def release(self, logical_id, code=None, **changes):
        """A new version of a function with these settings or this code, and the alias on it, as a deployment does."""
        functions, name = self.client("lambda"), self.resources[logical_id]
        self.releases += 1
        if code:
            functions.update_function_code(FunctionName=name, ZipFile=code)
        functions.update_function_configuration(FunctionName=name, Description=f"release {self.releases}", **changes)
        version = functions.publish_version(FunctionName=name)["Version"]
        functions.update_alias(FunctionName=name, Name=ALIAS, FunctionVersion=version)

    def restart(self, logical_id):
        """New execution environments for a function. Its settings stay as they are."""
        self.release(logical_id)

    @contextmanager
    def variables(self, name, **more):
        """A function with these environment variables beside its own."""
        before = self.client("lambda").get_function_configuration(FunctionName=self.resources[name])["Environment"]["Variables"]
        self.release(name, Environment={"Variables": before | more})
        try:
            yield
        finally:
            self.release(name, Environment={"Variables": before})

    @contextmanager
    def logging(self, level):
        """Both functions with another `LogLevel`, as the template's parameter sets it."""
        with self.variables("Receiver", RUST_LOG=level), self.variables("Processor", RUST_LOG=level):
            yield

    @contextmanager
    def without(self, role, statement):
        """A function's role without one of its statements."""
        roles = self.client("iam")
        named = {"RoleName": self.resources[role], "PolicyName": role.removesuffix("Role").lower()}
        policy = roles.get_role_policy(**named)["PolicyDocument"]
        rest = [s for s in policy["Statement"] if s["Sid"] != statement]
        assert len(rest) == len(policy["Statement"]) - 1, f"{role} has no statement {statement}"
        roles.put_role_policy(**named, PolicyDocument=json.dumps(policy | {"Statement": rest}))
        try:
            yield
        finally:
            roles.put_role_policy(**named, PolicyDocument=json.dumps(policy))

    # ── the front door ──────────────────────────────────────────────────────────────────────────────────────────────

    def send(self, request):
        return self.http(request.method, request.path, request.headers, request.body)

    def http(self, method, path, headers=None, body=b""):
        connection = http.client.HTTPConnection("127.0.0.1", self.emulator.port, timeout=60)
        try:
            connection.request(method, path, body, {**(headers or {}), "Host": self.api_host})
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    # ── state ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def claims(self):
        """Every claim, by key."""
        return {item["pk"]: item for item in self._scan(self.claims_table)}

    def context(self, conversation=None):
        """Context items by (conversation, kind), without what depends on the clock or on the number of writes. What was sent,
        and in which order, isn't what is known."""
        items = {}
        for item in self._scan(self.context_table):
            if conversation in (None, item["pk"]) and item["sk"] != "outbox":
                rest = {k: v for k, v in item.items() if k not in ("pk", "sk", "version", "expires_at")}
                if isinstance(rest.get("facts"), str):
                    rest["facts"] = json.loads(rest["facts"])
                    # How long after its own time an event was received, which only decides between events of one time.
                    for fact in rest["facts"].values():
                        fact.pop("after", None)
                items[item["pk"], item["sk"]] = rest
        return items

    def writes(self):
        """How often context items were written: each counts its own."""
        return {item["version"] for item in self._scan(self.context_table)}

    def _scan(self, table):
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [{k: _plain(v) for k, v in item.items()} for page in pages for item in page["Items"]]

    def queue(self, url):
        return self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]

    def depth(self, url):
        """(visible, in flight)."""
        attributes = self.queue(url)
        return (
            int(attributes["ApproximateNumberOfMessages"]),
            int(attributes["ApproximateNumberOfMessagesNotVisible"]),
        )

    def dead_letters(self, url=None):
        messages = self.client("sqs").receive_message(
            QueueUrl=url or self.dead_queue, MaxNumberOfMessages=10, VisibilityTimeout=0, AttributeNames=["All"]
        )
        return messages.get("Messages", [])

    def actions(self):
        """What the bot was asked to do, taken out of the queue: each once, in order."""
        queue, taken = self.client("sqs"), {}
        while messages := queue.receive_message(QueueUrl=self.actions_queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                action = json.loads(message["Body"])
                taken.setdefault(action["id"], action)
                queue.delete_message(QueueUrl=self.actions_queue, ReceiptHandle=message["ReceiptHandle"])
        return list(taken.values())

    def set_visibility(self, seconds):
        for url in (self.events_queue, self.links_queue):
            self.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(seconds)})

    # ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def until(self, what, condition, timeout_s=30):
        """Waits for a condition, and gives its value."""
        deadline = time.monotonic() + timeout_s
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"after {timeout_s} s: not {what}")
            time.sleep(0.1)

    def settle(self, timeout_s=60):
        """Waits until the events queue is empty: every event is done, or dead."""
        self.until("an empty events queue", lambda: self.depth(self.events_queue) == (0, 0), timeout_s)

    @contextmanager
    def processor_paused(self):
        """Nothing is taken from the queue inside; at the end all of it goes out as one batch (up to 10)."""
        mapping = {"UUID": self.resources["ProcessorSource"]}
        functions = self.client("lambda")
        functions.update_event_source_mapping(**mapping, Enabled=False)
        time.sleep(0.3)  # A pass of the poller that has begun goes on.
        try:
            yield
        finally:
            functions.update_event_source_mapping(**mapping, Enabled=True)

    def wipe(self):
        """Empty queues and tables, no faults, no memory of calls, and a receiver that has started."""
        self.proxy.heal()
        for url in (self.events_queue, self.dead_queue, self.links_queue, self.dead_links_queue):
            self.client("sqs").purge_queue(QueueUrl=url)
        self._forget_actions()
        self.set_visibility(VISIBILITY_S)
        self.forget_state()
        self.http("GET", HEALTH)
        self.proxy.forget()

    def _forget_actions(self):
        """A purge would leave what a FIFO queue remembers of the last five minutes, and the same event asks for the same action."""
        queues, kept = self.client("sqs"), self.queue(self.actions_queue)
        chosen = ("MaximumMessageSize", "MessageRetentionPeriod", "FifoQueue", "DeduplicationScope", "FifoThroughputLimit",
                  "RedrivePolicy", "Policy", "SqsManagedSseEnabled")
        queues.delete_queue(QueueUrl=self.actions_queue)
        queues.create_queue(QueueName=self.actions_queue.rsplit("/")[-1], Attributes={n: kept[n] for n in chosen if n in kept})

    def forget_state(self):
        """All tables emptied, as if none of it had happened."""
        store = self.client("dynamodb")
        tables = {self.claims_table: ["pk"], self.context_table: ["pk", "sk"], self.timers_table: ["pk", "sk"]}
        for table, names in ((table, names) for table, names in tables.items() if table):
            for page in store.get_paginator("scan").paginate(TableName=table):
                deletes = [{"DeleteRequest": {"Key": {n: item[n] for n in names}}} for item in page["Items"]]
                for begin in range(0, len(deletes), BATCH_WRITE):
                    store.batch_write_item(RequestItems={table: deletes[begin:begin + BATCH_WRITE]})

    # ── why it failed ───────────────────────────────────────────────────────────────────────────────────────────────

    def describe(self, since_ms):
        """What a person needs who reads a failure: state, calls, and both functions' logs since then."""
        yield "queues (visible, in flight)", f"events {self.depth(self.events_queue)}, dead {self.depth(self.dead_queue)}"
        yield "claims", json.dumps(self.claims(), indent=1, default=str)
        yield "context", "\n".join(f"{k}: {v}" for k, v in self.context().items()) or "none"
        yield "AWS calls", "\n".join(
            f"{who}: {call}" for who in ("receiver", "processor") for call in self.proxy.made_by(who, secrets=True)[-60:]
        ) or "none"
        for name in ("Receiver", "Processor"):
            yield f"{name} log", "\n".join(line[:1000] for line in self.log_lines(name, since_ms)[-60:]) or "nothing"

    def log_lines(self, name, since_ms=0):
        """What a function wrote, in order."""
        return [line for invocation in self.invocations(name, since_ms) for line in invocation]

    def invocations(self, name, since_ms=0):
        """The lines of each invocation, without the platform's own: the emulator gives every invocation a stream."""
        pages = self.client("logs").get_paginator("filter_log_events").paginate(
            logGroupName=self.resources[f"{name}LogGroup"], startTime=int(since_ms)
        )
        streams = {}
        for event in (e for page in pages for e in page["events"]):
            at, lines = streams.setdefault(event["logStreamName"], (event["timestamp"], []))
            if not event["message"].startswith(("START ", "END ", "REPORT ")):
                lines.append(event["message"])
        return [lines for _, lines in sorted(streams.values(), key=lambda stream: stream[0])]

    def datapoints(self, since_ms=0):
        """What CloudWatch would read from both logs: a metric by its namespace, name and dimensions, with when and its values."""
        for name in ("Receiver", "Processor"):
            for line in map(json.loads, self.log_lines(name, since_ms)):
                for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
                    for dimensions in directive["Dimensions"]:
                        for metric in directive["Metrics"]:
                            values = line[metric["Name"]]
                            yield Datapoint(
                                directive["Namespace"], metric["Name"], {d: line[d] for d in dimensions},
                                line["_aws"]["Timestamp"] / 1000, values if isinstance(values, list) else [values],
                            )

    def metrics(self, since_ms=0):
        """The sum of each metric of a source: {(name, source): sum}. Times and zeros are left out."""
        counted = Counter()
        for point in self.datapoints(since_ms):
            if set(point.dimensions) >= {"source"} and not point.name.endswith(("Lag", "Latency")):
                counted[point.name, point.dimensions["source"]] += sum(point.values)
        return {metric: total for metric, total in counted.items() if total}


@dataclass(frozen=True)
class Datapoint:
    """Values of one metric, as one line of a log has them."""

    namespace: str
    name: str
    dimensions: dict
    at: float
    values: list


def _plain(value):
    """A DynamoDB attribute as Python has it."""
    (kind, inner), = value.items()
    if kind == "M":
        return {k: _plain(v) for k, v in inner.items()}
    if kind == "L":
        return [_plain(v) for v in inner]
    if kind == "N":
        return float(inner) if "." in inner or "e" in inner.lower() else int(inner)
    return None if kind == "NULL" else inner


def _free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
