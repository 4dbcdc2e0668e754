//! SQS in memory, on a clock that a test sets: delays, visibility timeouts, receive counts, the dead-letter queue. It is the one
//! simulator of them. Nothing happens by itself: who plays the event source mapping receives, calls the function and settles.

use super::clock::ManualClock;
use super::faults::{Call, Fault, Faults};
use super::records::{failed_ids, sqs_event, sqs_message};
use crate::ports::{Delayed, EventQueue, Forwarded, Hide, MessageVisibility, Probe, TimerQueue, Unavailable};
use crate::trace::Trace;
use async_trait::async_trait;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage, SqsMessageAttribute};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tidings_config::time::{Clock, Timestamp};

/// [`EventQueue`], [`TimerQueue`] and [`MessageVisibility`] in memory. Unless it is told otherwise, a message that was received and
/// not deleted is visible again at once, and none is moved to the dead-letter queue.
#[derive(Debug)]
pub struct MemoryQueue {
    faults: Arc<Faults>,
    clock: Arc<ManualClock>,
    visibility_timeout: Duration,
    max_receive_count: u32,
    state: Mutex<State>,
}

/// When a message is visible, and how many were placed before it.
pub type Place = (Timestamp, u64);

#[derive(Debug, Default)]
struct State {
    messages: BTreeMap<Place, Message>,
    dead_letters: Vec<Message>,
    deduplicated: BTreeMap<String, Timestamp>,
    sent: u64,
    placed: u64,
    traces: Vec<Option<String>>,
    hides: Vec<Hide>,
}

#[derive(Clone, Debug)]
struct Message {
    id: String,
    /// How many were sent before it.
    nth: u64,
    sent: Timestamp,
    body: String,
    receive_count: u32,
    event_source_arn: Option<String>,
    fifo: Option<Fifo>,
}

/// What a FIFO queue knows of a message.
#[derive(Clone, Debug)]
struct Fifo {
    group: String,
    deduplication: String,
    attributes: Vec<(&'static str, String)>,
}

/// FIFO queues drop what has the deduplication id of a message that was sent so shortly before.
const DEDUPLICATED: Duration = Duration::from_secs(300);

impl Message {
    /// What the last receive was given.
    fn receipt_handle(&self) -> String {
        format!("{}#{}", self.id, self.receive_count)
    }

    fn record(&self) -> SqsMessage {
        let mut record = sqs_message(&self.id, &self.body, self.receive_count);
        record.receipt_handle = Some(self.receipt_handle());
        record.event_source_arn.clone_from(&self.event_source_arn);
        record.attributes.insert("SentTimestamp".to_owned(), self.sent.unix_ms().to_string());
        if let Some(Fifo { group, deduplication, attributes }) = &self.fifo {
            record.attributes.insert("MessageGroupId".to_owned(), group.clone());
            record.attributes.insert("MessageDeduplicationId".to_owned(), deduplication.clone());
            let text = |value: &String| {
                let mut text = SqsMessageAttribute::default();
                (text.string_value, text.data_type) = (Some(value.clone()), Some("String".to_owned()));
                text
            };
            record.message_attributes.extend(attributes.iter().map(|(name, value)| ((*name).to_owned(), text(value))));
        }
        record
    }

    fn group(&self) -> Option<&str> {
        self.fifo.as_ref().map(|fifo| fifo.group.as_str())
    }
}

impl State {
    fn place(&mut self, visible: Timestamp, message: Message) {
        self.placed += 1;
        self.messages.insert((visible, self.placed), message);
    }

    fn send(&mut self, visible: Timestamp, body: &str, event_source_arn: Option<&str>) {
        let message = self.message(visible, body, event_source_arn, None);
        self.place(visible, message);
    }

    fn message(&mut self, sent: Timestamp, body: &str, event_source_arn: Option<&str>, fifo: Option<Fifo>) -> Message {
        self.sent += 1;
        let event_source_arn = event_source_arn.map(str::to_owned);
        let (id, nth) = (format!("m{}", self.sent), self.sent);
        Message { id, nth, sent, body: body.to_owned(), receive_count: 0, event_source_arn, fifo }
    }

    /// Puts the places of each group into the order in which its messages were sent.
    fn in_order(&self, places: &mut [Place]) {
        let group = |place: &Place| self.messages[place].group();
        for at in 0..places.len() {
            let Some(of) = group(&places[at]) else { continue };
            let others = (at..places.len()).filter(|other| group(&places[*other]) == Some(of));
            if let Some(first) = others.min_by_key(|other| self.messages[&places[*other]].nth) {
                places.swap(at, first);
            }
        }
    }

    /// The groups of which a message is hidden: none of theirs is received.
    fn blocked(&self, now: Timestamp) -> BTreeSet<String> {
        let hidden = self.messages.iter().filter(|((visible, _), _)| *visible > now);
        hidden.filter_map(|(_, message)| message.group().map(str::to_owned)).collect()
    }
}

impl Default for MemoryQueue {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl MemoryQueue {
    /// On a clock that stands still.
    pub fn new(faults: Arc<Faults>) -> Self {
        Self::on(Arc::default(), faults)
    }

    /// On a clock that others read, too.
    pub fn on(clock: Arc<ManualClock>, faults: Arc<Faults>) -> Self {
        Self { faults, clock, visibility_timeout: Duration::ZERO, max_receive_count: u32::MAX, state: Mutex::default() }
    }

    /// What is received stays hidden for this time.
    #[must_use]
    pub fn hiding(self, visibility_timeout: Duration) -> Self {
        Self { visibility_timeout, ..self }
    }

    /// With a redrive policy: what was received so often is moved to the dead-letter queue instead of being received again.
    #[must_use]
    pub fn dead_lettering_after(self, max_receive_count: u32) -> Self {
        Self { max_receive_count, ..self }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds this")
    }

    /// Sends a message that is visible after this time.
    pub fn put(&self, body: &str, delay: Duration) {
        self.state().send(self.clock.now().plus(delay), body, None);
    }

    /// Sends a message to the queue of this name, whose messages are received together with the others.
    pub fn put_on(&self, queue_arn: &str, body: &str) {
        self.state().send(self.clock.now(), body, Some(queue_arn));
    }

    /// Sends a message as to a FIFO queue. A copy within five minutes is dropped.
    pub fn put_fifo(&self, message: &Forwarded) {
        let (now, mut state) = (self.clock.now(), self.state());
        let sent = state.deduplicated.get(&message.deduplication);
        if sent.is_some_and(|sent| now.since(*sent) < DEDUPLICATED) {
            return;
        }
        state.deduplicated.insert(message.deduplication.clone(), now);
        let fifo = Fifo {
            group: message.group.clone(),
            deduplication: message.deduplication.clone(),
            attributes: message.attributes.clone(),
        };
        let message = state.message(now, &message.body, None, Some(fifo));
        state.place(now, message);
    }

    /// The bodies of all messages, visible or not, in the order in which they will be visible.
    pub fn messages(&self) -> Vec<String> {
        self.state().messages.values().map(|message| message.body.clone()).collect()
    }

    /// The bodies of what was moved to the dead-letter queue, in that order.
    pub fn dead_letters(&self) -> Vec<String> {
        self.state().dead_letters.iter().map(|message| message.body.clone()).collect()
    }

    /// What went with each that was ever sent as an event, as a header.
    pub fn traces(&self) -> Vec<Option<String>> {
        self.state().traces.clone()
    }

    /// Takes all messages out, visible or not.
    pub fn drain(&self) -> Vec<String> {
        std::mem::take(&mut self.state().messages).into_values().map(|message| message.body).collect()
    }

    /// What was hidden since this was asked last, in order.
    pub fn take_hides(&self) -> Vec<Hide> {
        std::mem::take(&mut self.state().hides)
    }

    /// When the first message is visible. `None`: there is none.
    pub fn first_visible(&self) -> Option<Timestamp> {
        self.state().messages.keys().next().map(|(visible, _)| *visible)
    }

    /// When the next message becomes visible that isn't now. `None`: there is none.
    pub fn next_visible(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        self.state().messages.range((now, u64::MAX)..).map(|((visible, _), _)| *visible).find(|visible| *visible > now)
    }

    /// Receives up to so many of the messages that are visible now, those first that have been for the longest time.
    pub fn receive(&self, at_most: usize) -> SqsEvent {
        self.receive_arranged(at_most, |_| ())
    }

    /// The same in another order: SQS promises none. What `arrange` leaves out isn't received.
    pub fn receive_arranged(&self, at_most: usize, arrange: impl FnOnce(&mut Vec<Place>)) -> SqsEvent {
        let (now, mut state) = (self.clock.now(), self.state());
        let mut places: Vec<Place> = state.messages.range(..=(now, u64::MAX)).map(|(place, _)| *place).collect();
        arrange(&mut places);
        let blocked = state.blocked(now);
        places.retain(|place| state.messages[place].group().is_none_or(|group| !blocked.contains(group)));
        state.in_order(&mut places);
        let mut records = Vec::new();
        for place in places {
            if records.len() == at_most {
                break;
            }
            let Some(mut message) = state.messages.remove(&place) else { continue };
            if message.receive_count >= self.max_receive_count {
                state.dead_letters.push(message);
                continue;
            }
            message.receive_count += 1;
            records.push(message.record());
            state.place(now.plus(self.visibility_timeout), message);
        }
        sqs_event(records)
    }

    /// Receives one message that is visible by this time; the clock moves on to when it is. `None`: there is none.
    pub fn next(&self, until: Timestamp) -> Option<SqsEvent> {
        while let Some(visible) = self.first_visible().filter(|visible| *visible <= until) {
            self.clock.set(visible.max(self.clock.now()));
            let received = self.receive(1);
            if !received.records.is_empty() {
                return Some(received);
            }
        }
        None
    }

    /// As Lambda's event source mapping does after the function has answered: deletes what it didn't name as failed. The rest is
    /// visible again after its timeout, and so is all of what nobody settles because the function died. The ids that failed,
    /// sorted.
    pub fn settle(&self, received: &SqsEvent, response: &SqsBatchResponse) -> Vec<String> {
        let failed = failed_ids(response);
        let is_done = |message: &Message| {
            let is_it = |record: &&SqsMessage| record.message_id.as_ref() == Some(&message.id);
            received.records.iter().any(|record| is_it(&record)) && !failed.contains(&message.id)
        };
        self.state().messages.retain(|_, message| !is_done(message));
        failed
    }

    /// Moves what is in the dead-letter queue back, with a receive count of 0.
    pub fn redrive(&self) {
        let (now, mut state) = (self.clock.now(), self.state());
        for message in std::mem::take(&mut state.dead_letters) {
            state.place(now, Message { receive_count: 0, ..message });
        }
    }
}

fn answer(call: &'static str, fault: Option<Fault>) -> Result<(), Unavailable> {
    fault.map_or(Ok(()), |fault| Err(Unavailable { call, cause: format!("{fault:?}") }))
}

fn has_effect(fault: Option<Fault>) -> bool {
    fault.is_none() || fault == Some(Fault::LoseAnswer)
}

#[async_trait]
impl EventQueue for MemoryQueue {
    async fn send(&self, messages: &[&str], trace: Option<&Trace>) -> Vec<Result<(), Unavailable>> {
        let whole = self.faults.meet(Call::Send);
        let enqueue = |message: &&str| {
            let fault = whole.or_else(|| self.faults.meet(Call::SendEntry));
            if has_effect(fault) {
                self.put(message, Duration::ZERO);
                self.state().traces.push(trace.map(ToString::to_string));
            }
            answer("sqs:SendMessage", fault)
        };
        messages.iter().map(enqueue).collect()
    }
}

#[async_trait]
impl TimerQueue for MemoryQueue {
    async fn send(&self, message: &str, delay: Duration) -> Result<(), Unavailable> {
        let fault = self.faults.meet(Call::SetTimer);
        if has_effect(fault) {
            self.put(message, delay);
        }
        answer("sqs:SendMessage", fault)
    }

    async fn send_batch(&self, messages: &[Delayed]) -> Vec<Result<(), Unavailable>> {
        let whole = self.faults.meet(Call::SetTimer);
        let enqueue = |Delayed { message, delay }: &Delayed| {
            let fault = whole.or_else(|| self.faults.meet(Call::SetTimerEntry));
            if has_effect(fault) {
                self.put(message, *delay);
            }
            answer("sqs:SendMessage", fault)
        };
        messages.iter().map(enqueue).collect()
    }
}

#[async_trait]
impl MessageVisibility for MemoryQueue {
    async fn hide(&self, messages: &[Hide]) -> Vec<Result<(), Unavailable>> {
        if messages.is_empty() {
            return Vec::new();
        }
        let fault = self.faults.meet(Call::Hide);
        let one = |hide: &Hide| {
            if has_effect(fault) {
                let mut state = self.state();
                state.hides.push(hide.clone());
                let of_it = |message: &Message| message.receive_count > 0 && message.receipt_handle() == hide.receipt_handle;
                let place = state.messages.iter().find(|(_, message)| of_it(message)).map(|(place, _)| *place);
                if let Some(message) = place.and_then(|place| state.messages.remove(&place)) {
                    state.place(self.clock.now().plus(hide.time), message);
                }
            }
            answer("sqs:ChangeMessageVisibility", fault)
        };
        messages.iter().map(one).collect()
    }
}

#[async_trait]
impl Probe for MemoryQueue {
    fn name(&self) -> &'static str {
        "queue"
    }

    async fn probe(&self, _at: Timestamp) -> Result<(), Unavailable> {
        answer("sqs:GetQueueAttributes", self.faults.meet(Call::Probe))
    }
}
