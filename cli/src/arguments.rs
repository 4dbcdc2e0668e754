//! The arguments of a command, made from what a program gives by name and parsed as the command line is: so their meaning,
//! their bounds and their errors are the same.

use crate::Failure;
use clap::{Arg, ArgAction, Args, Command, CommandFactory as _, FromArgMatches as _, Parser};

#[derive(Parser)]
#[command(no_binary_name = true, disable_help_flag = true, disable_version_flag = true)]
struct Given<A: Args> {
    #[command(flatten)]
    options: A,
}

/// The arguments of a command, as clap knows them.
pub(crate) fn command<A: Args>() -> Command {
    Given::<A>::command()
}

/// The name of an argument: of an option that of the command line, without its dashes.
pub(crate) fn name(argument: &Arg) -> &str {
    argument.get_long().unwrap_or(argument.get_id().as_str())
}

/// The options of a command. A value never becomes an option, whatever it begins with. `flags` are options without a value.
pub(crate) fn options<A: Args>(named: &[(String, String)], flags: &[&str]) -> Result<A, Failure> {
    let command = command::<A>();
    let is_positional = |name: &str| command.get_positionals().any(|argument| self::name(argument) == name);
    let (positional, named): (Vec<_>, Vec<_>) = named.iter().partition(|(name, _)| is_positional(name));
    let named = named.iter().map(|(name, value)| format!("--{name}={value}"));
    let flags = flags.iter().map(|flag| format!("--{flag}"));
    let positional = command
        .get_positionals()
        .filter_map(|argument| positional.iter().find(|(name, _)| self::name(argument) == name).map(|(_, value)| value.clone()));
    let given: Vec<String> = named.chain(flags).chain(["--".to_owned()]).chain(positional).collect();
    let parsed = command.try_get_matches_from(given);
    let given = parsed.and_then(|matches| Given::<A>::from_arg_matches(&matches));
    given.map(|given| given.options).map_err(|error| invalid(&error.render().to_string()))
}

/// Whether an argument is an option without a value.
pub(crate) fn is_flag(argument: &Arg) -> bool {
    matches!(argument.get_action(), ArgAction::SetTrue)
}

/// The first paragraph of an error of clap: the rest describes the command line.
pub(crate) fn invalid(text: &str) -> Failure {
    let first = text.split("\n\n").next().unwrap_or_default();
    let text = first.strip_prefix("error: ").unwrap_or(first).split_whitespace().collect::<Vec<_>>().join(" ");
    Failure::new(text).status(2)
}
