//! Checks facts over all rules: a fact that one rule counts can't be set by another, and a fact that a text uses must
//! be set by a rule.

use crate::{Checker, did_you_mean};
use serde_saphyr::Location;
use std::collections::{BTreeMap, BTreeSet};
use tidings_config::rules::{Ladder, Rules, ValueEffect, gives_prose};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Register,
    Ladder,
    Counter,
    Set,
}

impl Kind {
    /// The kind of fact that the effect makes.
    pub(super) const fn of(effect: ValueEffect) -> Self {
        match effect {
            ValueEffect::Count => Self::Counter,
            ValueEffect::Add | ValueEffect::Remove => Self::Set,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Register => "set",
            Self::Ladder => "a ladder",
            Self::Counter => "counted",
            Self::Set => "a set of elements",
        }
    }
}

#[derive(Default)]
pub(super) struct Kinds {
    written: BTreeMap<String, Kind>,
    ladders: BTreeMap<String, Ladder>,
    told: Vec<(Location, String)>,
    /// Facts that contain prose.
    prose: BTreeSet<String>,
    forgotten: Vec<(Location, String)>,
}

impl Kinds {
    pub(super) fn written(&mut self, checker: &mut Checker<'_>, at: Location, fact: &str, kind: Kind) {
        let first = *self.written.entry(fact.to_owned()).or_insert(kind);
        if first != kind {
            checker
                .problem(at, format!("fact {fact:?} is {} here and {} above; a fact has one kind", kind.words(), first.words()));
        }
    }

    /// Records that a fact is set: as a ladder, or by the newest event.
    pub(super) fn set(&mut self, checker: &mut Checker<'_>, at: Location, fact: &str, ladder: Option<&Ladder>) {
        self.written(checker, at, fact, if ladder.is_some() { Kind::Ladder } else { Kind::Register });
        if let Some(ladder) = ladder
            && self.ladders.entry(fact.to_owned()).or_insert_with(|| ladder.clone()) != ladder
        {
            checker.problem(at, format!("fact {fact:?} has a different ladder above; a fact has one ladder"));
        }
    }

    /// Records the expression that a fact is set to.
    pub(super) fn holds(&mut self, fact: &str, expression: &str) {
        if gives_prose(expression) {
            self.prose.insert(fact.to_owned());
        }
    }

    /// Marks facts that contain prose in the texts, since a fact's name may differ from its field's.
    pub(super) fn mark_prose(&self, rules: &mut Rules) {
        let branches = rules.joins.iter_mut().flat_map(|join| [&mut join.then, &mut join.otherwise]);
        for effects in rules.rules.iter_mut().map(|rule| &mut rule.effects).chain(branches) {
            if let Some(notify) = &mut effects.notify {
                notify.text.mark_prose(&self.prose);
            }
        }
    }

    pub(super) fn told(&mut self, at: Location, fact: &str) {
        self.told.push((at, fact.to_owned()));
    }

    pub(super) fn forgotten(&mut self, at: Location, fact: &str) {
        self.forgotten.push((at, fact.to_owned()));
    }

    /// Reports problems, after all rules are read.
    pub(super) fn finish(self, checker: &mut Checker<'_>) {
        let hint = |fact: &str| did_you_mean(fact, self.written.keys().map(String::as_str));
        for (at, fact) in self.told {
            if !self.written.contains_key(&fact) {
                checker.problem(at, format!("no rule sets a fact {fact:?}{}", hint(&fact)));
            }
        }
        for (at, fact) in self.forgotten {
            match self.written.get(&fact) {
                Some(Kind::Register) => {}
                None => checker.problem(at, format!("no rule sets a fact {fact:?}{}", hint(&fact))),
                Some(kind @ (Kind::Ladder | Kind::Counter | Kind::Set)) => {
                    checker.problem(at, format!("fact {fact:?} is {}; only facts that are set can be unset", kind.words()));
                }
            }
        }
    }
}
