//! Tries events on rules part by part: the deployed planner plans each part alone and reports what fails.

use super::super::expressions::{Placed, of_join, of_rule};
use processor::decode::Message;
use processor::plan::Plan;
use processor::planner::{Fetched, Planner, without_payload};
use serde_json::Value;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use tidings_config::OneOrMany;
use tidings_config::rules::{
    ConversationRule, Effects, Emit, Enrich, FetchPath, Join, Leg, Notify, Reminder, Rule, Rules, TypePattern, Whose, is_about,
};
use tidings_core::action::in_a_text;
use tidings_core::envelope::Envelope;
use tidings_expressions::{Expression, Lack, Place, Scope, Step, Variables};

/// A valid value for every part. It replaces the other parts while one part is tried.
const ANYTHING: &str = "'x'";

/// What can fail for an event by itself: the entries of `conversations`, a rule, or an event of a join.
#[derive(Debug)]
pub(super) struct Probe<'r> {
    pub(super) of: ProbeSubject<'r>,
    whole: Part<'r>,
    parts: OnceCell<Vec<Part<'r>>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum ProbeSubject<'r> {
    Conversations(&'r [ConversationRule]),
    /// By its position in the file.
    Rule(usize, &'r Rule),
    /// By its position in the file, and the event's position in `all`.
    Leg(usize, &'r Join, usize),
}

/// One part. Everything that is planned before it is replaced by harmless values.
#[derive(Debug)]
struct Part<'r> {
    /// The planner's name for the part.
    field: String,
    planner: Planner,
    /// Whether the part belongs to `enrich`.
    fetches: bool,
    expressions: Vec<Placed<'r>>,
}

/// A part that has no value for an event.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// As in `rule order-shipped, set.carrier`.
    pub(super) part: String,
    /// As in `set.carrier`.
    pub(super) field: String,
    /// For `conversations`: the index of the entry.
    pub(super) entry: usize,
    pub(super) expression: String,
    pub(super) place: Option<Place>,
    /// The longest path through that place that the expression reads.
    pub(super) way: Option<Place>,
    pub(super) lack: Lack,
    /// The planner's message.
    pub(super) what: String,
}

/// The result of an event.
pub(super) enum ProbeResult {
    /// The rule doesn't match the event.
    Passed,
    /// The rule holds for the event.
    Held,
    Failed(Vec<Found>),
}

impl Found {
    /// Whether it is the condition that decides whether the rest is evaluated.
    pub(super) fn is_condition(&self) -> bool {
        self.field == "when" || self.field.ends_with(".when")
    }
}

impl<'r> Probe<'r> {
    /// The probes of all these rules.
    pub(super) fn all(rules: &'r Rules) -> Vec<Self> {
        let mut all = Vec::new();
        if !rules.conversations.is_empty() {
            all.push(Self::new(ProbeSubject::Conversations(&rules.conversations)));
        }
        all.extend(rules.rules.iter().enumerate().map(|(n, rule)| Self::new(ProbeSubject::Rule(n, rule))));
        for (n, join) in rules.joins.iter().enumerate() {
            all.extend((0..join.all.len()).map(|leg| Self::new(ProbeSubject::Leg(n, join, leg))));
        }
        all
    }

    fn new(of: ProbeSubject<'r>) -> Self {
        Self { of, whole: whole(of), parts: OnceCell::new() }
    }

    pub(super) fn is_about(&self, source: &str, event_type: &str) -> bool {
        let is = |on: &OneOrMany<TypePattern>, sources: &OneOrMany<String>| is_about(on, sources, source, event_type);
        match self.of {
            ProbeSubject::Conversations(entries) => entries.iter().any(|entry| is(&entry.on, &entry.source)),
            ProbeSubject::Rule(_, rule) => is(&rule.on, &rule.source),
            ProbeSubject::Leg(_, join, leg) => join.all.get(leg).is_some_and(|leg| is(&leg.on, &leg.source)),
        }
    }

    /// The expressions that are evaluated over an event.
    pub(super) fn expressions(&self) -> Vec<&Placed<'r>> {
        let parts = self.parts.get_or_init(|| parts(self.of));
        parts.iter().flat_map(|part| &part.expressions).filter(|placed| placed.scope == Scope::Event).collect()
    }

    pub(super) fn try_event(&self, envelope: &Envelope) -> ProbeResult {
        match self.whole.planned(envelope) {
            Ok(held) if held || matches!(self.of, ProbeSubject::Conversations(_)) => ProbeResult::Held,
            Ok(_) => ProbeResult::Passed,
            Err((field, what)) => {
                let parts = self.parts.get_or_init(|| parts(self.of));
                let mut found: Vec<Found> = parts.iter().flat_map(|part| part.found(envelope)).collect();
                if found.is_empty() {
                    let part = self.part(&field);
                    let (expression, place, way, lack) = (String::new(), None, None, Lack::Value);
                    found.push(Found { part, field, entry: 0, expression, place, way, lack, what });
                }
                ProbeResult::Failed(self.named(found))
            }
        }
    }

    /// Sets the name of each part, and the index of the entry of `conversations`.
    fn named(&self, mut found: Vec<Found>) -> Vec<Found> {
        for found in &mut found {
            if let ProbeSubject::Conversations(entries) = self.of {
                let entry = entries.iter().position(|entry| entry.whose.expression() == found.expression);
                found.entry = entry.unwrap_or_default();
            }
            found.part = self.part(&if let ProbeSubject::Conversations(_) = self.of {
                found.entry.to_string()
            } else {
                found.field.clone()
            });
            if let ProbeSubject::Conversations(_) = self.of {
                found.field = format!("conversations[{}]", found.entry);
            }
        }
        found
    }

    fn part(&self, field: &str) -> String {
        match self.of {
            ProbeSubject::Conversations(_) => format!("conversations, entry {}", field.parse::<usize>().map_or(1, |n| n + 1)),
            ProbeSubject::Rule(_, rule) => format!("rule {}, {field}", rule.name),
            ProbeSubject::Leg(_, join, leg) => {
                format!("join {}, event {}, {}", join.name, leg + 1, field.rsplit('.').next().unwrap_or_default())
            }
        }
    }
}

impl Part<'_> {
    /// Returns whether a rule matches the event. Errors: the field that has no value, and why.
    fn planned(&self, envelope: &Envelope) -> Result<bool, (String, String)> {
        let now = envelope.receivedtime;
        let message = Message::new(envelope.clone());
        let planned = if self.fetches {
            self.planner.wanted(&message, now).map(|wanted| !wanted.is_empty())
        } else {
            self.planner.plan(&message, &Fetched::new(), now).map(|plan| match plan {
                Plan::Event(plan) => !plan.rules.is_empty() || !plan.legs.is_empty(),
                Plan::Action { .. }
                | Plan::Wake { .. }
                | Plan::Join { .. }
                | Plan::Reminder(_)
                | Plan::Turn(_)
                | Plan::NotYet { .. }
                | Plan::Forgotten => false,
            })
        };
        planned.or_else(|failure| match failure.value() {
            Some((field, what)) => Err((field.to_owned(), what.to_string())),
            // A failure that isn't about a value.
            None => Ok(false),
        })
    }

    fn found(&self, envelope: &Envelope) -> Vec<Found> {
        let (field, what) = match self.planned(envelope) {
            Err((field, what)) if field == self.field => (field, what),
            Ok(_) | Err(_) => return Vec::new(),
        };
        let found = |expression: &str, place, way, lack| Found {
            part: String::new(),
            field: field.clone(),
            entry: 0,
            expression: expression.to_owned(),
            place,
            way,
            lack,
            what: what.clone(),
        };
        if self.expressions.is_empty() && field == "entity" {
            let subject = Place { variable: "event", steps: vec![Step::Field("subject".to_owned())] };
            return vec![found("event.subject", Some(subject), None, Lack::Null)];
        }
        let data: Value = serde_json::from_str(envelope.data.get()).unwrap_or_default();
        let variables = Variables::of_event(&data, &without_payload(envelope));
        let mut all = Vec::new();
        for placed in &self.expressions {
            let Ok(expression) = Expression::parse(placed.text, placed.scope) else { continue };
            let lack_of = |lack| match expression.evaluate(&variables) {
                Err(_) => Some(lack),
                Ok(value) => (self.expressions.len() == 1 || in_a_text(&value).is_none()).then(|| self.in_use(lack)),
            };
            let blamed = expression.blame(placed.scope, &variables);
            let (place, lack) = blamed.map_or((None, Lack::Value), |(place, lack)| (Some(place), lack));
            if let Some(lack) = lack_of(lack) {
                let farther = |way: &Place| place.as_ref().is_some_and(|place| way.steps.starts_with(&place.steps));
                let reads = expression.reads(placed.scope).into_iter();
                let way = reads.filter(farther).max_by_key(|way| way.steps.len());
                all.push(found(placed.text, place, way, lack));
            }
        }
        if all.is_empty() {
            all.push(found("", None, None, Lack::Value));
        }
        all
    }

    /// The problem of a present value. If the part accepts the value's type, the type isn't the problem.
    fn in_use(&self, lack: Lack) -> Lack {
        let taken: &[&str] = if self.field.starts_with("count.") { &["int", "uint"] } else { &["string"] };
        match lack {
            Lack::Kind(kind) if taken.contains(&kind) => Lack::Value,
            Lack::Missing | Lack::Null | Lack::Kind(_) | Lack::Value => lack,
        }
    }
}

/// The whole rule, entry or join event, as the processor runs it alone.
fn whole(of: ProbeSubject<'_>) -> Part<'_> {
    match of {
        ProbeSubject::Conversations(entries) => {
            part("", Rules { conversations: entries.to_vec(), ..Rules::default() }, false, Vec::new())
        }
        ProbeSubject::Rule(_, rule) => part("", of_one(rule.clone()), rule.enrich.is_some(), Vec::new()),
        ProbeSubject::Leg(_, join, leg) => part("", of_leg(join, join.all.get(leg).cloned()), false, Vec::new()),
    }
}

fn part<'r>(field: &str, rules: Rules, fetches: bool, expressions: Vec<Placed<'r>>) -> Part<'r> {
    Part { field: field.to_owned(), planner: Planner::new(rules), fetches, expressions }
}

/// A rule, with a conversation for all events that it matches.
fn of_one(rule: Rule) -> Rules {
    let everybody =
        ConversationRule { on: rule.on.clone(), source: OneOrMany::default(), whose: Whose::Conversation(ANYTHING.to_owned()) };
    Rules { conversations: vec![everybody], rules: vec![rule], ..Rules::default() }
}

fn of_leg(join: &Join, leg: Option<Leg>) -> Rules {
    let join = Join { all: leg.into_iter().collect(), ..join.clone() };
    Rules { joins: vec![join], ..Rules::default() }
}

fn parts(of: ProbeSubject<'_>) -> Vec<Part<'_>> {
    match of {
        ProbeSubject::Conversations(entries) => {
            let placed = |entry: &ConversationRule| entry.whose.expression().to_owned();
            let all = super::super::expressions::of_conversations(entries);
            let each = entries.iter().zip(all).map(|(entry, expression)| {
                let rules = Rules { conversations: entries.to_vec(), ..Rules::default() };
                part(&placed(entry), rules, false, vec![expression])
            });
            each.collect()
        }
        ProbeSubject::Rule(_, rule) => of_a_rule(rule),
        ProbeSubject::Leg(_, join, index) => {
            let Some(leg) = join.all.get(index) else { return Vec::new() };
            let own = format!("join {}, event {}, ", join.name, index + 1);
            let placed = |field: &str| of_join(join).into_iter().filter(|p| p.place == format!("{own}{field}")).collect();
            let condition = Leg { by: ANYTHING.to_owned(), ..leg.clone() };
            vec![
                part("all[0].when", of_leg(join, Some(condition)), false, placed("when")),
                part("all[0].by", of_leg(join, Some(leg.clone())), false, placed("by")),
            ]
        }
    }
}

fn of_a_rule(rule: &Rule) -> Vec<Part<'_>> {
    let own = format!("rule {}, ", rule.name);
    let placed = |field: &str| of_rule(rule).into_iter().filter(|p| p.place == format!("{own}{field}")).collect::<Vec<_>>();
    // The rule without its effects. `when` stays, because it decides whether the rest is evaluated.
    let bare = Rule { enrich: None, link: OneOrMany::default(), effects: Effects::default(), ..rule.clone() };
    let mut parts = vec![part("when", of_one(bare.clone()), false, placed("when"))];
    if let Some(enrich) = &rule.enrich {
        let anything: Option<FetchPath> = ANYTHING.parse().ok();
        let path = anything.unwrap_or_else(|| enrich.path.clone());
        let fetching = |enrich: Enrich| of_one(Rule { enrich: Some(enrich), ..bare.clone() });
        parts.push(part("enrich.path", fetching(Enrich { version: None, ..enrich.clone() }), true, placed("enrich.path")));
        parts.push(part("enrich.version", fetching(Enrich { path, ..enrich.clone() }), true, placed("enrich.version")));
        // The fetched data is unknown here, so the other parts can't be tried.
        return parts;
    }
    for link in &rule.link.0 {
        let rules = of_one(Rule { link: OneOrMany(vec![link.clone()]), ..bare.clone() });
        parts.push(part("link", rules, false, placed("link").into_iter().filter(|placed| placed.text == link).collect()));
    }
    let effects = &rule.effects;
    let mut add = |field: &str, effects: Effects| {
        parts.push(part(field, of_one(Rule { effects, ..bare.clone() }), false, placed(field)));
    };
    if effects.changes_facts() || effects.entity.is_some() {
        let unset = OneOrMany(vec!["x".to_owned()]);
        add("entity", Effects { entity: effects.entity.clone(), unset, ..Effects::default() });
    }
    let anybody = || Effects { entity: Some(ANYTHING.to_owned()), ..Effects::default() };
    for (name, assignment) in &effects.set {
        add(&format!("set.{name}"), Effects { set: BTreeMap::from([(name.clone(), assignment.clone())]), ..anybody() });
    }
    let one = |name: &String, value: &String| BTreeMap::from([(name.clone(), value.clone())]);
    for (effect, values) in &effects.values {
        for (name, value) in values {
            let values = BTreeMap::from([(*effect, one(name, value))]);
            add(&format!("{effect}.{name}"), Effects { values, ..anybody() });
        }
    }
    if let Some(notify) = &effects.notify {
        add("notify.text", Effects { notify: Some(Notify { reminder: None, ..notify.clone() }), ..anybody() });
        if let Some(reminder) = &notify.reminder {
            let dated = |reminder| Effects { notify: Some(Notify { reminder: Some(reminder), ..notify.clone() }), ..anybody() };
            add("notify.at", dated(Reminder { by: None, ..reminder.clone() }));
            // Without a date, its words aren't needed.
            add("notify.by", dated(Reminder { at: "null".to_owned(), ..reminder.clone() }));
        }
    }
    if let Some(emit) = &effects.emit {
        for (name, value) in &emit.data {
            let emit = Emit { data: one(name, value), debounce: None, reminder: None, ..emit.clone() };
            add(&format!("emit.data.{name}"), Effects { emit: Some(emit), ..anybody() });
        }
        if emit.debounce.as_ref().is_some_and(|debounce| debounce.by.is_some()) {
            let emit = Emit { data: BTreeMap::new(), ..emit.clone() };
            add("emit.debounce.by", Effects { emit: Some(emit), ..anybody() });
        }
        if let Some(reminder) = &emit.reminder {
            let emit = Emit { data: BTreeMap::new(), ..emit.clone() };
            let dated = |reminder| Effects { emit: Some(Emit { reminder: Some(reminder), ..emit.clone() }), ..anybody() };
            add("emit.at", dated(Reminder { by: None, ..reminder.clone() }));
            add("emit.by", dated(Reminder { at: "null".to_owned(), ..reminder.clone() }));
        }
    }
    parts
}
