//! The arguments of a command, from the parameters of a request.

use super::answer::Problem;
use crate::arguments::invalid;

/// The query's parameters. Empty ones are left out.
pub(super) fn of_query(query: Option<&str>, allowed: &[&str]) -> Result<Vec<(String, String)>, Problem> {
    let given = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let given = given.filter(|(_, value)| !value.is_empty());
    given
        .map(|(name, value)| match allowed.contains(&name.as_ref()) {
            true => Ok((name.into_owned(), value.into_owned())),
            false => Err(invalid(&format!("{name:?} isn't a parameter, allowed: {}", allowed.join(", "))).into()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::options;
    use crate::commands::dlq::DlqRedrive;
    use crate::commands::events::list::EventsList;
    use axum::response::IntoResponse as _;

    fn given(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), value.to_owned())]
    }

    #[test]
    fn a_parameter_is_parsed_as_the_option_of_its_name() {
        let parsed: EventsList = options(&given("state", "dead"), &[]).unwrap();
        assert_eq!(parsed.filter.state.map(|state| state.as_str()), Some("dead"));
        for (name, value) in [("state", "lost"), ("since", "yesterday"), ("limit", "0"), ("limit", "1001"), ("type", "")] {
            assert!(options::<EventsList>(&given(name, value), &[]).is_err(), "{name}={value}");
        }
    }

    #[test]
    fn a_value_never_becomes_an_option() {
        for value in ["--yes", "x --yes", "-", "--", "--stack=other"] {
            let parsed: DlqRedrive = options(&given("reason", value), &[]).unwrap();
            assert_eq!(parsed.filter.reason.as_deref(), Some(value));
            assert!(parsed.confirm.ask().is_none());
        }
        let confirmed: DlqRedrive = options(&[], &["yes"]).unwrap();
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
