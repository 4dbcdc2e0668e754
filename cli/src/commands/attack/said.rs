//! The output of `tidings attack`.

use super::sending::{Answer, Outcome};
use crate::limits::WRONG_ANSWERS_SHOWN;
use crate::style::{BAD, FAINT, GOOD, NAME, count, data, paint, say, short, tick};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tidings_config::source::Source;
use tidings_events::attack::Attack;

pub(super) fn list(attacks: &[&Attack], json: bool) {
    if json {
        data(&attacks.iter().map(|attack| listed(attack)).collect());
        return;
    }
    for attack in attacks {
        let ids = attack.classes.join(", ");
        say!("{:<28} {:>4}  {} {}", attack.name, attack.attempts().len(), attack.about, paint(FAINT, ids));
    }
    let attempts = attacks.iter().map(|attack| attack.attempts().len()).sum();
    say!("{}", paint(FAINT, format!("{}, {}", count(attacks.len(), "attack"), count(attempts, "attempt"))));
}

fn listed(attack: &Attack) -> Value {
    let attempts: Vec<Value> =
        attack.attempts().iter().map(|attempt| json!({ "name": attempt.name(), "what": attempt.shown() })).collect();
    json!({
        "name": attack.name,
        "about": attack.about,
        "classes": attack.classes,
        "needs_secret": attack.needs_secret(),
        "right": attack.right.shown(),
        "attempts": attempts,
    })
}

pub(super) fn dry_run(url: &str, sources: usize, requests: usize, json: bool) {
    if json {
        data(&json!({ "url": url, "dry_run": true, "sources": sources, "requests": requests }));
        return;
    }
    say!("{} to {} of {url}", count(requests, "hostile request"), count(sources, "source"));
    say!("{}", paint(FAINT, "nothing was sent. --yes sends them: attack only what is yours"));
}

pub(super) struct Report<'r> {
    pub(super) url: &'r str,
    pub(super) sources: &'r [Source],
    pub(super) attacks: &'r [&'r Attack],
    pub(super) outcomes: &'r [Outcome<'r>],
}

impl Report<'_> {
    pub(super) fn is_right(&self) -> bool {
        self.wrong().next().is_none() && self.telltale().is_empty() && !self.outcomes.is_empty()
    }

    fn wrong(&self) -> impl Iterator<Item = &Outcome<'_>> {
        self.outcomes.iter().filter(|outcome| !outcome.is_right)
    }

    /// Sources whose refusals with 401 differ, so that a stranger learns which check failed.
    fn telltale(&self) -> Vec<&str> {
        let mut told: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for outcome in self.outcomes.iter().filter(|outcome| outcome.is_refusal) {
            if let Answer::Status { told: text, .. } = &outcome.answer {
                told.entry(&outcome.source).or_default().insert(text);
            }
        }
        told.into_iter().filter(|(_, texts)| texts.len() > 1).map(|(source, _)| source).collect()
    }

    pub(super) fn print_json(&self) {
        let wrong: Vec<Value> = self
            .wrong()
            .map(|outcome| {
                let (status, why) = seen(&outcome.answer);
                json!({
                    "source": outcome.source,
                    "name": outcome.name,
                    "what": outcome.shown,
                    "right": outcome.right,
                    "status": status,
                    "why": why,
                })
            })
            .collect();
        data(&json!({
            "url": self.url,
            "sources": self.sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>(),
            "requests": self.outcomes.len(),
            "right": self.outcomes.len() - wrong.len(),
            "wrong": wrong,
            "refusals_differ": self.telltale(),
        }));
    }

    pub(super) fn print(&self) {
        for attack in self.attacks {
            let of = || self.outcomes.iter().filter(|outcome| outcome.attack == attack.name);
            let (sent, wrong) = (of().count(), of().filter(|outcome| !outcome.is_right).count());
            if sent > 0 {
                let counted = if wrong == 0 { format!("{sent}") } else { paint(BAD, format!("{wrong} of {sent} wrong")) };
                say!("  {} {:<28} {counted:>6}  {}", tick(wrong == 0), attack.name, paint(FAINT, &attack.about));
            }
        }
        let wrong = self.wrong().count();
        for outcome in self.wrong().take(WRONG_ANSWERS_SHOWN) {
            let (status, why) = seen(&outcome.answer);
            let answer = status.map_or(why, |status| status.to_string());
            let what = format!("{} {}", paint(NAME, &outcome.source), outcome.name);
            say!("{what}: {}, right: {}; {}", paint(BAD, answer), outcome.right, short(&outcome.shown, 120));
        }
        if wrong > WRONG_ANSWERS_SHOWN {
            say!("{}", paint(FAINT, format!("and {} more: --json lists all", wrong - WRONG_ANSWERS_SHOWN)));
        }
        for source in self.telltale() {
            say!("{}: {}", paint(NAME, source), paint(BAD, "its refusals differ, so a stranger learns which check failed"));
        }
        let (sources, requests) = (count(self.sources.len(), "source"), count(self.outcomes.len(), "hostile request"));
        let held = self.outcomes.len() - wrong;
        let style = if self.is_right() { GOOD } else { BAD };
        say!("{requests} to {sources}: {}", paint(style, format!("{held} answered right, {wrong} wrong")));
    }
}

/// The status, or why there is none.
fn seen(answer: &Answer) -> (Option<u16>, String) {
    match answer {
        Answer::Status { status, .. } => (Some(*status), String::new()),
        Answer::None(why) => (None, format!("no answer: {why}")),
        Answer::NotGenuine(status) => {
            (None, format!("the genuine request before it was refused with {status}: are these the source's secrets?"))
        }
    }
}
