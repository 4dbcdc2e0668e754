"""Each bot says each action once and in order, asks for what failed again, and reads a context as `tidings context show` does."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from conftest import CONTEXT_TABLE, EXAMPLES, REPOSITORY

ACTION = json.loads((REPOSITORY / "events" / "contract" / "action-v1.json").read_text())
NOW = "2026-11-20T12:00:00+00:00"


def record(message_id, conversation, text, **changes):
    """A record as SQS gives it to Lambda, with an action like the golden one."""
    action = ACTION | {"id": f"action-{message_id}", "conversation": conversation, "data": ACTION["data"] | {"text": text}} | changes
    attributes = {"MessageGroupId": conversation, "ApproximateReceiveCount": "1"}
    return {"messageId": message_id, "body": json.dumps(action), "attributes": attributes}


def failures(*message_ids):
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in message_ids]}


def test_each_action_is_said_once(dev, bot, claims_table):
    batch = [record("m1", "ann", "one"), record("m2", "ann", "two"), record("m3", "bob", "three")]
    answer, said = bot.handle(dev, claims_table, batch, [])
    assert (answer, said) == (failures(), [["ann", "one", "action-m1"], ["ann", "two", "action-m2"], ["bob", "three", "action-m3"]])
    again = [one | {"messageId": f"{one['messageId']}-again"} for one in batch]
    assert bot.handle(dev, claims_table, again, []) == (failures(), [])


def test_after_a_failure_the_conversation_waits_and_others_go_on(dev, bot, claims_table):
    batch = [
        record("m1", "ann", "one"), record("m2", "ann", "two"), record("m3", "bob", "three"), record("m4", "ann", "four"),
    ]
    answer, said = bot.handle(dev, claims_table, batch, ["two"])
    assert (answer, [text for _, text, _ in said]) == (failures("m2", "m4"), ["one", "three"])
    answer, said = bot.handle(dev, claims_table, [batch[1], batch[3]], [])
    assert (answer, [text for _, text, _ in said]) == (failures(), ["two", "four"]), "a claim that isn't done is given again"


def test_what_is_no_action_fails_alone(dev, bot, claims_table):
    broken = {"messageId": "m1", "body": "no JSON", "attributes": {"MessageGroupId": "ann"}}
    answer, said = bot.handle(dev, claims_table, [broken, record("m2", "bob", "two")], [])
    assert (answer, [text for _, text, _ in said]) == (failures("m1"), ["two"])


def test_an_action_of_an_unknown_type_does_not_stop_its_conversation(dev, bot, claims_table):
    batch = [record("m1", "ann", "-", type="answer.wanted"), record("m2", "ann", "two")]
    answer, said = bot.handle(dev, claims_table, batch, [])
    assert (answer, [text for _, text, _ in said]) == (failures(), ["two"])


def test_a_claim_has_an_end_and_is_free_after_it(dev, bot, claims_table):
    bot.handle(dev, claims_table, [record("m1", "ann", "one")], [])
    table = dev.dynamodb.Table(claims_table)
    claim = table.get_item(Key={"id": "action-m1"})["Item"]
    assert claim["done"] is True
    assert 29 * 86_400 < int(claim["expires_at"]) - time.time() < 31 * 86_400
    table.put_item(Item=claim | {"expires_at": int(time.time()) - 1})
    _, said = bot.handle(dev, claims_table, [record("m1", "ann", "one")], [])
    assert [text for _, text, _ in said] == ["one"], "TTL deletes late"


def test_a_table_that_is_not_there_loses_nothing(dev, bot):
    answer, said = bot.handle(dev, "no-such-table", [record("m1", "ann", "one"), record("m2", "ann", "two")], [])
    assert (answer, said) == (failures("m1", "m2"), [])


def plain(shown):
    """What `tidings context show --json` says, without how facts are merged."""
    context = {
        "conversation": shown["conversation"],
        "entities": {entity: {name: fact["value"] for name, fact in facts.items()} for entity, facts in shown["entities"].items()},
        "identities": shown.get("identities", []),
    }
    provided = lambda facts: sorted(name for name, fact in facts.items() if fact.get("by") == "provider")  # noqa: E731
    labels = {entity: provided(facts) for entity, facts in shown["entities"].items()}
    labels = {entity: names for entity, names in labels.items() if names}
    return context | ({"node": shown["node"]["value"]} if "node" in shown else {}) | ({"by_provider": labels} if labels else {})


def test_a_context_is_read_as_the_command_shows_it(dev, bot):
    dev.send("stripe-checkout-completed", "stripe#evt_1TidingsCheckout1042")
    dev.send("orders-inventory-reserved", "orders#ord-evt-3000")
    ann = plain(dev.context("whatsapp:491713920012"))
    assert ann["entities"]["order/1042"]["payment"] == "paid" and ann["identities"] == ["order:1042"], ann
    now = "2030-01-01T00:00:00+00:00"
    for name in ("whatsapp:491713920012", "order:1042"):
        assert bot.read(dev, name, now) == ann, name
    assert bot.read(dev, "nobody", now) == {"conversation": "nobody", "entities": {}, "identities": []}


def test_what_is_unset_or_has_expired_is_not_read(dev, bot):
    conversation = f"expiry:{bot.name}"
    facts = {
        "status": {"value": "shipped", "time": NOW, "key": "orders#e1"},
        "until": {"value": 7, "time": NOW, "key": "orders#e1", "expires": "2026-11-20T12:00:00.001Z"},
        "late": {"value": 7, "time": NOW, "key": "orders#e1", "expires": "2026-11-20T12:00:00.000Z"},
        "gone": {"value": None, "time": NOW, "key": "orders#e1"},
    }
    items = {
        "entity#order/1#2": facts, "entity#order/3": {"gone": facts["gone"]},
        "node": {"node": {"value": "tracking", "time": NOW, "key": "orders#e1"}},
    }
    for key, of in items.items():
        dev.dynamodb.Table(CONTEXT_TABLE).put_item(Item={"pk": conversation, "sk": key, "version": 1, "facts": json.dumps(of)})
    # What waits to be sent is in the same partition, and isn't a reader's.
    for key in ("outbox", "deferred"):
        dev.dynamodb.Table(CONTEXT_TABLE).put_item(Item={"pk": conversation, "sk": key, "version": 1, "state": "{}"})
    expected = {
        "conversation": conversation, "node": "tracking", "entities": {"order/1#2": {"status": "shipped", "until": 7}}, "identities": [],
    }
    assert bot.read(dev, conversation, NOW) == expected


def test_a_bot_takes_the_actions_of_a_running_dev(start_dev, bot):
    helped = subprocess.run([os.path.abspath(os.environ["TIDINGS"]), "dev", "--help"], capture_output=True, text=True).stdout
    if "--actions-to" not in helped:
        pytest.skip("this `tidings dev` keeps its queues to itself")
    dev = start_dev("--actions-to", "queue")
    dev.send("stripe-checkout-completed", "stripe#evt_1TidingsCheckout1042")
    dev.send("orders-inventory-reserved", "orders#ord-evt-3000")

    def run():
        ran = subprocess.run(
            [*map(str, bot.program), "--endpoint", dev.endpoint, "--once"], capture_output=True, text=True, timeout=60,
            env=os.environ | {"TIDINGS_DEV_TOKEN": dev.token},
        )
        assert ran.returncode == 0, ran.stderr
        return [line for line in ran.stdout.splitlines() if " <- " in line]

    said = run()
    assert said and all(line.startswith("whatsapp:491713920012 <- ") for line in said), said
    assert run() == [], "the queue is empty, and nothing is said twice"


def test_the_types_fit_the_node_example(tmp_path_factory):
    from conftest import Node

    node = Node(tmp_path_factory.mktemp("types"))
    compiler = Path(os.environ["NODE_LIBRARIES"]) / "node_modules" / ".bin" / "tsc"
    files = sorted(str(file.name) for file in node.folder.glob("*.mjs") if file.name != "ask.mjs")
    checked = subprocess.run(
        [compiler, "--noEmit", "--allowJs", "--checkJs", "--strict", "--skipLibCheck", "--target", "es2022",
         "--module", "nodenext", "--moduleResolution", "nodenext", "--types", "node", "tidings.d.ts", *files],
        cwd=node.folder, capture_output=True, text=True,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("name", ["python", "node"])
def test_a_bots_template_names_what_its_code_reads(name):
    template = (EXAMPLES / name / "template.yaml").read_text()
    code = "".join(file.read_text() for file in (EXAMPLES / name).glob("bot.*"))
    assert "CLAIMS_TABLE" in code and "CLAIMS_TABLE: !Ref ClaimsTable" in template
    assert "SAY_URL" in code and "SAY_URL: !Ref SayUrl" in template
