//! `tidings context export` and `erase`, and what is stored afterwards.

use crate::support::{Dev, err, golden, json, out, run};
use serde_json::Value;

const CONVERSATION: &str = "whatsapp:491713920012";
const CHECKOUT: &str = "stripe#evt_1TidingsCheckout1042";

/// A stocked order, and its checkout, which links it and completes a join with a notification.
fn lived(dev: &Dev) {
    // One after the other: there are held events only if the order is stocked before it is linked.
    for (case, key) in [("orders-inventory-reserved", "orders#ord-evt-3000"), ("stripe-checkout-completed", CHECKOUT)] {
        assert!(dev.send(&["--case", case]).status.success());
        dev.claim(key, "processed");
    }
    // The join's message, and the conversation's timer for the deferred notification.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let own =
        |timeline: &Value| timeline.as_array().unwrap().iter().filter(|c| c["key"].as_str().unwrap().starts_with('@')).count();
    while own(&json(&dev.ask(&["context", "show", CONVERSATION, "--json"]))["timeline"]) < 2 {
        assert!(std::time::Instant::now() < until);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn a_conversation_is_exported_and_erased() {
    let dev = Dev::start(&[]);
    lived(&dev);
    let file = format!("{}/export-{}.json", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    let exported = dev.ask(&["context", "export", CONVERSATION, "--output", &file]);
    assert!(exported.status.success(), "{}", err(&exported));
    let export: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let again = dev.ask(&["context", "export", CONVERSATION, "--output", &file]);
    assert!(!again.status.success() && err(&again).contains("never replaces a file"), "{}", err(&again));
    std::fs::remove_file(&file).unwrap();
    let mut printed = json(&dev.ask(&["context", "export", CONVERSATION]));
    printed["at"] = export["at"].clone();
    assert_eq!(printed, export, "the same on standard output");
    let fact = &export["items"][CONVERSATION]["entity#order/1042"]["facts"]["payment"];
    assert_eq!((&fact["value"], &fact["key"]), (&"paid".into(), &CHECKOUT.into()));
    assert_eq!(export["items"]["order:1042"]["link"]["state"]["conversation"], CONVERSATION);
    assert_eq!(export["names"], serde_json::json!([CONVERSATION, "order:1042"]));
    assert_eq!(export["timeline"].as_array().map(Vec::len), Some(4));

    golden("erase-identity", &dev.ask(&["context", "erase", "order:1042", "--yes"]), 1);
    golden("erase-would", &dev.ask(&["context", "erase", CONVERSATION]), 0);
    let mut unchanged = json(&dev.ask(&["context", "export", CONVERSATION]));
    unchanged["at"] = export["at"].clone();
    assert_eq!(unchanged, export, "nothing is deleted without --yes");

    golden("erase", &dev.ask(&["context", "erase", CONVERSATION, "--yes"]), 0);
    golden("erase-nothing", &dev.ask(&["context", "erase", CONVERSATION, "--yes"]), 1);
    golden("erased-claim", &dev.ask(&["events", "show", CHECKOUT]), 0);
    let again = json(&dev.send(&["--case", "stripe-checkout-completed", "--json"]));
    assert_eq!(again["status"], 200, "a duplicate, and nothing comes back");
    golden("erase-nothing", &dev.ask(&["context", "erase", CONVERSATION]), 1);
}

#[test]
fn an_erasure_reports_in_json_what_it_found_and_deleted() {
    let dev = Dev::start(&[]);
    lived(&dev);
    let found = json(&dev.ask(&["context", "erase", CONVERSATION, "--json"]));
    let erased = json(&dev.ask(&["context", "erase", CONVERSATION, "--yes", "--json"]));
    assert_eq!((&found["erased"], &erased["erased"], &erased["left"]), (&false.into(), &true.into(), &0.into()));
    assert_eq!((&found["found"], &found["names"]), (&erased["deleted"], &erased["names"]));
    assert!(erased["deleted"]["claims"] == 4 && erased["deleted"]["joins"] == 1, "{erased}");
}

#[test]
fn a_stored_event_is_explained_as_far_as_its_data_goes() {
    let dev = Dev::start(&[]);
    assert!(dev.send(&["--case", "orders-delivered-early"]).status.success());
    dev.claim("orders#ord-evt-3002", "processed");
    golden("explain-recorded", &dev.ask(&["rules", "explain", "orders#ord-evt-3002"]), 0);
    let explained = json(&dev.ask(&["rules", "explain", "orders#ord-evt-3002", "--json"]));
    assert_eq!((&explained["claim"]["state"], &explained["explained"]), (&"processed".into(), &Value::Null));
    let never = dev.ask(&["rules", "explain", "orders#never"]);
    assert!(never.status.code() == Some(1) && err(&never).contains("no claim with key orders#never"), "{}", err(&never));
}

#[test]
fn wrong_usage_is_explained() {
    for (command, example) in [
        (["context", "export"], "tidings context export whatsapp:491713920012 --stack tidings \\\n"),
        (["context", "erase"], "--yes    delete it"),
        (["rules", "explain"], "tidings rules explain orders#ord-evt-3666 --stack tidings"),
    ] {
        assert!(out(&run(&[&command[..], &["--help"]].concat())).contains(example), "{command:?}");
    }
}
