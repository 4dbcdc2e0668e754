//! Turns: a burst of events becomes one action with all of them, in order, once.

use crate::stores::Yielding;
use crate::support::{AMPLE, Harness, MAX_RECEIVES, Sent, another, handle, on_the_links_queue, rules_of};
use aws_lambda_events::event::sqs::SqsMessage;
use futures::future::join_all;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tidings_config::limits::MAX_OUTBOX_PAGES;
use tidings_config::time::Clock;
use tidings_core::action::Action;
use tidings_core::claim::{ClaimState, Outcome};
use tidings_core::context::{Content, ItemKey};
use tidings_core::external_link::ExternalLink;
use tidings_core::memory::{Call, Fault};

const RULES: &str = r#"
version: 1
conversations:
  - { on: "anonymous.*", identity: data.who }
  - { on: "*", conversation: data.who }
rules:
  - name: turn
    on: [said, anonymous.said]
    set: { last: data.text }
    emit: { type: chat.turn, data: { text: data.text, from: "'ann'" }, debounce: { quiet: 2s, at_most: 10s, collect: 5 } }
  - name: thread
    on: replied
    emit: { type: chat.thread, data: { text: data.text }, debounce: { by: data.thread, quiet: 2s, at_most: 10s } }
  - { name: fill, on: fill, emit: { type: fill, data: { text: data.text } } }
  - name: skipped
    on: skipped
    if_stale: skip
    set: { last: data.text }
    emit: { type: chat.turn, data: { text: data.text }, debounce: { quiet: 2s, at_most: 10s } }
"#;

const NOTHING_FAILS: [&str; 0] = [];

fn harness() -> Harness {
    Harness::with(rules_of(RULES), |store| store)
}

fn name(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// The n-th message of ann: a second after the one before.
fn said(n: i64) -> Sent {
    event("said", n, json!({"who": "ann", "text": format!("{n}")}))
}

fn event(event_type: &'static str, n: i64, data: Value) -> Sent {
    Sent { id: name(format!("e{n:02}")), event_type, order: "1", age_seconds: 1_000 - n, data }
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// The actions of a conversation in the order of their first copies, each once.
fn sent(harness: &Harness, to: &str) -> Vec<Action> {
    let mut known = BTreeSet::new();
    let sent = harness.outside.actions.sent().into_iter();
    sent.filter(|(who, _, action)| who == to && known.insert(action.id.clone())).map(|(_, _, action)| action).collect()
}

fn texts(action: &Action) -> Vec<String> {
    let messages = action.data["messages"].as_array().unwrap_or_else(|| panic!("{action:?}"));
    messages.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

/// The turns of a conversation: the texts of each.
fn turns(harness: &Harness, to: &str) -> Vec<Vec<String>> {
    sent(harness, to).iter().map(texts).collect()
}

async fn comes(harness: &Harness, sent: &Sent) {
    assert_eq!(harness.handle(vec![sent.message(1)]).await, NOTHING_FAILS, "{sent:?}");
}

#[tokio::test]
async fn a_burst_is_one_action_with_all_its_events_in_order() {
    let harness = harness();
    for n in [2, 1, 3] {
        comes(&harness, &said(n)).await;
        harness.pass(Duration::from_millis(900)).await;
    }
    assert_eq!(turns(&harness, "ann").len(), 0, "it isn't quiet yet");
    harness.pass(Duration::from_millis(1_100)).await;
    let actions = sent(&harness, "ann");
    assert_eq!((actions.len(), harness.outside.waiting()), (1, 0));
    let Action { action_type, rule, data, cause, by_provider, .. } = &actions[0];
    assert_eq!((action_type.as_str(), rule.as_str()), ("chat.turn", "turn"));
    assert_eq!(data["closed_by"], "quiet");
    assert_eq!(by_provider, &["closed_by", "opened"], "what a stranger wrote stays a stranger's");
    let messages: Vec<_> = data["messages"].as_array().unwrap().iter().map(|m| (&m["event"], &m["text"])).collect();
    assert_eq!(
        messages,
        [(&json!("orders#e01"), &json!("1")), (&json!("orders#e02"), &json!("2")), (&json!("orders#e03"), &json!("3"))]
    );

    assert_eq!(harness.claim("orders#e01").unwrap().action_lines(), ["turn/emit collected: sent with its turn"]);
    assert_eq!(harness.claim("orders#e01").unwrap().outcome, Some(Outcome::Applied));
    let end = harness.claim(cause.as_str()).expect("its end is an event of the timeline");
    assert_eq!(
        (end.state, end.event_type.as_str(), end.conversation.as_deref()),
        (ClaimState::Processed, "tidings.turn", Some("ann"))
    );
    assert_eq!((end.rules, end.actions.len(), end.joins.len()), (vec!["turn".to_owned()], 1, 1));
    assert_eq!(harness.fact("ann", "order/1", "last"), "3", "facts don't wait");
}

#[tokio::test]
async fn a_turn_never_waits_longer_than_at_most() {
    let harness = harness();
    for n in 0..4 {
        comes(&harness, &event("replied", n, json!({"who": "ann", "text": format!("{n}"), "thread": 7}))).await;
        harness.pass(seconds(1)).await;
    }
    for n in 4..12 {
        comes(&harness, &event("replied", n, json!({"who": "ann", "text": format!("{n}"), "thread": 7}))).await;
        harness.pass(seconds(1)).await;
    }
    harness.pass(seconds(20)).await;
    let actions = sent(&harness, "ann");
    let ends: Vec<_> = actions.iter().map(|action| (action.data["closed_by"].as_str().unwrap(), texts(action).len())).collect();
    assert_eq!(ends, [("at_most", 10), ("quiet", 2)]);
}

#[tokio::test]
async fn a_turn_that_is_full_ends_at_once_and_its_timer_finds_nothing() {
    let harness = harness();
    for n in 0..5 {
        comes(&harness, &said(n)).await;
    }
    assert_eq!(turns(&harness, "ann"), [["0", "1", "2", "3", "4"]]);
    assert_eq!(sent(&harness, "ann")[0].data["closed_by"], "collect");
    assert_eq!(
        harness.claim("orders#e04").unwrap().action_lines(),
        ["turn/emit collected: sent with its turn", "turn/emit queued"],
        "the event that filled it"
    );
    comes(&harness, &said(5)).await;
    harness.pass(seconds(30)).await;
    assert_eq!(turns(&harness, "ann").len(), 2);
    assert_eq!((turns(&harness, "ann")[1].clone(), harness.outside.waiting()), (vec!["5".to_owned()], 0));
    let ends = harness.store.claims().into_iter().filter(|claim| claim.event_type == "tidings.turn").count();
    assert_eq!(ends, 1, "the first turn's timer claimed nothing");
}

#[tokio::test]
async fn a_turn_that_would_be_too_large_ends_before() {
    let harness = harness();
    for n in 0..4 {
        comes(&harness, &event("said", n, json!({"who": "ann", "text": "x".repeat(20_000)}))).await;
    }
    harness.pass(seconds(30)).await;
    let ends: Vec<_> =
        sent(&harness, "ann").iter().map(|action| (action.data["closed_by"].clone(), texts(action).len())).collect();
    assert_eq!(ends, [(json!("size"), 2), (json!("quiet"), 2)]);
}

#[tokio::test]
async fn turns_are_apart_by_conversation_and_by_key() {
    let harness = harness();
    for (n, (who, thread)) in [("ann", "a"), ("bob", "a"), ("ann", "b"), ("ann", "a"), ("bob", "a")].into_iter().enumerate() {
        let n = i64::try_from(n).unwrap();
        comes(&harness, &event("replied", n, json!({"who": who, "text": format!("{thread}{n}"), "thread": thread}))).await;
    }
    harness.pass(seconds(3)).await;
    let by_text: BTreeSet<Vec<String>> = turns(&harness, "ann").into_iter().collect();
    assert_eq!(by_text, BTreeSet::from([vec!["a0".to_owned(), "a3".to_owned()], vec!["b2".to_owned()]]));
    assert_eq!(turns(&harness, "bob"), [["a1", "a4"]]);
}

#[tokio::test]
async fn duplicates_of_events_and_timers_change_nothing() {
    let harness = harness();
    for n in 0..3 {
        for receive in 1..=2 {
            assert_eq!(harness.handle(vec![said(n).message(receive)]).await, NOTHING_FAILS);
        }
    }
    let timers = harness.outside.queue.messages();
    assert_eq!(timers.len(), 1, "one timer a turn");
    for _ in 0..3 {
        timers.iter().for_each(|timer| harness.outside.queue.put(timer, Duration::ZERO));
    }
    harness.pass(seconds(2)).await;
    for n in 0..3 {
        assert_eq!(harness.handle(vec![said(n).message(1)]).await, NOTHING_FAILS, "a copy that comes after the end");
    }
    timers.iter().for_each(|timer| harness.outside.queue.put(timer, Duration::ZERO));
    harness.pass(seconds(60)).await;
    assert_eq!(turns(&harness, "ann"), [["0", "1", "2"]]);
    assert_eq!(harness.outside.waiting(), 0);
}

/// The same events in every order: the same turns here, since all come within one.
#[tokio::test]
async fn the_order_of_arrival_changes_no_turn_that_they_are_all_in() {
    let mut seen = BTreeSet::new();
    for order in 0..24_usize {
        let harness = harness();
        let (mut left, mut rest) = (vec![0, 1, 2, 3], order);
        while !left.is_empty() {
            let n = left.remove(rest % left.len());
            rest /= left.len() + 1;
            comes(&harness, &said(n)).await;
        }
        harness.pass(seconds(3)).await;
        let data: Vec<String> = sent(&harness, "ann").iter().map(|action| action.data.to_string()).collect();
        seen.insert(data);
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
}

#[tokio::test(start_paused = true)]
async fn each_event_is_sent_once_despite_a_failure_of_any_call() {
    for call in [Call::Load, Call::Commit, Call::Rewrite, Call::Act, Call::SetTimer, Call::Effect] {
        for fault in [Fault::Refuse, Fault::LoseAnswer, Fault::Conflict] {
            for after in 0..8 {
                let at = format!("{call:?} {fault:?} after {after}");
                let harness = harness();
                harness.faults.pass(call, after);
                harness.faults.fail(call, fault, 1);
                // One turn is filled, and one is ended by its timer.
                for n in 0..7 {
                    harness.until_done(&said(n)).await;
                }
                harness.pass_through(seconds(60)).await;
                assert_eq!(turns(&harness, "ann"), [vec!["0", "1", "2", "3", "4"], vec!["5", "6"]], "{at}");
                assert_eq!(harness.outside.waiting(), 0, "{at}");
            }
        }
    }
}

/// Batches, copies and timers at several processors, while the clock moves on.
#[tokio::test(start_paused = true)]
async fn several_processors_send_each_event_once() {
    let (mut moved, mut ends) = (0, BTreeMap::<String, u32>::new());
    for seed in 0..120 {
        let mut dice = fastrand::Rng::with_seed(seed);
        let harness = harness();
        let store = Arc::new(Yielding::new(Arc::clone(&harness.store), seed));
        let rules = rules_of(&RULES.replace("quiet: 2s, at_most: 10s, collect: 5", "quiet: 2s, at_most: 3s, collect: 5"));
        let processors = [(); 3].map(|()| another(rules.clone(), Arc::clone(&store), &harness.clock, &harness.outside));
        let mut left: Vec<SqsMessage> = (0..12).chain(0..12).map(|n| said(n).message(1)).collect();
        dice.shuffle(&mut left);
        while !left.is_empty() || harness.outside.waiting() > 0 {
            harness.clock.advance(Duration::from_millis(dice.u64(0..1_500)));
            let batches = processors.iter().map(|processor| {
                let mut batch = left.split_off(left.len().saturating_sub(dice.usize(0..4)));
                let timers = harness.outside.queue.receive(dice.usize(0..3));
                harness.outside.queue.settle(&timers, &aws_lambda_events::event::sqs::SqsBatchResponse::default());
                // SQS may deliver a timer twice.
                let copies = if dice.bool() { timers.records.clone() } else { Vec::new() };
                batch.extend(timers.records);
                (processor, batch, copies)
            });
            let batches: Vec<_> = batches.collect();
            let work = batches.into_iter().map(async |(processor, batch, copies)| {
                let all: Vec<SqsMessage> = batch
                    .into_iter()
                    .chain(copies)
                    .enumerate()
                    .map(|(n, mut message)| {
                        message.message_id = Some(format!("m{n}"));
                        message
                    })
                    .collect();
                let mut again = all;
                for receive in 1..=MAX_RECEIVES {
                    let failed = handle(processor, again.clone(), AMPLE).await;
                    again.retain(|message| failed.iter().any(|id| Some(id) == message.message_id.as_ref()));
                    again.iter_mut().for_each(|message| {
                        message.attributes.insert("ApproximateReceiveCount".to_owned(), (receive + 1).to_string());
                    });
                }
                assert!(again.is_empty(), "seed {seed}: {again:?}");
            });
            join_all(work).await;
        }
        let turns = turns(&harness, "ann");
        let mut all: Vec<i64> = turns.iter().flatten().map(|text| text.parse().unwrap()).collect();
        assert!(
            turns.iter().all(|turn| turn.iter().map(|text| text.parse::<i64>().unwrap()).is_sorted()),
            "seed {seed}: {turns:?}"
        );
        all.sort_unstable();
        assert_eq!(all, (0..12).collect::<Vec<i64>>(), "seed {seed}: {turns:?}");
        for action in sent(&harness, "ann") {
            *ends.entry(action.data["closed_by"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        moved += *store.moved.lock().unwrap();
    }
    assert!(moved > 100, "they did get in each other's way: {moved}");
    assert!(ends.len() == 3 && ends.values().all(|n| *n > 5), "turns ended in every way: {ends:?}");
}

#[tokio::test]
async fn a_turn_that_waits_survives_a_change_of_its_rule() {
    for yaml in [
        "version: 1\nconversations: [{ on: '*', conversation: data.who }]\nrules: []\n",
        &RULES.replace("collect: 5", "collect: 2").replace("chat.turn", "other"),
    ] {
        let harness = harness();
        comes(&harness, &said(0)).await;
        let newer = another(rules_of(yaml), Arc::clone(&harness.store), &harness.clock, &harness.outside);
        assert_eq!(handle(&newer, vec![said(1).message(1)], AMPLE).await, NOTHING_FAILS);
        harness.outage(seconds(3));
        let timer = harness.outside.queue.receive(1);
        assert_eq!(handle(&newer, timer.records, AMPLE).await, NOTHING_FAILS);
        let actions = sent(&harness, "ann");
        assert_eq!((actions.len(), actions[0].action_type.as_str()), (1, "chat.turn"), "{yaml}");
        assert_eq!(texts(&actions[0]).len(), if yaml.contains("rules: []") { 1 } else { 2 }, "{yaml}");
    }
}

#[tokio::test]
async fn a_turn_of_an_identity_waits_for_its_link() {
    for linked_before_its_end in [true, false] {
        let harness = harness();
        for n in 0..2 {
            let data = json!({"who": "customer:1", "text": format!("{n}")});
            comes(&harness, &event("anonymous.said", n, data)).await;
        }
        if !linked_before_its_end {
            harness.pass(seconds(5)).await;
            let end = harness.store.claims().into_iter().find(|claim| claim.event_type == "tidings.turn").unwrap();
            assert_eq!(end.action_lines(), ["turn/emit held until its identity is linked"]);
        }
        let link = ExternalLink {
            id: "l".into(),
            time: harness.clock.now(),
            identity: "customer:1".into(),
            conversation: "ann".into(),
            moves: false,
        };
        let link = on_the_links_queue("l", &link.encode(), 1);
        assert_eq!(harness.handle(vec![link]).await, NOTHING_FAILS);
        harness.pass(seconds(60)).await;
        assert_eq!(turns(&harness, "ann"), [["0", "1"]], "{linked_before_its_end}");
        assert_eq!((turns(&harness, "customer:1").len(), harness.outside.waiting()), (0, 0));
    }
}

#[tokio::test]
async fn a_stale_event_is_not_part_of_a_turn() {
    let harness = harness();
    comes(&harness, &event("skipped", 2, json!({"who": "ann", "text": "new"}))).await;
    comes(&harness, &event("skipped", 1, json!({"who": "ann", "text": "old"}))).await;
    harness.pass(seconds(5)).await;
    assert_eq!(turns(&harness, "ann"), [["new"]]);
    assert_eq!(harness.claim("orders#e01").unwrap().action_lines(), ["skipped/emit withheld: stale"]);
}

#[tokio::test]
async fn low_priority_is_shed_when_an_event_comes_and_never_when_its_turn_ends() {
    let yaml = RULES
        .replace("    on: [said, anonymous.said]", "    on: said\n    priority: low")
        .replace("rules:\n", "policy: { shed_after: 1m }\nrules:\n");
    let harness = Harness::with(rules_of(&yaml), |store| store);
    comes(&harness, &said(0)).await;
    harness.outage(seconds(120));
    comes(&harness, &said(1)).await;
    assert_eq!(harness.claim("orders#e01").unwrap().action_lines(), ["turn/emit withheld: shed"]);
    harness.pass(seconds(5)).await;
    assert_eq!(turns(&harness, "ann"), [["0"]]);
}

/// The actions queue is down for so long that the timer of a turn has no room.
#[tokio::test]
async fn a_timer_without_room_is_set_by_the_next_event_of_its_turn() {
    for pause in [1, 60] {
        let harness = harness();
        harness.faults.fail(Call::Act, Fault::Refuse, u32::MAX);
        let filler = |n: i64| event("fill", n, json!({"who": "ann", "text": "x".repeat(16_000)}));
        let mut n = 100;
        let is_full = |harness: &Harness, n: i64| {
            harness.claim(&format!("orders#e{n:02}")).is_some_and(|claim| claim.action_lines() == ["fill/emit withheld: no-room"])
        };
        while !is_full(&harness, n) {
            n += 1;
            harness.handle(vec![filler(n).message(1)]).await;
            assert!(n < 100 + 4 * i64::try_from(MAX_OUTBOX_PAGES).unwrap(), "it is bounded");
        }
        // What is left of the room is smaller than a timer.
        for size in [8_000, 4_000, 2_000, 1_000, 500, 250, 120, 60, 30, 1] {
            for _ in 0..2 {
                n += 1;
                harness.handle(vec![event("fill", n, json!({"who": "ann", "text": "x".repeat(size)})).message(1)]).await;
            }
        }
        harness.handle(vec![said(0).message(1)]).await;
        let turn = |harness: &Harness| {
            let items = harness.store.items();
            let mut turns = items.into_iter().filter(|(place, _)| place.key == ItemKey::Turn).map(|(_, item)| item.content);
            match turns.next() {
                Some(Content::Turn(state)) => state.open,
                _ => None,
            }
        };
        assert!(turn(&harness).is_some_and(|turn| turn.has_no_timer), "the outbox is full");
        harness.faults.clear();
        harness.pass(seconds(pause)).await;
        assert_eq!(turns_of_rule(&harness), Vec::<Vec<String>>::new(), "nothing ends it");
        comes(&harness, &said(1)).await;
        assert!(turn(&harness).is_some_and(|turn| !turn.has_no_timer));
        harness.pass(seconds(5)).await;
        let expected = if pause < 2 { vec![vec!["0", "1"]] } else { vec![vec!["0"], vec!["1"]] };
        assert_eq!(turns_of_rule(&harness), expected);
    }
}

fn turns_of_rule(harness: &Harness) -> Vec<Vec<String>> {
    sent(harness, "ann").iter().filter(|action| action.rule == "turn").map(texts).collect()
}

#[tokio::test]
async fn an_event_of_a_turn_costs_one_transaction_and_its_end_one_more() {
    let harness = harness();
    let thread = |n| event("replied", n, json!({"who": "ann", "text": "t", "thread": 1}));
    let before = harness.counts();
    comes(&harness, &thread(0)).await;
    let opening = [(Call::Load, 1), (Call::Commit, 1), (Call::Rewrite, 1), (Call::SetTimer, 1)];
    assert_eq!(harness.since(before), opening, "the rewrite takes the timer out of the outbox");
    for n in 1..4 {
        let before = harness.counts();
        comes(&harness, &thread(n)).await;
        assert_eq!(harness.since(before), [(Call::Load, 1), (Call::Commit, 1)]);
    }
    let before = harness.counts();
    harness.pass(seconds(2)).await;
    assert_eq!(harness.since(before), [(Call::Load, 1), (Call::Commit, 1), (Call::Rewrite, 1), (Call::Act, 1)]);
}

#[tokio::test]
async fn an_event_may_be_part_of_as_many_turns_as_its_transaction_holds() {
    for (rules, fits) in [(8, true), (9, false)] {
        let mut yaml = "version: 1\nconversations: [{ on: '*', conversation: data.who }]\nrules:\n".to_owned();
        for rule in 0..rules {
            yaml += &format!(
                "  - {{ name: r{rule}, on: said, emit: {{ type: t, data: {{ text: data.text }}, debounce: {{ quiet: 1s, at_most: 2s }} }} }}\n"
            );
        }
        let harness = Harness::with(rules_of(&yaml), |store| store);
        let failed = harness.handle(vec![said(0).message(1)]).await;
        assert_eq!(failed.is_empty(), fits, "{rules}");
        harness.pass(seconds(3)).await;
        assert_eq!(turns(&harness, "ann").len(), if fits { 8 } else { 0 });
    }
}
