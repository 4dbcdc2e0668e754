//! `tidings replay --apply`: applies the stored events of a stack to its contexts again, with the rules of `--rules`
//! and under new claims.
//!
//! Promises: without `--yes` it writes and sends nothing. Under one name each event is applied once, however often the
//! command is called or interrupted. Newer facts stay. The newest event comes first: what it wrote by a wrong rule is
//! removed before an older event is applied, which then sets its facts.

use super::options::ReplayOptions;
use crate::Failure;
use crate::commands::manual::{AppliedChange, ManualProcessor, line, not_done, operator};
use crate::commands::pace::{Pace, progress};
use crate::commands::rules::{rules, schemas};
use crate::limits::MAX_TIMES_AGAIN;
use crate::project::Location;
use crate::stack::Reader;
use crate::style::{BAD, FAINT, GOOD, NAME, WARN, data, note, paint, say};
use crate::target::{sending, tables, unreadable};
use processor::failure::Failure as Unprocessed;
use processor::manual::{Again, Work};
use serde::Serialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::sync::Arc;
use tidings_config::time::{Clock, SystemClock, Timestamp};
use tidings_core::claim::{Claim, ClaimKey};
use tidings_core::context::{Context, FactKind, Facts, ItemKey};
use tidings_core::envelope::Envelope;
use tidings_core::manual::{BatchName, Part, is_of};
use tidings_core::ports::{ActionQueue, TimerQueue};

/// The name of a dry run without `--as`.
const DRY: &str = "dry-run";

/// An event and its result.
#[derive(Debug, Serialize)]
struct Applied {
    key: ClaimKey,
    #[serde(rename = "type")]
    event_type: String,
    /// The result for its facts; `None`: it wasn't applied.
    facts: Option<AppliedChange>,
    /// The result for its actions, if they are caused again.
    #[serde(skip_serializing_if = "Option::is_none")]
    actions: Option<AppliedChange>,
    /// Effects of its rules that aren't applied.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<String>,
    /// Why it wasn't applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

#[derive(Debug, Default, Serialize)]
struct Counts {
    events: usize,
    changed: usize,
    unchanged: usize,
    applied_before: usize,
    refused: usize,
}

/// One call of the command.
struct Batch<'a> {
    options: &'a ReplayOptions,
    hand: ManualProcessor,
    reader: Reader,
    name: BatchName,
    by: String,
    reason: String,
    at: Timestamp,
}

pub(super) async fn run(options: &ReplayOptions, events: Vec<Envelope>) -> Result<ExitCode, Failure> {
    let confirmed = options.confirm.ask();
    let name = match (&options.batch, confirmed.is_some()) {
        (Some(name), _) => name.clone(),
        (None, false) => DRY.parse().map_err(Failure::new)?,
        (None, true) => {
            return Err(Failure::new("no name is given: under one name each event is applied only once")
                .hint("add --as NAME, for example --as status-fix; use the same name to continue after an interruption")
                .status(2));
        }
    };
    let reason = match (&options.filter.reason, confirmed.is_some()) {
        (Some(reason), _) => reason.clone(),
        (None, false) => "(none given)".to_owned(),
        (None, true) => return Err(Failure::new("no reason is given; add --reason TEXT, which is recorded").status(2)),
    };
    if options.file.rules.is_none() && options.at.stack.is_some() {
        Location::here()?;
    }
    let (rules, schemas) = (rules(&options.file)?, schemas(&options.file)?);
    let tables = tables(&options.at).await?;
    let hand = match confirmed {
        Some(confirmed) => ManualProcessor::real(&tables, (rules, schemas), queues(options).await?, confirmed),
        None => ManualProcessor::dry(&tables, (rules, schemas)),
    };
    let by = operator(&options.at, options.by.as_deref()).await?;
    let batch = Batch { options, hand, reader: tables.reader(), name, by, reason, at: SystemClock.now() };
    let (ours, events): (Vec<_>, Vec<_>) = events.into_iter().partition(|event| event.is_ours());
    if !ours.is_empty() {
        note(&format!("{} are links or manual changes, and aren't applied again", ours.len()));
    }
    let applied = batch.all(events).await?;
    Ok(batch.tell(applied))
}

/// The queues for actions and timers; `None` without `--with-actions`.
async fn queues(options: &ReplayOptions) -> Result<Option<(Arc<dyn ActionQueue>, Arc<dyn TimerQueue>)>, Failure> {
    if !options.with_actions {
        return Ok(None);
    }
    let (actions, timers) = sending(&options.at).await?;
    Ok(Some((Arc::new(actions), Arc::new(timers))))
}

impl Batch<'_> {
    fn is_dry(&self) -> bool {
        self.options.confirm.ask().is_none()
    }

    /// Applies the facts of all events, the newest first, and then their actions, the oldest first.
    async fn all(&self, mut events: Vec<Envelope>) -> Result<Vec<Applied>, Failure> {
        let keys: BTreeSet<ClaimKey> = events.iter().map(|event| event.claimkey.clone()).collect();
        let claims = self.reader.claims(&keys).await.map_err(|error| unreadable(&self.options.at, &error))?;
        let claims: BTreeMap<ClaimKey, Claim> = claims.into_iter().map(|claim| (claim.key.clone(), claim)).collect();
        events.sort_by_key(Envelope::order);
        let bar = progress(events.len() as u64 * if self.options.with_actions { 2 } else { 1 });
        let mut pace = Pace::new(self.options.rate);
        let mut applied = Vec::new();
        for event in events.iter().rev() {
            let refused = claims.get(&event.claimkey).and_then(|claim| self.refused(claim));
            let one = match refused {
                Some(refused) => Applied::refused(event, refused),
                None => self.facts(event).await?,
            };
            applied.push(one);
            bar.inc(1);
            if !self.is_dry() {
                pace.keep(1).await;
            }
        }
        applied.reverse();
        if self.options.with_actions {
            for (event, one) in events.iter().zip(&mut applied).filter(|(_, one)| one.refused.is_none()) {
                let work = self.hand.processor().again(event, &self.how(Part::Actions, BTreeSet::new()));
                match self.apply(work).await? {
                    Ok(came) => one.actions = Some(came),
                    Err(failure) => one.refused = Some(failure.to_string()),
                }
                bar.inc(1);
                if !self.is_dry() {
                    pace.keep(1).await;
                }
            }
        }
        bar.finish_and_clear();
        Ok(applied)
    }

    fn refused(&self, claim: &Claim) -> Option<String> {
        let is_new = !claim.applied_again.contains(&self.name.claim_key(Part::Facts, &claim.key));
        (claim.applied_again.len() >= 2 * MAX_TIMES_AGAIN && is_new)
            .then(|| format!("it was already applied again {MAX_TIMES_AGAIN} times, under other names"))
    }

    fn how(&self, part: Part, wrote: BTreeSet<ItemKey>) -> Again {
        Again {
            by: self.by.clone(),
            reason: self.reason.clone(),
            batch: self.name.clone(),
            at: self.at,
            part,
            counts: self.options.with_counts,
            wrote,
        }
    }

    /// Looks for what the event wrote in the whole context, because rules that no longer exist may have written to
    /// other places.
    async fn facts(&self, event: &Envelope) -> Result<Applied, Failure> {
        let processor = self.hand.processor();
        let first = match processor.again(event, &self.how(Part::Facts, BTreeSet::new())) {
            Ok(work) => work,
            Err(failure) => return Ok(Applied::refused(event, failure.to_string())),
        };
        let conversation = match processor.conversation_of(&first).await {
            Ok(conversation) => conversation,
            Err(failure) => return Err(self.stopped(&failure)),
        };
        let context = self.reader.context(&conversation, self.at).await;
        let context = context.map_err(|error| unreadable(&self.options.at, &error))?;
        let work = processor.again(event, &self.how(Part::Facts, wrote(event, &context)));
        let left_out = work.as_ref().map(|work| work.left_out.clone()).unwrap_or_default();
        Ok(match self.apply(work).await? {
            Ok(came) => Applied { facts: Some(came), left_out, ..Applied::new(event) },
            Err(failure) => Applied::refused(event, failure.to_string()),
        })
    }

    /// An error of one event is returned as its result. Tables that don't answer end the whole run.
    async fn apply(&self, work: Result<Work, Unprocessed>) -> Result<Result<AppliedChange, Unprocessed>, Failure> {
        let work = match work {
            Ok(work) => work,
            Err(failure) => return Ok(Err(failure)),
        };
        match self.hand.apply(&work).await {
            Err(failure) if failure.is_transient() => Err(self.stopped(&failure)),
            came => Ok(came),
        }
    }

    fn stopped(&self, failure: &Unprocessed) -> Failure {
        let failure = not_done(&self.options.at, failure);
        failure.hint(format!("run it again with --as {}: events that are already applied aren't applied twice", self.name))
    }

    fn tell(&self, applied: Vec<Applied>) -> ExitCode {
        let mut counts = Counts { events: applied.len(), ..Counts::default() };
        for one in &applied {
            match (&one.refused, &one.facts) {
                (Some(_), _) | (None, None) => counts.refused += 1,
                (None, Some(came)) if came.done_before => counts.applied_before += 1,
                (None, Some(came)) if came.changes.is_empty() => counts.unchanged += 1,
                (None, Some(_)) => counts.changed += 1,
            }
        }
        let good = counts.refused == 0;
        if self.options.file.json {
            let (name, by, reason) = (self.name.to_string(), &self.by, &self.reason);
            data(&json!({
                "dry_run": self.is_dry(), "as": name, "by": by, "reason": reason, "events": applied, "counts": counts,
            }));
            return if good { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        applied.iter().for_each(Applied::tell);
        let Counts { events, changed, unchanged, applied_before, refused } = counts;
        let (change, stay) = if !self.is_dry() {
            ("changed contexts", "changed nothing")
        } else {
            ("would change contexts", "would change nothing")
        };
        say!(
            "{events} events: {} {change}, {unchanged} {stay}, {applied_before} were applied before as {}, {} refused",
            paint(GOOD, changed),
            self.name,
            paint(if good { FAINT } else { BAD }, refused)
        );
        if self.is_dry() {
            say!("{}", paint(FAINT, "dry run, nothing was changed: --yes, --as NAME and --reason apply them"));
        }
        if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

impl Applied {
    fn new(event: &Envelope) -> Self {
        Self {
            key: event.claimkey.clone(),
            event_type: event.event_type.clone(),
            facts: None,
            actions: None,
            left_out: Vec::new(),
            refused: None,
        }
    }

    fn refused(event: &Envelope, why: String) -> Self {
        Self { refused: Some(why), ..Self::new(event) }
    }

    fn tell(&self) {
        let conversation = self.facts.as_ref().map_or("", |came| came.conversation.as_str());
        let outcome = match (&self.refused, &self.facts) {
            (Some(_), _) | (None, None) => paint(BAD, "refused"),
            (None, Some(came)) => paint(GOOD, &came.outcome),
        };
        say!("{}  {}  {conversation}  {outcome}", paint(NAME, &self.key), self.event_type);
        if let Some(why) = &self.refused {
            say!("  {}", paint(WARN, why));
        }
        for came in [&self.facts, &self.actions].into_iter().flatten() {
            came.changes.iter().for_each(|change| say!("  {}", line(change)));
            if !came.overtaken.is_empty() {
                say!("  {}", paint(FAINT, format!("overtaken by newer values: {}", came.overtaken.join(", "))));
            }
            came.actions.iter().for_each(|action| say!("  {}", paint(FAINT, action)));
            came.texts.iter().for_each(|text| say!("  {} {text}", paint(WARN, "would be sent:")));
            if came.unsent {
                say!("  {}", paint(WARN, "not sent yet: it is in the outbox, and is sent with the conversation's next event"));
            }
        }
        if !self.left_out.is_empty() {
            say!("  {}", paint(FAINT, format!("skipped: {}", self.left_out.join(", "))));
        }
    }
}

/// The items in which the event has written or may have written. The event's own entity is always included: the event
/// may have removed a fact there.
fn wrote(event: &Envelope, context: &Context) -> BTreeSet<ItemKey> {
    let is_its = |facts: &Facts| {
        facts.values().any(|fact| {
            is_of(&fact.order.key, &event.claimkey)
                || matches!(&fact.kind, FactKind::Set(members) if members.values().any(|member| is_of(&member.order.key, &event.claimkey)))
        })
    };
    let entities = context.entities.iter().filter(|(entity, facts)| event.subject.as_ref() == Some(entity) || is_its(facts));
    let entities = entities.map(|(entity, _)| ItemKey::Entity(entity.clone()));
    let node = context.node.iter().filter(|node| is_of(&node.order.key, &event.claimkey)).map(|_| ItemKey::Node);
    entities.chain(node).collect()
}
