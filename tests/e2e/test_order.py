"""Ties: events of one and the same time end alike in any order of arrival, on the deployed stack."""

from itertools import permutations

from tidings import known

SECOND = 1795975000  # 2026-11-29T18:43:20Z
PHONE = 491713920100


def in_turn(stack, rows):
    """Sends the first request of each row, then the second of each …; each column is done before the next begins."""
    for column in zip(*rows, strict=True):
        assert {stack.send(request).status for request in column} <= {200, 202}
        stack.settle()
    assert {claim["state"] for claim in stack.claims().values()} == {"processed"}


def test_a_message_s_states_of_one_second_end_at_the_furthest(stack, tidings):
    orders = list(permutations(["sent", "delivered", "read"]))

    def status(number, state):
        change = {
            "id": f"wamid.TIE{number}", "status": state, "timestamp": str(SECOND), "recipient_id": str(PHONE + number)
        }
        value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "1"}, "statuses": [change]}
        entry = {"id": "102290129340398", "changes": [{"value": value, "field": "messages"}]}
        return tidings.sign_for("whatsapp", {"object": "whatsapp_business_account", "entry": [entry]})

    in_turn(stack, [[status(number, state) for state in order] for number, order in enumerate(orders)])
    for number, order in enumerate(orders):
        _, facts = known(tidings.context(f"whatsapp:{PHONE + number}"))
        assert facts[f"message/wamid.TIE{number}"]["message_status"] == "read", order


def test_a_subscription_that_is_created_and_updated_in_one_second_is_as_it_was_updated(stack, tidings):
    orders = list(permutations(["created", "updated"]))
    states = {"created": "incomplete", "updated": "active"}

    def subscription(number, happened):
        told = {"id": f"sub_{number}", "object": "subscription", "customer": f"cus_{number}", "status": states[happened]}
        event = {
            "id": f"evt_{number}_{happened}", "object": "event", "type": f"customer.subscription.{happened}",
            "created": SECOND, "data": {"object": told},
        }
        return tidings.sign_for("stripe", event)

    in_turn(stack, [[subscription(number, happened) for happened in order] for number, order in enumerate(orders)])
    for number, order in enumerate(orders):
        _, facts = known(tidings.context(f"stripe:cus_{number}"))
        assert facts[f"subscription/sub_{number}"]["subscription_status"] == "active", order


def test_sequences_decide_for_facts_and_dialogue_where_the_time_is_the_same(stack, tidings):
    orders = list(permutations([(1, "shipped"), (2, "delivered")]))

    def order_event(number, sequence, happened):
        order = {
            "id": f"90{number}", "customer_phone": f"+{PHONE + number}", "status": happened, "carrier": "DHL", "tracking": "1"
        }
        event = {
            "id": f"tie-{number}-{sequence}", "type": f"order.{happened}", "schema_version": "2",
            "occurred_at": "2026-11-29T18:43:20Z", "sequence": sequence, "order": order,
        }
        return tidings.sign_for("orders", event)

    in_turn(stack, [[order_event(number, *one) for one in order] for number, order in enumerate(orders)])
    for number, order in enumerate(orders):
        node, facts = known(tidings.context(f"whatsapp:{PHONE + number}"))
        assert (node, facts[f"order/90{number}"]["status"]) == ("order_delivered", "delivered"), order
    overtaken = f"whatsapp:{PHONE + 1}"
    told = [action["source"].rsplit("/")[-1] for action in stack.actions() if action["conversation"] == overtaken]
    assert told == ["order-delivered"], "nobody hears that it is on its way when it is there"
