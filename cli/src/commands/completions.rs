//! `tidings completions`: prints the completion script of a shell. The script has the names that this build knows, and
//! those of the project in whose folder it is made.

use crate::Failure;
use crate::project::Location;
use crate::style;
use clap::builder::PossibleValuesParser;
use clap::{Args, Command};
use std::collections::BTreeSet;
use std::process::ExitCode;
use tidings_events::{corpus, samples};
use tidings_project::preset_names;

#[derive(Debug, Args)]
pub struct CompletionsOptions {
    pub shell: clap_complete::Shell,
}

pub(crate) fn run(options: &CompletionsOptions, program: Command) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut with_names(program), "tidings", &mut script);
    style::document(&script);
    Ok(ExitCode::SUCCESS)
}

/// Offers the names of presets, of the project's sources, of the corpus' cases, and the event types that configured
/// sources send. The user may still type another value.
fn with_names(command: Command) -> Command {
    let providers = || preset_names().map(str::to_owned);
    let configured = Location::find().ok().flatten().unwrap_or(Location::Demo).sources().unwrap_or_default();
    let sources: BTreeSet<String> = configured.iter().map(|source| source.provider.clone()).collect();
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
    let names = || offered(configured.iter().map(|source| source.name.clone()));
    let named = |command: Command| command.mut_arg("source", |arg| arg.value_parser(names()));
    let cases = || offered(corpus().cases.iter().map(|case| case.name.clone()));
    let sent = |command: Command| {
        command.mut_arg("provider", |arg| arg.value_parser(names())).mut_arg("case", |arg| arg.value_parser(cases()))
    };
    let captured = |command: Command| command.mut_arg("sources", |arg| arg.value_parser(names()));
    command
        .mut_subcommand("send", sent)
        .mut_subcommand("verify", named)
        .mut_subcommand("rotate", named)
        .mut_subcommand("capture", captured)
        .mut_subcommand("doctor", |command| command.mut_arg("case", |arg| arg.value_parser(cases())))
        .mut_subcommand("providers", |command| command.mut_subcommand("show", show))
        .mut_subcommand("events", |command| command.mut_subcommand("list", filtered).mut_subcommand("tail", filtered))
}

/// clap takes only static text. Leaking is safe: the program ends after it prints the script.
fn offered(names: impl Iterator<Item = String>) -> PossibleValuesParser {
    PossibleValuesParser::new(names.map(|name| &*name.leak()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::Arguments;
    use clap::CommandFactory;

    #[test]
    fn sources_and_cases_are_offered_by_name() {
        let command = with_names(Arguments::command());
        let offers = |name: &str, id: &str| -> Vec<String> {
            let arguments = command.find_subcommand(name).unwrap().get_arguments();
            let values = arguments.filter(|arg| arg.get_id() == id).flat_map(clap::Arg::get_possible_values);
            values.map(|value| value.get_name().to_owned()).collect()
        };
        for (name, id) in [("send", "provider"), ("verify", "source"), ("rotate", "source"), ("capture", "sources")] {
            assert!(offers(name, id).contains(&"orders".to_owned()), "{name}");
        }
        assert!(offers("send", "case").contains(&"stripe-checkout-completed".to_owned()));
        assert_eq!(offers("doctor", "case"), offers("send", "case"));
    }

    #[test]
    fn every_preset_is_offered_by_name() {
        let command = with_names(Arguments::command());
        let show = command.find_subcommand("providers").and_then(|command| command.find_subcommand("show")).unwrap();
        let provider = show.get_arguments().find(|arg| arg.get_id() == "provider").unwrap();
        let offered: Vec<String> = provider.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        assert_eq!(offered, preset_names().collect::<Vec<_>>());
    }
}
