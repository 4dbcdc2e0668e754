//! `tidings providers`, `tidings dev --presets` and `tidings send --preset`, out of the box.

use crate::support::{Dev, err, json, out, run};

#[test]
fn providers_are_listed_and_shown() {
    let list = out(&run(&["providers", "list"]));
    assert!(list.lines().count() >= 60, "{list}");
    let shown = out(&run(&["providers", "show", "github"]));
    assert!(
        shown.contains("{header:x-github-delivery} (not signed)") && shown.contains("the event key is a hash instead"),
        "{shown}"
    );
    let unknown = run(&["providers", "show", "nobody"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(err(&unknown).contains("tidings providers list"), "{}", err(&unknown));
}

#[test]
fn providers_say_whether_send_can_sign_as_they_do() {
    let list = json(&run(&["providers", "list", "--json"]));
    for provider in list.as_array().unwrap() {
        let private = ["ed25519", "ecdsa-p256", "rsa-sha256", "rsa-sha256-or-sha1"]
            .contains(&provider["scheme"]["algorithm"].as_str().unwrap());
        let token = provider["scheme"]["jwt"]["algorithms"][0].as_str().is_some_and(|algorithm| !algorithm.starts_with("HS"));
        assert_eq!(provider["can_send"], !(private || token), "{}", provider["name"]);
    }
    assert_eq!(json(&run(&["providers", "show", "telnyx", "--json"]))["can_send"], false);
    assert!(out(&run(&["providers", "show", "mailgun"])).contains("tidings send mailgun --preset"));
    assert!(out(&run(&["providers", "show", "telnyx"])).contains("only the provider can sign"));
}

/// Each of its own kind: fields of the body, a form, a query, a URL, a token, events signed one by one, a key with a name.
const KINDS: [&str; 9] =
    ["mailgun", "slack-slash", "mollie-legacy", "square", "monday", "adyen-standard", "braintree", "contentful", "twilio-json"];

#[test]
fn dev_as_every_preset_takes_what_send_signs() {
    let dev = Dev::start(&["--presets"]);
    for preset in KINDS {
        let sent = dev.send(&[preset, "--preset", "--json"]);
        let said = json(&sent);
        assert!(
            sent.status.success() && said["status"].as_u64().is_some_and(|status| (200..300).contains(&status)),
            "{preset}: {said}"
        );
        assert!(said["claim_keys"][0].as_str().is_some_and(|key| key.starts_with(&format!("{preset}#"))), "{preset}: {said}");
        let forged = dev.send(&[preset, "--preset", "--tamper", "signature", "--json"]);
        assert_eq!((forged.status.code(), &json(&forged)["status"]), (Some(1), &401.into()), "{preset}");
    }
    let statuses = [0, 1].map(|_| json(&dev.send(&["clerk", "--preset", "--json"]))["status"].clone());
    assert_eq!(statuses, [202, 200], "the same id is a duplicate");
    let configured = [0, 1].map(|_| json(&dev.send(&["stripe", "--preset", "--json"]))["status"].clone());
    assert_eq!(configured, [202, 200], "a preset whose name is a source's has the source's secret");
}

#[test]
fn who_cannot_be_signed_for_is_told_with_what_to_do() {
    for preset in ["discord-interactions", "sendgrid", "aws-sns", "kinde"] {
        let refused = run(&["send", preset, "--preset"]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(err(&refused).contains("only the provider has the private key"), "{}", err(&refused));
        assert!(err(&refused).contains(&format!("`tidings verify {preset} FILE --preset`")), "{}", err(&refused));
        assert!(out(&refused).is_empty());
    }
}

#[test]
fn a_preset_s_request_can_be_printed_instead_of_sent() {
    let printed = out(&run(&["send", "mollie-legacy", "--preset", "--dry-run"]));
    assert!(printed.starts_with("POST /webhooks/mollie-legacy?token="), "{printed}");
    assert!(printed.contains("content-type: application/x-www-form-urlencoded\n"), "{printed}");
    let event = json(&run(&["send", "twilio-json", "--preset", "--lambda"]));
    assert!(event["rawQueryString"].as_str().is_some_and(|query| query.starts_with("bodySHA256=")), "{event}");
    let signature = |url: &str| json(&run(&["send", "square", "--preset", "--lambda", "--url", url]))["headers"].clone();
    assert_eq!(signature("https://a.example"), signature("https://a.example/"));
    assert_ne!(signature("https://a.example"), signature("https://b.example"), "the URL that it is posted to is signed");
}

#[test]
fn wrong_calls_say_what_is_right() {
    for (arguments, code, said) in [
        (&["send", "mailgun"][..], 1, "take any preset with --preset"),
        (&["send", "nobody", "--preset"], 1, "tidings providers list"),
        (&["send", "--preset", "--case", "stripe-stale"], 2, "cannot be used with"),
        (&["send", "mailgun", "--preset", "--tamper", "body"], 1, "doesn't cover the body"),
        (&["verify", "aws-sns", "-", "--preset", "--key", "a", "--fetch-keys"], 2, "cannot be used with"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", err(&output));
        assert!(err(&output).contains(said), "{arguments:?}: {}", err(&output));
        assert!(out(&output).is_empty(), "{arguments:?}: complaints go to standard error");
    }
}
