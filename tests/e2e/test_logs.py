"""What both functions write: enough to run them by, and nothing that was sent or is secret."""

import json
import socket

BODY = "canary-of-a-body"
HEADER = "canary-of-a-header"
SIGNATURE = "c0ffee" * 10 + "0042"


def texts(secrets):
    """Every secret, and every part of one that a key is made of."""
    for secret in secrets.values():
        for text in secret if isinstance(secret, list) else [secret]:
            yield text
            if text.startswith("whsec_"):
                yield text.removeprefix("whsec_")


def test_no_log_holds_a_secret_a_body_or_a_signature(stack, tidings, corpus):
    stack.set_visibility(1)
    case, (poison, _) = corpus.largest, corpus.poison
    event, dying = (json.loads(tidings.sign(name).body) for name in (case, poison))
    event |= {"id": "e2e-log-1", "padding": BODY}
    dying |= {"id": "e2e-log-2", "padding": BODY}
    dying["order"]["total_cents"] = BODY
    as_bytes = lambda document: json.dumps(document).encode()

    requests = [
        (202, tidings.sign(case, body=as_bytes(event))),
        (200, tidings.sign(case, body=as_bytes(event))),
        (200, tidings.sign(case, body=as_bytes(event | {"more": BODY}))),
        (202, tidings.sign(poison, body=as_bytes(dying))),
        (202, tidings.sign(case, body=b'{"' + BODY.encode())),
        (202, tidings.sign(case, body=b'"' + BODY.encode() + b'" ' + BODY.encode())),
        (401, tidings.sign(case, body=as_bytes(event), tamper="signature")),
        (401, tidings.sign(case, body=as_bytes(event), tamper="timestamp")),
    ]
    (forged,) = [name for name in requests[0][1].headers if "signature" in name.lower()]
    written = requests[0][1].headers[forged]
    made_up = tidings.sign(case, body=as_bytes(event))
    made_up.headers[forged] = written[: written.index("=") + 1] + SIGNATURE
    requests.append((401, made_up))
    canaries = {BODY, HEADER, SIGNATURE, *texts(tidings.secrets)}

    # What a person sets in despair. It shows the lines of every other level too, and those of the libraries.
    with stack.logging("trace"):
        replies = []
        for n, (status, request) in enumerate(requests):
            request.headers["authorization"] = HEADER
            canaries.add(request.headers[forged].rpartition("=")[2])
            replies.append(stack.send(request))
            assert replies[-1].status == status, f"request {n}: {replies[-1]}"
            if n == 0:
                stack.settle()
        refused = tidings.sign(case, body=as_bytes(event | {"id": "e2e-log-3"}))
        with stack.proxy.fault("SendMessage", "reply", status=500):
            replies.append(stack.send(refused))
        assert replies[-1].status == 503
        stack.until("the dying and both unreadable bodies dead", lambda: len(stack.dead_letters()) >= 3)
        stack.until("its last word", lambda: stack.metrics(stack.since_ms).get(("Dead", dying_source(stack))))
        lines = [line for name in ("Receiver", "Processor") for line in stack.log_lines(name, stack.since_ms)]

    assert len(lines) > 20
    shown = lines + [reply.body.decode() for reply in replies] + [c.get("reason", "") for c in stack.claims().values()]
    leaks = sorted({f"{canary}: {line[:400]}" for canary in canaries for line in shown if canary in line})
    assert not leaks, "\n".join(leaks)


def dying_source(stack):
    return next(c["source"] for c in stack.claims().values() if c["state"] == "dead")


def test_every_line_is_json_and_says_when_and_how_grave(stack, tidings, corpus):
    stack.send(tidings.sign(corpus.plain))
    stack.send(tidings.sign(corpus.plain, tamper="signature"))
    stack.settle()
    stack.until("both logs", lambda: all(stack.log_lines(name, stack.since_ms) for name in ("Receiver", "Processor")))
    lines = [json.loads(line) for name in ("Receiver", "Processor") for line in stack.log_lines(name, stack.since_ms)]
    assert all({"timestamp", "level"} <= set(line) for line in lines if "_aws" not in line)
    (key,) = stack.claims()
    mine = [line for line in lines if line.get("claim_key") == key]
    assert {line["message"] for line in mine} == {"received", "processed"}
    assert all(line["span"]["request_id"] for line in mine)
    assert len({line["event_id"] for line in mine}) == 1
    assert len({line["trace_id"] for line in mine}) == 1


def test_a_trace_is_found_by_its_events_id_and_conversation(stack, tidings, corpus):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(30)
        address = {"AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:{}".format(daemon.getsockname()[1])}
        with stack.variables("Receiver", **address), stack.variables("Processor", **address):
            stack.send(tidings.sign(corpus.plain))
            stack.settle()
        segments = []
        for _ in range(2):
            header, document = daemon.recv(65_536).decode().split("\n", 1)
            assert json.loads(header) == {"format": "json", "version": 1}
            segments.append(json.loads(document))

    (claim,) = stack.claims().values()
    assert {segment["name"] for segment in segments} == {"receive", "process"}
    assert len({(segment["trace_id"], segment["parent_id"]) for segment in segments}) == 1, "both are part of the request"
    found = {"event_id": claim["event_id"], "source": claim["source"]}
    ends = {"receive": "accepted", "process": claim["outcome"]}
    for segment in segments:
        assert (segment["trace_id"], segment["fault"]) == (claim["trace_id"], False)
        assert segment["start_time"] <= segment["end_time"]
        assert segment["annotations"].items() >= (found | {"outcome": ends[segment["name"]]}).items()
    assert next(s for s in segments if s["name"] == "process")["annotations"]["conversation"] == claim["conversation"]


def test_a_forged_request_is_counted(stack, tidings, corpus):
    request = tidings.sign(corpus.plain, tamper="signature")
    stack.send(request)
    source = request.source
    assert stack.until("a metric", lambda: stack.metrics(stack.since_ms)) == {
        ("Received", source): 1, ("Refused", source): 1, ("Unauthentic", source): 1,
    }


def test_a_queue_that_refuses_is_counted(stack, tidings, corpus):
    request = tidings.sign(corpus.facts)
    with stack.proxy.fault("SendMessage", "reply", status=403, code="AccessDenied"):
        stack.send(request)
    source = request.source
    assert stack.until("a metric", lambda: stack.metrics(stack.since_ms)) == {
        ("Received", source): 1, ("Refused", source): 1, ("EnqueueFailed", source): 1,
    }
