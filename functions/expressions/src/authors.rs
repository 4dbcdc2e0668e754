//! Whether an expression's value can contain anything but its own literals and certain places. For the build, which
//! says by it who wrote a value; no function needs it.
//!
//! Every read counts: in a condition, in `has(…)`, in an argument. A loop over a list reads what its body reads of the
//! elements; how many there are isn't a read.

use super::blame::{body, children};
use super::place::{Place, Step};
use super::tree::{Loop, Node};
use super::value::Key;
use super::{Expression, Scope};

impl Expression {
    /// Whether it reads nothing but places that `is_marked`, each as deep as the expression names it. An expression of
    /// literals alone reads nothing.
    pub fn reads_only(&self, scope: Scope, is_marked: &dyn Fn(&Place) -> bool) -> bool {
        Walk { names: scope.variables(), locals: Vec::new(), is_marked }.node(&self.tree)
    }
}

/// What a local variable stands for.
#[derive(Clone)]
enum Value {
    /// Nothing but literals and marked places.
    Clean,
    At(Place),
}

struct Walk<'w> {
    names: &'static [&'static str],
    locals: Vec<Value>,
    is_marked: &'w dyn Fn(&Place) -> bool,
}

impl Walk<'_> {
    fn node(&mut self, node: &Node) -> bool {
        match (self.path(node), node) {
            (Some(Value::Clean), _) => true,
            (Some(Value::At(place)), _) => (self.is_marked)(&place),
            (None, Node::Loop(over, inside)) => {
                let Some(element) = self.elements(over) else { return false };
                self.with(element, |walk| body(inside).into_iter().all(|part| walk.node(part)))
            }
            (None, Node::Let(value, inside)) => self.node(value) && self.with(Value::Clean, |walk| walk.node(inside)),
            (None, _) => children(node).into_iter().all(|child| self.node(child)),
        }
    }

    fn with<T>(&mut self, local: Value, walk: impl FnOnce(&mut Self) -> T) -> T {
        self.locals.push(local);
        let found = walk(self);
        self.locals.pop();
        found
    }

    /// What a node stands for, if it is a path that begins at a variable. Each key of it is a literal.
    fn path(&self, node: &Node) -> Option<Value> {
        let then = |of: &Node, key: &Key| match (self.path(of)?, key) {
            (Value::Clean, _) => Some(Value::Clean),
            (Value::At(place), Key::Text(name)) => Some(Value::At(place.then(Step::Field(name.as_str().to_owned())))),
            (Value::At(place), Key::Int(index)) => Some(Value::At(place.then(Step::Index(u64::try_from(*index).ok()?)))),
            (Value::At(place), Key::Uint(index)) => Some(Value::At(place.then(Step::Index(*index)))),
            (Value::At(_), Key::Bool(_)) => None,
        };
        match node {
            Node::Variable(at) => self.names.get(*at).map(|name| Value::At(Place::of(name))),
            Node::Local(at) => self.locals.get(*at).cloned(),
            Node::Select(of, field) | Node::Has(of, field) | Node::Find(of, field) => then(of, field),
            Node::Index(of, at) | Node::FindAt(of, at) => {
                let Node::Literal(at) = &**at else { return None };
                then(of, &Key::of(at)?)
            }
            Node::Literal(_)
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

    /// The elements that a loop iterates over. `None`: they hold something else. Elements of a filtered list are those
    /// of the list.
    fn elements(&mut self, over: &Node) -> Option<Value> {
        if let Node::Loop(list, inside) = over
            && let Loop::Collect { guard, item: Node::Local(at) } = &**inside
            && *at == self.locals.len()
        {
            let element = self.elements(list)?;
            let is_clean = self.with(element.clone(), |walk| guard.as_ref().is_none_or(|guard| walk.node(guard)));
            return is_clean.then_some(element);
        }
        match self.path(over) {
            Some(Value::At(place)) if !(self.is_marked)(&place) => Some(Value::At(place.then(Step::Each))),
            Some(Value::At(_) | Value::Clean) => Some(Value::Clean),
            None => self.node(over).then_some(Value::Clean),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Marked: `data.id`, `data.lines[*].sku`, and everything below `data.sum`.
    fn is_clean(text: &str) -> bool {
        let expression = Expression::parse(text, Scope::Event).unwrap_or_else(|error| panic!("{text}: {error}"));
        expression.reads_only(Scope::Event, &|place| {
            let written = place.to_string();
            written == "data.id"
                || written == "data.lines[*].sku"
                || written == "data.lines[0].sku"
                || written.starts_with("data.sum")
        })
    }

    #[test]
    fn literals_and_marked_places_are_clean_in_every_construct() {
        for text in [
            "'paid'",
            "42",
            "['a', 1]",
            "data.id",
            "data.?id.orValue('none')",
            "data['id']",
            "data[?'id'].orValue('none')",
            "has(data.id) ? data.id : 'none'",
            "data.sum.amount + 1",
            "'Order ' + string(data.sum.amount)",
            "data.lines.map(l, l.sku)",
            "data.lines.filter(l, l.sku != 'x').map(m, m.sku)",
            "data.lines.exists(l, l.sku == 'x')",
            "data.lines[0].sku",
            "data.?id.optMap(i, i + '!').orValue('')",
            "['a', 'b'].map(x, x + data.id)",
            "data.id.matches('^[0-9]+$')",
            "{'id': data.id, 'sum': data.sum}",
        ] {
            assert!(is_clean(text), "{text}");
        }
    }

    #[test]
    fn one_other_read_anywhere_is_enough() {
        for text in [
            "data",
            "data.note",
            "data.idx",
            "data.id + data.note",
            "data.note == 'x' ? 'a' : 'b'",
            "data.id == '' ? data.note : data.id",
            "has(data.note) ? 'a' : 'b'",
            "has(data.id) && has(data.note)",
            "data.?note.orValue(data.id)",
            "data.?id.orValue(data.note)",
            "data.?note.optMap(n, 'a').orValue('b')",
            "data.?id.optMap(i, i + data.note).orValue('')",
            "data[data.note]",
            "data.lines[data.n].sku",
            "data.lines",
            "data.lines.map(l, l)",
            "data.lines.map(l, l.title)",
            "data.lines.filter(l, l.title != '').map(m, m.sku)",
            "data.lines.filter(l, l.sku != '')",
            "data.lines.map(l, l.sku + data.note)",
            "data.note.size()",
            "{data.note: 1}",
            "[data.id, data.note]",
            "event.subject",
            "data.id.matches(data.note)",
            "[data.note].map(x, x)",
            "!(data.note == 'x')",
        ] {
            assert!(!is_clean(text), "{text}");
        }
    }

    #[test]
    fn a_join_reads_its_name_and_key() {
        let reads = |text: &str, marked: &str| {
            let expression = Expression::parse(text, Scope::Join).unwrap();
            expression.reads_only(Scope::Join, &|place| place.to_string() == marked)
        };
        assert!(reads("'order/' + join.key", "join.key"));
        assert!(!reads("'order/' + join.key", "join.name"));
    }
}
