//! `at` of an action: a reminder.

use super::{Scalar, expression};
use crate::{Checker, Spanned};
use tidings_config::OneOrMany;
use tidings_config::limits::MAX_REMINDER_BEFORE;
use tidings_config::rules::{Reminder, Span, TypePattern};
use tidings_expressions::Scope;

/// The fields as written.
pub(super) struct ReminderFields {
    pub(super) at: Option<Spanned<Scalar>>,
    pub(super) before: Option<Spanned<Span>>,
    pub(super) by: Option<Spanned<Scalar>>,
    pub(super) unless: Option<Spanned<OneOrMany<TypePattern>>>,
}

/// `None`: the action is made at once. `what` is the subject of messages.
pub(super) fn reminder(checker: &mut Checker<'_>, what: &str, fields: ReminderFields, scope: Scope) -> Option<Reminder> {
    let ReminderFields { at, before, by, unless } = fields;
    let Some(at) = at else {
        let others = [
            (before.map(|before| before.referenced), "before"),
            (by.map(|by| by.referenced), "by"),
            (unless.map(|unless| unless.referenced), "unless"),
        ];
        for (here, word) in others {
            if let Some(here) = here {
                checker.problem(here, format!("`{word}` is for an action with `at`, such as at: data.appointment"));
            }
        }
        return None;
    };
    if scope == Scope::Join {
        let message = format!("{what} is a branch of a join, which knows no date; `at` is for rules");
        checker.problem(at.referenced, message);
    }
    let longest = Span::new(MAX_REMINDER_BEFORE);
    if let Some(before) = before.as_ref().filter(|before| before.value > longest) {
        checker.problem(before.referenced, format!("`before` is {}, allowed: up to {longest}", before.value));
    }
    if let Some(unless) = unless.as_ref().filter(|unless| unless.value.is_empty()) {
        checker.problem(unless.referenced, "`unless` is an empty list: leave it out");
    }
    Some(Reminder {
        at: expression(checker, at, scope),
        before: before.map(|before| before.value),
        // An event that cancels it has fetched nothing.
        by: by.map(|by| expression(checker, by, if scope == Scope::Enriched { Scope::Event } else { scope })),
        unless: unless.map(|unless| unless.value).unwrap_or_default(),
    })
}
