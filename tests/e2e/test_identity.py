"""Two events never share a claim, and a retry never gets a second one: what a delivery's key is made of, on the deployed stack."""

DISPATCH = {
    "inputs": {"env": "prod"},
    "ref": "refs/heads/main",
    "repository": {"id": 1, "name": "r", "full_name": "o/r"},
    "sender": {"login": "alice"},
    "workflow": ".github/workflows/deploy.yml",
}
ORDER = {"id": 5000000000001, "order_number": 2001, "updated_at": "2026-11-29T13:00:00-05:00", "phone": "+491713920088", "customer": {"id": 99}}


def send(stack, tidings, source, body, headers=None):
    return stack.send(tidings.sign_for(source, body, headers)).status


def by_type(stack):
    return sorted(claim["event_type"] for claim in stack.claims().values())


def states(stack):
    return {claim["state"] for claim in stack.claims().values()}


def test_what_is_pressed_twice_is_two_events_and_what_is_redelivered_is_one(stack, tidings):
    def pressed(delivery):
        headers = {"X-GitHub-Event": "workflow_dispatch", "X-GitHub-Delivery": delivery}
        return send(stack, tidings, "github", DISPATCH, headers)

    assert [pressed("d-1"), pressed("d-2")] == [202, 202]
    stack.settle()
    assert [pressed("d-1"), pressed("d-2")] == [200, 200]
    assert by_type(stack) == ["workflow_dispatch", "workflow_dispatch"]
    assert states(stack) == {"processed"}


def test_equal_bodies_under_two_topics_are_two_events(stack, tidings):
    deliveries = [
        {"X-Shopify-Topic": topic, "X-Shopify-Event-Id": event, "X-Shopify-Webhook-Id": event}
        for topic, event in (("orders/updated", "e1"), ("orders/create", "e2"))
    ]
    assert [send(stack, tidings, "shopify", ORDER, headers) for headers in deliveries] == [202, 202]
    stack.settle()
    assert [send(stack, tidings, "shopify", ORDER, headers) for headers in deliveries] == [200, 200]
    assert by_type(stack) == ["orders.create", "orders.updated"]
    assert states(stack) == {"processed"}
    assert stack.context("whatsapp:491713920088") != {}, "the creation isn't lost to the update that overtook it"


def test_a_known_id_with_another_body_changes_nothing_and_is_seen(stack, tidings):
    first, second = (
        {"id": "evt-1", "type": "order.priced", "occurred_at": "2026-11-29T18:00:00Z",
         "order": {"id": "7", "customer_phone": "+491713920088", "status": "placed", "currency": "EUR", "total_cents": cents}}
        for cents in (100, 200)
    )
    assert send(stack, tidings, "orders", first) == 202
    stack.settle()
    before = stack.context()
    assert send(stack, tidings, "orders", second) == 200
    (key,) = stack.claims()
    assert stack.context() == before
    assert len(tidings.event(key)["other_bodies"]) == 1, "`tidings events show` tells of it"


def test_blank_ids_and_ids_that_only_differ_in_their_last_digits_are_events_of_their_own(stack, tidings):
    def noted(identity):
        return {"id": identity, "type": "order.noted", "occurred_at": "2026-11-29T18:00:00Z", "note": repr(identity)}

    identities = ["", " ", 340282366920938463463374607431768211455, 340282366920938463463374607431768211456]
    # Two bodies with a blank id: neither is the other's repetition.
    bodies = [noted(identity) for identity in identities] + [{**noted(""), "note": "another"}]
    # The signed time is a part of what is signed: who sends again sends the same.
    requests = [tidings.sign_for("orders", body) for body in bodies]
    assert [stack.send(request).status for request in requests] == [202] * len(bodies)
    stack.settle()
    assert len(stack.claims()) == len(bodies)
    assert [stack.send(request).status for request in requests] == [200] * len(bodies)
