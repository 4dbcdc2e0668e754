"""What a provider's own library signs is accepted, once; the same with a byte more is not."""

import base64
import datetime
import json
import os
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

BINARY = os.environ["TIDINGS"]
WHSEC = "whsec_" + base64.b64encode(b"a secret for Standard Webhooks").decode()
SECRETS = {
    "adyen-standard": "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
    "braintree": "braintree_public_key|braintree_private_key",
    "contentful": "qlfkupAwYA4ZkNnmBzmNypFqSRWOwhpGRFwQFn5iPNAGHSYdvwed1C77n0Eiaz19",
    "github": "github-secret",
    "hubspot-v1": "hubspot-client-secret",
    "hubspot-v3": "hubspot-client-secret",
    "slack": "slack-signing-secret",
    "slack-interactivity": "slack-signing-secret",
    "slack-slash": "slack-signing-secret",
    "standard-webhooks": WHSEC,
    "stripe": "whsec_stripe",
    "svix": WHSEC,
    "twilio": "twilio-auth-token",
    "viber": "viber-auth-token",
    "vonage-sms": "vonage-signature-secret",
    "vonage-sms-md5": "vonage-signature-secret",
}


def stripe(body, secret, url):
    from stripe import WebhookSignature

    now = int(time.time())
    return {"Stripe-Signature": f"t={now},v1={WebhookSignature._compute_signature(f'{now}.{body}', secret)}"}


def slack(body, secret, url):
    from slack_sdk.signature import SignatureVerifier

    now = str(int(time.time()))
    signature = SignatureVerifier(secret).generate_signature(timestamp=now, body=body)
    content_type = "application/json" if body.startswith("{") else "application/x-www-form-urlencoded"
    return {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": signature, "Content-Type": content_type}


def standard(prefix, library):
    def sign(body, secret, url):
        now = datetime.datetime.now(datetime.timezone.utc)
        signature = library(secret).sign("msg_1", now, body)
        return {f"{prefix}-id": "msg_1", f"{prefix}-timestamp": str(int(now.timestamp())), f"{prefix}-signature": signature}

    return sign


def svix(body, secret, url):
    from svix import Webhook

    return standard("svix", Webhook)(body, secret, url)


def standard_webhooks(body, secret, url):
    from standardwebhooks import Webhook

    return standard("webhook", Webhook)(body, secret, url)


def node(script, *arguments):
    run = subprocess.run(["node", "-e", script, *arguments], cwd=os.environ["NODE_LIBRARIES"], capture_output=True, text=True, check=True)
    return run.stdout.strip()


def github(body, secret, url):
    script = "import('@octokit/webhooks-methods').then(m => m.sign(process.argv[1], process.argv[2])).then(console.log)"
    return {"X-Hub-Signature-256": node(script, secret, body), "X-GitHub-Event": "issues"}


def contentful(body, secret, url):
    script = """
        const { signRequest } = require("@contentful/node-apps-toolkit/requests");
        const [secret, path, body] = process.argv.slice(1);
        const headers = { "X-Contentful-Topic": "ContentManagement.Entry.publish" };
        console.log(JSON.stringify({ ...headers, ...signRequest(secret, { method: "POST", path, headers, body }) }));
    """
    signed = json.loads(node(script, secret, urllib.parse.urlsplit(url).path, body))
    return {"Content-Type": "application/vnd.contentful.management.v1+json", **signed}


def hubspot(body, secret, url):
    from hubspot.utils.signature import Signature

    return {"X-HubSpot-Signature": Signature.get_signature(secret, body, "v1"), "X-HubSpot-Signature-Version": "v1"}


def hubspot_v3(body, secret, url):
    from hubspot.utils.signature import Signature

    now = str(int(time.time() * 1000))
    signature = Signature.get_signature(secret, body, "v3", http_uri=url, http_method="POST", timestamp=now)
    return {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": now}


def twilio(body, secret, url):
    from twilio.request_validator import RequestValidator

    signature = RequestValidator(secret).compute_signature(url, dict(urllib.parse.parse_qsl(body)))
    return {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}


def viber(body, secret, url):
    from viberbot import Api
    from viberbot.api.bot_configuration import BotConfiguration

    api = Api(BotConfiguration(name="bot", avatar="", auth_token=secret))
    return {"X-Viber-Content-Signature": api._calculate_message_signature(body.encode())}


def adyen(body, secret, url):
    from Adyen.util import generate_notification_sig

    made = json.loads(body)
    for item in made["notificationItems"]:
        signature = generate_notification_sig(item["NotificationRequestItem"], secret)
        item["NotificationRequestItem"]["additionalData"] = {"hmacSignature": signature.decode()}
    return {}, json.dumps(made)


def braintree_gateway(secret):
    import braintree

    public, private = secret.split("|")
    environment = braintree.Environment.Development
    return braintree.BraintreeGateway(braintree.Configuration(environment, merchant_id="m", public_key=public, private_key=private))


def braintree(kind, secret, url):
    signed = braintree_gateway(secret).webhook_testing.sample_notification(kind, "my_id")
    return FORM, urllib.parse.urlencode({"bt_signature": signed["bt_signature"], "bt_payload": signed["bt_payload"].decode()})


def vonage_sms(method):
    def sign(body, secret, url):
        from vonage_http_client.auth import Auth

        fields = dict(urllib.parse.parse_qsl(body))
        auth = Auth(api_key="k", api_secret="s", signature_secret=secret, signature_method=method)
        return FORM, urllib.parse.urlencode({**fields, "sig": auth.sign_params(dict(fields))})

    return sign


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ENTRY = {"type": "Entry", "id": "e1", "version": 7, "updatedAt": "2026-11-20T09:59:58.123Z", "space": {"sys": {"id": "s1"}}, "environment": {"sys": {"id": "master"}}}
NOTIFICATION = {"amount": {"currency": "EUR", "value": 2995}, "eventCode": "AUTHORISATION", "eventDate": "2026-11-20T10:59:58+01:00", "merchantAccountCode": "Acme", "merchantReference": "a:b", "pspReference": "p1", "success": "true"}
SMS = "msisdn=447700900001&to=447700900000&messageId=0A01&text=a%3Db+%26+c&type=text&timestamp=1795168800"
HUBSPOT = [{"eventId": 1, "subscriptionType": "contact.creation", "objectId": 7, "portalId": 3, "occurredAt": 1795168800000, "attemptNumber": 0}]
BODIES = {
    "adyen-standard": {"live": "false", "notificationItems": [{"NotificationRequestItem": {**NOTIFICATION, "pspReference": psp}} for psp in ("p1", "p2")]},
    "braintree": "subscription_went_past_due",
    "contentful": {"sys": ENTRY, "fields": {"title": {"en-US": "Grüße"}}},
    "github": {"action": "opened", "issue": {"number": 1, "title": "It broke", "state": "open"}, "repository": {"full_name": "a/b"}},
    "hubspot-v1": HUBSPOT,
    "hubspot-v3": HUBSPOT,
    "slack": {"type": "event_callback", "event_id": "Ev1", "event_time": 1795168800, "event": {"type": "app_mention", "channel": "C1"}},
    "slack-interactivity": urllib.parse.urlencode({"payload": json.dumps({"type": "block_actions", "trigger_id": "13345224609.738474920", "user": {"id": "U1"}, "channel": {"id": "C1"}})}),
    "slack-slash": "command=%2Fweather&text=94070&trigger_id=13345224609.738474921&channel_id=C1&user_id=U1",
    "standard-webhooks": {"type": "invoice.paid", "timestamp": "2026-11-20T10:00:00Z", "data": {"id": "in_1"}},
    "stripe": {"id": "evt_1", "type": "invoice.paid", "created": 1795168800, "data": {"object": {"object": "invoice", "id": "in_1"}}},
    "svix": {"type": "invoice.paid", "data": {"id": "in_1"}},
    "twilio": "MessageSid=SM1&SmsStatus=received&From=whatsapp%3A%2B491713920012&To=whatsapp%3A%2B494066969042&Body=hello+there&NumMedia=0",
    "viber": {"event": "message", "timestamp": 1795168800123, "message_token": 491266184665523145, "sender": {"id": "u1"}, "message": {"type": "text", "text": "hi"}},
    "vonage-sms": SMS,
    "vonage-sms-md5": SMS,
}
SIGNERS = {
    "adyen-standard": adyen,
    "braintree": braintree,
    "contentful": contentful,
    "github": github,
    "hubspot-v1": hubspot,
    "hubspot-v3": hubspot_v3,
    "slack": slack,
    "slack-interactivity": slack,
    "slack-slash": slack,
    "standard-webhooks": standard_webhooks,
    "stripe": stripe,
    "svix": svix,
    "twilio": twilio,
    "viber": viber,
    "vonage-sms": vonage_sms("sha256"),
    "vonage-sms-md5": vonage_sms("md5"),
}


@pytest.fixture(scope="module")
def dev(start_dev):
    return start_dev(SECRETS)


@pytest.mark.parametrize("source", SIGNERS)
def test_what_the_library_signs_is_accepted_once(dev, source):
    made = BODIES[source]
    body = made if isinstance(made, str) else json.dumps(made, ensure_ascii=False)
    signed = SIGNERS[source](body, SECRETS[source], f"{dev.url}/webhooks/{source}")
    # Where the body carries the signature, the library makes it, too.
    headers, body = signed if isinstance(signed, tuple) else (signed, body)
    assert dev.post(source, headers, body + "x") == 401
    assert dev.post(source, headers, body) in (200, 202)
    # Until its event is processed, a duplicate is queued again, and answered as the first time.
    until = time.monotonic() + 10
    while (status := dev.post(source, headers, body)) != 200:
        assert status == 202 and time.monotonic() < until, status
        time.sleep(0.1)


def test_the_answer_to_a_challenge_is_the_library_s(dev):
    challenge = "20f9f8ed05f77439fe955c977e4c8a53"
    asked = urllib.request.urlopen(f"{dev.url}/webhooks/braintree?bt_challenge={challenge}")
    assert asked.read().decode() == braintree_gateway(SECRETS["braintree"]).webhook_notification.verify(challenge)


def vectors(source):
    shown = subprocess.run([BINARY, "providers", "show", source, "--json"], capture_output=True, text=True, check=True)
    return json.loads(shown.stdout)["vector"]


def lower(headers):
    return {name.lower(): value for name, value in headers.items()}


def test_the_libraries_that_only_verify_take_our_vectors():
    from discord_interactions import verify_key
    from linebot.v3.webhook import SignatureValidator

    from mailgun.security import SecurityGuard
    from vonage_jwt.verify_jwt import verify_signature

    for vector in vectors("mailgun"):
        signed = json.loads(vector["body"])["signature"]
        # Of a subaccount one is of its own key, and one of its parent's.
        made = [signed[name] for name in ("signature", "parent-signature") if name in signed]
        verify = lambda token, one: SecurityGuard.verify_webhook(vector["secret"], token, signed["timestamp"], one, max_age_seconds=0)
        check = lambda token: any(verify(token, one) for one in made)
        assert check(signed["token"]) and not check(signed["token"] + "0")
    for vector in vectors("vonage-jwt"):
        token = lower(vector["headers"])["authorization"].removeprefix("Bearer ")
        assert verify_signature(token, vector["secret"]) and not verify_signature(token, vector["secret"] + "0")
    for vector in vectors("line"):
        validator = SignatureValidator(vector["secret"])
        signature = lower(vector["headers"])["x-line-signature"]
        assert validator.validate(vector["body"], signature) and not validator.validate(vector["body"] + " ", signature)
    for vector in vectors("discord-interactions"):
        headers = lower(vector["headers"])
        check = lambda body: verify_key(body.encode(), headers["x-signature-ed25519"], headers["x-signature-timestamp"], vector["secret"])
        assert check(vector["body"]) and not check(vector["body"] + " ")


def test_twilio_s_library_takes_our_vectors_whichever_key_and_url_signed():
    from twilio.request_validator import RequestValidator, get_signature_algorithm

    for vector in vectors("twilio") + vectors("twilio-json"):
        # In forms that its library for Node tries, and this one doesn't.
        if vector["name"] in ("escaped_again", "quote_escaped", "question_mark_at_the_end"):
            continue
        headers, url = lower(vector["headers"]), vector["url"]
        algorithm = get_signature_algorithm(headers.get("x-twilio-webhooks-signature-settings"))
        # Ours tries both, for the header isn't signed.
        algorithm = "HMAC_SHA256" if "shared_key" in vector["name"] else algorithm
        fields = urllib.parse.parse_qs(vector["body"], keep_blank_values=True)
        sent = vector["body"] if "bodySHA256" in url else type("Form", (dict,), {"getall": dict.__getitem__})(fields)
        check = lambda address: RequestValidator(vector["secret"]).validate(address, sent, headers["x-twilio-signature"], algorithm)
        assert check(url) and not check(url.replace("example", "another").replace("mycompany", "another")), vector["name"]


def test_messagebird_s_library_takes_our_vectors_at_their_time(monkeypatch):
    import jwt.api_jwt
    from messagebird.error import ValidationError
    from messagebird.request_validator import RequestValidator

    for vector in vectors("messagebird"):
        at = datetime.datetime.fromisoformat(vector["at"].replace("Z", "+00:00"))
        monkeypatch.setattr(jwt.api_jwt, "datetime", type("Then", (datetime.datetime,), {"now": staticmethod(lambda tz=None: at)}))
        token, validator = lower(vector["headers"])["messagebird-signature-jwt"], RequestValidator(vector["secret"])
        validator.validate_signature(token, vector["url"], vector["body"].encode())
        with pytest.raises(ValidationError):
            validator.validate_signature(token, vector["url"] + "x", vector["body"].encode())
