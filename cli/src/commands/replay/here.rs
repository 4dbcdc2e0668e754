//! Replays in memory, through the deployed receiver and processor code, at the times of receipt.

use super::options::ReplayOptions;
use crate::Failure;
use crate::captures::{HERE, Recorded, demo_secret};
use crate::commands::rules::diff::{begin, end};
use crate::commands::rules::world::{Failed, World};
use crate::commands::rules::{other_rules, rules, schemas};
use crate::project::{Location, refused};
use crate::style::{BAD, FAINT, GOOD, NAME, WARN, count, data, paint, say, tick};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::ExitCode;
use tidings_config::schemas::EventSchemas;
use tidings_config::source::Source;
use tidings_config::time::Timestamp;
use tidings_core::claim::{Claim, ClaimKey, ClaimState};
use tidings_core::envelope::Envelope;
use tidings_project::Configuration;

/// A delivery and its answer.
#[derive(Debug, Serialize)]
struct Delivered {
    file: String,
    source: String,
    status: u16,
    reply: String,
    /// The claim keys of its events.
    keys: Vec<ClaimKey>,
    /// What differs from the recording.
    changed: Option<String>,
}

/// Replays deliveries. Each is received at its recorded time, or after the one before.
pub(super) async fn deliveries(options: &ReplayOptions, recorded: &[(String, Recorded)]) -> Result<ExitCode, Failure> {
    let mut sources: Vec<Source> = Vec::new();
    let mut secrets = BTreeMap::new();
    for (file, one) in recorded {
        let named = |failure: Failure| Failure::new(format!("{file}: {failure}"));
        let source = one.source(HERE).map_err(named)?;
        secrets.insert(source.name.clone(), demo_secret(&source).map_err(named)?);
        if sources.iter().all(|known| known.name != source.name) {
            sources.push(source);
        }
    }
    let first = recorded.first().map_or(Timestamp::from_unix_ms(0), |(_, one)| one.received);
    let mut world = World::new(chosen(options)?, schemas(&options.file)?, first)
        .listening(sources.clone(), &json!(secrets).to_string())
        .await;
    let mut delivered = Vec::new();
    for (file, one) in recorded {
        world.wait(one.received.since(world.now())).await;
        let named = |failure: Failure| Failure::new(format!("{file}: {failure}"));
        let (source, secret) = (one.source(HERE).map_err(named)?, &secrets[&one.source]);
        let now = world.now();
        let request = one.sign(&source, secret, now).map_err(named)?;
        let events = request.events(&source, secret, now);
        let (status, body) = world.deliver(&request).await;
        let types: Vec<&str> = events.iter().map(|event| event.event_type.as_str()).collect();
        let changed =
            (types != one.types).then(|| format!("recorded with {}, now it has {}", listed(&one.types), listed(&types)));
        let reply: Value = serde_json::from_slice(&body).unwrap_or_default();
        let reply = reply["status"].as_str().or_else(|| reply["error"].as_str()).unwrap_or_default().to_owned();
        let keys = events.into_iter().map(|event| event.claimkey).collect();
        delivered.push(Delivered { file: file.clone(), source: source.name, status, reply, keys, changed });
    }
    let claims = claims(&world);
    let due = undone(&mut world);
    let good = delivered.iter().all(|one| (200..300).contains(&one.status) && one.changed.is_none());
    if options.file.json {
        let actions = actions(&world);
        let said =
            json!({ "deliveries": delivered, "events": claims.values().collect::<Vec<_>>(), "actions": actions, "undone": due });
        data(&said);
    } else {
        for one in &delivered {
            let style = if (200..300).contains(&one.status) { GOOD } else { BAD };
            let told = if one.reply == "duplicate" { ": these events were already received" } else { "" };
            say!("{}  {}  {}{told}", paint(NAME, &one.file), one.source, paint(style, format!("{} {}", one.status, one.reply)));
            one.changed.iter().for_each(|changed| say!("  {}", paint(WARN, changed)));
            one.keys.iter().filter_map(|key| claims.get(key)).for_each(tell);
        }
        tell_actions(&world);
        due.iter().for_each(tell_undone);
        let files = delivered.len();
        say!(
            "{}",
            paint(
                FAINT,
                format!("{}, {}, {} dead-lettered", count(files, "delivery"), count(claims.len(), "event"), dead(&claims))
            )
        );
    }
    Ok(if good && dead(&claims) == 0 && due.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Replays events that were received before.
pub(super) async fn events(options: &ReplayOptions, events: Vec<Envelope>) -> Result<ExitCode, Failure> {
    let mut world = World::new(chosen(options)?, schemas(&options.file)?, begin(&events));
    world.play(events).await;
    let claims = claims(&world);
    let due = undone(&mut world);
    if options.file.json {
        data(&played(&world, &claims, &due));
    } else {
        claims.values().for_each(tell);
        tell_actions(&world);
        due.iter().for_each(tell_undone);
        say!("{}", paint(FAINT, format!("{}, {} dead-lettered", count(claims.len(), "event"), dead(&claims))));
    }
    Ok(if dead(&claims) == 0 && due.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Replays events with the rules of a project: what `--json` prints.
pub(crate) async fn json(location: &Location, events: Vec<Envelope>) -> Result<Value, Failure> {
    let Configuration { rules, schemas, .. } = location.files()?.read().map_err(|report| refused(&report))?;
    let mut world = World::new(rules, EventSchemas::new(schemas), begin(&events));
    world.play(events).await;
    let due = undone(&mut world);
    Ok(played(&world, &claims(&world), &due))
}

fn played(world: &World, claims: &BTreeMap<ClaimKey, Claim>, due: &[FailedMessage]) -> Value {
    json!({ "events": claims.values().collect::<Vec<_>>(), "actions": actions(world), "undone": due })
}

/// The rules to replay with.
fn chosen(options: &ReplayOptions) -> Result<tidings_config::rules::Rules, Failure> {
    match &options.against {
        Some(against) => other_rules(against, &options.file),
        None => rules(&options.file),
    }
}

fn claims(world: &World) -> BTreeMap<ClaimKey, Claim> {
    world.claims().into_iter().map(|claim| (claim.key.clone(), claim)).collect()
}

fn dead(claims: &BTreeMap<ClaimKey, Claim>) -> usize {
    claims.values().filter(|claim| claim.state == ClaimState::Dead).count()
}

/// A due message that failed: a timer, or a message that waited. The claims of dead-lettered events record their
/// failures.
#[derive(Debug, Serialize)]
struct FailedMessage {
    key: Option<ClaimKey>,
    reason: String,
}

fn undone(world: &mut World) -> Vec<FailedMessage> {
    let ours = world.take_failed().into_iter().filter(Failed::is_ours);
    ours.map(|Failed { key, reason }| FailedMessage { key, reason }).collect()
}

fn tell_undone(undone: &FailedMessage) {
    let key = undone.key.as_ref().map_or("an internal message", ClaimKey::as_str);
    say!("  {} scheduled: {key}  dead-lettered: {}", tick(false), undone.reason);
}

fn actions(world: &World) -> Vec<Value> {
    let action = |(to, action): (String, tidings_core::action::Action)| json!({ "to": to, "rule": action.rule, "type": action.action_type, "cause": action.cause, "data": action.data });
    world.actions().into_iter().map(action).collect()
}

fn tell(claim: &Claim) {
    let lives = claim.state != ClaimState::Dead;
    say!("  {} {}  {}  {}", tick(lives), claim.key, claim.event_type, end(claim));
    let kept = claim.actions.iter().filter(|action| !action.is_queued());
    kept.for_each(|action| say!("      {}", paint(FAINT, action)));
}

fn tell_actions(world: &World) {
    for (to, action) in world.actions() {
        say!("  {} {} of {}, to {to}: {}", paint(FAINT, "action"), action.rule, action.cause, action.data);
    }
}

fn listed(types: &[impl AsRef<str>]) -> String {
    if types.is_empty() { "no event".to_owned() } else { types.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ") }
}
