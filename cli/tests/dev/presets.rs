//! `tidings providers`, `tidings dev --presets` and `tidings send --preset`, without configuration.

use crate::support::{Dev, err, json, out, run};
use serde_json::Value;

#[test]
fn providers_are_listed_and_shown() {
    let list = out(&run(&["providers", "list"]));
    assert!(list.lines().count() >= 60, "{list}");
    let shown = out(&run(&["providers", "show", "github"]));
    let key = "event key   the hash of the signed bytes and of {header:x-github-delivery}\n";
    assert!(shown.contains(key), "{shown}");
    assert!(shown.contains("anyone who has captured a request can repeat its event under other ids"), "{shown}");
    let unknown = run(&["providers", "show", "nobody"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(err(&unknown).contains("tidings providers list"), "{}", err(&unknown));
}

#[test]
fn a_providers_types_are_shown_with_the_data_that_an_author_of_rules_needs() {
    let shown = out(&run(&["providers", "show", "stripe"]));
    let row = shown.lines().find(|line| line.starts_with("checkout.session.completed ")).unwrap_or_else(|| panic!("{shown}"));
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert!(cells.len() == 4 && cells[1].starts_with("checkout.session") && cells[2].starts_with("stripe:"), "{row}");

    let data = out(&run(&["providers", "show", "whatsapp", "--type", "message.image"]));
    assert!(data.trim_start().starts_with("data of message.image, as rules see it") && data.contains("\"mime_type\""), "{data}");
    assert!(data.contains("\"metadata\""), "with what the preset keeps beside it: {data}");

    let all = json(&run(&["providers", "show", "discord-interactions", "--json"]));
    let types = all["types"].as_array().unwrap();
    assert!(types.len() > 3, "{all}");
    for event in types {
        assert!(event["type"].is_string() && event["key"].is_string() && event["data"].is_object(), "{event}");
    }
    assert!(all["identity"]["known_by"][0].is_string(), "{all}");
    let listed = json(&run(&["providers", "list", "--json"]));
    let without: Vec<&Value> =
        listed.as_array().unwrap().iter().filter(|one| one["types"].as_array().unwrap().is_empty()).collect();
    assert!(without.is_empty(), "presets without a sample of an event: {without:?}");

    let unknown = run(&["providers", "show", "stripe", "--type", "no.such"]);
    assert_eq!((unknown.status.code(), out(&unknown)), (Some(1), String::new()));
    assert!(err(&unknown).contains("lists the types"), "{}", err(&unknown));
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

/// One preset of each kind: fields of the body, a form, a query, a URL, a token, events signed one by one, a named key.
/// And one whose id contains its time in whole seconds.
const KINDS: [&str; 10] = [
    "mailgun",
    "slack-slash",
    "mollie-legacy",
    "square",
    "monday",
    "adyen-standard",
    "braintree",
    "contentful",
    "twilio-json",
    "messagebird",
];

#[test]
fn dev_with_presets_accepts_requests_signed_by_send() {
    let dev = Dev::start(&["--presets"]);
    for preset in KINDS {
        let sent = dev.send(&[preset, "--preset", "--json"]);
        let said = json(&sent);
        assert!(
            sent.status.success() && said["status"].as_u64().is_some_and(|status| (200..300).contains(&status)),
            "{preset}: {said}"
        );
        assert!(said["claim_keys"][0].as_str().is_some_and(|key| key.starts_with(&format!("{preset}#"))), "{preset}: {said}");
        let again = json(&dev.send(&[preset, "--preset", "--json"]));
        assert!(again["claim_keys"] != said["claim_keys"] && again["new"] != false, "{preset}: {said} {again}");
        let forged = dev.send(&[preset, "--preset", "--tamper", "signature", "--json"]);
        assert_eq!((forged.status.code(), &json(&forged)["status"]), (Some(1), &401.into()), "{preset}");
    }
    let statuses = dev.send_twice(&["clerk", "--preset", "--same", "--json"]).map(|sent| sent["status"].clone());
    assert_eq!(statuses, [202, 200], "the same id is a duplicate");
    let configured = dev.send_twice(&["stripe", "--preset", "--same", "--json"]).map(|sent| sent["status"].clone());
    assert_eq!(configured, [202, 200], "a preset whose name is a source's has the source's secret");
}

#[test]
fn presets_that_cannot_be_signed_are_reported_with_an_alternative() {
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
    let signature =
        |url: &str| json(&run(&["send", "square", "--preset", "--same", "--lambda", "--url", url]))["headers"].clone();
    assert_eq!(signature("https://a.example"), signature("https://a.example/"));
    assert_ne!(signature("https://a.example"), signature("https://b.example"), "the URL that it is posted to is signed");
}

#[test]
fn wrong_usage_is_explained() {
    for (arguments, code, said) in [
        (&["send", "mailgun"][..], 1, "use any preset with --preset"),
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
