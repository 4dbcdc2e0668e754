//! `tidings events list`: lists the newest events, newest first. An empty list is a success.

use super::find::EventsFilter;
use super::find::{find, line, unknown};
use crate::Failure;
use crate::limits::{EVENTS_LISTED, MAX_EVENTS_LISTED};
use crate::style::{data_of, note, say};
use crate::target::TargetOptions;
use crate::target::reader;
use clap::Args;
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(
    after_help = "Without --conversation the whole claims table is read, which is billed; standard error shows how many claims \
        were read. Times are then times of receipt; with --conversation they are the events' own times, and only the \
        conversation's events are read.\n\nExamples:\n  \
        tidings events list --conversation whatsapp:491713920012\n  \
        tidings events list --stack tidings --state dead --since 2h\n  \
        tidings events list --text order/1042\n  \
        tidings events list --source orders --type 'order.*' \\\n      --since 2026-11-20T00:00:00Z --until 1d --json"
)]
pub struct EventsList {
    #[command(flatten)]
    pub filter: EventsFilter,
    /// How many at most
    #[arg(long, value_name = "NUMBER", default_value_t = EVENTS_LISTED, value_parser = number)]
    pub limit: usize,
    #[command(flatten)]
    pub target: TargetOptions,
}

fn number(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MAX_EVENTS_LISTED).contains(number));
    number.ok_or_else(|| format!("allowed: 1 to {MAX_EVENTS_LISTED}"))
}

pub(crate) async fn run(options: EventsList) -> Result<ExitCode, Failure> {
    let EventsList { filter, limit, target } = &options;
    let found = find(&reader(target).await?, filter, *limit, &target.at).await?;
    if target.json {
        data_of(&found.claims)?;
    } else {
        found.claims.iter().for_each(|claim| say!("{}", line(claim, filter.conversation.is_some())));
    }
    let shown = found.claims.len();
    if shown == 0 {
        note("no event matches");
    } else if shown == *limit {
        note(&format!("only the newest {shown} are shown; for more use --limit or --until"));
    }
    if filter.conversation.is_none() {
        note(&format!(
            "{} claims read: the whole table. With --conversation only the conversation's claims are read",
            found.read
        ));
    }
    unknown(&found).iter().for_each(|text| note(text));
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_events_has_bounds() {
        assert_eq!((number("1"), number("1000")), (Ok(1), Ok(MAX_EVENTS_LISTED)));
        for bad in ["0", "1001", "-1", "many"] {
            assert!(number(bad).unwrap_err().contains("1 to 1000"), "{bad}");
        }
    }
}
