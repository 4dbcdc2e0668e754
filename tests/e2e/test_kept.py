"""Events that are kept with their claims: as `KeepEvents=true` deploys it, replayed by other rules, and erased."""

import json
from pathlib import Path

RULES = Path(__file__).resolve().parents[2] / "events" / "project" / "rules.yaml"


def test_what_is_kept_is_replayed_by_other_rules_and_erased(stack, tidings, corpus, tmp_path):
    before, kept = corpus.plain, next(mate for mate in corpus.mates if mate != corpus.plain)
    assert stack.send(tidings.sign(before)).status == 202
    stack.settle()
    (unkept,) = stack.claims()
    with stack.variables("Processor", KEEP_EVENTS="true"):
        assert stack.send(tidings.sign(kept)).status == 202
        stack.settle()
    claims = stack.claims()
    (key,) = claims.keys() - {unkept}
    assert "event" not in claims[unkept], "the parameter's default"
    assert json.loads(claims[key]["event"])["claimkey"] == key
    assert tidings.event(key)["event_bytes"] == len(claims[key]["event"].encode())

    rule, context = claims[key]["rules"][-1], stack.context()
    others = tmp_path / "rules.yaml"
    others.write_text(RULES.read_text().replace(f"name: {rule}", "name: another"))
    played = tidings("replay", *tidings.deployed())
    assert [(event["key"], event["rules"]) for event in played["events"]] == [(key, claims[key]["rules"])]
    differences = tidings("replay", *tidings.deployed(), "--against", str(others), "--diff", check=False)
    (of_event,) = [change for change in differences if change["what"] == f"event {key}"]
    assert rule in of_event["now"] and "another" in of_event["then"]
    assert (stack.claims(), stack.context()) == (claims, context), "a replay reads only"

    conversation = claims[key]["conversation"]
    exported = tidings("context", "export", conversation, *tidings.deployed())
    assert [entry["event"]["claimkey"] for entry in exported["timeline"] if "event" in entry] == [key]
    tidings("context", "erase", conversation, "--yes", *tidings.deployed())
    assert "event" not in stack.claims()[key]
    assert conversation not in f"{stack.claims()}{stack.context()}"
