//! Sources whose events aren't known: nothing is claimed about them.

use crate::support::{Folder, json, said};

/// The blocks of docs/signing.md in this language.
fn blocks(language: &str) -> Vec<String> {
    let page = include_str!("../../../docs/signing.md");
    let open = format!("```{language}\n");
    page.split(&open).skip(1).filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect()
}

#[test]
fn the_example_of_the_signing_page_passes_check_without_a_note() {
    let yaml = blocks("yaml");
    let rules = yaml.iter().find(|block| block.contains("\nrules:")).expect("the page has rules");
    let sources = &yaml[0];
    let folder = Folder::new("signing");
    folder.write("sources.yaml", sources);
    folder.write("rules.yaml", rules);
    let checked = folder.run(&["rules", "check", "--json"]);
    let (found, nothing) = (json(&checked), serde_json::json!([]));
    assert_eq!((checked.status.code(), &found["notes"], &found["warnings"]), (Some(0), &nothing, &nothing), "{found}");
}

#[test]
fn types_that_each_sender_chooses_give_no_warning_and_no_note() {
    let folder = Folder::new("senders");
    let rules = "version: 1\nconversations: [{on: \"*\", source: bot, conversation: \"data.conversation\"}]\nrules:\n  \
                 - {name: shipped, on: order.shipped, source: bot, entity: \"'order'\", set: {carrier: data.carrier}}\n  \
                 - {name: mine, on: preference.changed, source: bot, entity: \"'order'\", set: {opt_in: data.opt_in}}\n";
    for preset in [
        "standard-webhooks",
        "standard-webhooks-asymmetric",
        "svix",
        "gcp-pubsub-push",
        "cloudevents-http",
        "aws-eventbridge-api-destination",
        "azure-event-grid",
    ] {
        // A source with the preset's name is one of the corpus, too.
        for name in ["bot", preset] {
            let url = format!("https://hooks.example/webhooks/{name}");
            let source = format!("{name}: {{ provider: {preset}, public_url: \"{url}\" }}");
            folder.write("sources.yaml", format!("version: 1\nsources:\n  {source}\n"));
            folder.write("rules.yaml", rules.replace("source: bot", &format!("source: {name}")));
            let checked = folder.run(&["rules", "check", "--json"]);
            let (found, nothing) = (json(&checked), serde_json::json!([]));
            let seen = (checked.status.code(), &found["notes"], &found["warnings"]);
            assert_eq!(seen, (Some(0), &nothing, &nothing), "{name}: {preset}");
        }
    }
}

const OWN: &str = r#"version: 1
sources:
  stripe: { provider: stripe }
  kitchen:
    scheme: { algorithm: hmac-sha256, signature: { from: "header:X-Kitchen", encoding: hex }, message: "{body}" }
    event:
      - { id: "{json:id}", type: "{json:kind}" }
"#;

#[test]
fn a_join_whose_events_a_source_of_unknown_events_may_send_gets_no_note() {
    let folder = Folder::new("join");
    folder.write("sources.yaml", OWN);
    let rules = |one: &str, other: &str| {
        format!(
            "version: 1\njoins:\n  - name: both\n    all:\n      - {{ on: {one}, by: data.order }}\n      - {{ on: {other}, by: data.order \
             }}\n    within: 1h\n    then: {{ entity: \"'x'\", set: {{ done: 'true' }} }}\n    else: {{ entity: \"'x'\", set: {{ done: \
             'false' }} }}\n"
        )
    };
    folder.write("rules.yaml", rules("pizza.baked", "pizza.paid"));
    let checked = folder.run(&["rules", "check", "--json"]);
    let found = json(&checked);
    let nothing = serde_json::json!([]);
    assert_eq!((checked.status.code(), &found["notes"], &found["warnings"]), (Some(0), &nothing, &nothing), "{found}");

    folder.write("rules.yaml", rules("pizza.baked", "charge.refundd"));
    let found = json(&folder.run(&["rules", "check", "--json"]));
    let note = found["notes"][0]["message"].as_str().unwrap_or_default();
    assert!(note.contains("may never complete") && note.contains("did you mean \"charge.refunded\"?"), "{found}");

    folder.write("sources.yaml", "version: 1\nsources:\n  stripe: { provider: stripe }\n");
    let checked = folder.run(&["rules", "check"]);
    assert!(checked.status.code() == Some(1) && said(&checked).contains("never completes"), "{}", said(&checked));
}
