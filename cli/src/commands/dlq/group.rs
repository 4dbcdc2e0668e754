//! Dead-lettered events, grouped by reason.

use super::dead::Dead;
use crate::limits::MAX_REASON_GROUPS;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use tidings_config::time::Timestamp;

/// Events that were dead-lettered for one reason. Numbers in the reason are ignored: "257 bytes" and "300 bytes" are
/// one reason.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Group {
    pub(super) reason: String,
    pub(super) messages: usize,
    pub(super) sources: BTreeSet<String>,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    /// Number of these that a redrive refuses.
    pub(super) too_old: usize,
    /// The key of one of them.
    pub(super) example: Option<String>,
}

/// Limited in number, whatever the queue contains.
#[derive(Default)]
pub(super) struct Groups(BTreeMap<String, Group>);

const OTHERS: &str = "other reasons";

impl Groups {
    pub(super) fn add(&mut self, dead: &Dead) {
        let numbers = dead.reason.chars().map(|c| if c.is_ascii_digit() { '#' } else { c });
        let mut kind: String = numbers.collect();
        while kind.contains("##") {
            kind = kind.replace("##", "#");
        }
        if self.0.len() >= MAX_REASON_GROUPS && !self.0.contains_key(&kind) {
            OTHERS.clone_into(&mut kind);
        }
        let reason = if kind == OTHERS { OTHERS } else { &dead.reason };
        let group = self.0.entry(kind).or_insert_with(|| Group { reason: reason.to_owned(), ..Group::default() });
        group.messages += 1;
        group.too_old += usize::from(dead.too_old);
        if group.sources.len() < MAX_REASON_GROUPS {
            group.sources.insert(dead.source.clone());
        }
        group.first = [group.first, dead.at].into_iter().flatten().min();
        group.last = group.last.max(dead.at);
        if group.example.is_none() {
            group.example = dead.key.as_ref().map(ToString::to_string);
        }
    }

    /// Largest group first.
    pub(super) fn finish(self) -> Vec<Group> {
        let mut groups: Vec<Group> = self.0.into_values().collect();
        groups.sort_by(|a, b| b.messages.cmp(&a.messages).then_with(|| a.reason.cmp(&b.reason)));
        groups
    }
}
