//! Order: a conversation's actions are said one after the other, whatever fails.

use crate::world::{START, World, notify};
use std::collections::BTreeMap;
use std::time::Duration;
use tidings_core::memory::{Call, Fault};

#[tokio::test]
async fn what_waits_holds_back_those_behind_it_and_no_other_conversation() {
    let world = World::new();
    for (id, conversation) in [("a1", "telegram:1"), ("a2", "telegram:1"), ("b1", "telegram:2"), ("a3", "telegram:1")] {
        world.put(&notify(id, conversation, id));
    }
    world.faults.fail(Call::Call, Fault::Refuse, 1);
    let kept = world.batch().await;
    assert!(kept == ["m1", "m2", "m4"] || kept == ["m3"], "{kept:?}");
    world.settle().await;
    let texts = world.provider.texts();
    let of_one: Vec<_> = texts.iter().filter(|text| text.starts_with('a')).collect();
    assert_eq!(of_one, ["a1", "a2", "a3"]);
    assert_eq!(texts.len(), 4);
}

/// Faults at random, seeded: a failure names its seed.
#[tokio::test]
async fn order_holds_and_nothing_vanishes_under_faults() {
    for seed in 0..60 {
        let mut random = fastrand::Rng::with_seed(seed);
        let world = World::new();
        let channel = if seed % 2 == 0 { "telegram" } else { "line" };
        let mut put = 0;
        for round in 0..12 {
            for _ in 0..random.u32(0..4) {
                put += 1;
                let who = random.u32(1..4);
                world.put(&notify(&format!("{seed}-{put}"), &format!("{channel}:{who}"), &format!("{who}-{put:03}")));
            }
            let call = random.choice([Call::Call, Call::PutSend, Call::Forward, Call::Hide]).unwrap();
            let fault = random.choice([Fault::Refuse, Fault::LoseAnswer]).unwrap();
            if random.bool() {
                world.faults.pass(call, random.u32(0..3));
                world.faults.fail(call, fault, random.u32(1..3));
            }
            world.settle_until(START.plus(Duration::from_secs(round * 30))).await;
        }
        world.faults.clear();
        world.settle().await;
        let texts = world.provider.texts();
        let mut by_whom: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for text in &texts {
            let (whom, number) = text.split_once('-').unwrap();
            by_whom.entry(whom).or_default().push(number);
        }
        for numbers in by_whom.values() {
            assert!(numbers.is_sorted(), "seed {seed}: {numbers:?}");
            assert!(numbers.windows(2).all(|pair| pair[0] != pair[1]), "seed {seed}: said twice: {numbers:?}");
        }
        let dead: Vec<_> = world.dead_letters.sent().iter().map(|message| message.body.clone()).collect();
        let is_accounted = |n: u32| {
            let number = format!("-{n:03}\"");
            let is_said = texts.iter().any(|text| format!("{text}\"").ends_with(&number));
            is_said || dead.iter().any(|body| body.contains(&number))
        };
        assert!((1..=put).all(is_accounted), "seed {seed}: {texts:?}\n{dead:?}");
        if channel == "line" {
            assert_eq!((texts.len(), dead.len()), (put as usize, 0), "seed {seed}: with a key each is said once");
        }
    }
}
