//! The pipeline and its commands, as a user runs them.

use crate::support::{Dev, err, json, out, run};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn the_demo_matches_the_corpus() {
    let demo = run(&["dev", "--demo", "--exit", "--port", "0"]);
    assert!(demo.status.success(), "{}{}", out(&demo), err(&demo));
    assert!(out(&demo).contains("✓ 32 of 32 match the corpus"), "{}", out(&demo));
    assert!(!out(&demo).contains('\u{1b}'), "colour is for terminals");
    let demo = out(&demo);
    let (_, story) = demo.split_once("Signed webhooks arrive").expect("a story");
    assert!((12..=20).contains(&story.lines().filter(|line| !line.is_empty()).count()), "{story}");
    assert!(story.lines().all(|line| line.chars().count() <= 80), "{story}");
    for sentence in ["… until Lena pays it", "→ 200 duplicate", "→ stale", "→ dead-letter queue", "→ 401 unauthentic"] {
        assert!(story.contains(sentence), "{sentence}: {story}");
    }
    for said in ["Order 1042 is being packed", "Order 1042 is paid", "Order 1042 is there", "250 g is back"] {
        assert_eq!(story.matches(said).count(), 1, "{said}: {story}");
    }
    assert!(!story.contains("verified") && !story.contains("Some("), "{story}");
}

#[test]
fn an_event_its_duplicate_and_its_forgery() {
    let dev = Dev::start(&[]);
    let first = json(&dev.send(&["stripe", "--same", "--json"]));
    assert_eq!((&first["status"], &first["reply"]["status"]), (&202.into(), &"accepted".into()));
    assert_eq!(first["claim_keys"][0], "stripe#evt_1TidingsCheckout1042");
    dev.claim("stripe#evt_1TidingsCheckout1042", "processed");
    let again = dev.send(&["stripe", "--same", "--json"]);
    assert_eq!((again.status.code(), &json(&again)["status"]), (Some(0), &200.into()));
    for tamper in ["signature", "timestamp", "body"] {
        let forged = dev.send(&["stripe", "--tamper", tamper, "--json"]);
        assert_eq!((forged.status.code(), &json(&forged)["status"]), (Some(1), &401.into()), "{tamper}");
    }

    let claim = dev.claim("stripe#evt_1TidingsCheckout1042", "processed");
    assert_eq!((&claim["outcome"], &claim["conversation"]), (&"applied".into(), &"whatsapp:491713920012".into()));
    let shown = json(&dev.ask(&["context", "show", "whatsapp:491713920012", "--json"]));
    assert_eq!(shown["context"]["entities"]["order/1042"]["payment"]["value"], "paid");
    assert_eq!(shown["timeline"].as_array().map(Vec::len), Some(1));

    let people = out(&dev.ask(&["context", "show", "whatsapp:491713920012"]));
    assert!(people.contains("order/1042") && people.contains("checkout.session.completed"), "{people}");
    let people = out(&dev.ask(&["events", "show", "stripe#evt_1TidingsCheckout1042"]));
    assert!(people.contains("its effect is in the context"), "{people}");
}

#[test]
fn send_makes_a_new_event_each_time_and_the_same_one_only_if_it_is_asked_to() {
    let dev = Dev::start(&[]);
    for source in ["stripe", "github", "orders", "pagerduty", "shopify", "slack", "svix", "whatsapp"] {
        let sent = [0, 1].map(|_| json(&dev.send(&[source, "--json"])));
        assert!(sent.iter().all(|sent| sent["reply"]["status"] == "accepted" && sent["new"] == "id"), "{source}: {sent:?}");
        assert_ne!(sent[0]["claim_keys"], sent[1]["claim_keys"], "{source}");
        assert_eq!(
            dev.send_twice(&[source, "--same", "--json"]).map(|sent| sent["reply"]["status"].clone()),
            ["accepted", "duplicate"],
            "{source}"
        );
    }
    let said = out(&dev.send(&["stripe", "--same"]));
    assert!(said.contains("without --same a new event is sent") && said.contains("tidings events show 'stripe#evt_1T"), "{said}");
    let lines = dev.said();
    assert!(lines.contains("duplicate: ignored") && !lines.contains("enqueued"), "{lines}");
}

#[test]
fn a_field_is_set_before_the_request_is_signed() {
    let dev = Dev::start(&[]);
    let set = ["--set", "data.object.amount_total=500", "--set", "data.object.metadata.note=a b", "--json"];
    let sent = json(&dev.send(&[&["stripe"], &set[..]].concat()));
    assert_eq!(sent["status"], 202, "{sent}");
    dev.claim(sent["claim_keys"][0].as_str().unwrap(), "processed");
    let shown = json(&dev.ask(&["context", "show", "whatsapp:491713920012", "--json"]));
    assert_eq!(shown["context"]["entities"]["order/1042"]["paid_cents"]["value"], 500);
    for (setting, said) in [("amount", "no ="), ("data[*].x=1", "[*] isn't one place"), ("id.x=1", "isn't an object")] {
        let refused = run(&["send", "stripe", "--set", setting, "--dry-run"]);
        assert_eq!(refused.status.code(), Some(1), "{setting}");
        assert!(err(&refused).contains(said), "{setting}: {}", err(&refused));
    }
}

#[test]
fn another_body_under_a_known_id_is_named_by_dev() {
    let dev = Dev::start(&[]);
    for amount in ["1", "2"] {
        assert!(dev.send(&["stripe", "--same", "--set", &format!("data.object.amount_total={amount}")]).status.success());
        dev.claim("stripe#evt_1TidingsCheckout1042", "processed");
    }
    assert!(dev.said().contains("duplicate: known id with a different body"), "{}", dev.said());
}

#[test]
fn a_printed_request_can_be_verified() {
    let folder = std::env::temp_dir().join(format!("tidings-printed-{}", std::process::id()));
    for source in ["stripe", "orders", "whatsapp"] {
        std::fs::write(&folder, out(&run(&["send", source, "--dry-run"]))).expect("a file");
        let verified = run(&["verify", source, folder.to_str().expect("UTF-8")]);
        assert!(verified.status.success(), "{source}: {}", out(&verified));
    }
    std::fs::remove_file(&folder).expect("the file");
}

#[test]
fn a_misspelt_name_is_answered_with_the_right_one() {
    for (arguments, said) in [
        (&["send", "stirpe"][..], "did you mean \"stripe\"?"),
        (&["send", "githb", "--preset"], "did you mean \"github\"?"),
        (&["send", "--case", "orders-poisn"], "did you mean \"orders-poison\"?"),
        (&["providers", "show", "telegarm"], "did you mean \"telegram\"?"),
    ] {
        assert!(err(&run(arguments)).contains(said), "{arguments:?}: {}", err(&run(arguments)));
    }
}

#[test]
fn a_link_brings_stored_facts_and_held_events() {
    let dev = Dev::start(&[]);
    assert!(dev.send(&["--case", "orders-inventory-reserved"]).status.success());
    let kept = dev.claim("orders#ord-evt-3000", "processed");
    assert_eq!(kept["actions"][0], "stock-reserved/notify held until its identity is linked");
    let linked = json(&run(&["link", "order:1042", "whatsapp:491713920012", "--url", &dev.webhooks, "--json"]));
    dev.claim(linked["claim_key"].as_str().unwrap(), "processed");

    let until = Instant::now() + Duration::from_secs(20);
    let shown = loop {
        let shown = json(&dev.ask(&["context", "show", "whatsapp:491713920012", "--json"]));
        if shown["timeline"]
            .as_array()
            .is_some_and(|timeline| timeline.iter().any(|c| c["type"] == "tidings.wake" && c["actions"].is_array()))
        {
            break shown;
        }
        assert!(Instant::now() < until, "nothing was sent: {shown}");
        thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(shown["context"]["entities"]["order/1042"]["warehouse"]["value"], "Hamburg");
    assert_eq!(shown["context"]["identities"], serde_json::json!(["order:1042"]));
    let due =
        shown["timeline"].as_array().unwrap().iter().find(|c| c["type"] == "tidings.wake" && c["actions"].is_array()).unwrap();
    assert_eq!(due["actions"][0], "stock-reserved/notify queued");
}

#[test]
fn fifty_copies_at_once_have_one_effect() {
    let dev = Dev::start(&[]);
    let request = json(&dev.send(&["--case", "orders-delivered-early", "--dry-run", "--json"]));
    let body =
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, request["body_base64"].as_str().unwrap()).unwrap();
    let url = format!("{}{}", dev.webhooks, request["path"].as_str().unwrap());
    let send = || {
        let mut post = ureq::post(&url).config().http_status_as_error(false).build();
        for (name, value) in request["headers"].as_object().unwrap() {
            post = post.header(name, value.as_str().unwrap());
        }
        post.send(&body[..]).expect("an answer").status().as_u16()
    };
    let statuses: Vec<u16> = thread::scope(|scope| {
        let copies: Vec<_> = (0..50).map(|_| scope.spawn(send)).collect();
        copies.into_iter().map(|copy| copy.join().expect("no panic")).collect()
    });
    assert!(statuses.iter().all(|status| [200, 202].contains(status)), "{statuses:?}");

    dev.claim("orders#ord-evt-3002", "processed");
    // Duplicates in the queue may still be in progress. The context must not change any more.
    thread::sleep(Duration::from_secs(2));
    let shown = json(&dev.ask(&["context", "show", "whatsapp:491713920012", "--json"]));
    assert_eq!(shown["timeline"].as_array().map(Vec::len), Some(1));
    let facts = &shown["context"]["entities"]["order/1042"];
    assert_eq!((&facts["status"]["value"], &facts["status"]["key"]), (&"delivered".into(), &"orders#ord-evt-3002".into()));
}

#[test]
fn data_in_a_folder_is_there_at_the_next_start() {
    let folder = std::env::temp_dir().join(format!("tidings-dev-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let data = folder.display().to_string();
    let dev = Dev::start(&["--data", &data]);
    assert!(dev.send(&["--case", "orders-poison"]).status.success());
    assert!(dev.send(&["stripe", "--same"]).status.success());
    dev.claim("stripe#evt_1TidingsCheckout1042", "processed");
    dev.stop();

    let dev = Dev::start(&["--data", &data]);
    assert_eq!(json(&dev.send(&["stripe", "--same", "--json"]))["status"], 200, "still a duplicate");
    dev.claim("orders#ord-evt-3666", "dead");
    dev.stop();
    std::fs::remove_dir_all(&folder).expect("the folder");
}

#[test]
fn errors_say_what_to_do_next() {
    for (arguments, code, said) in [
        (&["send", "github", "--url", "http://127.0.0.1:9"][..], 1, "is `tidings dev` running?"),
        (&["events", "show", "stripe#evt", "--endpoint-url", "http://127.0.0.1:9"], 1, "check that a `tidings dev` listens at"),
        (&["events", "show", "evt_1"], 1, "for example stripe#evt_1"),
        (&["send", "paypall"], 1, "allowed: github, orders"),
        (&["send", "--case", "nothing"], 1, "tidings send --list"),
        (&["send", "github", "--tamper", "timestamp", "--dry-run"], 1, "signs no timestamp"),
        (&["send", "stripe", "--secrets", "Cargo.toml", "--dry-run"], 1, "JSON object from a name to a secret"),
        (&["send", "stripe", "--header", "novalue", "--dry-run"], 1, "allowed: NAME=VALUE"),
        (&["dev", "--port", "0", "--secrets", "Cargo.toml"], 1, "JSON object from a name to a secret"),
        (&["link", "a", "b", "--url", "http://127.0.0.1:9"], 1, "is `tidings dev` running?"),
        (&["link", "a", "a"], 1, "can't be linked to itself"),
        (&["send"], 2, "<PROVIDER>"),
        (&["dev", "--exit"], 2, "--demo"),
        (&["nonsense"], 2, "unrecognized subcommand"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", err(&output));
        assert!(err(&output).contains(said), "{arguments:?}: {}", err(&output));
        assert!(out(&output).is_empty(), "{arguments:?}: complaints go to standard error");
    }
}

#[test]
fn an_unknown_name_is_an_error_and_not_an_empty_answer() {
    let dev = Dev::start(&[]);
    let nobody = dev.ask(&["context", "show", "nobody"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(err(&nobody).contains("there is no context for \"nobody\""), "{}", err(&nobody));
    let never = dev.ask(&["events", "show", "stripe#never"]);
    assert!(err(&never).contains("no claim with key stripe#never"), "{}", err(&never));
}

#[test]
fn a_port_in_use_is_reported() {
    let dev = Dev::start(&[]);
    let port = dev.webhooks.rsplit(':').next().unwrap().to_owned();
    let second = run(&["dev", "--demo", "--exit", "--port", &port]);
    assert_eq!(second.status.code(), Some(1));
    assert!(err(&second).contains("choose two free ports with --port"), "{}", err(&second));
}

#[test]
fn a_request_can_be_printed_instead_of_sent() {
    let printed = out(&run(&["send", "slack", "--dry-run"]));
    assert!(printed.starts_with("POST /webhooks/slack\n") && printed.contains("x-slack-signature: v0="), "{printed}");
    let event = json(&run(&["send", "shopify", "--lambda"]));
    assert_eq!((&event["version"], &event["rawPath"]), (&"2.0".into(), &"/webhooks/shopify".into()));
    let cases = json(&run(&["send", "--list", "--json"]));
    assert!(cases.as_array().is_some_and(|cases| cases.len() >= 20));
    for shell in ["bash", "zsh", "fish"] {
        let script = out(&run(&["completions", shell]));
        for word in ["preset", "fetch-keys", "entry", "key", "public-url", "checkout.session.completed"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        // fish gets only the values of options.
        assert_eq!(script.contains("meta-instagram"), shell != "fish", "{shell}");
    }
    for (command, example) in
        [("send", "tidings send mailgun --preset"), ("verify", "--fetch-keys"), ("dev", "tidings dev --presets")]
    {
        assert!(out(&run(&[command, "--help"])).contains(example), "{command}");
    }
}
