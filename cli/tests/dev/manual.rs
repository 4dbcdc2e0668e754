//! `tidings context set` and `unset`, and `tidings replay --apply`: an operator corrects the effects of a wrong rule.

use crate::stack::Stack;
use crate::support::{Dev, err, golden, json, out};
use serde_json::{Value, json as object};
use std::path::Path;
use std::process::Output;

const CONVERSATION: &str = "whatsapp:491713920012";
const CHECKOUT: &str = "stripe#evt_1TidingsCheckout1042";
const DELIVERED: &str = "orders#ord-evt-3002";

/// The checkout of an order, its delivery, and a poison event.
fn lived(arguments: &[&str]) -> Dev {
    let dev = Dev::start(arguments);
    for (case, key, state) in [
        ("stripe-checkout-completed", CHECKOUT, "processed"),
        ("orders-delivered-early", DELIVERED, "processed"),
        ("orders-poison", "orders#ord-evt-3666", "dead"),
    ] {
        assert!(dev.send(&["--case", case]).status.success(), "{case}");
        dev.claim(key, state);
    }
    dev
}

fn facts(dev: &Dev) -> Value {
    json(&dev.ask(&["context", "show", CONVERSATION, "--json"]))["context"].clone()
}

fn value(dev: &Dev, name: &str) -> Value {
    facts(dev)["entities"]["order/1042"][name]["value"].clone()
}

/// Keys of corrections contain the time.
fn keyless(output: &Output) -> Output {
    let hide = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let mut parts = text.split("@manual#");
        let first = parts.next().unwrap_or_default().to_owned();
        let rest = |text: String, part: &str| {
            text + "@manual#<key>" + part.trim_start_matches(|c: char| c.is_ascii_hexdigit() || c == '-')
        };
        parts.fold(first, rest).into_bytes()
    };
    Output { stdout: hide(&output.stdout), stderr: hide(&output.stderr), ..output.clone() }
}

fn refused(output: &Output, said: &str) {
    assert_eq!((output.status.code(), out(output).as_str()), (Some(1), ""), "{said}: {}", err(output));
    assert!(err(output).contains(said), "{said}: {}", err(output));
}

#[test]
fn facts_are_set_and_unset_manually_and_the_author_is_recorded() {
    let dev = lived(&[]);
    let before = facts(&dev);
    let set = ["context", "set", CONVERSATION, "order/1042", "status=shipped", "parcels=2", "--node", "delivery", "--by", "lena"];
    golden("set-would", &keyless(&dev.ask(&set)), 0);
    assert_eq!(facts(&dev), before, "a dry run changes nothing");
    assert!(!out(&dev.ask(&["events", "list"])).contains("tidings.correction"));

    let applies = [&set[..], &["--reason", "rule order-moved was wrong", "--yes"]].concat();
    golden("set", &keyless(&dev.ask(&applies)), 0);
    assert_eq!((value(&dev, "status"), value(&dev, "parcels")), ("shipped".into(), 2.into()));
    golden("set-shown", &keyless(&dev.ask(&["context", "show", CONVERSATION])), 0);
    let key = facts(&dev)["entities"]["order/1042"]["status"]["key"].as_str().unwrap().to_owned();
    golden("set-claim", &keyless(&dev.ask(&["events", "show", &key])), 0);
    golden("set-explained", &keyless(&dev.ask(&["rules", "explain", &key])), 0);
    let listed = json(&dev.ask(&["context", "show", CONVERSATION, "--json"]))["timeline"].clone();
    let entry = listed.as_array().unwrap().iter().find(|claim| claim["key"] == key.as_str()).expect("in the timeline");
    assert_eq!((&entry["manual"]["by"], &entry["type"]), (&"lena".into(), &"tidings.correction".into()));
    let kept = json(&dev.ask(&["events", "show", &key, "--payload", "--json"]));
    assert_eq!(
        kept["event"]["data"]["what"]["correct"]["reason"], "rule order-moved was wrong",
        "it is kept, so that a replay has it"
    );

    let unset =
        ["context", "unset", CONVERSATION, "order/1042", "parcels", "--node", "--by", "lena", "--reason", "a mistake", "--yes"];
    golden("unset", &keyless(&dev.ask(&unset)), 0);
    assert_eq!(value(&dev, "parcels"), Value::Null);
    let said = json(&dev.ask(&["context", "unset", CONVERSATION, "order/1042", "status", "--by", "lena", "--json"]));
    assert_eq!(
        (&said["dry_run"], &said["changes"][0]["before"], &said["changes"][0]["after"]),
        (&true.into(), &"shipped".into(), &Value::Null)
    );
    assert_eq!(value(&dev, "status"), "shipped", "a dry run forgets nothing");
    assert!(dev.ask(&["context", "erase", CONVERSATION, "--yes"]).status.success());
    let erased = json(&dev.ask(&["events", "show", &key, "--json"]));
    assert!(erased["erased"].is_string() && erased.get("manual").is_none(), "{erased}");
}

#[test]
fn unknown_names_and_invalid_values_are_refused() {
    let dev = lived(&[]);
    let by = ["--by", "lena", "--reason", "why", "--yes"];
    let ask = |arguments: &[&str]| dev.ask(&[arguments, &by[..]].concat());
    refused(&ask(&["context", "set", "whatsapp:49171392001", "order/1042", "a=1"]), "there is no context for");
    refused(&ask(&["context", "set", CONVERSATION, "order/1043", "a=1"]), "known: order/1042");
    refused(&ask(&["context", "unset", CONVERSATION, "order/1042", "stattus"]), "no fact \"stattus\"; known: ");
    refused(&ask(&["context", "unset", "nobody", "--node"]), "there is no context for");
    refused(&ask(&["context", "set", CONVERSATION, "order/1042", "no good=1"]), "isn't a valid name of a fact");
    refused(&ask(&["context", "set", CONVERSATION, "preferences", "opt_in=maybe", "--create"]), "opt_in: allowed: true or false");
    let made = ask(&["context", "set", CONVERSATION, "preferences", "opt_in=false", "--create"]);
    assert!(made.status.success(), "{}", err(&made));
    assert_eq!(facts(&dev)["entities"]["preferences"]["opt_in"]["value"], false);
    let without = dev.ask(&["context", "set", CONVERSATION, "order/1042", "a=1", "--yes"]);
    assert!(without.status.code() == Some(2) && err(&without).contains("--reason"), "{}", err(&without));
    for wrong in [
        &["context", "set", CONVERSATION][..],
        &["context", "set", CONVERSATION, "order/1042"],
        &["context", "unset", CONVERSATION],
    ] {
        assert_eq!(dev.ask(wrong).status.code(), Some(2), "{wrong:?}");
    }
    let null = dev.ask(&["context", "set", CONVERSATION, "order/1042", "a=null"]);
    assert!(null.status.code() == Some(2) && err(&null).contains("context unset"), "{}", err(&null));
}

#[test]
fn an_identity_s_link_is_followed_and_a_stack_says_whose_credentials_these_are() {
    let dev = lived(&[]);
    let linked = json(&crate::support::run(&["link", "phone:1", CONVERSATION, "--url", &dev.webhooks, "--json"]));
    dev.claim(linked["claim_key"].as_str().unwrap(), "processed");
    let stack = Stack::around(&dev, "{}");
    let set = ["context", "set", "phone:1", "order/1042", "status=shipped", "--by", "lena", "--reason", "why", "--yes"];
    let said = stack.ask_json(&set);
    assert_eq!((&said["conversation"], &said["dry_run"]), (&CONVERSATION.into(), &false.into()), "{said}");
    assert_eq!(said["by"], "lena (arn:aws:sts::123456789012:assumed-role/ops/lena)");
    assert_eq!(value(&dev, "status"), "shipped");
    let claim = dev.claim(said["claim_key"].as_str().unwrap(), "processed");
    assert_eq!(claim["manual"]["by"], said["by"]);
}

/// Corrected rules: `status` becomes `stage`, a delivery leads to another node, and the checkout counts.
fn mended() -> String {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/project/rules.yaml");
    let text = std::fs::read_to_string(rules).expect("the rules");
    let text = text
        .replace("      status: data.order.status\n", "      stage: data.order.status\n")
        .replace("goto: order_delivered", "goto: arrived");
    let path = format!("{}/mended-{}.yaml", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    std::fs::write(&path, text).expect("a file");
    path
}

/// The section of the runbook: the rule is corrected and deployed, the events are inspected and applied again.
#[test]
fn the_effects_of_a_wrong_rule_are_corrected_by_applying_its_events_again() {
    let dev = lived(&["--keep-events"]);
    assert_eq!(value(&dev, "status"), "delivered");
    let before = facts(&dev);
    let rules = mended();
    let apply = ["replay", "--apply", "--rules", &rules, "--type", "order.*", "--by", "lena"];
    let hidden = |output: Output| {
        let hide = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&rules, "mended.yaml").into_bytes();
        Output { stdout: hide(&output.stdout), stderr: hide(&output.stderr), ..output }
    };
    golden("apply-would", &hidden(dev.ask(&apply)), 0);
    assert_eq!(facts(&dev), before, "a dry run changes nothing");

    let yes = [&apply[..], &["--as", "stage-fix", "--reason", "rule order-moved wrote status", "--yes"]].concat();
    golden("apply", &hidden(dev.ask(&yes)), 0);
    assert_eq!((value(&dev, "status"), value(&dev, "stage")), (Value::Null, "delivered".into()));
    assert_eq!(facts(&dev)["node"]["value"], "arrived");
    assert_eq!(value(&dev, "payment"), "paid", "what others wrote stays");
    golden("apply-shown", &dev.ask(&["context", "show", CONVERSATION]), 0);
    golden("apply-claim", &dev.ask(&["events", "show", "@again#stage-fix#orders#ord-evt-3002"]), 0);
    golden("apply-original", &dev.ask(&["events", "show", DELIVERED]), 0);
    let explained = dev.ask(&["rules", "explain", "@again#stage-fix#orders#ord-evt-3002"]);
    assert!(out(&explained).contains("the event, with this project's rules"), "{}", out(&explained));

    let after = facts(&dev);
    golden("apply-again", &hidden(dev.ask(&yes)), 0);
    assert_eq!(facts(&dev), after, "once under one name");

    // Another name applies the events again. A person's change stays.
    let set = ["context", "set", CONVERSATION, "order/1042", "stage=by-hand", "--by", "lena", "--reason", "why", "--yes"];
    assert!(dev.ask(&set).status.success());
    let other = json(&dev.ask(&[&apply[..], &["--as", "other", "--reason", "why", "--yes", "--json"]].concat()));
    assert_eq!((&other["counts"]["events"], &other["counts"]["refused"]), (&1.into(), &0.into()), "{other}");
    assert_eq!(other["events"][0]["facts"]["overtaken"], object!(["order/1042.stage"]));
    assert_eq!(value(&dev, "stage"), "by-hand");
}

#[test]
fn repeated_notifications_are_shown_in_the_dry_run_and_sent_once() {
    let dev = lived(&["--keep-events"]);
    let stack = Stack::around(&dev, "{}");
    let rules = mended();
    let sources = format!("{}/../events/project/sources.yaml", env!("CARGO_MANIFEST_DIR"));
    let of = ["--rules", &rules, "--sources", &sources, "--key", DELIVERED];
    let apply = [&["replay", "--apply"][..], &of, &["--with-actions", "--by", "lena"]].concat();
    let would = json(&dev.ask(&[&apply[..], &["--json"]].concat()));
    assert_eq!(would["events"][0]["actions"]["texts"], object!(["Order 1042 is there. Did DHL do well?"]), "{would}");
    assert!(stack.sent().is_empty());
    let yes = [&apply[..], &["--as", "twice", "--reason", "why", "--yes"]].concat();
    let on_dev = dev.ask(&[&apply[..], &["--as", "on-dev", "--reason", "why", "--yes"]].concat());
    assert!(on_dev.status.success() && stack.sent().is_empty(), "into its own queues: {}", err(&on_dev));
    for expected in [1, 0] {
        let done = stack.ask(&yes);
        assert!(done.status.success(), "{}{}", out(&done), err(&done));
        let sent: Vec<Value> =
            stack.sent().into_iter().filter(|(queue, _)| queue == "actions.fifo").map(|(_, action)| action).collect();
        assert_eq!(sent.len(), expected, "{sent:?}");
        assert!(sent.iter().all(|action| action["cause"] == "@again-actions#twice#orders#ord-evt-3002"), "{sent:?}");
    }
}

#[test]
fn events_that_cannot_be_applied_again_are_reported_with_an_alternative() {
    let dev = lived(&["--keep-events"]);
    let dead = dev.ask(&["replay", "--apply", "--key", "orders#ord-evt-3666"]);
    refused(&dead, "none of 1 claims has a stored event");
    assert!(err(&dead).contains("tidings dlq redrive"), "{}", err(&dead));
    for (arguments, said) in [
        (&["--yes"][..], "--as NAME"),
        (&["--yes", "--as", "a"], "--reason TEXT"),
        (&["--as", "no good"], "allowed: 1 to 64"),
        (&["--against", "events/project/rules.yaml"], "--against"),
    ] {
        let asked = dev.ask(&[&["replay", "--apply"], arguments].concat());
        assert!(asked.status.code() == Some(2) && err(&asked).contains(said), "{arguments:?}: {}", err(&asked));
    }
    let yes = dev.ask(&["replay", "--yes"]);
    assert_eq!(yes.status.code(), Some(2), "{}", err(&yes));
    assert!(dev.ask(&["context", "erase", CONVERSATION, "--yes"]).status.success());
    refused(&dev.ask(&["replay", "--apply"]), "nothing to replay");
}
