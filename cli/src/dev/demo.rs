//! `--demo`: sends the corpus, waits until every event is processed or dead-lettered, and compares the results with the
//! corpus.
//!
//! The default output is a story: a line for each delivery when it arrives, and a line for each reply of the bot. `-v`
//! shows each step of each event and all results. Differences are always shown.

mod expected;
mod story;

use super::actions::{Chatbot, Done};
use super::cloud::Cloud;
use crate::Failure;
use crate::delivery::{Reply, post, sign};
use crate::facts;
use crate::style::{BAD, FAINT, GOOD, NAME, STRONG, WARN, paint, say, short, tick};
use crate::target::Place;
use aws_sdk_sqs::types::MessageSystemAttributeName;
use expected::{acted, became, deviates, find, knows, matches_claims};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tidings_config::time::{Clock, SystemClock};
use tidings_core::claim::{Claim, ClaimKey, ClaimState};
use tidings_core::envelope::Envelope;
use tidings_events::{Case, corpus};

/// Five receives, a second apart, and some margin.
const PATIENCE: Duration = Duration::from_secs(45);

/// A demo in a running `dev`.
#[derive(Clone, Copy)]
pub(super) struct Demo<'d> {
    pub url: &'d str,
    pub cloud: &'d Cloud,
    pub chatbot: &'d Chatbot,
    pub secrets: &'d str,
    /// Whether each step is shown.
    pub is_verbose: bool,
}

/// A delivery and its response.
struct Sent<'c> {
    case: &'c Case,
    reply: Reply,
}

impl Demo<'_> {
    /// `true` if all results match the corpus.
    pub(super) async fn run(self) -> Result<bool, Failure> {
        let started = Instant::now();
        let sent = self.send_all().await?;
        let claims = self.wait(&sent).await?;
        let dead = self.dead_letters(&claims).await?;
        let done = self.actions().await;

        self.head("The result of each delivery");
        let mut right = sent.iter().map(|one| self.outcome(one, &claims)).filter(|good| *good).count();
        self.head("The chatbot's contexts");
        let mut wanted = sent.len();
        for expected in &corpus().contexts {
            let context = self.cloud.reader().context(&expected.conversation, SystemClock.now()).await;
            let context = context.map_err(|error| Failure::new(error.to_string()))?;
            if self.is_verbose {
                facts::print(&context);
            }
            wanted += 1;
            right += usize::from(knows(&context, expected));
        }
        self.head("The actions for the chatbot");
        if self.is_verbose {
            for action in &done {
                let by = paint(FAINT, format!("by {}", action.rule));
                say!("  {:<24} {}  {by}", short(&action.conversation, 24), action.what());
            }
        }
        wanted += 1;
        right += usize::from(acted(&done));
        self.head("The dead-letter queue");
        let dead_lettered: Vec<&Claim> = claims.values().filter(|c| c.state == ClaimState::Dead).collect();
        if self.is_verbose {
            for claim in &dead_lettered {
                let reason = claim.reason.as_deref().unwrap_or("");
                let receives = claim.receive_count.unwrap_or(0);
                say!("  {}  {receives} receives  {}", paint(NAME, short(claim.key.as_str(), 40)), paint(FAINT, reason));
            }
        }
        wanted += 1;
        right += usize::from(matches_claims(&dead, &dead_lettered));

        let good = right == wanted;
        let seconds = started.elapsed().as_secs_f64();
        let told = if self.is_verbose {
            // Without Tidings' own events: joins, and actions whose time has come.
            let events = claims.keys().filter(|key| !key.is_ours()).count();
            let (deliveries, contexts, actions) = (sent.len(), corpus().contexts.len(), done.len());
            format!(": {deliveries} deliveries, {events} events, {contexts} contexts, {actions} actions, 1 dead-letter queue")
        } else {
            String::new()
        };
        say!("");
        say!("{} {right} of {wanted} match the corpus{told}, in {seconds:.1} s", tick(good));
        Ok(good)
    }

    fn head(self, text: &str) {
        if self.is_verbose {
            say!("");
            say!("{}", paint(STRONG, text));
        }
    }

    async fn send_all<'c>(self) -> Result<Vec<Sent<'c>>, Failure> {
        let sources = tidings_events::project::sources();
        let mut sent = Vec::new();
        let mut story = story::Story::default();
        for case in &corpus().cases {
            let Some(source) = sources.iter().find(|s| s.name == case.source) else {
                say!("{} {}: no source {:?} in the demo's project", paint(WARN, "skipped"), case.name, case.source);
                continue;
            };
            // Deliveries of the story are sent one after the other. All others are sent at once, as providers do.
            let is_told = !self.is_verbose && case.story.is_some();
            // Before it is processed, a repeated event is accepted again.
            if case.after.is_some() || case.repeats || is_told {
                self.wait(&sent).await?;
            }
            if is_told {
                story.listen(self.chatbot).await;
            }
            let request = sign(case, source, self.secrets)?;
            let url = self.url.to_owned();
            let reply = tokio::task::spawn_blocking(move || post(&url, &request)).await;
            let reply = reply.map_err(|error| Failure::new(format!("{}: {error}", case.name)))??;
            sent.push(Sent { case, reply });
            if is_told {
                let claims = self.wait(&sent).await?;
                story.tell(case, &sent[sent.len() - 1].reply, &claims, self.chatbot).await;
            }
        }
        Ok(sent)
    }

    /// The claims of all accepted events, once each is processed or dead-lettered.
    async fn wait(self, sent: &[Sent<'_>]) -> Result<BTreeMap<ClaimKey, Claim>, Failure> {
        let until = Instant::now() + PATIENCE;
        let wanted: usize = sent.iter().filter(|s| !s.case.repeats).map(|s| s.case.expect.events.len()).sum();
        loop {
            let claims = self.cloud.reader().all_claims().await.map_err(|error| Failure::new(error.to_string()))?;
            let claims: BTreeMap<ClaimKey, Claim> = claims.into_iter().map(|claim| (claim.key.clone(), claim)).collect();
            let of_a_provider = claims.values().filter(|claim| !claim.key.is_ours());
            let ended = of_a_provider.filter(|c| matches!(c.state, ClaimState::Processed | ClaimState::Dead)).count();
            if ended >= wanted || Instant::now() > until {
                return Ok(claims);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The claim keys in the dead-letter queue. SQS moves a message at the receive after the last allowed one.
    async fn dead_letters(self, claims: &BTreeMap<ClaimKey, Claim>) -> Result<Vec<ClaimKey>, Failure> {
        let until = Instant::now() + PATIENCE;
        let wanted = claims.values().filter(|c| c.state == ClaimState::Dead).count();
        let mut dead = Vec::new();
        while dead.len() < wanted && Instant::now() < until {
            let received = self
                .cloud
                .sqs
                .receive_message()
                .queue_url(&self.cloud.dead_letter_queue_url)
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

    fn outcome(self, sent: &Sent<'_>, claims: &BTreeMap<ClaimKey, Claim>) -> bool {
        let Sent { case, reply } = sent;
        let expect = &case.expect;
        let found: Vec<Option<&Claim>> = expect.events.iter().map(|event| find(claims, event)).collect();
        let events = expect.events.iter().zip(&found).all(|(event, claim)| claim.is_some_and(|claim| became(claim, event)));
        let good = reply.status == expect.status && reply.word() == expect.reply && events;
        if self.is_verbose || !good {
            let style = if (200..300).contains(&reply.status) { GOOD } else { BAD };
            let answer = format!("{:<16}", format!("{} {}", reply.status, reply.word()));
            let end = |claim: &Claim| claim.outcome.map_or(claim.state.as_str(), |outcome| outcome.as_str()).to_owned();
            let ends: Vec<String> = found.iter().flatten().map(|claim| end(claim)).collect();
            let ends = if ends.is_empty() { "nothing queued".to_owned() } else { ends.join(", ") };
            say!("  {} {:<26} {} {:<24} {}", tick(good), case.name, paint(style, answer), ends, paint(FAINT, &case.about));
        }
        if !good {
            deviates(case, reply, &found);
        }
        good
    }

    /// All actions that the chatbot has performed, once it is done.
    async fn actions(self) -> Vec<Done> {
        let until = Instant::now() + PATIENCE;
        while self.chatbot.done().len() < corpus().actions.len() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.chatbot.done()
    }
}

/// Commands to try in a `dev` that has just shown the demo.
pub(super) fn now_try(url: &str, cloud: &Cloud) {
    let to = if url == crate::dev_client::dev_url() { String::new() } else { format!(" --url {url}") };
    let at = Place::dev(&cloud.endpoint);
    say!("");
    say!("{}", paint(STRONG, "Now try, in another terminal:"));
    for (command, what) in [
        (format!("tidings send stripe{to}"), "a new event each time"),
        (at.command("tidings context show whatsapp:491713920012"), "the bot's context"),
        (at.command("tidings events show 'orders#ord-evt-3666'"), "why that event was dead-lettered"),
    ] {
        say!("  {command:<46} {}", paint(FAINT, what));
    }
}
