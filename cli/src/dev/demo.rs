//! `--demo`: sends the corpus, waits until every event has come to its end, and holds that against what the corpus says.

use super::actions::{Chatbot, Done};
use super::cloud::Cloud;
use crate::Failure;
use crate::commands::context::show::facts;
use crate::commands::send::{Reply, post, sign};
use crate::style::{BAD, FAINT, GOOD, NAME, STRONG, WARN, paint, say, short, tick};
use aws_sdk_sqs::types::MessageSystemAttributeName;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tidings_config::time::{Clock, SystemClock};
use tidings_core::action::NOTIFY_TYPE;
use tidings_core::claim::{Claim, ClaimKey, ClaimState};
use tidings_core::context::Context;
use tidings_core::envelope::Envelope;
use tidings_events::{Case, ExpectedAction, ExpectedContext, ExpectedEvent, corpus};

/// Five receives a second apart, and room.
const PATIENCE: Duration = Duration::from_secs(45);

/// One delivery and what was answered.
struct Sent<'c> {
    case: &'c Case,
    reply: Reply,
}

/// `true` if everything came out as the corpus says.
pub(super) async fn run(url: &str, cloud: &Cloud, chatbot: &Chatbot, secrets: &str) -> Result<bool, Failure> {
    let started = Instant::now();
    let sent = send_all(url, cloud, secrets).await?;
    let claims = wait(cloud, &sent).await?;
    let dead = dead_letters(cloud, &claims).await?;
    let done = actions(chatbot).await;

    say!("");
    say!("{}", paint(STRONG, "What each became"));
    let mut right = sent.iter().map(|one| outcome(one, &claims)).filter(|good| *good).count();
    say!("");
    say!("{}", paint(STRONG, "What the chatbot knows"));
    let mut wanted = sent.len();
    for expected in &corpus().contexts {
        let context =
            cloud.reader().context(&expected.conversation, SystemClock.now()).await.map_err(|e| Failure::new(e.to_string()))?;
        facts(&context);
        wanted += 1;
        right += usize::from(knows(&context, expected));
    }
    say!("");
    say!("{}", paint(STRONG, "What it was asked to do"));
    for action in &done {
        let what = action.text.as_ref().map_or_else(|| action.action_type.clone(), |text| format!("“{text}”"));
        say!("  {:<24} {what}  {}", short(&action.conversation, 24), paint(FAINT, format!("by {}", action.rule)));
    }
    wanted += 1;
    right += usize::from(acted(&done));
    say!("");
    say!("{}", paint(STRONG, "What is in the dead-letter queue"));
    let buried: Vec<&Claim> = claims.values().filter(|c| c.state == ClaimState::Dead).collect();
    wanted += 1;
    right += usize::from(dead_letter_queue(&dead, &buried));

    let good = right == wanted;
    let seconds = started.elapsed().as_secs_f64();
    // Those of our own (a join, an action that is due) aside.
    let events = claims.keys().filter(|key| !key.is_ours()).count();
    let contexts = corpus().contexts.len();
    say!("");
    say!(
        "{} {right} of {wanted} as the corpus says: {} deliveries, {events} events, {contexts} contexts, {} actions, 1 dead-letter queue, in {seconds:.1} s",
        tick(good),
        sent.len(),
        done.len(),
    );
    Ok(good)
}

async fn send_all<'c>(url: &str, cloud: &Cloud, secrets: &str) -> Result<Vec<Sent<'c>>, Failure> {
    let sources = receiver::configured::sources();
    let mut sent = Vec::new();
    for case in &corpus().cases {
        let Some(source) = sources.iter().find(|s| s.name == case.source) else {
            say!("{} {}: no source {:?} in infra/config/sources.yaml", paint(WARN, "left out"), case.name, case.source);
            continue;
        };
        if case.after.is_some() {
            wait(cloud, &sent).await?;
        }
        let request = sign(case, source, secrets)?;
        let url = url.to_owned();
        let reply = tokio::task::spawn_blocking(move || post(&url, &request)).await;
        let reply = reply.map_err(|error| Failure::new(format!("{}: {error}", case.name)))??;
        sent.push(Sent { case, reply });
    }
    Ok(sent)
}

/// The claims of all events that were accepted, once each is processed or dead.
async fn wait(cloud: &Cloud, sent: &[Sent<'_>]) -> Result<BTreeMap<ClaimKey, Claim>, Failure> {
    let until = Instant::now() + PATIENCE;
    let wanted: usize = sent.iter().filter(|s| !s.case.repeats).map(|s| s.case.expect.events.len()).sum();
    loop {
        let claims = all_claims(cloud).await?;
        let of_a_provider = claims.values().filter(|claim| !claim.key.is_ours());
        let ended = of_a_provider.filter(|c| matches!(c.state, ClaimState::Processed | ClaimState::Dead)).count();
        if ended >= wanted || Instant::now() > until {
            return Ok(claims);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn all_claims(cloud: &Cloud) -> Result<BTreeMap<ClaimKey, Claim>, Failure> {
    let claims = cloud.reader().all_claims().await.map_err(|error| Failure::new(error.to_string()))?;
    Ok(claims.into_iter().map(|claim| (claim.key.clone(), claim)).collect())
}

/// The claim keys in the dead-letter queue. SQS moves a message when it would be received once more.
async fn dead_letters(cloud: &Cloud, claims: &BTreeMap<ClaimKey, Claim>) -> Result<Vec<ClaimKey>, Failure> {
    let until = Instant::now() + PATIENCE;
    let wanted = claims.values().filter(|c| c.state == ClaimState::Dead).count();
    let mut dead = Vec::new();
    while dead.len() < wanted && Instant::now() < until {
        let received = cloud
            .sqs
            .receive_message()
            .queue_url(&cloud.dead_letter_queue_url)
            .max_number_of_messages(10)
            .visibility_timeout(0)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await;
        let messages =
            received.map_err(|error| Failure::new(format!("the dead-letter queue: {error}")))?.messages.unwrap_or_default();
        dead = messages.iter().filter_map(|m| Envelope::claim_key_of(m.body()?)).collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(dead)
}

fn outcome(sent: &Sent<'_>, claims: &BTreeMap<ClaimKey, Claim>) -> bool {
    let Sent { case, reply } = sent;
    let expect = &case.expect;
    let found: Vec<Option<&Claim>> = expect.events.iter().map(|event| find(claims, event)).collect();
    let events = expect.events.iter().zip(&found).all(|(event, claim)| claim.is_some_and(|claim| became(claim, event)));
    let good = reply.status == expect.status && reply.word() == expect.reply && events;

    let style = if (200..300).contains(&reply.status) { GOOD } else { BAD };
    let answer = format!("{:<16}", format!("{} {}", reply.status, reply.word()));
    let ends: Vec<String> =
        found.iter().flatten().map(|claim| claim.outcome.map_or(claim.state.as_str(), |o| o.as_str()).to_owned()).collect();
    let ends = if ends.is_empty() { "nothing queued".to_owned() } else { ends.join(", ") };
    say!("  {} {:<26} {} {:<24} {}", tick(good), case.name, paint(style, answer), ends, paint(FAINT, &case.about));
    if !good {
        let wanted = format!("{} {}", expect.status, expect.reply);
        say!("      {} {wanted}, {:?}", paint(BAD, "the corpus says"), expect.events);
        say!("      {} {:?}", paint(BAD, "but it was"), found);
    }
    good
}

fn find<'c>(claims: &'c BTreeMap<ClaimKey, Claim>, event: &ExpectedEvent) -> Option<&'c Claim> {
    claims.values().find(|c| c.event_type == event.event_type && c.key.as_str().starts_with(&event.key))
}

fn became(claim: &Claim, event: &ExpectedEvent) -> bool {
    let conversation = event.conversation.is_none() || event.conversation == claim.conversation;
    match &event.dead {
        Some(reason) => claim.state == ClaimState::Dead && claim.reason.as_ref().is_some_and(|r| r.starts_with(reason)),
        None => claim.state == ClaimState::Processed && claim.outcome == event.outcome && conversation,
    }
}

fn knows(context: &Context, expected: &ExpectedContext) -> bool {
    let node = context.node.as_ref().and_then(|n| n.value.as_str());
    let mut good = node == expected.node.as_deref();
    for (entity, facts) in &expected.facts {
        for (name, value) in facts {
            let seen = context.entities.get(entity).and_then(|facts| facts.get(name)).map(|fact| &fact.value);
            if seen != Some(value) {
                say!("    {} {entity} {name}: {value}, but it was {seen:?}", paint(BAD, "the corpus says"));
                good = false;
            }
        }
    }
    good
}

/// What the chatbot has done, once that is all of it.
async fn actions(chatbot: &Chatbot) -> Vec<Done> {
    let until = Instant::now() + PATIENCE;
    while chatbot.done().len() < corpus().actions.len() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    chatbot.done()
}

fn acted(done: &[Done]) -> bool {
    let seen = |done: &Done| ExpectedAction {
        conversation: done.conversation.clone(),
        rule: done.rule.clone(),
        text: done.text.clone(),
        action_type: Some(done.action_type.clone()).filter(|action_type| action_type != NOTIFY_TYPE),
    };
    let mut seen: Vec<ExpectedAction> = done.iter().map(seen).collect();
    let mut wanted = corpus().actions.clone();
    seen.sort();
    wanted.sort();
    if seen != wanted {
        say!("  {} {wanted:?}", paint(BAD, "the corpus says"));
        say!("  {} {seen:?}", paint(BAD, "but it was"));
    }
    seen == wanted
}

fn dead_letter_queue(dead: &[ClaimKey], buried: &[&Claim]) -> bool {
    for claim in buried {
        let reason = claim.reason.as_deref().unwrap_or("");
        let receives = claim.receive_count.unwrap_or(0);
        say!("  {}  {receives} receives  {}", paint(NAME, short(claim.key.as_str(), 40)), paint(FAINT, reason));
    }
    let mut there: Vec<&ClaimKey> = dead.iter().collect();
    there.sort();
    let recorded: Vec<&ClaimKey> = buried.iter().map(|claim| &claim.key).collect();
    if there != recorded {
        say!("  {} {recorded:?}, but in the queue is {there:?}", paint(BAD, "the claims say"));
    }
    there == recorded
}
