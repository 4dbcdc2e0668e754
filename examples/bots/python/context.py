"""Reads what Tidings knows of a conversation from its context table: one query, and one more for the name of an identity.

Needs `dynamodb:Query` on the table, and `kms:Decrypt` on its key if it has one of yours. The answer is what
`GET /context/{conversation}` gives.
"""

import json
from datetime import datetime, timezone

from boto3.dynamodb.conditions import Key


def read(table, name, now=None):
    """`name` is a conversation (`whatsapp:491713920012`) or an identity (`customer:cus_123`)."""
    now = now or datetime.now(timezone.utc)
    items = _items(table, name)
    link = next((item for item in items if item["sk"] == "link"), None)
    if link:
        name = json.loads(link["state"])["conversation"]
        items = _items(table, name)
    context = {"conversation": name, "entities": {}, "identities": []}
    for item in items:
        kind, _, rest = item["sk"].partition("#")
        if kind == "identity":
            context["identities"].append(rest)
        elif kind in ("entity", "node"):
            stored = {name: fact for name, fact in json.loads(item["facts"]).items() if _is_known(fact, now)}
            facts = {name: fact["value"] for name, fact in stored.items()}
            if kind == "node" and "node" in facts:
                context["node"] = facts["node"]
            elif kind == "entity" and facts:
                context["entities"][rest] = facts
                # All other values, and all names, are a stranger's: never instructions for a model.
                by_provider = sorted(name for name, fact in stored.items() if fact.get("by") == "provider")
                if by_provider:
                    context.setdefault("by_provider", {})[rest] = by_provider
    return context


def _items(table, name):
    """All pages. What is between these sort keys is a bot's to read; the rest is what waits to be sent."""
    query = {"KeyConditionExpression": Key("pk").eq(name) & Key("sk").between("entity", "node"), "ConsistentRead": True}
    items = []
    while True:
        page = table.query(**query)
        items += page["Items"]
        if "LastEvaluatedKey" not in page:
            return items
        query["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _is_known(fact, now):
    """`null` is a fact that was unset. One that has expired may still be in the table."""
    expires = fact.get("expires")
    return fact["value"] is not None and (expires is None or now < datetime.fromisoformat(expires.replace("Z", "+00:00")))
