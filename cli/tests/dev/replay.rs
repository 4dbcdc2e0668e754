//! `tidings replay` of the stored events of a `dev` and of a stack.

use crate::stack::Stack;
use crate::support::{Dev, err, golden, json, out, run_at_root};
use serde_json::Value;
use std::path::Path;
use std::process::Output;

const CONVERSATION: &str = "whatsapp:491713920012";
const RULES: &str = "events/project/rules.yaml";

fn keys(played: &Value) -> Vec<&str> {
    played["events"].as_array().expect("an array").iter().map(|event| event["key"].as_str().expect("a key")).collect()
}

/// The checkout of an order, its delivery, another customer's event, and a poison event.
fn lived(arguments: &[&str]) -> Dev {
    let dev = Dev::start(arguments);
    for (case, key, state) in [
        ("stripe-checkout-completed", "stripe#evt_1TidingsCheckout1042", "processed"),
        ("orders-delivered-early", "orders#ord-evt-3002", "processed"),
        ("slack-app-mention", "slack#Ev0TIDINGS001", "processed"),
        ("orders-poison", "orders#ord-evt-3666", "dead"),
    ] {
        assert!(dev.send(&["--case", case]).status.success(), "{case}");
        dev.claim(key, state);
    }
    dev
}

/// Rules with another text for a delivery.
fn others() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join(RULES)).expect("the rules");
    assert!(text.contains("name: order-delivered"));
    let path = format!("{}/kept-{}.yaml", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    std::fs::write(&path, text.replace("name: order-delivered", "name: there")).expect("a file");
    path
}

fn without(output: Output, path: &str) -> Output {
    Output { stdout: out(&output).replace(path, "others.yaml").into_bytes(), ..output }
}

#[test]
fn stored_events_are_replayed_and_nothing_changes() {
    let dev = lived(&["--keep-events"]);
    let before = out(&dev.ask(&["events", "list", "--json"]));
    golden("replay-kept", &dev.ask(&["replay"]), 0);
    let others = others();
    golden("replay-kept-diff", &without(dev.ask(&["replay", "--against", &others, "--diff"]), &others), 1);
    golden("replay-kept-diff-none", &dev.ask(&["replay", "--against", RULES, "--diff"]), 0);
    let played = json(&dev.ask(&["replay", "--against", &others, "--json"]));
    assert_eq!(played["events"][0]["rules"], serde_json::json!(["order-moved", "there"]), "by those rules");
    let delivered = dev.claim("orders#ord-evt-3002", "processed");
    let again = json(&dev.ask(&["replay", "--json"]));
    assert_eq!(again["events"][0]["received"], delivered["received"], "at the time at which it was received");

    let processed = delivered["processed"].as_str().expect("a time");
    for (filter, expected) in [
        (&["--conversation", CONVERSATION][..], &["orders#ord-evt-3002", "stripe#evt_1TidingsCheckout1042"][..]),
        (&["--conversation", CONVERSATION, "--source", "stripe"], &["stripe#evt_1TidingsCheckout1042"]),
        (&["--source", "slack"], &["slack#Ev0TIDINGS001"]),
        (&["--type", "order.*"], &["orders#ord-evt-3002"]),
        (&["--key", "orders#ord-evt-3002"], &["orders#ord-evt-3002"]),
        (&["--since", processed], &["orders#ord-evt-3002", "slack#Ev0TIDINGS001"]),
        (&["--until", processed], &["orders#ord-evt-3002", "stripe#evt_1TidingsCheckout1042"]),
    ] {
        assert_eq!(keys(&json(&dev.ask(&[&["replay", "--json"], filter].concat()))), expected, "{filter:?}");
    }
    assert_eq!(out(&dev.ask(&["events", "list", "--json"])), before, "reads only");
}

#[test]
fn a_stored_event_is_shown_and_explained() {
    let dev = lived(&["--keep-events"]);
    golden("kept-claim", &dev.ask(&["events", "show", "orders#ord-evt-3002"]), 0);
    let claim = json(&dev.ask(&["events", "show", "orders#ord-evt-3002", "--json"]));
    assert!(claim["event_bytes"].as_u64().is_some_and(|bytes| bytes > 100) && claim.get("event").is_none(), "{claim}");
    let whole = json(&dev.ask(&["events", "show", "orders#ord-evt-3002", "--json", "--payload"]));
    assert_eq!((&whole["event"]["type"], &whole["event"]["claimkey"]), (&"order.delivered".into(), &whole["key"]));
    assert!(out(&dev.ask(&["events", "show", "orders#ord-evt-3002", "--payload"])).contains("\"type\": \"order.delivered\""));
    let dead = dev.ask(&["events", "show", "orders#ord-evt-3666", "--payload"]);
    assert!(dead.status.success() && err(&dead).contains("isn't stored"), "{}", err(&dead));
    assert!(!out(&dev.ask(&["events", "list", "--json"])).contains("\"event\":"), "a list has no payloads");
    golden("explain-kept", &dev.ask(&["rules", "explain", "orders#ord-evt-3002"]), 0);

    let exported = json(&dev.ask(&["context", "export", CONVERSATION]));
    let kept = |claim: &&Value| claim["event"]["data"].is_object();
    assert_eq!(exported["timeline"].as_array().unwrap().iter().filter(kept).count(), 2, "{exported}");
}

#[test]
fn missing_events_are_reported_with_the_available_ones() {
    let dev = lived(&[]);
    let stack = Stack::around(&dev, "{}");
    golden("replay-none-kept", &stack.ask(&["replay"]), 1);
    for (arguments, said) in [
        (&["replay", "--conversation", CONVERSATION][..], "none of 2 claims has a stored event"),
        (&["replay", "--since", "2h", "--key", "orders#ord-evt-3666"], "(1 were dead-lettered)"),
        (&["replay", "--key", "orders#never"], "no claim matches"),
        (&["replay", "--reason", "no"], "--reason requires --dlq"),
        (&["replay", "--url", "http://127.0.0.1:9"], "--url sends deliveries"),
    ] {
        let refused = stack.ask(arguments);
        assert_eq!((refused.status.code(), out(&refused).as_str()), (Some(1), ""), "{arguments:?}");
        assert!(err(&refused).contains(said), "{arguments:?}: {}", err(&refused));
    }
    let nowhere = run_at_root(&["replay"]);
    assert!(nowhere.status.code() == Some(2) && err(&nowhere).contains("<FILE_OR_FOLDER>"), "{}", err(&nowhere));
}
