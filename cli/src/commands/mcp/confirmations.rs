//! The tokens of dry runs. A change is applied only with the token of a dry run of the same tool with the same
//! arguments, once, and within ten minutes.

use crate::Failure;
use crate::fence;
use crate::limits::{CONFIRMATION_LIFETIME, MAX_CONFIRMATIONS};
use std::collections::VecDeque;
use std::time::Instant;
use subtle::ConstantTimeEq as _;

/// The dry runs whose change wasn't applied yet, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Confirmations(VecDeque<DryRun>);

#[derive(Debug)]
struct DryRun {
    token: String,
    /// The tool and its arguments.
    call: String,
    at: Instant,
}

impl Confirmations {
    /// The token of a dry run. The oldest one ends if there are too many.
    pub(super) fn ask(&mut self, call: &str, now: Instant) -> Result<String, Failure> {
        let token = fence::mark()?;
        self.0.push_back(DryRun { token: token.clone(), call: call.to_owned(), at: now });
        while self.0.len() > MAX_CONFIRMATIONS {
            self.0.pop_front();
        }
        Ok(token)
    }

    /// Takes a token, which ends it. Errors: it isn't one of a dry run of this call, or it is too old.
    pub(super) fn take(&mut self, token: &str, call: &str, now: Instant) -> Result<(), Failure> {
        self.0.retain(|run| now.saturating_duration_since(run.at) < CONFIRMATION_LIFETIME);
        let place = self.0.iter().position(|run| run.token.as_bytes().ct_eq(token.as_bytes()).into());
        match place.and_then(|place| self.0.remove(place)) {
            Some(run) if run.call == call => Ok(()),
            Some(_) => Err(Failure::new("the token is of a dry run with other arguments, and is used up")
                .hint("call the tool without `confirm`, and confirm that dry run")),
            None => Err(Failure::new("unknown token: it was used, or is older than 10 minutes")
                .hint("call the tool without `confirm`, and confirm that dry run")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_token_confirms_its_own_call_once() {
        let (mut open, now) = (Confirmations::default(), Instant::now());
        let token = open.ask("dlq_drop {}", now).unwrap();
        assert!(open.take("", "dlq_drop {}", now).is_err());
        assert!(open.take(&token[1..], "dlq_drop {}", now).is_err());
        assert!(open.take(&token, "dlq_drop {}", now).is_ok());
        assert!(open.take(&token, "dlq_drop {}", now).is_err(), "used up");
        let other = open.ask("dlq_drop {\"source\":\"a\"}", now).unwrap();
        assert!(open.take(&other, "dlq_drop {}", now).is_err(), "other arguments");
        assert!(open.take(&other, "dlq_drop {\"source\":\"a\"}", now).is_err(), "a wrong use ends it");
    }

    #[test]
    fn a_token_ends_after_ten_minutes() {
        let (mut open, now) = (Confirmations::default(), Instant::now());
        let (late, soon) = (open.ask("a", now).unwrap(), open.ask("a", now).unwrap());
        let almost = now + CONFIRMATION_LIFETIME - Duration::from_millis(1);
        assert!(open.take(&soon, "a", almost).is_ok());
        assert!(open.take(&late, "a", now + CONFIRMATION_LIFETIME).is_err());
    }

    #[test]
    fn dry_runs_are_bounded_and_the_oldest_ends() {
        let (mut open, now) = (Confirmations::default(), Instant::now());
        let tokens: Vec<String> = (0..=MAX_CONFIRMATIONS).map(|_| open.ask("a", now).unwrap()).collect();
        assert!(open.take(&tokens[0], "a", now).is_err());
        assert!(tokens[1..].iter().all(|token| open.take(token, "a", now).is_ok()));
    }
}
