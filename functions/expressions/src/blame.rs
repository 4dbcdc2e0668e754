//! Lists the places that an expression reads, and finds the place because of which it has no value for an event. For
//! tools that explain; functions don't depend on it for decisions.
//!
//! The place isn't taken from an error's message: the expression is walked as its evaluation went, down to the part
//! that failed although its own parts didn't.

use super::evaluate::Evaluation;
use super::fault::{Fault, Kind};
use super::meter::{EventWork, Meter};
use super::place::{Place, Step};
use super::tree::{Loop, Node};
use super::value::{Key, Value};
use super::{Expression, Scope, Variables};
use std::collections::BTreeSet;

/// The problem with a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// The field or element doesn't exist.
    Missing,
    /// It is `null`.
    Null,
    /// It has a type that doesn't fit.
    Kind(&'static str),
    /// Its type fits, but its value doesn't: `int('x')`.
    Value,
}

impl Expression {
    /// The places that it may read, and those on the way to them. A place that only `has(…)` mentions isn't read.
    pub fn reads(&self, scope: Scope) -> BTreeSet<Place> {
        let mut reader = Reader { names: names(scope), loops: Vec::new(), found: BTreeSet::new() };
        reader.node(&self.tree);
        reader.found
    }

    /// The place because of which it has no value, or has a value that can't be used. `None`: no single place is the cause.
    pub fn blame(&self, scope: Scope, variables: &Variables) -> Option<(Place, Lack)> {
        let work = EventWork::new();
        let names = names(scope);
        let mut search = Search { variables: &variables.values, work: &work, names, locals: Vec::new(), loops: Vec::new() };
        search.node(&self.tree)
    }
}

fn names(scope: Scope) -> &'static [&'static str] {
    scope.variables()
}

/// The place that a node names, if it is only a path into one of the variables. `loops` are the places of the loops' elements.
fn place(node: &Node, names: &[&'static str], loops: &[Option<Place>]) -> Option<Place> {
    match node {
        Node::Variable(at) => names.get(*at).map(|name| Place::of(name)),
        Node::Local(at) => loops.get(*at).cloned().flatten(),
        Node::Select(of, field) => Some(place(of, names, loops)?.then(step(field)?)),
        Node::Index(of, at) => {
            let Node::Literal(at) = &**at else { return None };
            Some(place(of, names, loops)?.then(step(&Key::of(at)?)?))
        }
        Node::Literal(_)
        | Node::Has(..)
        | Node::Find(..)
        | Node::FindAt(..)
        | Node::Otherwise(..)
        | Node::Let(..)
        | Node::Not(_)
        | Node::Negate(_)
        | Node::And(..)
        | Node::Or(..)
        | Node::If(_)
        | Node::Binary(..)
        | Node::Call(..)
        | Node::Matches(..)
        | Node::List(_)
        | Node::Map(_)
        | Node::Loop(..) => None,
    }
}

/// The elements that a loop iterates over. Elements of a filtered list are those of the list.
fn elements(over: &Node, names: &[&'static str], loops: &[Option<Place>]) -> Option<Place> {
    if let Node::Loop(list, inside) = over
        && matches!(&**inside, Loop::Collect { item: Node::Local(at), .. } if *at == loops.len())
    {
        return elements(list, names, loops);
    }
    place(over, names, loops).map(|place| place.then(Step::Each))
}

fn step(key: &Key) -> Option<Step> {
    match key {
        Key::Text(name) => Some(Step::Field(name.as_str().to_owned())),
        Key::Int(index) => u64::try_from(*index).ok().map(Step::Index),
        Key::Uint(index) => Some(Step::Index(*index)),
        Key::Bool(_) => None,
    }
}

/// The children in the order of evaluation. The body of a loop or a `let` isn't included: it has an additional variable.
pub(super) fn children(node: &Node) -> Vec<&Node> {
    match node {
        Node::Literal(_) | Node::Variable(_) | Node::Local(_) => Vec::new(),
        // Any part of a plain path in `has` may be missing.
        Node::Has(of, _) if of.is_no_optional() => Vec::new(),
        Node::Select(of, _) | Node::Has(of, _) | Node::Find(of, _) | Node::Let(of, _) => vec![of],
        Node::Not(of) | Node::Negate(of) | Node::Matches(of, _) | Node::Loop(of, _) => vec![of],
        Node::Index(left, right)
        | Node::FindAt(left, right)
        | Node::Otherwise(_, left, right)
        | Node::And(left, right)
        | Node::Or(left, right)
        | Node::Binary(_, left, right) => vec![left, right],
        Node::If(parts) => parts.iter().collect(),
        Node::Call(_, parts) => parts.iter().collect(),
        Node::List(elements) => elements.iter().map(|element| &element.node).collect(),
        Node::Map(entries) => entries.iter().flat_map(|entry| [&entry.key, &entry.value]).collect(),
    }
}

pub(super) fn body(body: &Loop) -> Vec<&Node> {
    match body {
        Loop::All(holds) | Loop::Exists(holds) | Loop::ExistsOne(holds) => vec![holds],
        Loop::Collect { guard, item } => guard.iter().chain([item]).collect(),
    }
}

struct Reader {
    names: &'static [&'static str],
    loops: Vec<Option<Place>>,
    found: BTreeSet<Place>,
}

impl Reader {
    fn node(&mut self, node: &Node) {
        self.found.extend(place(node, self.names, &self.loops).filter(|place| !place.steps.is_empty()));
        children(node).into_iter().for_each(|child| self.node(child));
        if let Node::Loop(over, inside) = node {
            self.loops.push(elements(over, self.names, &self.loops));
            body(inside).into_iter().for_each(|part| self.node(part));
            self.loops.pop();
        }
        if let Node::Let(value, inside) = node {
            self.loops.push(place(value, self.names, &self.loops));
            self.node(inside);
            self.loops.pop();
        }
    }
}

struct Search<'e> {
    variables: &'e [Value],
    work: &'e EventWork,
    names: &'static [&'static str],
    /// The values of the loops' variables, and their places.
    locals: Vec<Value>,
    loops: Vec<Option<Place>>,
}

impl Search<'_> {
    fn value(&self, node: &Node) -> Result<Value, Fault> {
        let mut evaluation = Evaluation::new(self.variables, Meter::new(self.work));
        evaluation.locals.clone_from(&self.locals);
        evaluation.value(node)
    }

    fn place(&self, node: &Node) -> Option<Place> {
        place(node, self.names, &self.loops)
    }

    fn node(&mut self, node: &Node) -> Option<(Place, Lack)> {
        if let Node::If(parts) = node {
            let [condition, yes, no] = &**parts;
            return match self.value(condition) {
                Ok(Value::Bool(true)) => self.node(yes),
                Ok(Value::Bool(false)) => self.node(no),
                _ => self.node(condition),
            };
        }
        if let Node::Let(value, inside) = node {
            let Ok(local) = self.value(value) else { return self.node(value) };
            self.loops.push(self.place(value));
            self.locals.push(local);
            let found = self.node(inside);
            self.locals.pop();
            self.loops.pop();
            return found;
        }
        match self.value(node) {
            Ok(value) => Some((self.place(node)?, lack_of(&value))),
            Err(fault) => self.fault(node, &fault),
        }
    }

    fn fault(&mut self, node: &Node, fault: &Fault) -> Option<(Place, Lack)> {
        let undecided = matches!(node, Node::And(..) | Node::Or(..));
        for child in children(node) {
            match self.value(child) {
                Err(_) => return self.node(child),
                Ok(Value::Bool(_)) => {}
                Ok(_) if undecided => return self.node(child),
                Ok(_) => {}
            }
        }
        if let Node::Loop(over, inside) = node {
            let values = match self.value(over) {
                Ok(Value::List(list)) => list.as_slice().to_vec(),
                Ok(Value::Map(map)) => map.entries().keys().map(Key::value).collect(),
                _ => return self.node(over),
            };
            return self.element(over, inside, values);
        }
        if let Node::Select(of, _) | Node::Index(of, _) = node {
            return match self.value(of) {
                Ok(Value::Map(_) | Value::List(_)) if is_absence(fault) => Some((self.place(node)?, Lack::Missing)),
                _ => self.node(of),
            };
        }
        // Of several values that an operation can't take, `null` is the likelier cause.
        let mut found: Vec<(Place, Lack)> = Vec::new();
        for child in children(node) {
            found.extend(self.node(child));
        }
        let of_null = found.iter().find(|(_, lack)| *lack == Lack::Null);
        let (place, lack) = of_null.or(found.first()).cloned()?;
        Some((place, if is_of_kinds(fault) { lack } else { Lack::Value }))
    }

    /// The first element for which the loop's body has no value.
    fn element(&mut self, over: &Node, inside: &Loop, values: Vec<Value>) -> Option<(Place, Lack)> {
        let from = elements(over, self.names, &self.loops);
        for value in values {
            self.locals.push(value);
            self.loops.push(from.clone());
            let mut found = None;
            for part in body(inside) {
                match self.value(part) {
                    // A guard decides whether the evaluation continues.
                    Ok(Value::Bool(false)) => break,
                    Ok(_) => {}
                    Err(_) => {
                        found = Some(self.node(part));
                        break;
                    }
                }
            }
            self.locals.pop();
            self.loops.pop();
            if let Some(found) = found {
                return found;
            }
        }
        None
    }
}

fn lack_of(value: &Value) -> Lack {
    match value.kind() {
        Kind::Null => Lack::Null,
        kind @ (Kind::Bool
        | Kind::Int
        | Kind::Uint
        | Kind::Double
        | Kind::String
        | Kind::Bytes
        | Kind::List
        | Kind::Map
        | Kind::Optional
        | Kind::Type) => Lack::Kind(kind.name()),
    }
}

fn is_absence(fault: &Fault) -> bool {
    matches!(fault, Fault::NoField(_) | Fault::NoEntry | Fault::Index | Fault::Nothing)
}

/// Whether other types would have avoided the fault.
fn is_of_kinds(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::NoFields { .. }
            | Fault::Operands { .. }
            | Fault::Incomparable { .. }
            | Fault::Negation(_)
            | Fault::Lookup(..)
            | Fault::Overload { .. }
            | Fault::NotBool(_)
            | Fault::NotIterable(_)
            | Fault::NotOptional(_)
            | Fault::KeyKind(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn blamed(text: &str, data: &serde_json::Value) -> Option<(String, Lack)> {
        let variables = Variables::of_event(data, &json!({"subject": null}));
        let expression = Expression::parse(text, Scope::Event).unwrap();
        expression.blame(Scope::Event, &variables).map(|(place, lack)| (place.to_string(), lack))
    }

    #[test]
    fn the_place_that_causes_the_failure_is_named() {
        let data = json!({"a": {"n": null, "t": "x", "i": 1}, "list": [{"sku": "1"}, {}], "odd-name": {}, "empty": []});
        for (text, place, lack) in [
            ("data.b.c", "data.b", Lack::Missing),
            ("data.a.b.c", "data.a.b", Lack::Missing),
            ("data.a.n.c", "data.a.n", Lack::Null),
            ("data.a.n", "data.a.n", Lack::Null),
            ("data.a.i.c", "data.a.i", Lack::Kind("int")),
            ("'x' + data.a.i", "data.a.i", Lack::Kind("int")),
            ("'x' + data.a.t + data.a.n", "data.a.n", Lack::Null),
            ("int(data.a.t) + 1", "data.a.t", Lack::Value),
            ("data.a.n.startsWith('+')", "data.a.n", Lack::Null),
            ("has(data.a.b) ? data.a.b : data.c", "data.c", Lack::Missing),
            ("has(data.a.t) && data.d == 1", "data.d", Lack::Missing),
            ("data.d == 1 || data.a.i == 2", "data.d", Lack::Missing),
            ("data.list.map(l, l.sku)", "data.list[*].sku", Lack::Missing),
            ("data.list.filter(l, has(l.sku)).map(l, l.title)", "data.list[*].title", Lack::Missing),
            ("data['odd-name'].x", "data['odd-name'].x", Lack::Missing),
            ("data.empty[0].x", "data.empty[0]", Lack::Missing),
            ("'customer/' + event.subject", "event.subject", Lack::Null),
        ] {
            assert_eq!(blamed(text, &data), Some((place.to_owned(), lack)), "{text}");
        }
    }

    #[test]
    fn read_places_are_listed_without_those_only_in_has() {
        let reads = |text: &str| {
            let expression = Expression::parse(text, Scope::Event).unwrap();
            expression.reads(Scope::Event).iter().map(Place::to_string).collect::<Vec<_>>()
        };
        assert_eq!(reads("has(data.a.b) ? data.a.c : event.subject"), ["data.a", "data.a.c", "event.subject"]);
        assert_eq!(reads("data.list.map(l, l.sku)"), ["data.list", "data.list[*]", "data.list[*].sku"]);
        assert_eq!(reads("data.list[0]['a b']"), ["data.list", "data.list[0]", "data.list[0]['a b']"]);
        assert_eq!(Place::of("data").then(Step::Field("a".to_owned())).optional(1), "data.?a");
    }
}
