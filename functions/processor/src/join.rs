//! A join's timer: applies the branch if the join is complete or given up.

use crate::deliver::{flush, send_first};
use crate::effects::{EvaluationContext, PlannedEffects};
use crate::failure::Failure;
use crate::planner::Planner;
use crate::prepared::Prepared;
use crate::processor::Processor;
use crate::timer;
use crate::view::{View, load, read, read_partition};
use crate::work::{Applied, Moment, Work, keys_of};
use std::collections::BTreeSet;
use tidings_config::limits::{JOIN_GRACE, MAX_JOIN_POSTPONED};
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;
use tidings_core::commit_plan::Merging;
use tidings_core::context::{
    Branch, Content, End, Item, ItemKey, JoinState, Next, Place, Taken, Terms, Tie, is_late, join_cause, join_order,
    join_partition,
};
use tidings_core::envelope::Envelope;
use tidings_core::internal_event::InternalEvent;
use tidings_expressions::Variables;

/// The timer of a join.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinTimer {
    pub join: String,
    pub key: String,
    pub because_of: ClaimKey,
    /// How often its `else` was postponed because the queue lagged.
    pub postponed: u32,
    /// When SQS was meant to make it visible.
    pub visible: Timestamp,
}

impl JoinTimer {
    /// A timer to check again later, if this one shows that the queue lags: an event that completes the join may be waiting.
    fn postponed(&self, now: Timestamp) -> Option<InternalEvent> {
        let lags = is_late(self.visible, now);
        (lags && self.postponed < MAX_JOIN_POSTPONED).then(|| InternalEvent::Join {
            join: self.join.clone(),
            key: self.key.clone(),
            because_of: self.because_of.clone(),
            postponed: self.postponed + 1,
        })
    }
}

impl Planner {
    /// The effects of a join's end.
    fn branch(&self, index: usize, key: &str, end: &End, now: Timestamp) -> Result<PlannedEffects, Failure> {
        let join = &self.rules.joins[index];
        let cause = join_cause(&join_partition(&join.name, key), end.number);
        let variables = Variables::of_join(&join.name, key);
        let context = EvaluationContext {
            variables: &variables,
            source: "",
            event_type: "",
            subject: None,
            time: end.time,
            event_time: None,
            tie: Tie::default(),
            now,
            cause: &cause,
            traceparent: None,
        };
        let mut effects = PlannedEffects::default();
        match end.branch {
            Branch::Then => self.joins[index].then.apply(&context, &mut effects)?,
            Branch::Else => self.joins[index].otherwise.apply(&context, &mut effects)?,
        }
        Ok(effects)
    }
}

/// Prepares the branch. The word says why there is nothing to do, or not yet.
pub(crate) async fn prepare(
    processor: &Processor,
    envelope: &Envelope,
    index: usize,
    timer: &JoinTimer,
    now: Timestamp,
    silent: &mut Option<Failure>,
) -> Result<Result<Prepared, &'static str>, Failure> {
    let join = processor.planner.join(index);
    let terms = Terms::of(join);
    let place = Place::new(join_partition(&join.name, &timer.key), ItemKey::Join);
    let own = read_partition(processor, &place.partition, &[ItemKey::Join]).await?;
    let (version, state) = own.join(&place.partition);
    let state = state.under(&terms, now);
    // Perhaps this message took it and then failed to send its actions. The next end is taken nevertheless.
    let unsent = match &state.taken {
        Some(Taken { partition, .. }) => flush(processor, partition).await.err(),
        None => None,
    };
    let Some(next) = state.next(&terms, now) else { return unsent.map_or(Ok(Err("settled")), Err) };
    if next.gives_up()
        && let Some(later) = timer.postponed(now)
    {
        let due = now.plus(JOIN_GRACE);
        timer::send(processor, &later.envelope(due, now).encode(), due, now).await?;
        return Ok(Err(timer::WAITS));
    }
    let (branch, end) = (next.end().branch, next.end().clone());
    let effects = processor.planner.branch(index, &timer.key, &end, now)?;
    let at = Moment { policy: processor.planner.policy(), now, received: envelope.receivedtime, feed: processor.feed };
    let ending = Ending { place, version, state, next };
    let mut keys = keys_of(&effects, false, processor.feed);
    let (view, unsent, applied) = loop {
        let mut view = read(processor, &end.owner, &keys, &BTreeSet::new()).await?;
        let unsent = send_first(processor, &mut view, silent).await;
        let applied = apply(&ending, &terms, &effects, &view, &at);
        if applied.missing.is_empty() {
            break (view, unsent, applied);
        }
        keys.extend(applied.missing);
    };
    if applied.items.is_empty() {
        return Ok(Err("settled"));
    }
    let event_type = match branch {
        Branch::Then => "tidings.join.then",
        Branch::Else => "tidings.join.else",
    };
    Ok(Ok(Prepared {
        view,
        applied,
        event_type: event_type.to_owned(),
        time: end.time,
        rules: vec![join.name.clone()],
        off_schema: None,
        manual: None,
        unsent,
        merging: Merging::Once,
    }))
}

/// A join and its next step.
#[derive(Clone, Debug)]
struct Ending {
    place: Place,
    version: Option<u64>,
    state: JoinState,
    next: Next,
}

/// Applies a join's branch. Its actions are sent when the end is taken; its facts have the time of its latest events.
fn apply(ending: &Ending, terms: &Terms, effects: &PlannedEffects, view: &View, at: &Moment<'_>) -> Applied {
    let order = join_order(&ending.place.partition, ending.next.end().time);
    let mut work = Work::new(view, effects, &order, at);
    if let Next::Take(end) = &ending.next {
        work.act(&effects.proposals);
        let state = ending.state.clone().ended(end, terms, &view.partition);
        work.applied.items.insert(ending.place.clone(), Item { version: ending.version, content: Content::Join(state) });
    }
    work.applied.joins.push(ending.place.partition.clone());
    work.finish()
}

/// Whether a join has had its last end and needs no further timer.
pub(crate) async fn is_over(processor: &Processor, join: &str, key: &str, now: Timestamp) -> Result<bool, Failure> {
    let place = Place::new(join_partition(join, key), ItemKey::Join);
    let stored = load(processor, [place.clone()].into()).await?;
    Ok(
        if let Some(Content::Join(state)) = stored.get(&place).map(|item| &item.content)
            && let Some(terms) = processor.planner.join_named(join).map(Terms::of)
        {
            state.clone().under(&terms, now).is_over(&terms)
        } else {
            false
        },
    )
}
