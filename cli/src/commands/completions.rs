//! `tidings completions`: the script of a shell, with the names that this build knows.

use crate::arguments::Arguments;
use crate::style;
use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory};
use receiver::configured;
use std::collections::BTreeSet;
use tidings_events::samples;

pub(crate) fn completions(shell: clap_complete::Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut with_names(Arguments::command()), "tidings", &mut script);
    style::document(&script);
}

/// A preset is offered by name, and a type of event if a configured source gives it. What is typed may be another one.
fn with_names(command: Command) -> Command {
    let providers = || configured::providers().into_iter().map(|provider| provider.name);
    let sources: BTreeSet<String> = configured::sources().into_iter().map(|source| source.provider).collect();
    let of = |source: &String| -> Vec<String> {
        samples::kinds(&samples::of_preset(source)).iter().map(|kind| kind.event.event_type.clone()).collect()
    };
    let types: BTreeSet<String> = sources.iter().flat_map(of).collect();
    let types = || offered(types.iter().cloned());
    let show = |command: Command| {
        let command = command.mut_arg("provider", |arg| arg.value_parser(offered(providers())));
        command.mut_arg("event_type", |arg| arg.value_parser(types()))
    };
    let filtered = |command: Command| command.mut_arg("event_type", |arg| arg.value_parser(types()));
    command
        .mut_subcommand("providers", |command| command.mut_subcommand("show", show))
        .mut_subcommand("events", |command| command.mut_subcommand("list", filtered).mut_subcommand("tail", filtered))
}

/// clap keeps static text alone, and this program ends when its script is printed.
fn offered(names: impl Iterator<Item = String>) -> PossibleValuesParser {
    PossibleValuesParser::new(names.map(|name| &*name.leak()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_offered_by_name() {
        let command = with_names(Arguments::command());
        let show = command.find_subcommand("providers").and_then(|command| command.find_subcommand("show")).unwrap();
        let provider = show.get_arguments().find(|arg| arg.get_id() == "provider").unwrap();
        let offered: Vec<String> = provider.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        assert_eq!(offered, configured::providers().iter().map(|provider| provider.name.clone()).collect::<Vec<_>>());
    }
}
