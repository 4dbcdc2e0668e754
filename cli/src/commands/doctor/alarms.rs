//! Checks that the stack's alarms notify somebody. A stack without a topic has hardly any alarms: each costs $0.10 a
//! month.

use super::check::Check;
use crate::target::{Place, config, parameters};

const NAME: &str = "alarms";

pub(super) async fn check(at: &Place, stack: &str) -> Check {
    match parameters(&config(at).await, stack).await {
        Ok(parameters) => of_parameters(stack, &parameters),
        Err(failure) => Check::failed(NAME, failure),
    }
}

fn of_parameters(stack: &str, parameters: &[(String, String)]) -> Check {
    let set = |name: &str| parameters.iter().any(|(key, value)| key == name && !value.is_empty());
    let next = "docs/deploy.md#3-topics-for-alarms shows how to create topics";
    match (set("AlarmTopicArn"), set("PagingTopicArn")) {
        (true, true) => Check::good(NAME, "all alarms notify AlarmTopicArn, and urgent ones also PagingTopicArn"),
        (true, false) => {
            Check::warning(NAME, "all alarms notify AlarmTopicArn; urgent ones page nobody: PagingTopicArn is not set", next)
        }
        (false, true) => Check::warning(NAME, "only urgent alarms notify a topic: AlarmTopicArn is not set", next),
        (false, false) => {
            let said = format!("no alarm of stack {stack} notifies anybody: AlarmTopicArn is not set");
            Check::warning(NAME, said, next)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn a_stack_that_notifies_nobody_gets_a_warning_and_no_failure() {
        let set = |names: &[&str]| {
            let all = ["AlarmTopicArn", "PagingTopicArn"].map(|name| {
                let value = if names.contains(&name) { "arn:aws:sns:eu-central-1:123456789012:t" } else { "" };
                (name.to_owned(), value.to_owned())
            });
            of_parameters("shop", &all)
        };
        for (names, status, said) in [
            (&[][..], Status::Warning, "no alarm of stack shop notifies anybody"),
            (&["PagingTopicArn"], Status::Warning, "AlarmTopicArn is not set"),
            (&["AlarmTopicArn"], Status::Warning, "PagingTopicArn is not set"),
            (&["AlarmTopicArn", "PagingTopicArn"], Status::Good, "all alarms"),
        ] {
            let check = set(names);
            assert_eq!(check.status, status, "{names:?}");
            assert!(check.said.contains(said), "{}", check.said);
        }
        assert_eq!(of_parameters("shop", &[]).status, Status::Warning, "the stack was made from another template");
    }
}
