//! The expressions of rules: their places in the file, and the names that they may use.

use tidings_config::rules::{ConversationRule, Effects, Join, PathPart, Rule, Rules};
use tidings_expressions::Scope;

#[derive(Debug)]
pub(crate) struct Placed<'r> {
    /// As in `rule order-shipped, set.carrier`.
    pub(crate) place: String,
    pub(crate) text: &'r str,
    pub(crate) scope: Scope,
}

/// All expressions, in the order of the file.
pub(crate) fn of_all(rules: &Rules) -> Vec<Placed<'_>> {
    let mut found = of_conversations(&rules.conversations);
    found.extend(rules.rules.iter().flat_map(of_rule));
    found.extend(rules.joins.iter().flat_map(of_join));
    found
}

/// One expression for each entry.
pub(super) fn of_conversations(entries: &[ConversationRule]) -> Vec<Placed<'_>> {
    let mut found = Vec::new();
    for (n, entry) in entries.iter().enumerate() {
        add(&mut found, format!("conversations, entry {}", n + 1), entry.whose.expression(), Scope::Event);
    }
    found
}

pub(super) fn of_rule(rule: &Rule) -> Vec<Placed<'_>> {
    let mut found = Vec::new();
    let place = format!("rule {}", rule.name);
    rule.when.iter().for_each(|when| add(&mut found, format!("{place}, when"), when, Scope::Event));
    let scope = if rule.enrich.is_some() { Scope::Enriched } else { Scope::Event };
    if let Some(enrich) = &rule.enrich {
        for part in enrich.path.parts() {
            match part {
                PathPart::Value(value) => add(&mut found, format!("{place}, enrich.path"), value, Scope::Event),
                PathPart::Words(_) => {}
            }
        }
        enrich.version.iter().for_each(|version| add(&mut found, format!("{place}, enrich.version"), version, Scope::Event));
    }
    rule.link.0.iter().for_each(|link| add(&mut found, format!("{place}, link"), link, scope));
    effects(&mut found, &place, &rule.effects, scope);
    found
}

pub(super) fn of_join(join: &Join) -> Vec<Placed<'_>> {
    let mut found = Vec::new();
    let place = format!("join {}", join.name);
    for (n, leg) in join.all.iter().enumerate() {
        leg.when.iter().for_each(|when| add(&mut found, format!("{place}, event {}, when", n + 1), when, Scope::Event));
        add(&mut found, format!("{place}, event {}, by", n + 1), &leg.by, Scope::Event);
    }
    effects(&mut found, &format!("{place}, then"), &join.then, Scope::Join);
    effects(&mut found, &format!("{place}, else"), &join.otherwise, Scope::Join);
    found
}

fn effects<'r>(found: &mut Vec<Placed<'r>>, place: &str, effects: &'r Effects, scope: Scope) {
    effects.entity.iter().for_each(|entity| add(found, format!("{place}, entity"), entity, scope));
    effects.set.iter().for_each(|(fact, assignment)| add(found, format!("{place}, set.{fact}"), &assignment.value, scope));
    for (effect, values) in &effects.values {
        values.iter().for_each(|(fact, value)| add(found, format!("{place}, {effect}.{fact}"), value, scope));
    }
    for (value, _) in effects.notify.iter().flat_map(|notify| notify.text.expressions()) {
        add(found, format!("{place}, notify.text"), value, scope);
    }
    for (field, value) in effects.emit.iter().flat_map(|emit| &emit.data) {
        add(found, format!("{place}, emit.data.{field}"), value, scope);
    }
    let of_notify = effects.notify.iter().filter_map(|notify| notify.reminder.as_ref()).map(|reminder| ("notify", reminder));
    let of_emit = effects.emit.iter().filter_map(|emit| emit.reminder.as_ref()).map(|reminder| ("emit", reminder));
    for (word, reminder) in of_notify.chain(of_emit) {
        add(found, format!("{place}, {word}.at"), &reminder.at, scope);
        let scope = if scope == Scope::Enriched { Scope::Event } else { scope };
        reminder.by.iter().for_each(|by| add(found, format!("{place}, {word}.by"), by, scope));
    }
    let debounce = effects.emit.iter().filter_map(|emit| emit.debounce.as_ref());
    debounce
        .filter_map(|debounce| debounce.by.as_ref())
        .for_each(|by| add(found, format!("{place}, emit.debounce.by"), by, scope));
}

fn add<'r>(found: &mut Vec<Placed<'r>>, place: String, text: &'r str, scope: Scope) {
    found.push(Placed { place, text, scope });
}
