//! `tidings context erase`: deletes everything that the tables store of a conversation. Without `--yes` it prints what
//! it would delete and deletes nothing. It also prints what it can't reach, and what to do about it.

use super::subject::{identity_of, subject_data};
use crate::Failure;
use crate::confirm::Confirm;
use crate::limits::INDEX_LAG;
use crate::stack::{Counts, Eraser, NotErased};
use crate::style::{FAINT, GOOD, NAME, STRONG, WARN, count, data, paint, say};
use crate::target::TargetOptions;
use crate::target::{QueueCount, queue_counts, reader};
use clap::Args;
use serde_json::json;
use std::process::ExitCode;
use tidings_config::time::{Clock, SystemClock};

#[derive(Debug, Args)]
#[command(after_help = "This can't be undone. What is deleted, what stays, and which copies it can't delete: \
        docs/privacy.md\n\nExamples:\n  \
        tidings context erase whatsapp:491713920012 --stack tidings    dry run\n  \
        tidings context erase whatsapp:491713920012 --stack tidings --yes    delete it")]
pub struct ContextErase {
    /// Conversation, as rules.yaml and the presets name it
    pub conversation: String,
    #[command(flatten)]
    pub confirm: Confirm,
    #[command(flatten)]
    pub target: TargetOptions,
}

/// What happens to an event of the conversation that is in a queue.
const IN_FLIGHT: &str = "an event that isn't processed yet isn't a duplicate; if it is processed later, it creates a new context";

pub(crate) async fn run(options: ContextErase) -> Result<ExitCode, Failure> {
    let (name, target) = (&options.conversation, &options.target);
    let reader = reader(target).await?;
    let subject_data = subject_data(&reader, name, target).await?;
    let queues = queue_counts(&target.at).await?;
    let Some(confirmed) = options.confirm.ask() else {
        let (counts, names) = (subject_data.counts(), &subject_data.names);
        if target.json {
            data(&json!({"erased": false, "conversation": name, "names": names, "found": counts, "queues": queues}));
        } else {
            say!("{} {}", paint(WARN, "would erase"), paint(STRONG, name));
            found(names, &counts);
            unreached(&queues);
            say!("{}", paint(FAINT, "dry run, nothing was deleted: --yes applies the change"));
        }
        return Ok(ExitCode::SUCCESS);
    };
    let erased = Eraser::new(reader, INDEX_LAG).erase(name, SystemClock.now(), confirmed).await;
    let erasure = erased.map_err(|why| not_erased(name, &why))?;
    if target.json {
        let (counts, looks) = (erasure.counts, erasure.looks);
        data(
            &json!({"erased": true, "conversation": name, "names": subject_data.names, "deleted": counts, "looks": looks, "left": 0, "queues": queues}),
        );
    } else {
        say!("{} {}", paint(GOOD, "erased"), paint(STRONG, name));
        found(&subject_data.names, &erasure.counts);
        say!("  {:<9} pass {}: nothing is left in the tables", "", erasure.looks);
        unreached(&queues);
    }
    Ok(ExitCode::SUCCESS)
}

fn found(names: &[String], counts: &Counts) {
    if let [_, identities @ ..] = names
        && !identities.is_empty()
    {
        say!("  {:<9} {}", "also", paint(NAME, identities.join(", ")));
    }
    let Counts {
        entities,
        nodes,
        deferred,
        outboxes,
        joins,
        turns,
        reminders,
        links,
        unknown,
        claims,
        timers,
        waiting,
        feeds,
        sends,
        published,
    } = counts;
    let items = [
        (*entities, "entities"),
        (*nodes, "node"),
        (*deferred, "deferred notifications"),
        (*outboxes, "outbox"),
        (*joins, "joins"),
        (*turns, "turns"),
        (*reminders, "reminders"),
        (*links, "links"),
        (*feeds, "of the feed"),
        (*unknown, "of an unknown format version"),
    ];
    let total: usize = items.iter().map(|(n, _)| n).sum();
    let items: Vec<_> = items.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    say!("  {:<9} {total}: {}", "items", if items.is_empty() { "none".to_owned() } else { items.join(", ") });
    say!("  {:<9} {claims}; only their keys stay, so that later duplicates are recognised", "claims");
    if *timers > 0 {
        say!("  {:<9} {timers} stored for later", "timers");
    }
    if *waiting > 0 {
        say!("  {:<9} {waiting} scheduled, cancelled", "messages");
    }
    if *sends > 0 {
        say!("  {:<9} {sends} records; what stays is the state, so that nothing is sent twice", "sends");
    }
    if *published > 0 {
        say!("  {:<9} {published} messages to endpoints and their deliveries", "webhooks");
    }
}

/// Prints what is stored outside the tables.
fn unreached(queues: &[QueueCount]) {
    say!("  {}", paint(STRONG, "not deleted by this command"));
    let count = |queue: &str| {
        queues
            .iter()
            .find(|q| q.queue == queue)
            .map_or_else(String::new, |q| format!(" ({})", count(usize::try_from(q.messages).unwrap_or(usize::MAX), "message")))
    };
    say!("    events queue{}: {IN_FLIGHT}. Erase again when it is empty", count("events"));
    say!(
        "    dead-letter queue{}: messages keep their payload up to 14 days. A redrive doesn't apply messages that were \
         dead-lettered under this name",
        count("dead letters")
    );
    say!("    actions queue{}: actions that were sent to the bot, and what the bot stores itself", count("actions"));
    for (queue, what) in [
        ("all actions", "actions that aren't said yet: they are said"),
        ("published", "what isn't stored for endpoints yet. Erase again when it is empty"),
    ] {
        if queues.iter().any(|q| q.queue == queue) {
            say!("    {queue}{}: {what}", count(queue));
        }
    }
    say!("    backups and logs: point-in-time recovery covers 35 days; logs contain conversation names until they expire");
}

fn not_erased(name: &str, why: &NotErased) -> Failure {
    let again = "run it again: it continues where it stopped";
    match why {
        NotErased::Identity { conversation } => identity_of(name, conversation),
        NotErased::Unavailable(error) => {
            Failure::new(format!("{name:?} isn't erased yet: {} failed: {}", error.call, error.cause)).hint(again)
        }
        NotErased::Restless => {
            Failure::new(format!("{name:?} isn't erased: {why}")).hint(format!("new events of it keep arriving; {again}"))
        }
    }
}
