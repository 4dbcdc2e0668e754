//! An abort takes a whole batch with it. Simulated: records whose processing kills the process, and outages.

use crate::stores::Aborting;
use crate::support::{AMPLE, Harness, MAX_RECEIVES, another, handle, message, moved, now, rules};
use aws_lambda_events::event::sqs::SqsEvent;
use processor::Processor;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tidings_config::limits::EVENTS_VISIBILITY;
use tidings_config::time::Clock;
use tidings_core::claim::ClaimState;
use tidings_core::envelope::Envelope;
use tidings_core::memory::{Call, Fault, MemoryQueue};
use tokio::time::timeout;

const DEAD_AFTER: Duration = Duration::from_secs(5);
/// A batch, as the simulation reckons: the mapping polls again at once.
const BATCH_TIME: Duration = Duration::from_secs(1);

struct World {
    harness: Harness,
    store: Arc<Aborting>,
    /// `false`: as it was before there was isolating.
    isolates: bool,
    queue: Arc<MemoryQueue>,
    sent: usize,
    /// By claim key: receives that an abort took before it was processed.
    lost: BTreeMap<String, u32>,
    /// By claim key: the second in which it was dead-lettered, and processed.
    dead: BTreeMap<String, u64>,
    processed: BTreeMap<String, u64>,
    aborts: u32,
}

impl World {
    fn new(isolates: bool) -> Self {
        let harness = Harness::new();
        let store = Arc::new(Aborting { inner: Arc::clone(&harness.store), poison: "poison", dead: AtomicBool::new(false) });
        let queue = MemoryQueue::on(Arc::clone(&harness.clock), Arc::clone(&harness.faults));
        let queue = Arc::new(queue.hiding(EVENTS_VISIBILITY).dead_lettering_after(MAX_RECEIVES));
        let (lost, dead, processed) = Default::default();
        Self { harness, store, isolates, queue, sent: 0, lost, dead, processed, aborts: 0 }
    }

    fn second(&self) -> u64 {
        self.harness.clock.now().since(now()).as_secs()
    }

    /// A new process, without memory.
    fn processor(&self) -> Processor {
        let processor = another(rules(), Arc::clone(&self.store), &self.harness.clock, &self.harness.outside);
        if self.isolates { processor.isolating(Arc::clone(&self.queue) as _, EVENTS_VISIBILITY) } else { processor }
    }

    fn send(&mut self, who: &str, at: u64) {
        let id: &'static str = format!("{who}-{}", self.sent).leak();
        self.sent += 1;
        let event = moved(id, if who == "poison" { id } else { who }, "packed", 0);
        self.queue.put(&event.envelope().encode(), Duration::from_secs(at));
    }

    fn is_processed(&self, key: &str) -> bool {
        self.harness.state(key) == Some(ClaimState::Processed)
    }

    /// What is visible, or what will be first. `None`: the queue is empty.
    fn receive(&mut self, rng: &mut fastrand::Rng, size: usize) -> Option<SqsEvent> {
        let first = self.queue.first_visible()?;
        self.harness.clock.set(first.max(self.harness.clock.now()));
        let batch = self.queue.receive_arranged(size, |places| rng.shuffle(places));
        let second = self.second();
        for body in self.queue.dead_letters() {
            self.dead.entry(key_of(&body)).or_insert(second);
        }
        Some(batch)
    }

    async fn process(&mut self, processor: &mut Processor, batch: SqsEvent) {
        let answer = timeout(DEAD_AFTER, processor.handle(batch.clone(), AMPLE)).await;
        let hidden: BTreeSet<String> = self.queue.take_hides().into_iter().map(|hide| hide.receipt_handle).collect();
        let second = self.second();
        for record in &batch.records {
            let key = key_of(record.body.as_ref().unwrap());
            if self.is_processed(&key) {
                self.processed.entry(key).or_insert(second);
            } else if answer.is_err() && !hidden.contains(record.receipt_handle.as_ref().unwrap()) {
                *self.lost.entry(key).or_default() += 1;
            }
        }
        match answer {
            Ok(response) => {
                self.queue.settle(&batch, &response);
            }
            Err(_) => {
                self.aborts += 1;
                self.store.dead.store(false, Ordering::SeqCst);
                *processor = self.processor();
            }
        }
        self.harness.clock.advance(BATCH_TIME);
    }

    /// Until the queue is empty. The most receives that an abort took from a good record.
    async fn run(&mut self, rng: &mut fastrand::Rng, size: usize) -> u32 {
        let mut processor = self.processor();
        while let Some(batch) = self.receive(rng, size) {
            if !batch.records.is_empty() {
                self.process(&mut processor, batch).await;
            }
        }
        self.lost.iter().filter(|(key, _)| !is_poison(key)).map(|(_, lost)| *lost).max().unwrap_or(0)
    }

    fn dead_good(&self) -> Vec<&String> {
        self.dead.keys().filter(|key| !is_poison(key)).collect()
    }
}

fn key_of(body: &str) -> String {
    Envelope::decode(body).unwrap().claimkey.to_string()
}

fn is_poison(key: &str) -> bool {
    key.starts_with("orders#poison")
}

#[tokio::test(start_paused = true)]
async fn without_isolation_a_poison_record_takes_its_batch_along() {
    let mut world = World::new(false);
    (0..9).for_each(|n| world.send(&format!("ann{n}"), 0));
    world.send("poison", 0);
    assert!(world.run(&mut fastrand::Rng::with_seed(1), 10).await > 1, "what this is about");
    assert_eq!(world.dead_good().len(), 9);
}

#[tokio::test(start_paused = true)]
async fn another_records_abort_costs_a_good_record_at_most_one_receive() {
    for size in 1..=10 {
        for seed in 0..12 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut world = World::new(true);
            (0..9).for_each(|n| world.send(&format!("ann{n}"), 0));
            world.send("poison", 0);
            let most = world.run(&mut rng, size).await;
            assert!(most <= 1, "batches of {size}, seed {seed}: {most} receives lost");
            assert_eq!(world.dead.len(), 1, "batches of {size}, seed {seed}: {:?}", world.dead);
            assert_eq!((world.dead_good().len(), world.processed.len()), (0, 9), "batches of {size}, seed {seed}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn several_poison_records_among_many_end_alone() {
    for seed in 0..40 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut world = World::new(true);
        let (good, poisons) = (rng.u64(5..60), rng.u64(1..5));
        let at = |rng: &mut fastrand::Rng| rng.u64(0..400);
        for n in 0..good {
            let at = at(&mut rng);
            world.send(&format!("ann{n}"), at);
        }
        for _ in 0..poisons {
            let at = at(&mut rng);
            world.send("poison", at);
        }
        let size = rng.usize(1..=10);
        let most = world.run(&mut rng, size).await;
        assert!(most <= 1, "seed {seed}: {most} receives lost");
        assert_eq!(world.dead_good(), Vec::<&String>::new(), "seed {seed}");
        assert_eq!(world.dead.len() as u64, poisons, "seed {seed}");
        assert_eq!(world.processed.len() as u64, good, "seed {seed}");
        assert!(u64::from(world.aborts) <= poisons * u64::from(MAX_RECEIVES), "seed {seed}: {} aborts", world.aborts);
    }
}

/// Nothing answers for so many seconds, and the processor lives on: records with and without isolating.
async fn outage(isolates: bool, forgetful: bool, seconds: u64) -> World {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut world = World::new(isolates);
    (0..30).for_each(|n| world.send(&format!("ann{n}"), n));
    world.harness.faults.fail(Call::Load, Fault::Refuse, u32::MAX);
    let mut processor = world.processor();
    while let Some(batch) = world.receive(&mut rng, 10) {
        if world.second() >= seconds {
            world.harness.faults.clear();
        }
        if forgetful {
            processor = world.processor();
        }
        if !batch.records.is_empty() {
            world.process(&mut processor, batch).await;
        }
    }
    world
}

#[tokio::test(start_paused = true)]
async fn an_outage_dead_letters_nothing_earlier_than_before() {
    for forgetful in [false, true] {
        let before = outage(false, forgetful, 600).await;
        let now = outage(true, forgetful, 600).await;
        assert_eq!((before.dead.len(), now.dead.len()), (0, 0), "ten minutes are borne");
        assert_eq!((before.processed.len(), now.processed.len()), (30, 30));

        let (before, now) = (outage(false, forgetful, 6_000).await, outage(true, forgetful, 6_000).await);
        assert_eq!((before.dead.len(), now.dead.len()), (30, 30));
        for (id, at) in &now.dead {
            assert!(*at >= before.dead[id], "{id}: after {at} s, before it was after {} s", before.dead[id]);
        }
    }
    let (before, now) = (outage(false, false, 300).await, outage(true, false, 300).await);
    let last = |world: &World| world.processed.values().max().copied();
    assert_eq!(last(&now), last(&before), "where the container knows that it survived, an outage costs nothing");
}

#[tokio::test]
async fn suspects_are_hidden_before_any_read_and_listed_in_the_response() {
    let world = World::new(true);
    let processor = world.processor();
    let of = |id: &'static str, receives| {
        let mut message = moved(id, id, "packed", 0).message(receives);
        message.receipt_handle = Some(format!("h-{id}"));
        message
    };
    // What is postponed isn't even decoded: garbage would fail with another word.
    let mut garbage = message("m-garbage", "}", 2);
    garbage.receipt_handle = Some("h-garbage".to_owned());
    let batch = vec![of("fresh", 1), of("two", 2), garbage, of("three", 3), of("four", 4), of("five", 5)];
    assert_eq!(handle(&processor, batch, AMPLE).await, ["m-garbage", "m-two"]);
    let hidden: Vec<(String, u64)> =
        world.queue.take_hides().into_iter().map(|hide| (hide.receipt_handle, hide.time.as_secs())).collect();
    assert_eq!(hidden.iter().map(|(handle, _)| handle.as_str()).collect::<Vec<_>>(), ["h-two", "h-garbage"]);
    assert!(hidden.iter().all(|(_, seconds)| (180..240).contains(seconds)) && hidden[0].1 < hidden[1].1, "{hidden:?}");
    for (id, processed) in [("fresh", true), ("two", false), ("three", true), ("four", true), ("five", true)] {
        assert_eq!(world.is_processed(&format!("orders#{id}")), processed, "{id}");
    }
    assert_eq!(world.harness.faults.count(Call::Hide), 1, "one call a batch");
}

#[tokio::test]
async fn a_batch_without_suspects_makes_no_call_and_a_record_that_cannot_be_hidden_is_returned() {
    let world = World::new(true);
    let processor = world.processor();
    assert!(
        handle(&processor, vec![moved("a", "ann", "x", 0).message(1), moved("b", "bob", "x", 0).message(2)], AMPLE)
            .await
            .is_empty()
    );
    assert_eq!(world.harness.faults.count(Call::Hide), 0, "one suspect is processed");
    world.harness.faults.fail(Call::Hide, Fault::Refuse, 1);
    let batch = ["c", "d"].map(|id| moved(id, id, "x", 0).message(2));
    assert_eq!(handle(&processor, batch.to_vec(), AMPLE).await, ["m-d"]);
    assert_eq!((world.is_processed("orders#c"), world.is_processed("orders#d")), (true, false));
}
