//! Prints a conversation's facts and node.

use crate::style::{FAINT, NAME, STRONG, WARN, paint, say, short};
use tidings_config::time::{Clock, SystemClock};
use tidings_core::action::{Preference, Preferences};
use tidings_core::context::{Context, Order, PREFERENCES};
use tidings_core::manual::{self, Correction};

/// Prints a conversation's facts and node.
pub(crate) fn print(context: &Context) {
    let node = context.node.as_ref().and_then(|fact| fact.value.as_str());
    let by_hand = context.node.as_ref().is_some_and(|fact| Correction::is_key(&fact.order.key));
    let by_hand = if by_hand { paint(FAINT, " by hand") } else { String::new() };
    let stands = node.map(|node| format!("  at {}{by_hand}", paint(NAME, node))).unwrap_or_default();
    say!("{}{stands}", paint(STRONG, &context.conversation));
    if !context.identities.is_empty() {
        say!("  {} {}", paint(FAINT, "also"), paint(NAME, context.identities.join(", ")));
    }
    let unreadable = unreadable_preferences(context);
    let width = context.entities.values().flat_map(|facts| facts.keys()).map(|name| name.chars().count()).max().unwrap_or(0);
    for (entity, facts) in &context.entities {
        say!("  {}", paint(NAME, entity));
        for (name, fact) in facts {
            let from = from(&fact.order);
            let value = short(&fact.value.to_string(), 48);
            say!("    {name:<width$}  {value:<48}  {}", paint(FAINT, from));
            if entity == PREFERENCES && unreadable.iter().any(|preference| preference.as_str() == name) {
                let what = "can't be read, so notifications are withheld; docs/configuration.md lists the allowed values";
                say!("    {:<width$}  {}", "", paint(WARN, what));
            }
        }
    }
}

/// Stored preferences that this version can't read. They suppress notifications. A context doesn't include expired
/// ones.
pub(crate) fn unreadable_preferences(context: &Context) -> Vec<Preference> {
    Preferences::read(context.entities.get(PREFERENCES), SystemClock.now()).unreadable()
}

/// The source of a fact: an event, or a person who set it.
fn from(order: &Order) -> String {
    let Order { time, key, .. } = order;
    match manual::applied_again(key) {
        _ if Correction::is_key(key) => format!("{time} by manual change: {key}"),
        Some(event) => format!("{time} by {}, applied again", short(event, 40)),
        None => format!("{time} by {}", short(key.as_str(), 40)),
    }
}
