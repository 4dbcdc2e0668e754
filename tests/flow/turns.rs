//! Turns with a failure or a crash at any call: each event is sent once, and in order.

use crate::faulty::Trouble;
use crate::world::World;
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::BTreeSet;
use std::time::Duration;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};

const RULES: &str = r#"
version: 1
conversations: [{ on: "*", conversation: data.who }]
rules:
  - name: turn
    on: said
    emit: { type: chat.turn, data: { text: data.text }, debounce: { quiet: 5s, at_most: 30s, collect: 3 } }
"#;

fn said(n: i64, received: Timestamp) -> Envelope {
    let data = json!({"who": "ann", "text": n.to_string()}).to_string();
    Envelope::new(NewEnvelope {
        id: format!("e{n}"),
        source: "chat".to_owned(),
        event_type: "said".to_owned(),
        subject: None,
        time: Some(Timestamp::from_unix_ms(received.unix_ms() + n)),
        conversation: None,
        sequence: None,
        received,
        claim_key: ClaimKey::new("chat", &format!("e{n}")),
        traceparent: None,
        payload: Payload::Json(RawValue::from_string(data).unwrap()),
    })
}

/// Three events fill a turn, and a timer ends the next one. The queue delivers one at a time or all together.
#[tokio::test(start_paused = true)]
async fn each_event_is_in_one_turn_with_a_failure_or_a_crash_at_any_call() {
    let rules = tidings_project::read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}"));
    for at_once in [1, 10] {
        let mut call = 0;
        loop {
            let mut calls_left = 0;
            for trouble in [None].into_iter().chain(Trouble::ALL.map(Some)) {
                let at = format!("{at_once} at once, call {call}: {trouble:?}");
                let mut world = World::with(rules.clone()).await;
                world.schedule.set((0..call).map(|_| None).chain([trouble]));
                for n in 0..5 {
                    world.queue.put(&said(n, world.now()).encode(), Duration::ZERO);
                }
                world.process_each(at_once).await;
                calls_left = world.schedule.left();
                let mut known = BTreeSet::new();
                let sent = world.sent().into_iter().filter(|(_, _, action)| known.insert(action.id.clone()));
                let turns: Vec<Vec<i64>> = sent
                    .map(|(_, _, action)| {
                        let messages = action.data["messages"].as_array().unwrap_or_else(|| panic!("{at}: {action:?}"));
                        messages.iter().map(|message| message["text"].as_str().unwrap().parse().unwrap()).collect()
                    })
                    .collect();
                assert!(turns.iter().all(|turn| turn.is_sorted() && turn.len() <= 3), "{at}: {turns:?}");
                let mut all = turns.concat();
                all.sort_unstable();
                assert_eq!(all, [0, 1, 2, 3, 4], "{at}: {turns:?}");
                assert_eq!(world.queue.dead_letters().len(), 0, "{at}");
            }
            if calls_left > 0 {
                break;
            }
            call += 1;
        }
        assert!(call > 18, "{call} calls");
    }
}
