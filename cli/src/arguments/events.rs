//! `tidings events`, as it is called.

use super::TargetOptions;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use clap::{Args, Subcommand};
use std::str::FromStr;
use tidings_config::limits::{EVENTS_LISTED, MAX_EVENTS_LISTED, MIN_TAIL_PAUSE};
use tidings_config::rules::{Span, TypePattern};
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimState;

#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// An event's claim: how far it got, and what came of it
    Show(EventsShow),
    /// The newest events, newest first
    List(EventsList),
    /// Events as they come and as they get further, until Ctrl-C
    Tail(EventsTail),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        tidings events show stripe#evt_1TidingsCheckout1042\n  \
        tidings events show orders#ord-evt-3666 --stack tidings --json\n  \
        tidings events show orders#ord-evt-3001 --stack tidings --payload     the event itself, where the stack has KeepEvents=true")]
pub struct EventsShow {
    /// The claim key: {source}#{event key}
    pub key: String,
    /// What it carries, too, if it is kept
    #[arg(long)]
    pub payload: bool,
    #[command(flatten)]
    pub target: TargetOptions,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Without --conversation the whole claims table is read, and billed so; standard error says how much that was. Times \
        are then those of receipt; with --conversation they are the events' own, and only its events are read.\n\nExamples:\n  \
        tidings events list --conversation whatsapp:491713920012\n  \
        tidings events list --stack tidings --state dead --since 2h\n  \
        tidings events list --source orders --type 'order.*' --since 2026-11-20T00:00:00Z --until 1d --json"
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

#[derive(Debug, Args)]
#[command(after_help = "Each event is printed once for each state that it is seen in, oldest first; of those there \
        are already, the newest 50. Without --conversation the whole claims \
        table is read at each look, and billed so. With --json each line is an object.\n\nExamples:\n  \
        tidings events tail\n  \
        tidings events tail --stack tidings --conversation whatsapp:491713920012\n  \
        tidings events tail --stack tidings --state dead --every 1m --json")]
pub struct EventsTail {
    #[command(flatten)]
    pub filter: EventsFilter,
    /// Pause between two looks, as in 2s or 1m
    #[arg(long, value_name = "SPAN", default_value = "2s", value_parser = pause)]
    pub every: Span,
    /// Look once, and end
    #[arg(long)]
    pub once: bool,
    #[command(flatten)]
    pub target: TargetOptions,
}

/// Which events.
#[derive(Clone, Debug, Args)]
pub struct EventsFilter {
    /// Those of a conversation and its identities
    #[arg(long, value_name = "NAME")]
    pub conversation: Option<String>,
    /// Those of a source
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Those of a type, as rules.yaml names it: order.shipped, order.*
    #[arg(long = "type", value_name = "TYPE")]
    pub event_type: Option<TypePattern>,
    /// Those that got this far
    #[arg(long, value_parser = state())]
    pub state: Option<ClaimState>,
    /// Not older than this: RFC 3339, or how long ago, as in 2h
    #[arg(long, value_name = "TIME")]
    pub since: Option<When>,
    /// Not newer than this
    #[arg(long, value_name = "TIME")]
    pub until: Option<When>,
}

/// A time as people say it.
#[derive(Clone, Copy, Debug)]
pub enum When {
    At(Timestamp),
    Ago(Span),
}

impl When {
    pub fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(span) => now.minus(span.duration()),
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ago = || text.parse().map(Self::Ago);
        let neither = |_| format!("{text:?} is no time; as in 2026-11-20T15:00:00Z, or 90s, 10m, 24h, 7d ago");
        Timestamp::parse_rfc3339(text).map_or_else(ago, |at| Ok(Self::At(at))).map_err(neither)
    }
}

fn state() -> impl TypedValueParser<Value = ClaimState> {
    PossibleValuesParser::new(ClaimState::ALL.iter().map(|state| state.as_str()))
        .map(|word| ClaimState::parse(&word).expect("one of those"))
}

fn number(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MAX_EVENTS_LISTED).contains(number));
    number.ok_or_else(|| format!("allowed: 1 to {MAX_EVENTS_LISTED}"))
}

fn pause(text: &str) -> Result<Span, String> {
    let span: Span = text.parse()?;
    if span.duration() < MIN_TAIL_PAUSE { Err(format!("allowed: {} s or more", MIN_TAIL_PAUSE.as_secs())) } else { Ok(span) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_point_or_how_long_ago_it_was() {
        let now = Timestamp::parse_rfc3339("2026-11-24T12:00:00Z").unwrap();
        for (text, expected) in [("2h", "2026-11-24T10:00:00.000Z"), ("2026-11-20T15:30:00+01:00", "2026-11-20T14:30:00.000Z")] {
            assert_eq!(text.parse::<When>().unwrap().from(now).to_string(), expected, "{text}");
        }
        for bad in ["", "yesterday", "0s", "-2h", "2026-11-20"] {
            assert!(bad.parse::<When>().unwrap_err().contains("90s, 10m, 24h, 7d ago"), "{bad}");
        }
    }

    #[test]
    fn limits_hold_on_both_sides() {
        assert_eq!((number("1"), number("1000")), (Ok(1), Ok(MAX_EVENTS_LISTED)));
        for bad in ["0", "1001", "-1", "many"] {
            assert!(number(bad).unwrap_err().contains("1 to 1000"), "{bad}");
        }
        assert!(pause("1s").is_ok() && pause("0s").is_err());
    }
}
