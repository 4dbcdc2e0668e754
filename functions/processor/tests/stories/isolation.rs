//! An abort takes a whole batch with it. Simulated: a queue with visibility timeouts, receive counts and redrive, records whose
//! processing kills the process, and outages.

use crate::stores::Aborting;
use crate::support::{AMPLE, Harness, MAX_RECEIVES, another, handle, message, moved, rules};
use aws_lambda_events::event::sqs::SqsMessage;
use processor::Processor;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tidings_config::limits::EVENTS_VISIBILITY;
use tidings_core::claim::ClaimState;
use tidings_core::memory::{Call, Fault, MemoryVisibility};
use tokio::time::timeout;

const DEAD_AFTER: Duration = Duration::from_secs(5);
/// The simulated duration of a batch. The mapping polls again immediately.
const BATCH_SECONDS: u64 = 1;

struct Queued {
    id: String,
    body: String,
    receives: u32,
    visible: u64,
    /// Receives that an abort took before it was processed.
    lost: u32,
}

struct World {
    harness: Harness,
    store: Arc<Aborting>,
    visibility: Arc<MemoryVisibility>,
    /// `None`: without isolation.
    isolates: bool,
    queue: Vec<Queued>,
    dead: BTreeMap<String, u64>,
    processed: BTreeMap<String, u64>,
    now: u64,
    aborts: u32,
}

impl World {
    fn new(isolates: bool) -> Self {
        let harness = Harness::new();
        let store = Arc::new(Aborting { inner: Arc::clone(&harness.store), poison: "poison", dead: AtomicBool::new(false) });
        let visibility = Arc::new(MemoryVisibility::new(Arc::clone(&harness.faults)));
        Self {
            harness,
            store,
            visibility,
            isolates,
            queue: Vec::new(),
            dead: BTreeMap::new(),
            processed: BTreeMap::new(),
            now: 0,
            aborts: 0,
        }
    }

    /// A new process, without memory.
    fn processor(&self) -> Processor {
        let processor = another(rules(), Arc::clone(&self.store), &self.harness.clock, &self.harness.outside);
        if self.isolates { processor.isolating(Arc::clone(&self.visibility) as _, EVENTS_VISIBILITY) } else { processor }
    }

    fn send(&mut self, who: &str, at: u64) {
        let id: &'static str = format!("{who}-{}", self.queue.len()).leak();
        let event = moved(id, if who == "poison" { id } else { who }, "packed", 0);
        self.queue.push(Queued { id: id.to_owned(), body: event.envelope().encode(), receives: 0, visible: at, lost: 0 });
    }

    fn is_processed(&self, id: &str) -> bool {
        self.harness.state(&format!("orders#{id}")) == Some(ClaimState::Processed)
    }

    /// The visible messages, or those that become visible first. `None`: the queue is empty.
    fn receive(&mut self, rng: &mut fastrand::Rng, size: usize) -> Option<Vec<Queued>> {
        let first = self.queue.iter().map(|queued| queued.visible).min()?;
        self.now = self.now.max(first);
        rng.shuffle(&mut self.queue);
        let (visible, mut later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.queue).into_iter().partition(|queued| queued.visible <= self.now);
        let mut batch = Vec::new();
        for mut queued in visible {
            if batch.len() == size {
                later.push(queued);
            } else if queued.receives == MAX_RECEIVES {
                self.dead.insert(queued.id, self.now);
            } else {
                queued.receives += 1;
                batch.push(queued);
            }
        }
        self.queue = later;
        Some(batch)
    }

    async fn process(&mut self, processor: &mut Processor, batch: Vec<Queued>) {
        let messages: Vec<SqsMessage> = batch
            .iter()
            .map(|queued| {
                let mut message = message(&queued.id, &queued.body, queued.receives);
                message.receipt_handle = Some(format!("{}#{}", queued.id, queued.receives));
                message
            })
            .collect();
        let answer = timeout(DEAD_AFTER, handle(processor, messages, AMPLE)).await;
        let hidden = self.visibility.drain().into_iter().map(|hide| (hide.receipt_handle, hide.time));
        let hidden: BTreeMap<String, Duration> = hidden.collect();
        let aborted = answer.is_err();
        if aborted {
            self.aborts += 1;
            self.store.dead.store(false, Ordering::SeqCst);
            *processor = self.processor();
        }
        let kept: BTreeSet<String> = answer.map_or_else(|_| batch.iter().map(|q| q.id.clone()).collect(), BTreeSet::from_iter);
        for mut queued in batch {
            if self.is_processed(&queued.id) {
                self.processed.entry(queued.id.clone()).or_insert(self.now);
            }
            if kept.contains(&queued.id) {
                let postponed = hidden.get(&format!("{}#{}", queued.id, queued.receives));
                queued.lost += u32::from(aborted && postponed.is_none() && !self.is_processed(&queued.id));
                queued.visible = self.now + postponed.unwrap_or(&EVENTS_VISIBILITY).as_secs();
                self.queue.push(queued);
            }
        }
        self.now += BATCH_SECONDS;
    }

    /// Until the queue is empty. The most receives that an abort took from a good record.
    async fn run(&mut self, rng: &mut fastrand::Rng, size: usize) -> u32 {
        let mut processor = self.processor();
        let mut most = 0;
        while let Some(batch) = self.receive(rng, size) {
            if !batch.is_empty() {
                self.process(&mut processor, batch).await;
            }
            let good = self.queue.iter().filter(|queued| !queued.id.starts_with("poison"));
            most = most.max(good.map(|queued| queued.lost).max().unwrap_or(0));
        }
        most
    }

    fn dead_good(&self) -> Vec<&String> {
        self.dead.keys().filter(|id| !id.starts_with("poison")).collect()
    }
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
        if world.now >= seconds {
            world.harness.faults.clear();
        }
        if forgetful {
            processor = world.processor();
        }
        if !batch.is_empty() {
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
        world.visibility.drain().into_iter().map(|hide| (hide.receipt_handle, hide.time.as_secs())).collect();
    assert_eq!(hidden.iter().map(|(handle, _)| handle.as_str()).collect::<Vec<_>>(), ["h-two", "h-garbage"]);
    assert!(hidden.iter().all(|(_, seconds)| (180..240).contains(seconds)) && hidden[0].1 < hidden[1].1, "{hidden:?}");
    for (id, processed) in [("fresh", true), ("two", false), ("three", true), ("four", true), ("five", true)] {
        assert_eq!(world.is_processed(id), processed, "{id}");
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
    assert_eq!((world.is_processed("c"), world.is_processed("d")), (true, false));
}
