//! Finds who wrote the values of the rules: the provider (or the author of the rules), or a stranger. Done once, when a
//! project is built; the functions only copy the result.
//!
//! A value is the provider's if its expression reads nothing but literals and places that a preset or a schema marks,
//! for every type that its rule matches. Where a type has several schemas, each must mark the place: an event doesn't
//! have to say which one it follows. An object that a rule fetches is a stranger's. So is what a text of a notification
//! contains.

use crate::preset;
use serde_json::Value;
use std::collections::BTreeMap;
use tidings_config::OneOrMany;
use tidings_config::event::EventSpec;
use tidings_config::rules::{Effects, Join, Rule, Rules, TypePattern, place};
use tidings_config::schemas::{EventSchema, check};
use tidings_config::source::Source;
use tidings_config::written_by::{Pointer, PointerStep};
use tidings_expressions::{Expression, Place, Scope, Step};

/// The fields of `event` that have a form of our own: a configured name, a time, a number.
const OUR_FIELDS: [&str; 3] = ["source", "time", "sequence"];

/// Labels the values of all rules.
pub(crate) fn label(rules: &mut Rules, sources: &[Source], schemas: &[EventSchema]) {
    let marked = Marked::of(sources, schemas);
    for rule in &mut rules.rules {
        let Rule { on, source, enrich, .. } = &*rule;
        let scope = if enrich.is_some() { Scope::Enriched } else { Scope::Event };
        let by = |text: &str| marked.sources_of(text, scope, on, source);
        let found = of_effects(&rule.effects, &by);
        rule.effects.by_provider = found;
    }
    for join in &mut rules.joins {
        let is_known = has_known_key(join, &marked);
        let by = |text: &str| {
            let is_marked = |place: &Place| match &place.steps[..] {
                [Step::Field(name)] => name == "name" || name == "key" && is_known,
                _ => false,
            };
            all_if(expression(text, Scope::Join).is_some_and(|read| read.reads_only(Scope::Join, &is_marked)))
        };
        let (then, otherwise) = (of_effects(&join.then, &by), of_effects(&join.otherwise, &by));
        (join.then.by_provider, join.otherwise.by_provider) = (then, otherwise);
    }
}

/// Whether the key of a join is the provider's in each of its events.
fn has_known_key(join: &Join, marked: &Marked<'_>) -> bool {
    join.all.iter().all(|leg| {
        let matched =
            marked.of.iter().filter(|(name, _)| leg.source.is_empty() || leg.source.0.iter().any(|source| source == *name));
        let known = marked.sources_of(&leg.by, Scope::Event, &leg.on, &leg.source);
        matched.into_iter().all(|(name, _)| known.takes(name))
    })
}

fn of_effects(effects: &Effects, by: &dyn Fn(&str) -> OneOrMany<String>) -> BTreeMap<String, OneOrMany<String>> {
    let set = effects.set.iter().map(|(name, assignment)| (place("set", name), &assignment.value));
    let values = effects
        .values
        .iter()
        .flat_map(|(effect, values)| values.iter().map(move |(name, text)| (place(effect.as_str(), name), text)));
    let emit = effects.emit.iter().flat_map(|emit| emit.data.iter().map(|(name, text)| (place("emit", name), text)));
    let labelled = set.chain(values).chain(emit).map(|(place, text)| (place, by(text)));
    labelled.filter(|(_, sources)| !sources.is_empty()).collect()
}

/// All sources, or none.
fn all_if(all: bool) -> OneOrMany<String> {
    OneOrMany(if all { vec!["*".to_owned()] } else { Vec::new() })
}

/// What wouldn't parse is reported where the file is read.
fn expression(text: &str, scope: Scope) -> Option<Expression> {
    Expression::parse(text, scope).ok()
}

/// The marks of each source.
struct Marked<'a> {
    of: BTreeMap<&'a str, OfSource<'a>>,
}

#[derive(Default)]
struct OfSource<'a> {
    /// By the preset.
    preset: Vec<(&'a TypePattern, &'a Pointer)>,
    /// By type: the marks of each of its schemas.
    schemas: BTreeMap<&'a str, Vec<Vec<Pointer>>>,
}

impl<'a> Marked<'a> {
    fn of(sources: &'a [Source], schemas: &'a [EventSchema]) -> Self {
        let mut of: BTreeMap<&str, OfSource<'_>> = BTreeMap::new();
        for source in sources {
            let marks = preset(&source.provider).filter(|preset| has_events(source, &preset.events));
            let marks = marks.into_iter().flat_map(|preset| &preset.by_provider);
            let each = marks.flat_map(|marks| marks.on.0.iter().flat_map(|on| marks.at.iter().map(move |at| (on, at))));
            of.entry(&source.name).or_default().preset.extend(each);
        }
        for schema in schemas {
            let marks =
                serde_json::from_str::<Value>(schema.schema.get()).map(|schema| check::marks(&schema)).unwrap_or_default();
            let Some(source) = of.get_mut(schema.source.as_str()) else { continue };
            source.schemas.entry(&schema.event_type).or_default().push(marks);
        }
        Self { of }
    }

    /// The sources of whose events an expression's value is the provider's, if its rule matches these types and sources.
    fn sources_of(
        &self,
        text: &str,
        scope: Scope,
        on: &OneOrMany<TypePattern>,
        sources: &OneOrMany<String>,
    ) -> OneOrMany<String> {
        let Some(expression) = expression(text, scope) else { return OneOrMany::default() };
        if expression.reads_only(scope, &is_ours) {
            return all_if(true);
        }
        let matched = self.of.iter().filter(|(name, _)| sources.is_empty() || sources.0.iter().any(|source| source == *name));
        let known = matched.filter(|(_, of)| {
            let reads_marked = |on: &TypePattern| expression.reads_only(scope, &|place| is_ours(place) || of.marks(on, place));
            on.0.iter().all(reads_marked)
        });
        OneOrMany(known.map(|(name, _)| (*name).to_owned()).collect())
    }
}

impl OfSource<'_> {
    /// Whether a place is marked in all events that the pattern matches.
    fn marks(&self, on: &TypePattern, place: &Place) -> bool {
        if place.variable != "data" {
            return false;
        }
        let by_preset = self.preset.iter().any(|(types, pointer)| types.covers(on) && is_below(pointer, &place.steps));
        by_preset || {
            let schemas = self.schemas.get(on.to_string().as_str());
            schemas.is_some_and(|all| all.iter().all(|marks| marks.iter().any(|pointer| is_below(pointer, &place.steps))))
        }
    }
}

/// Whether a source's payloads are those that its preset describes. `rank` says nothing of them.
fn has_events(source: &Source, preset: &[EventSpec]) -> bool {
    let unranked = |event: &EventSpec| EventSpec { rank: OneOrMany::default(), ..event.clone() };
    source.events.iter().map(unranked).eq(preset.iter().map(unranked))
}

fn is_ours(place: &Place) -> bool {
    let [Step::Field(name)] = &place.steps[..] else { return false };
    place.variable == "event" && OUR_FIELDS.contains(&name.as_str())
}

/// Whether a place is the marked one, or lies below it. What a loop over a map gives are keys, so a mark of elements
/// covers a loop's variable only from its first field on.
fn is_below(mark: &Pointer, steps: &[Step]) -> bool {
    let is_that = |(wanted, seen): (&PointerStep, &Step)| match (wanted, seen) {
        (PointerStep::Each, Step::Each | Step::Index(_)) => true,
        (PointerStep::Field(name), Step::Field(seen)) => name == seen,
        (PointerStep::Field(name), Step::Index(index)) => *name == index.to_string(),
        (PointerStep::Each, Step::Field(_)) | (PointerStep::Field(_), Step::Each) => false,
    };
    let depth = mark.steps().len();
    let is_bare = depth > 0 && steps.len() == depth && steps.last() == Some(&Step::Each);
    steps.len() >= depth && !is_bare && mark.steps().iter().zip(steps).all(is_that)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ProjectFile, ProjectFiles};

    const SOURCES: &str = "version: 1\nsources:\n  stripe: { provider: stripe }\n  orders: { provider: standard-webhooks }\n";

    fn file(path: &str, text: &str) -> ProjectFile {
        ProjectFile { path: path.to_owned(), shown: path.to_owned(), text: text.to_owned() }
    }

    fn read(sources: &str, rules: &str, schemas: &[(&str, &str)]) -> Rules {
        let schemas = schemas.iter().map(|(path, text)| file(path, text)).collect();
        let rules = file("rules.yaml", &format!("version: 1\n{rules}"));
        let files =
            ProjectFiles { sources: file("sources.yaml", sources), rules, schemas, endpoints: None, sinks: None, channels: None };
        files.read().unwrap_or_else(|report| panic!("{report}")).rules
    }

    /// The sources of `set.x`.
    fn of(on: &str, value: &str, schemas: &[(&str, &str)]) -> Vec<String> {
        let rules = format!("rules:\n  - {{ name: a, on: {on}, entity: \"'e'\", set: {{ x: \"{value}\" }} }}\n");
        read(SOURCES, &rules, schemas).rules[0].effects.provider_of("set", "x").0
    }

    const MARKED: &str = r#"{"x-tidings": {"by_provider": ["/id", "/lines/*/sku", "/tags/*", "/sum"]}}"#;
    const PATH: &str = "schemas/orders/order.paid/1.json";

    #[test]
    fn a_value_of_the_rules_themselves_is_labelled_for_every_source() {
        assert_eq!(of("order.paid", "'paid'", &[]), ["*"]);
        assert_eq!(of("'*'", "event.source + string(event.sequence)", &[]), ["*"]);
        assert_eq!(of("'*'", "event.subject", &[]), [""; 0]);
        assert_eq!(of("'*'", "event.type", &[]), [""; 0]);
    }

    #[test]
    fn a_preset_marks_its_own_source_for_types_that_the_mark_covers() {
        assert_eq!(of("checkout.session.completed", "data.data.object.amount_total", &[]), ["stripe"]);
        assert_eq!(of("'checkout.session.*'", "data.data.object.amount_total", &[]), ["stripe"]);
        assert_eq!(of("'*'", "data.data.object.amount_total", &[]), [""; 0]);
        assert_eq!(of("checkout.session.completed", "data.data.object.customer_details.name", &[]), [""; 0]);
        let both = "data.data.object.amount_total + data.data.object.metadata.n";
        assert_eq!(of("checkout.session.completed", both, &[]), [""; 0], "one of both is a stranger's");
    }

    #[test]
    fn the_events_of_a_source_may_replace_those_of_its_preset_and_lose_the_marks() {
        let sources =
            "version: 1\nsources:\n  stripe:\n    provider: stripe\n    event: [{ id: \"{json:id}\", type: \"{json:type}\" }]\n";
        let rules = "rules:\n  - { name: a, on: checkout.session.completed, entity: \"'e'\", set: { x: data.data.object.amount_total } }\n";
        assert_eq!(read(sources, rules, &[]).rules[0].effects.provider_of("set", "x").0, [""; 0]);
        let ranked = "version: 1\nsources:\n  stripe: { provider: stripe, rank: [a, b] }\n";
        assert_eq!(read(ranked, rules, &[]).rules[0].effects.provider_of("set", "x").0, ["stripe"]);
    }

    #[test]
    fn a_schema_marks_its_own_type_with_everything_below() {
        let one = [(PATH, MARKED)];
        assert_eq!(of("order.paid", "data.id", &one), ["orders"]);
        assert_eq!(of("order.paid", "data.sum.amount", &one), ["orders"]);
        assert_eq!(of("order.paid", "data.lines.map(l, l.sku)", &one), ["orders"]);
        assert_eq!(of("order.paid", "data.lines[0].sku", &one), ["orders"]);
        for other in [
            "data.note",
            "data.lines",
            "data.lines[0]",
            "data.lines.map(l, l.title)",
            "data.lines['a'].sku",
            "data.tags.map(t, t)",
        ] {
            assert_eq!(of("order.paid", other, &one), [""; 0], "{other}");
        }
        for on in ["order.sent", "'order.*'", "[order.paid, order.sent]"] {
            assert_eq!(of(on, "data.id", &one), [""; 0], "{on}");
        }
    }

    #[test]
    fn every_version_of_a_type_must_mark_the_place() {
        let second = "schemas/orders/order.paid/2.json";
        assert_eq!(of("order.paid", "data.id", &[(PATH, MARKED), (second, MARKED)]), ["orders"]);
        assert_eq!(of("order.paid", "data.id", &[(PATH, MARKED), (second, "{}")]), [""; 0]);
    }

    #[test]
    fn the_empty_place_marks_a_whole_payload() {
        let all = [(PATH, r#"{"x-tidings": {"by_provider": [""]}}"#)];
        assert_eq!(of("order.paid", "data", &all), ["orders"]);
        assert_eq!(of("order.paid", "data.note + data.tags[0]", &all), ["orders"]);
        assert_eq!(of("order.paid", "event.subject", &all), [""; 0]);
    }

    #[test]
    fn a_joins_key_is_the_providers_if_each_of_its_events_marks_it() {
        let join = |by: &str| {
            let rules = format!(
                "joins:\n  - name: j\n    all: [order.paid, {{ on: order.sent, by: {by} }}]\n    by: data.id\n    within: 1h\n    \
                 then: {{ emit: {{ type: ready, data: {{ id: join.key, word: \"'ready'\" }} }} }}\n"
            );
            let sources = "version: 1\nsources:\n  orders: { provider: standard-webhooks }\n";
            let schemas = [(PATH, MARKED), ("schemas/orders/order.sent/1.json", MARKED)];
            let rules = read(sources, &rules, &schemas);
            (rules.joins[0].then.provider_of("emit", "id").0, rules.joins[0].then.provider_of("emit", "word").0)
        };
        assert_eq!(join("data.id"), (vec!["*".to_owned()], vec!["*".to_owned()]));
        assert_eq!(join("data.note"), (vec![], vec!["*".to_owned()]));
    }

    #[test]
    fn counters_sets_and_emitted_data_are_labelled_and_fetched_objects_are_not() {
        let rules = r#"
apis:
  shop: { url: "https://shop.example.com/" }
rules:
  - name: a
    on: order.paid
    entity: "'e'"
    count: { n: "1", m: data.note }
    add: { ids: data.id }
    emit: { type: paid, data: { id: data.id, note: data.note } }
"#;
        let found = read(SOURCES, rules, &[(PATH, MARKED)]).rules[0].effects.by_provider.clone();
        let found: Vec<(&str, &str)> = found.iter().map(|(place, of)| (place.as_str(), of.0[0].as_str())).collect();
        assert_eq!(found, [("add.ids", "orders"), ("count.n", "*"), ("emit.id", "orders")]);
        assert!(!is_below(&"/x".parse().unwrap(), &[]));
        let fetched = expression("fetched.id", Scope::Enriched).unwrap();
        let of = OfSource { preset: Vec::new(), schemas: BTreeMap::from([("a", vec![vec!["".parse().unwrap()]])]) };
        assert!(!fetched.reads_only(Scope::Enriched, &|place| of.marks(&"a".parse().unwrap(), place)));
    }
}
