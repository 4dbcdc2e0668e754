"""A proxy between the functions and the emulated cloud: it counts every AWS call, and breaks the ones it is told to.

Promises: a call is recorded before its answer leaves; what isn't told to fail passes through unchanged, but for the
`X-Forwarded-Proto: https` of a TLS-terminating balancer (the queues refuse whatever didn't come over TLS).
Never: a call of its own, a retry.
"""

import http.client
import http.server
import json
import os
import re
import signal
import socket
import struct
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# In the User-Agent of the tests' own clients.
HARNESS = "tidings-e2e"
HANG_LIMIT_S = 30
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "expect", "proxy-connection", "te", "upgrade"}
CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/")


@dataclass
class Call:
    """One request to AWS. `caller` is harness, receiver or processor; `status` is None when no answer was given."""

    service: str
    operation: str
    access_key: str
    harness: bool
    body: bytes
    at: float
    status: int | None = None
    faulted: bool = False

    def __str__(self):
        return f"{self.service}:{self.operation} -> {self.status}{' (fault)' if self.faulted else ''}"


@dataclass
class Fault:
    """What happens to calls of `operation`: an error reply, a hang, or the death of the process that called.

    after: the call reaches AWS first, and only its answer is lost.
    times: how many calls it hits; None for as long as the fault is in force.
    """

    operation: str
    how: str  # "reply" | "hang" | "kill"
    status: int = 500
    code: str = "InternalFailure"
    after: bool = False
    times: int | None = None
    hits: int = 0
    over: threading.Event = field(default_factory=threading.Event)


class AwsProxy:
    def __init__(self, upstream_port, owner_key):
        self.upstream_port = upstream_port
        self.owner_key = owner_key
        self.calls = []
        self._faults = []
        self._receiver_keys = set()
        self._lock = threading.Lock()
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="aws-proxy", daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def close(self):
        self.heal()
        self._server.shutdown()
        self._server.server_close()

    # ── counting ────────────────────────────────────────────────────────────────────────────────────────────────────

    def forget(self):
        with self._lock:
            self.calls.clear()

    def made_by(self, caller=None, secrets=False):
        """Calls of one function since `forget`, or of both. The secret's refresh, a matter of time and not of requests, only
        if asked."""
        with self._lock:
            return [
                c
                for c in self.calls
                if self._caller(c) in ([caller] if caller else ["receiver", "processor"])
                and (secrets or c.operation != "GetSecretValue")
            ]

    def commits(self, claim_key):
        """How often this claim was set to `processed`: the number of effects an event has had."""
        return self.effects()[claim_key]

    def effects(self):
        """How often each event has had its effect: accepted writes that set its claim to `processed`, by claim key. Such a write is a
        transaction, or an update of the claim alone."""
        with self._lock:
            accepted = [c for c in self.calls if c.operation in ("TransactWriteItems", "UpdateItem") and c.status == 200]
        return Counter(key for call in accepted for key in _processed_keys(call.body))

    def _caller(self, call):
        if call.harness:
            return "harness"
        # Only the receiver's role may read the secret, so a key that has done it is the receiver's.
        return "receiver" if call.access_key in self._receiver_keys else "processor"

    def _record(self, call):
        with self._lock:
            self.calls.append(call)

    def _settle(self, call, status):
        with self._lock:
            call.status = status
            if call.operation == "GetSecretValue" and status == 200 and not call.harness:
                self._receiver_keys.add(call.access_key)

    # ── breaking ────────────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def fault(self, operation, how, **options):
        fault = Fault(operation, how, **options)
        with self._lock:
            self._faults.append(fault)
        try:
            yield fault
        finally:
            self._end(fault)

    def heal(self):
        for fault in list(self._faults):
            self._end(fault)

    def _end(self, fault):
        with self._lock:
            if fault in self._faults:
                self._faults.remove(fault)
        fault.over.set()

    def _fault_for(self, call):
        with self._lock:
            for fault in self._faults:
                if fault.operation == call.operation and not call.harness:
                    if fault.times is None or fault.hits < fault.times:
                        fault.hits += 1
                        call.faulted = True
                        return fault
        return None


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: AwsProxy

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = self._read_call(body)
        self.owner._record(call)
        fault = self.owner._fault_for(call)
        if fault and not fault.after:
            return self._break(call, fault)
        try:
            status, headers, answer = self._forward(body)
        except OSError as error:
            status, headers, answer = 502, [], json.dumps({"message": f"emulated cloud: {error}"}).encode()
        self.owner._settle(call, status)
        if fault:
            return self._break(call, fault)
        self._answer(status, headers, answer)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_PATCH = handle_one

    def _read_call(self, body):
        credential = CREDENTIAL.search(self.headers.get("Authorization", ""))
        target = self.headers.get("X-Amz-Target", "")
        operation = target.rpartition(".")[2] or f"{self.command} {self.path.partition('?')[0]}"
        action = re.match(rb"(?:.*&)?Action=([A-Za-z]+)", body) if not target else None
        return Call(
            service=credential[2] if credential else "?",
            operation=action[1].decode() if action else operation,
            access_key=credential[1] if credential else "",
            # Only a function has both: Rust's SDK, and credentials that aren't the account owner's.
            harness=HARNESS in (agent := self.headers.get("User-Agent", ""))
            or "aws-sdk-rust" not in agent
            or (credential is not None and credential[1] == self.owner.owner_key),
            body=body if len(body) < 1 << 20 else b"",
            at=time.monotonic(),
        )

    def _forward(self, body):
        upstream = http.client.HTTPConnection("127.0.0.1", self.owner.upstream_port, timeout=60)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    upstream.putheader(name, value)
            upstream.putheader("X-Forwarded-Proto", "https")
            upstream.endheaders(body or None)
            response = upstream.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            upstream.close()

    def _answer(self, status, headers, body):
        try:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in HOP_BY_HOP | {"content-length"}:
                    self.send_header(name, value)
            length = dict((n.lower(), v) for n, v in headers).get("content-length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
        except OSError:
            self.close_connection = True  # The caller has gone: a timeout of its own, or its death.

    def _break(self, call, fault):
        if fault.how == "reply":
            self.owner._settle(call, fault.status)
            body = json.dumps({"__type": f"com.amazonaws#{fault.code}", "message": "fault injected by the test"}).encode()
            return self._answer(fault.status, [("Content-Type", "application/x-amz-json-1.0")], body)
        if fault.how == "kill":
            pid = bootstrap_at(self.client_address)
            os.kill(pid, signal.SIGKILL)
        else:
            fault.over.wait(HANG_LIMIT_S)
        self.close_connection = True

    def log_message(self, *_):
        pass


def _processed_keys(body):
    """Keys of the claims that the body of a TransactWriteItems or an UpdateItem sets to `processed`."""
    try:
        request = json.loads(body)
    except ValueError:
        return set()
    updates = [item["Update"] for item in request["TransactItems"] if "Update" in item] if "TransactItems" in request else [request]
    return {
        value
        for update in updates
        if ":processed_at" in update.get("ExpressionAttributeValues", {})
        for value in update["Key"]["pk"].values()
    }


def bootstrap_at(address):
    """Process id of the function at the other end of a connection. Linux only; refuses whatever isn't a `bootstrap`."""
    host, port = address[:2]
    wanted = f"{struct.unpack('<I', socket.inet_aton(host))[0]:08X}:{port:04X}"
    inodes = [
        row.split()[9]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        if Path(table).exists()
        for row in Path(table).read_text().splitlines()[1:]
        if row.split()[1].endswith(wanted)
    ]
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if os.path.basename(os.readlink(process / "exe")) != "bootstrap":
                continue
            if any(os.readlink(fd) in {f"socket:[{inode}]" for inode in inodes} for fd in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue
    raise RuntimeError(f"no function process has the connection from port {port}")
