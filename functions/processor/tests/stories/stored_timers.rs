//! Timers that wait in their table: sent once in normal operation, and once in effect whatever fails.

use crate::support::{AMPLE, Harness, Outside, Sent, another, now};
use async_trait::async_trait;
use futures::future::{join_all, pending};
use processor::sweep::SweepError;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tidings_config::limits::{
    MAX_TIMER_DELAY, STORED_TIMER_FROM, SWEEP_INTERVAL, SWEEP_OVERDUE, SWEEP_PAGE, SWEEP_PROVEN, SWEEP_RESERVE,
};
use tidings_config::rules::Rules;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::claim::ClaimKey;
use tidings_core::internal_event::InternalEvent;
use tidings_core::memory::{Call, Fault, MemoryQueue, MemoryTimers};
use tidings_core::ports::{Delayed, TimerQueue, TimerStore, Unavailable};
use tidings_core::stored_timer::{Progress, StoredTimer, Sweeps};
use tidings_project::read_rules;

const RULES: &str = r#"
version: 1
conversations: [{ on: "*", conversation: data.who }]
joins:
  - name: ready
    all: [payment.confirmed, inventory.reserved]
    by: data.order_id
    within: 7d
    then: { notify: { text: "ready" } }
    else: { notify: { text: "{join.key} is stuck" } }
"#;

const DONE: [&str; 0] = [];
const HOUR: Duration = Duration::from_secs(3_600);
const WEEK: Duration = Duration::from_secs(7 * 86_400);

fn rules() -> Rules {
    read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}"))
}

fn harness() -> Harness {
    Harness::with(rules(), |store| store)
}

/// Begins a join that is given up after a week and a minute.
async fn pay(harness: &Harness, id: &'static str, order: &str) {
    let data = json!({"who": "ann", "order_id": order});
    let mut envelope = Sent { id, event_type: "payment.confirmed", order: "1", age_seconds: 0, data }.envelope();
    (envelope.time, envelope.receivedtime) = (Some(harness.clock.now()), harness.clock.now());
    assert_eq!(harness.handle(vec![crate::support::message(id, &envelope.encode(), 1)]).await, DONE);
}

/// The joins that were given up, by their claims.
fn stuck(harness: &Harness) -> usize {
    harness.store.claims().into_iter().filter(|claim| claim.event_type == "tidings.join.else").count()
}

/// The calls for timers so far, by kind.
fn calls(harness: &Harness) -> [u32; 3] {
    [Call::SetTimer, Call::StoreTimer, Call::MarkSent].map(|call| harness.faults.count(call))
}

#[tokio::test]
async fn a_timer_of_a_week_is_written_once_and_sent_once() {
    let harness = harness();
    pay(&harness, "p", "1042").await;
    assert_eq!(calls(&harness), [0, 1, 0]);
    let timers = harness.outside.timers.stored();
    assert!(timers[0].event.len() < 200, "it fits into one write unit many times: {}", timers[0].event);
    harness.pass(WEEK).await;
    assert_eq!((harness.said("ann"), calls(&harness)), (vec![], [1, 1, 1]), "sent, and not due yet");
    harness.pass(HOUR).await;
    assert_eq!(harness.said("ann"), ["1042 is stuck"]);
    // The second message is the one of the claim's own outbox; the timer itself was sent by one call.
    assert_eq!(calls(&harness), [1, 1, 1]);
}

/// What the version before paid, and what is paid while the table isn't swept.
#[tokio::test]
async fn a_timer_is_rescheduled_while_its_table_is_not_swept() {
    let harness = harness();
    harness.outside.timers.unproven();
    pay(&harness, "p", "1042").await;
    harness.pass(WEEK + HOUR).await;
    assert_eq!(harness.said("ann"), ["1042 is stuck"]);
    assert_eq!(calls(&harness), [673, 0, 0], "every quarter of an hour");
}

/// A message of the version before is moved to the table when its delay ends.
#[tokio::test]
async fn a_timer_that_waits_in_the_queue_is_stored_when_sweeps_begin() {
    let harness = harness();
    harness.outside.timers.unproven();
    pay(&harness, "p", "1042").await;
    harness.pass(HOUR).await;
    let before = calls(&harness);
    harness.outside.timers.proven(harness.clock.now());
    harness.pass(WEEK).await;
    assert_eq!(harness.said("ann"), ["1042 is stuck"]);
    let after = calls(&harness);
    assert_eq!((before[1], after[1], after[0] - before[0]), (0, 1, 1), "one write and one message more");
}

/// The table may be gone with the deployment that brought it.
#[tokio::test]
async fn no_timer_is_stored_in_the_first_hour_of_sweeps_or_after_they_ended() {
    for (since, last, stored) in [
        (SWEEP_PROVEN - SWEEP_INTERVAL, Duration::ZERO, 0),
        (SWEEP_PROVEN, Duration::ZERO, 1),
        (SWEEP_PROVEN * 2, SWEEP_OVERDUE, 1),
        (SWEEP_PROVEN * 2, SWEEP_OVERDUE + Duration::from_millis(1), 0),
    ] {
        let harness = harness();
        let sweeps = Sweeps { since: now().minus(since), last: now().minus(last) };
        harness.outside.timers.swept(sweeps).await.unwrap();
        pay(&harness, "p", "1042").await;
        assert_eq!(calls(&harness)[..2], [1 - stored, stored], "{sweeps:?}");
    }
}

#[tokio::test]
async fn a_timer_that_is_near_is_a_message_and_asks_nothing_of_the_table() {
    let yaml = RULES.replace("7d", "29m");
    let rules = read_rules("rules.yaml", &yaml, &[]).unwrap();
    assert_eq!(STORED_TIMER_FROM, Duration::from_secs(30 * 60), "with the minute of grace it is this far");
    let harness = Harness::with(rules, |store| store);
    harness.clock.advance(Duration::from_millis(1));
    pay(&harness, "p", "1042").await;
    let near = harness.clock.now();
    assert_eq!(calls(&harness)[..2], [0, 1], "exactly half an hour is stored");
    let harness = Harness::with(read_rules("rules.yaml", &RULES.replace("7d", "28m"), &[]).unwrap(), |store| store);
    pay(&harness, "p", "1042").await;
    assert_eq!((calls(&harness), harness.faults.count(Call::Progress)), ([1, 0, 0], 0), "{near}");
    harness.pass(HOUR).await;
    assert_eq!((harness.said("ann").len(), calls(&harness)[0]), (1, 2), "and one reschedule");
}

#[tokio::test]
async fn many_timers_are_stored_after_one_look_at_the_sweeps() {
    let harness = harness();
    for n in 0..50 {
        pay(&harness, Box::leak(format!("p{n}").into_boxed_str()), &n.to_string()).await;
    }
    assert_eq!((calls(&harness)[1], harness.faults.count(Call::Progress)), (50, 1));
    harness.clock.advance(Duration::from_secs(60));
    pay(&harness, "later", "later").await;
    assert_eq!(harness.faults.count(Call::Progress), 2);
}

#[tokio::test]
async fn a_timer_that_the_table_does_not_take_is_a_message() {
    for (fault, stored) in [(Fault::Refuse, 0), (Fault::LoseAnswer, 1)] {
        for call in [Call::Progress, Call::StoreTimer] {
            let harness = harness();
            harness.faults.fail(call, fault, 1);
            pay(&harness, "p", "1042").await;
            let there = if call == Call::StoreTimer { stored } else { 0 };
            assert_eq!((calls(&harness)[0], harness.outside.timers.stored().len()), (1, there), "{call:?} {fault:?}");
            harness.pass(WEEK + HOUR).await;
            assert_eq!(harness.said("ann"), ["1042 is stuck"], "{call:?} {fault:?}");
            assert_eq!(stuck(&harness), 1);
        }
    }
}

/// A table of timers in front of the clock: a put that takes this long.
#[derive(Debug)]
struct Slow {
    outside: Outside,
    clock: Arc<tidings_core::memory::ManualClock>,
    takes: Duration,
}

#[async_trait]
impl TimerStore for Slow {
    async fn put(&self, timer: &StoredTimer, now: Timestamp) -> Result<(), Unavailable> {
        self.clock.advance(self.takes);
        self.outside.timers.put(timer, now).await
    }

    async fn due(&self, partition: u8, after: Option<&str>, by: Timestamp, most: usize) -> Result<Vec<StoredTimer>, Unavailable> {
        self.outside.timers.due(partition, after, by, most).await
    }

    async fn progress(&self) -> Result<Progress, Unavailable> {
        self.outside.timers.progress().await
    }

    async fn sent(&self, partition: u8, through: &str) -> Result<(), Unavailable> {
        self.outside.timers.sent(partition, through).await
    }

    async fn swept(&self, sweeps: Sweeps) -> Result<(), Unavailable> {
        self.outside.timers.swept(sweeps).await
    }
}

/// As on a machine that sleeps between two instructions: the sweep may have passed the timer's time before it was stored.
#[tokio::test]
async fn a_timer_that_was_stored_too_slowly_is_a_message_as_well() {
    for (takes, sent) in [(Duration::ZERO, 0), (WEEK, 1)] {
        let harness = harness();
        let store = Slow { outside: harness.outside.clone(), clock: Arc::clone(&harness.clock), takes };
        let processor = another(rules(), Arc::clone(&harness.store), &harness.clock, &harness.outside);
        let harness = Harness { processor: processor.storing_timers(Arc::new(store)), ..harness };
        pay(&harness, "p", "1042").await;
        assert_eq!(calls(&harness)[..2], [sent, 1], "{takes:?}");
    }
}

/// The moment after so many calls of a sweep at which its function dies, with or without the effect of the last one.
#[derive(Debug)]
struct Dying {
    outside: Outside,
    left: AtomicU32,
    has_effect: bool,
}

impl Dying {
    async fn call<T>(&self, effect: impl Future<Output = T>) -> T {
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(1) if self.has_effect => {
                effect.await;
                pending().await
            }
            Ok(1) => pending().await,
            Ok(_) | Err(_) => effect.await,
        }
    }
}

#[async_trait]
impl TimerStore for Dying {
    async fn put(&self, timer: &StoredTimer, now: Timestamp) -> Result<(), Unavailable> {
        self.call(self.outside.timers.put(timer, now)).await
    }

    async fn due(&self, partition: u8, after: Option<&str>, by: Timestamp, most: usize) -> Result<Vec<StoredTimer>, Unavailable> {
        self.call(self.outside.timers.due(partition, after, by, most)).await
    }

    async fn progress(&self) -> Result<Progress, Unavailable> {
        self.call(self.outside.timers.progress()).await
    }

    async fn sent(&self, partition: u8, through: &str) -> Result<(), Unavailable> {
        self.call(self.outside.timers.sent(partition, through)).await
    }

    async fn swept(&self, sweeps: Sweeps) -> Result<(), Unavailable> {
        self.call(self.outside.timers.swept(sweeps)).await
    }
}

#[async_trait]
impl TimerQueue for Dying {
    async fn send(&self, message: &str, delay: Duration) -> Result<(), Unavailable> {
        self.call(TimerQueue::send(&*self.outside.queue, message, delay)).await
    }

    async fn send_batch(&self, messages: &[Delayed]) -> Vec<Result<(), Unavailable>> {
        self.call(self.outside.queue.send_batch(messages)).await
    }
}

/// A processor whose sweep dies at the n-th call.
fn dying(harness: &Harness, n: u32, has_effect: bool) -> (processor::Processor, Arc<Dying>) {
    let dying = Arc::new(Dying { outside: harness.outside.clone(), left: AtomicU32::new(n), has_effect });
    let ports = processor::Ports {
        store: Arc::clone(&harness.store) as _,
        actions: Arc::clone(&harness.outside.actions) as _,
        timers: Arc::clone(&dying) as _,
        https: Arc::clone(&harness.outside.https) as _,
        api_secrets: None,
        clock: Arc::clone(&harness.clock) as _,
    };
    let processor =
        processor::Processor::new(rules(), tidings_config::schemas::EventSchemas::default(), ports, std::num::NonZeroU32::MIN);
    (processor.storing_timers(Arc::clone(&dying) as _), dying)
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_dies_at_any_call_loses_no_timer_and_repeats_no_effect() {
    const TIMERS: usize = 12;
    for has_effect in [false, true] {
        let mut deaths = 0;
        for n in 1.. {
            let harness = harness();
            for timer in 0..TIMERS {
                pay(&harness, Box::leak(format!("p{timer}").into_boxed_str()), &timer.to_string()).await;
            }
            harness.clock.advance(WEEK - MAX_TIMER_DELAY + Duration::from_secs(120));
            let (processor, dying) = dying(&harness, n, has_effect);
            let died = tokio::time::timeout(HOUR, processor.sweep(AMPLE * 10_000)).await.is_err();
            if !died && dying.left.load(Ordering::SeqCst) > 0 {
                break;
            }
            deaths += 1;
            harness.pass(HOUR).await;
            assert_eq!(stuck(&harness), TIMERS, "death {n}, {has_effect}");
            assert_eq!((harness.said("ann").len(), harness.outside.waiting()), (TIMERS, 0), "death {n}, {has_effect}");
        }
        // The progress, a page of each partition with its message and its mark and the end of it, and the record.
        assert!(deaths > 2 + 8 * 3, "{deaths}");
    }
}

#[tokio::test]
async fn two_sweeps_at_once_cause_one_effect_of_each_timer() {
    let harness = harness();
    for timer in 0..40 {
        pay(&harness, Box::leak(format!("p{timer}").into_boxed_str()), &timer.to_string()).await;
    }
    harness.clock.advance(WEEK - MAX_TIMER_DELAY + Duration::from_secs(120));
    let processors = [(); 2].map(|()| another(rules(), Arc::clone(&harness.store), &harness.clock, &harness.outside));
    for swept in join_all(processors.iter().map(|processor| processor.sweep(AMPLE))).await {
        let _ = swept.unwrap();
    }
    harness.pass(HOUR).await;
    assert_eq!((stuck(&harness), harness.said("ann").len()), (40, 40));
}

#[tokio::test]
async fn sweeps_that_were_missed_for_days_are_made_up_for() {
    let harness = harness();
    for timer in 0..3 {
        pay(&harness, Box::leak(format!("p{timer}").into_boxed_str()), &timer.to_string()).await;
        harness.clock.advance(Duration::from_secs(86_400));
        harness.outside.timers.proven(harness.clock.now());
    }
    harness.clock.advance(WEEK + Duration::from_secs(5 * 86_400));
    let swept = harness.processor.sweep(AMPLE).await.unwrap();
    assert_eq!(swept.timers, 3);
    assert!(swept.late > Duration::from_secs(7 * 86_400), "{swept:?}");
    harness.pass(HOUR).await;
    assert_eq!(stuck(&harness), 3, "none is too old: its age counts from when it is due");
}

/// A moment with very many timers: in pages, in batches of ten, and further in the next sweep if the time is over.
#[tokio::test(start_paused = true)]
async fn a_moment_with_many_timers_is_swept_in_pages_and_continued() {
    const TIMERS: u32 = 20_000;
    let harness = harness();
    let due = now().plus(MAX_TIMER_DELAY);
    for n in 0..TIMERS {
        let timer = InternalEvent::Wake { conversation: n.to_string(), timer: 1 };
        harness.outside.timers.put(&StoredTimer::new(&timer, due), now()).await.unwrap();
    }
    let out_of_time = harness.processor.sweep(SWEEP_RESERVE).await.unwrap_err();
    assert_eq!(out_of_time.to_string(), "timers weren't swept completely: the time was over after 0 of them");
    let sweeps_before = harness.outside.timers.progress().await.unwrap().sweeps;
    harness.clock.advance(Duration::from_secs(1));
    let swept = harness.processor.sweep(AMPLE).await.unwrap();
    assert_eq!(swept.timers, TIMERS as usize);
    assert_ne!(harness.outside.timers.progress().await.unwrap().sweeps, sweeps_before, "only a complete sweep counts");
    let [batches, _, marks] = calls(&harness);
    // Each partition's last page and last batch may be partly full.
    assert!(batches <= TIMERS / 10 + 8 && marks <= TIMERS / u32::try_from(SWEEP_PAGE).unwrap() + 8, "{batches} {marks}");
    assert_eq!(harness.processor.sweep(AMPLE).await.unwrap().timers, 0);
    assert_eq!(harness.outside.queue.messages().len(), TIMERS as usize, "each once");
}

/// One lost call wakes nobody; an outage does.
#[tokio::test(start_paused = true)]
async fn a_sweep_tries_a_call_again_until_its_time_is_over() {
    let of_sweeps = [Call::Progress, Call::DueTimers, Call::SetTimer, Call::MarkSent, Call::MarkSwept];
    for (call, fault) in of_sweeps.into_iter().flat_map(|call| [(call, Fault::Refuse), (call, Fault::LoseAnswer)]) {
        let harness = harness();
        let timer = StoredTimer::new(&InternalEvent::Wake { conversation: "ann".into(), timer: 1 }, now());
        harness.outside.timers.put(&timer, now()).await.unwrap();
        harness.faults.fail(call, fault, 3);
        assert!(harness.processor.sweep(AMPLE).await.is_ok(), "{call:?} {fault:?}");
        assert_eq!(harness.outside.timers.unsent(), []);
        // A record whose answer is lost is made: the next try finds it.
        if (call, fault) == (Call::MarkSent, Fault::LoseAnswer) {
            continue;
        }
        harness.faults.fail(call, fault, 1_000);
        let other = InternalEvent::Wake { conversation: "ann".into(), timer: 2 };
        harness.outside.timers.put(&StoredTimer::new(&other, now().plus(HOUR)), now()).await.unwrap();
        harness.clock.advance(HOUR);
        let error = harness.processor.sweep(AMPLE).await.unwrap_err();
        assert!(matches!(error, SweepError::Unavailable(_)), "{call:?} {fault:?}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_of_a_batch_that_fails_is_sent_again_with_those_after_it() {
    for fault in [Fault::Refuse, Fault::LoseAnswer] {
        let harness = harness();
        let due = now().plus(Duration::from_secs(600));
        let key = |n: u32| InternalEvent::Wake { conversation: format!("c{n}"), timer: 1 };
        for n in 0..100 {
            harness.outside.timers.put(&StoredTimer::new(&key(n), due), now()).await.unwrap();
        }
        harness.faults.pass(Call::SetTimerEntry, 5);
        harness.faults.fail(Call::SetTimerEntry, fault, 1);
        assert_eq!(harness.processor.sweep(AMPLE).await.unwrap().timers, 100);
        let sent: std::collections::BTreeSet<ClaimKey> = harness
            .outside
            .queue
            .messages()
            .iter()
            .map(|message| tidings_core::envelope::Envelope::decode(message).unwrap().claimkey)
            .collect();
        assert_eq!(sent.len(), 100, "{fault:?}");
    }
}

#[tokio::test]
async fn a_sweep_that_finds_nothing_costs_nine_reads_and_a_write() {
    let harness = harness();
    assert_eq!(harness.processor.sweep(AMPLE).await.unwrap().timers, 0);
    let counted = [Call::Progress, Call::DueTimers, Call::MarkSwept].map(|call| harness.faults.count(call));
    assert_eq!((counted, harness.faults.total()), ([1, 8, 1], 10));
}

#[tokio::test]
async fn a_stored_timer_of_an_unknown_version_is_dead_lettered_and_blocks_no_other() {
    let harness = harness();
    let (due, known) = (now().plus(HOUR), InternalEvent::Wake { conversation: "ann".into(), timer: 1 });
    let unknown = StoredTimer { event: r#"{"remind":{}}"#.into(), ..StoredTimer::new(&known, due) };
    let after = StoredTimer {
        key: tidings_core::stored_timer::TimerKey { sort: format!("{}0", unknown.key.sort), ..unknown.key.clone() },
        ..StoredTimer::new(&known, due)
    };
    for timer in [&unknown, &after] {
        harness.outside.timers.put(timer, now()).await.unwrap();
    }
    harness.pass_until_dead(HOUR * 2).await;
    let dead = harness.outside.queue.dead_letters();
    assert_eq!(dead.len(), 1);
    assert!(dead[0].contains(r#"{"remind":{}}"#), "{dead:?}");
    assert_eq!(harness.outside.waiting(), 0);
}

/// Nothing of the timers' table is known to a processor without it.
#[tokio::test]
async fn a_processor_without_a_table_reschedules_and_cannot_sweep() {
    let harness = harness();
    let ports = processor::Ports {
        store: Arc::clone(&harness.store) as _,
        actions: Arc::clone(&harness.outside.actions) as _,
        timers: Arc::new(MemoryQueue::default()),
        https: Arc::clone(&harness.outside.https) as _,
        api_secrets: None,
        clock: Arc::clone(&harness.clock) as _,
    };
    let bare =
        processor::Processor::new(rules(), tidings_config::schemas::EventSchemas::default(), ports, std::num::NonZeroU32::MIN);
    assert_eq!(bare.sweep(AMPLE).await.unwrap_err().to_string(), "no timers table is configured");
    assert_eq!(MemoryTimers::default().first_due(), None);
}
