//! The arguments of a command, made from a request and parsed as the command line is: so their meaning, their bounds and
//! their errors are the same.

use super::answer::Problem;
use crate::Failure;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser};

#[derive(Parser)]
#[command(no_binary_name = true, disable_help_flag = true, disable_version_flag = true)]
struct Given<A: Args> {
    #[command(flatten)]
    options: A,
}

/// The options of a command. An argument that begins with dashes is an option only if it is one of `named`.
pub(super) fn options<A: Args>(named: &[(String, String)], flags: &[&str]) -> Result<A, Problem> {
    let named = named.iter().map(|(name, value)| format!("--{name}={value}"));
    let flags = flags.iter().map(|flag| format!("--{flag}"));
    let parsed = Given::<A>::command().try_get_matches_from(named.chain(flags));
    let given = parsed.and_then(|matches| Given::<A>::from_arg_matches(&matches));
    given.map(|given| given.options).map_err(|error| invalid(&error.render().to_string()))
}

/// The query's parameters. Empty ones are left out.
pub(super) fn of_query(query: Option<&str>, allowed: &[&str]) -> Result<Vec<(String, String)>, Problem> {
    let given = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let given = given.filter(|(_, value)| !value.is_empty());
    given
        .map(|(name, value)| match allowed.contains(&name.as_ref()) {
            true => Ok((name.into_owned(), value.into_owned())),
            false => Err(invalid(&format!("{name:?} isn't a parameter, allowed: {}", allowed.join(", ")))),
        })
        .collect()
}

/// The first paragraph of an error of clap: the rest describes the command line.
fn invalid(text: &str) -> Problem {
    let first = text.split("\n\n").next().unwrap_or_default();
    let text = first.strip_prefix("error: ").unwrap_or(first).split_whitespace().collect::<Vec<_>>().join(" ");
    Failure::new(text).status(2).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::dlq::DlqRedrive;
    use crate::commands::events::list::EventsList;
    use axum::response::IntoResponse as _;

    fn given(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), value.to_owned())]
    }

    #[test]
    fn a_parameter_is_parsed_as_the_option_of_its_name() {
        let options: EventsList = super::options(&given("state", "dead"), &[]).unwrap();
        assert_eq!(options.filter.state.map(|state| state.as_str()), Some("dead"));
        for (name, value) in [("state", "lost"), ("since", "yesterday"), ("limit", "0"), ("limit", "1001"), ("type", "")] {
            assert!(super::options::<EventsList>(&given(name, value), &[]).is_err(), "{name}={value}");
        }
    }

    #[test]
    fn a_value_never_becomes_an_option() {
        for value in ["--yes", "x --yes", "-", "--", "--stack=other"] {
            let options: DlqRedrive = super::options(&given("reason", value), &[]).unwrap();
            assert_eq!(options.filter.reason.as_deref(), Some(value));
            assert!(options.confirm.ask().is_none());
        }
        let confirmed: DlqRedrive = super::options(&[], &["yes"]).unwrap();
        assert!(confirmed.confirm.ask().is_some());
    }

    #[test]
    fn only_known_parameters_are_taken_from_a_query() {
        let taken = of_query(Some("source=stripe&text=a%20b&since="), &["source", "text", "since"]).unwrap();
        assert_eq!(taken, [("source".to_owned(), "stripe".to_owned()), ("text".to_owned(), "a b".to_owned())]);
        let refused = of_query(Some("yes=1"), &["source"]).unwrap_err();
        assert_eq!(refused.into_response().status(), 400);
    }
}
