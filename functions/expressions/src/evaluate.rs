//! Evaluates an expression for one event: walks its tree and counts each step.
//!
//! The semantics are CEL's: one operand may decide despite an error in the other (`error || true` is `true`), and
//! `all` and `exists` are folds of this. An exceeded limit isn't such an error: it ends the evaluation.

use super::fault::Fault;
use super::functions::Function;
use super::meter::Meter;
use super::operators::{self, look_up};
use super::optional;
use super::tree::{Element, Entry, Loop, Node};
use super::value::{ELEMENT_BYTES, ENTRY_BYTES, Key, List, Map, Value};
use std::collections::BTreeMap;
use tidings_config::limits::MAX_LOOP_ITEMS;

pub(super) struct Evaluation<'e> {
    /// The scope's variables, in its order.
    variables: &'e [Value],
    /// The loops' variables, the innermost last.
    pub(super) locals: Vec<Value>,
    pub(super) meter: Meter<'e>,
}

impl<'e> Evaluation<'e> {
    pub(super) fn new(variables: &'e [Value], meter: Meter<'e>) -> Self {
        Self { variables, locals: Vec::new(), meter }
    }

    pub(super) fn value(&mut self, node: &Node) -> Result<Value, Fault> {
        self.meter.step()?;
        match node {
            Node::Literal(value) => Ok(value.clone()),
            Node::Variable(place) => Ok(self.variables.get(*place).cloned().unwrap_or(Value::Null)),
            Node::Local(place) => Ok(self.locals.get(*place).cloned().unwrap_or(Value::Null)),
            Node::Select(of, field) => {
                let value = self.value(of)?;
                operators::select(&value, field, &mut self.meter)
            }
            Node::Has(of, field) => match self.place(of)? {
                Some(value) => operators::has(&value, field, &mut self.meter).map(Value::Bool),
                None => Ok(Value::Bool(false)),
            },
            Node::Index(value, at) => {
                let (value, at) = (self.value(value)?, self.value(at)?);
                operators::index(&value, &at, &mut self.meter)
            }
            Node::Find(of, field) => {
                let value = self.value(of)?;
                let place = operators::select(&value, field, &mut self.meter);
                optional::found(place, &mut self.meter)
            }
            Node::FindAt(value, at) => {
                let (value, at) = (self.value(value)?, self.value(at)?);
                let place = operators::index(&value, &at, &mut self.meter);
                optional::found(place, &mut self.meter)
            }
            Node::Otherwise(function, of, other) => self.or(*function, of, other),
            Node::Let(value, body) => {
                let value = self.value(value)?;
                self.with(value, |inner| inner.value(body))
            }
            Node::Not(value) => self.truth(value).map(|truth| Value::Bool(!truth)),
            Node::Negate(value) => operators::negate(&self.value(value)?),
            Node::And(left, right) => self.decided(left, right, false).map(Value::Bool),
            Node::Or(left, right) => self.decided(left, right, true).map(Value::Bool),
            Node::If(parts) => {
                let [condition, yes, no] = &**parts;
                if self.truth(condition)? { self.value(yes) } else { self.value(no) }
            }
            Node::Binary(operator, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                operator.apply(&left, &right, &mut self.meter)
            }
            Node::Call(function, arguments) => {
                let arguments = arguments.iter().map(|argument| self.value(argument)).collect::<Result<Vec<_>, _>>()?;
                function.call(&arguments, &mut self.meter)
            }
            Node::Matches(text, pattern) => match self.value(text)? {
                Value::Text(text) => pattern.matches(text.as_str(), &mut self.meter).map(Value::Bool),
                other @ (Value::Null
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Uint(_)
                | Value::Double(_)
                | Value::Exact(_)
                | Value::Bytes(_)
                | Value::List(_)
                | Value::Map(_)
                | Value::Optional(_)
                | Value::Type(_)) => Err(Fault::Overload { function: "matches", kinds: format!("{}, string", other.kind()) }),
            },
            Node::List(elements) => {
                let room = self.meter.room_for(elements.len(), ELEMENT_BYTES, 0)?;
                let mut list = Vec::with_capacity(elements.len());
                for Element { node, optional } in elements {
                    list.extend(self.element(node, *optional)?);
                }
                Ok(Value::List(List::new(room, list)))
            }
            Node::Map(entries) => self.map(entries),
            Node::Loop(over, body) => {
                let items = items(&self.value(over)?, &mut self.meter)?;
                self.in_a_loop(items, body)
            }
        }
    }

    fn truth(&mut self, node: &Node) -> Result<bool, Fault> {
        truth(&self.value(node)?)
    }

    /// The value at the end of a path of fields and indices. `None`: the place doesn't exist.
    fn place(&mut self, node: &Node) -> Result<Option<Value>, Fault> {
        let found = if let Node::Select(of, field) = node {
            self.meter.step()?;
            let Some(value) = self.place(of)? else { return Ok(None) };
            operators::select(&value, field, &mut self.meter)
        } else if let Node::Index(of, at) = node {
            self.meter.step()?;
            let Some(value) = self.place(of)? else { return Ok(None) };
            let at = self.value(at)?;
            operators::index(&value, &at, &mut self.meter)
        } else {
            return self.value(node).map(Some);
        };
        match found {
            Ok(value) => Ok(Some(value)),
            Err(fault) if fault.is_absent() => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// `or` and `orValue`. The alternative is evaluated only if the value is missing.
    fn or(&mut self, function: Function, of: &Node, other: &Node) -> Result<Value, Fault> {
        let value = self.value(of)?;
        let Value::Optional(optional) = &value else { return Err(function.overload(&[value])) };
        match optional {
            Some(held) if function == Function::OrValue => Ok(held.value().clone()),
            Some(_) => Ok(value),
            None => {
                let other = self.value(other)?;
                let fits = function == Function::OrValue || matches!(other, Value::Optional(_));
                if fits { Ok(other) } else { Err(function.overload(&[value, other])) }
            }
        }
    }

    /// An element of a list or map. `None`: it is optional and has no value.
    fn element(&mut self, node: &Node, optional: bool) -> Result<Option<Value>, Fault> {
        match (self.value(node)?, optional) {
            (value, false) => Ok(Some(value)),
            (Value::Optional(optional), true) => Ok(optional.map(|held| held.value().clone())),
            (value, true) => Err(Fault::NotOptional(value.kind())),
        }
    }

    /// `decides`: the boolean that decides regardless of the other operand.
    fn decided(&mut self, left: &Node, right: &Node, decides: bool) -> Result<bool, Fault> {
        let left = match self.truth(left) {
            Ok(truth) if truth == decides => return Ok(decides),
            Err(limit) if limit.is_limit() => return Err(limit),
            left @ (Ok(_) | Err(_)) => left,
        };
        let right = self.truth(right)?;
        if right == decides { Ok(decides) } else { left.map(|_| right) }
    }

    fn map(&mut self, entries: &[Entry]) -> Result<Value, Fault> {
        let room = self.meter.room_for(entries.len(), ENTRY_BYTES, 0)?;
        let mut map = BTreeMap::new();
        for Entry { key, value, optional } in entries {
            let key = self.value(key)?;
            let key = Key::of(&key).ok_or(Fault::KeyKind(key.kind()))?;
            let Some(value) = self.element(value, *optional)? else { continue };
            look_up(&key, map.len(), &mut self.meter)?;
            if map.insert(key, value).is_some() {
                return Err(Fault::KeyTwice);
            }
        }
        Ok(Value::Map(Map::new(room, map)))
    }

    fn in_a_loop(&mut self, items: Vec<Value>, body: &Loop) -> Result<Value, Fault> {
        match body {
            Loop::All(holds) => self.fold(items, holds, false).map(Value::Bool),
            Loop::Exists(holds) => self.fold(items, holds, true).map(Value::Bool),
            Loop::ExistsOne(holds) => {
                let mut found = 0_usize;
                for item in items {
                    found += usize::from(self.with(item, |inner| inner.truth(holds))?);
                }
                Ok(Value::Bool(found == 1))
            }
            Loop::Collect { guard, item: made } => {
                let room = self.meter.room_for(items.len(), ELEMENT_BYTES, 0)?;
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    let made = self.with(item, |inner| {
                        let wanted = guard.as_ref().map_or(Ok(true), |guard| inner.truth(guard))?;
                        wanted.then(|| inner.value(made)).transpose()
                    })?;
                    list.extend(made);
                }
                Ok(Value::List(List::new(room, list)))
            }
        }
    }

    /// `decides`: the boolean of one element that decides. An error is returned only if no element decides.
    fn fold(&mut self, items: Vec<Value>, holds: &Node, decides: bool) -> Result<bool, Fault> {
        let mut undecided = Ok(!decides);
        for item in items {
            match self.with(item, |inner| inner.truth(holds)) {
                Ok(truth) if truth == decides => return Ok(decides),
                Ok(_) => {}
                Err(limit) if limit.is_limit() => return Err(limit),
                Err(error) => undecided = Err(error),
            }
        }
        undecided
    }

    fn with<T>(&mut self, item: Value, what: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        self.locals.push(item);
        let done = what(self);
        self.locals.pop();
        done
    }
}

fn truth(value: &Value) -> Result<bool, Fault> {
    let Value::Bool(truth) = value else { return Err(Fault::NotBool(value.kind())) };
    Ok(*truth)
}

/// The items of a loop: the elements of a list, the keys of a map.
fn items(value: &Value, meter: &mut Meter<'_>) -> Result<Vec<Value>, Fault> {
    let mut bounded = |count: usize| match count {
        0..=MAX_LOOP_ITEMS => meter.room_for(count, ELEMENT_BYTES, 0),
        _ => Err(Fault::Loop(count)),
    };
    match value {
        Value::List(list) => bounded(list.as_slice().len()).map(|_| list.as_slice().to_vec()),
        Value::Map(map) => bounded(map.entries().len()).map(|_| map.entries().keys().map(Key::value).collect()),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::Exact(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::Optional(_)
        | Value::Type(_) => Err(Fault::NotIterable(value.kind())),
    }
}
