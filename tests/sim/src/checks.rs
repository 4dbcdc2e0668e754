//! What must hold when everything has ended.

use crate::ledger::Ledger;
use crate::load::START;
use crate::reference::{Expected, contexts, expected, is_of_a_join};
use crate::rules::{CONVERSATIONS, COUNTER, Edition, JOIN_ENTITY};
use crate::scheduler::Scheduler;
use crate::states::State;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tidings_config::limits::CLAIM_LIFETIME;
use tidings_core::action::ActionId;
use tidings_core::claim::ClaimKey;
use tidings_core::context::Context;
use tidings_core::envelope::Envelope;

/// The actions queue drops a copy within this time.
const DEDUPLICATED: Duration = Duration::from_secs(300);

/// The violations, each a sentence.
pub(crate) async fn check(run: &Scheduler) -> Vec<String> {
    let mut found = run.shared.ledger().violations.clone();
    if !run.has_ended {
        found.push("it doesn't end".to_owned());
        return found;
    }
    let (is_comparable, applied) = {
        let ledger = run.shared.ledger();
        found.extend(events(run, &ledger));
        found.extend(forged(run));
        found.extend(actions(run, &ledger));
        found.extend(counters(run, &ledger));
        found.extend(joins(run, &ledger));
        found.extend(said(run, &ledger));
        (ledger.erased.is_empty() && !run.has_expired, messages(&ledger))
    };
    if is_comparable {
        match applied {
            Ok(messages) => {
                let wanted = expected(&messages, run.shared.now()).await;
                found.extend(effects(run, &run.shared.ledger(), &wanted));
            }
            Err(problem) => found.push(problem),
        }
    }
    found
}

fn dead_letters(run: &Scheduler) -> BTreeSet<ClaimKey> {
    run.system.queue.dead_letters().iter().filter_map(|body| Envelope::claim_key_of(body)).collect()
}

/// Acknowledged events are applied exactly once, or dead-lettered; none is applied twice.
fn events(run: &Scheduler, ledger: &Ledger) -> Vec<String> {
    let mut found = Vec::new();
    let dead = dead_letters(run);
    for (nth, delivery) in run.plan.deliveries.iter().enumerate().filter(|(_, delivery)| delivery.is_acknowledged) {
        let request = &run.plan.presets[delivery.preset].requests[delivery.request];
        for key in &request.keys {
            let (applied, is_dead) = (ledger.applied(key), dead.contains(key));
            let may_be_dead = !request.is_readable || run.has_expired;
            if ledger.erased.contains_key(key) || applied == 1 || (is_dead && may_be_dead) {
                run.shared.reach_if(is_dead && !request.is_readable, State::PoisonDead);
                continue;
            }
            found.push(format!("delivery {nth} is acknowledged, and {key} is applied {applied} times; dead-lettered: {is_dead}"));
        }
    }
    for (key, effects) in &ledger.effects {
        if effects.len() > 1 {
            found.push(format!("{key} is applied {} times", effects.len()));
        }
        if let Some(first_after) = ledger.erased.get(key)
            && let Some(late) = effects.iter().find(|effect| effect.task >= *first_after)
        {
            found.push(format!("{key} is erased, and #{} applies it again", late.task));
        }
    }
    found
}

/// A forged request changes nothing.
fn forged(run: &Scheduler) -> Vec<String> {
    let keys_of = |is_forged| {
        let deliveries = run.plan.deliveries.iter().filter(move |delivery| delivery.is_forged == is_forged);
        deliveries.flat_map(|one| &run.plan.presets[one.preset].requests[one.request].keys).collect::<BTreeSet<_>>()
    };
    let genuine = keys_of(false);
    let only_forged = keys_of(true).into_iter().filter(|key| !genuine.contains(key));
    only_forged
        .filter(|key| run.system.store.claim(key).is_some())
        .map(|key| format!("{key} is forged, and has a claim"))
        .collect()
}

/// An action is queued once within the time in which the queue knows its id; first copies are in order.
fn actions(run: &Scheduler, ledger: &Ledger) -> Vec<String> {
    let mut found = Vec::new();
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    let mut queued: BTreeMap<&ActionId, Vec<&crate::ledger::Sent>> = BTreeMap::new();
    for sent in &ledger.actions {
        let copies = queued.entry(&sent.id).or_default();
        if copies.is_empty() {
            let before = last.insert(&sent.conversation, sent.sequence);
            if before >= Some(sent.sequence) && !ledger.erased_names.contains(&sent.conversation) {
                found.push(format!("{} of {} comes after {before:?}", sent.sequence, sent.conversation));
            }
        }
        let earlier = copies.iter().rev().find(|copy| copy.is_news);
        if sent.is_news && earlier.is_some_and(|earlier| sent.at.since(earlier.at) < DEDUPLICATED) {
            found.push(format!("{} of {} is queued twice", sent.rule, sent.cause));
        }
        // A join that two conversations share can be erased with one of them, and begin again with the other.
        let may_begin_again = !ledger.erased.is_empty() && is_of_a_join(&sent.cause);
        if !may_begin_again && copies.iter().any(|copy| copy.conversation != sent.conversation) {
            found.push(format!("{} of {} goes to two conversations", sent.rule, sent.cause));
        }
        copies.push(sent);
    }
    let unswept = run
        .system
        .store
        .items()
        .into_values()
        .any(|item| matches!(item.content, tidings_core::context::Content::Outbox(outbox) if !outbox.is_sent()));
    if unswept && !run.has_expired && ledger.erased.is_empty() {
        found.push("an outbox isn't empty".to_owned());
    }
    found
}

/// The counters count each event once.
fn counters(run: &Scheduler, ledger: &Ledger) -> Vec<String> {
    if !ledger.erased.is_empty() {
        return Vec::new();
    }
    let counted: i64 = counter(run, COUNTER.0, COUNTER.1);
    let applied = ledger.effects.keys().filter(|key| !key.is_ours()).count();
    let is_right = usize::try_from(counted) == Ok(applied);
    (!is_right).then(|| format!("{applied} events are applied and {counted} are counted")).into_iter().collect()
}

fn counter(run: &Scheduler, entity: &str, name: &str) -> i64 {
    let of_one = |context: Context| {
        context.entities.get(entity).and_then(|facts| facts.get(name)).and_then(|fact| fact.value.as_i64()).unwrap_or(0)
    };
    all(run).map(of_one).sum()
}

/// The context of every name.
fn all(run: &Scheduler) -> impl Iterator<Item = Context> {
    let partitions: BTreeSet<String> = run.system.store.items().into_keys().map(|place| place.partition).collect();
    partitions.into_iter().map(|partition| run.system.store.context(&partition))
}

/// A join's key ends, and in one way.
fn joins(run: &Scheduler, ledger: &Ledger) -> Vec<String> {
    if !ledger.erased.is_empty() || run.has_expired {
        return Vec::new();
    }
    let mut found = Vec::new();
    let claims = run.system.store.claims();
    let begun: BTreeSet<&String> = claims.iter().flat_map(|claim| &claim.joins).collect();
    // A branch that is written again for a later combination may go to another conversation.
    let written: BTreeSet<String> = all(run).flat_map(|context| context.entities.into_keys()).collect();
    let ends = written.iter().filter(|entity| entity.starts_with(JOIN_ENTITY)).count();
    // A join forgets what happened longer ago than a claim lives.
    let recent: BTreeSet<&String> =
        claims.iter().filter(|claim| is_recent(ledger, &claim.key)).flat_map(|claim| &claim.joins).collect();
    if !(recent.len()..=begun.len()).contains(&ends) {
        found.push(format!("{} keys of joins, {} of them recent, have {ends} ends", begun.len(), recent.len()));
    }
    let mut said: BTreeMap<&ClaimKey, (&str, &Option<String>)> = BTreeMap::new();
    for sent in ledger.actions.iter().filter(|sent| is_of_a_join(&sent.cause)) {
        let what = (sent.action_type.as_str(), &sent.text);
        if *said.entry(&sent.cause).or_insert(what) != what {
            found.push(format!("{} ends in two ways", sent.cause));
        }
    }
    found
}

/// Whether an event happened well within a claim's life.
fn is_recent(ledger: &Ledger, key: &ClaimKey) -> bool {
    let message = ledger.effects.get(key).and_then(|effects| effects.first()?.message.as_deref());
    let event = message.and_then(|message| Envelope::decode(message).ok());
    event.is_some_and(|event| !event.is_ours() && START.since(event.order().time) < CLAIM_LIFETIME / 2)
}

/// A notification is said once, or marked uncertain; in order.
fn said(run: &Scheduler, ledger: &Ledger) -> Vec<String> {
    let mut found = Vec::new();
    let mut queued: BTreeMap<(&str, &str), BTreeSet<&ActionId>> = BTreeMap::new();
    for sent in ledger.actions.iter().filter(|sent| sent.is_news) {
        if let Some(text) = &sent.text {
            queued.entry((&sent.conversation, text)).or_default().insert(&sent.id);
        }
    }
    let mut said: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let taken = run.system.channel.taken();
    for message in &taken {
        let to = CONVERSATIONS.iter().find(|name| name.split_once(':').is_some_and(|(_, to)| to == message.to));
        *said.entry((to.copied().unwrap_or("nobody"), &message.text)).or_default() += 1;
    }
    let records = run.system.sends.records();
    for (what, ids) in &queued {
        let times = said.get(what).copied().unwrap_or(0);
        let of_it = records.iter().filter(|record| ids.contains(&record.id));
        let unsaid = of_it.filter(|record| record.state != tidings_core::send::SendState::Sent).count();
        if times > ids.len() {
            found.push(format!("{:?} should be said {} times, and was said {times} times", what.1, ids.len()));
        }
        if ledger.erased.is_empty() && times + unsaid < ids.len() {
            found.push(format!(
                "{:?} should be said {} times: it was said {times} times and marked {unsaid} times",
                what.1,
                ids.len()
            ));
        }
    }
    found.extend(
        said.keys().filter(|what| !queued.contains_key(*what)).map(|what| format!("{:?} is said, and nobody wanted it", what.1)),
    );
    found
}

/// The messages that had an effect, by the rules that applied them.
fn messages(ledger: &Ledger) -> Result<Vec<(Edition, String)>, String> {
    let mut messages = Vec::new();
    for (key, effects) in ledger.effects.iter().filter(|(key, _)| !key.is_ours()) {
        let Some(effect) = effects.first() else { continue };
        let message =
            effect.message.as_ref().ok_or_else(|| format!("#{} applies {key}, and has no such message", effect.task))?;
        messages.push((effect.edition, message.clone()));
    }
    Ok(messages)
}

/// Contexts and actions are those of the events alone.
fn effects(run: &Scheduler, ledger: &Ledger, wanted: &Expected) -> Vec<String> {
    let mut found = Vec::new();
    let seen = contexts(&run.system.store);
    let names: BTreeSet<&String> = seen.keys().chain(wanted.contexts.keys()).collect();
    for name in names {
        let (seen, wanted) = (seen.get(name), wanted.contexts.get(name));
        if seen != wanted {
            found.push(format!("the context of {name} is {}, without faults {}", shown(seen), shown(wanted)));
        }
    }
    let of_events = ledger.actions.iter().filter(|sent| !is_of_a_join(&sent.cause));
    let sent: BTreeSet<(String, ActionId)> = of_events.map(|sent| (sent.conversation.clone(), sent.id.clone())).collect();
    let missing =
        wanted.actions.difference(&sent).map(|(conversation, id)| format!("action {id} of {conversation} is never sent"));
    found.extend(missing);
    let more = sent
        .difference(&wanted.actions)
        .map(|(conversation, id)| format!("action {id} of {conversation} is sent, and nobody wanted it"));
    found.extend(more);
    found
}

fn shown(context: Option<&Context>) -> String {
    context.map_or_else(|| "empty".to_owned(), |context| serde_json::to_string(context).unwrap_or_default())
}
