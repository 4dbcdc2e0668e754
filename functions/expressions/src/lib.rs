//! The language of rule values and conditions: CEL, bounded.
//!
//! An expression sees `event` (the envelope without its payload) and `data` (the payload). It has no clock, no I/O and no
//! randomness, and it doesn't see the context, so its value depends on the event alone. Its form is bounded when it is parsed
//! (length, nodes, loops). What it does is counted while it is evaluated: no value on the way is larger than `MAX_VALUE_BYTES`,
//! and the work of an expression, and of all those of one event, has an end, whatever the payload is.
//!
//! A crate of its own, so that neither the receiver nor the reader has the language among its dependencies: tests/deployed.rs.
//!
//! The crate `cel` parses; evaluating is ours (`evaluate.rs`), because the crate's own has no bound that a caller could set. A
//! test holds one against the other.

mod blame;
mod check;
mod convert;
mod decimal;
mod evaluate;
mod exact;
mod fault;
mod functions;
mod literals;
mod meter;
mod numbers;
mod operators;
mod optional;
mod pattern;
mod place;
#[cfg(test)]
mod tests;
mod texts;
mod tree;
mod value;

pub use blame::Lack;
pub use literals::Literals;
pub use place::{Place, Step};

use cel::Env;
pub use decimal::whole;
use evaluate::Evaluation;
pub use exact::shortest;
use fault::Fault;
use meter::{EventWork, Meter};
use std::fmt;
use std::sync::LazyLock;
use tree::Node;
use value::Value;

use tidings_config::limits::{MAX_FACT_BYTES, MAX_LOOP_ITEMS};

/// A parsed expression.
pub struct Expression {
    tree: Node,
    nodes: usize,
    loops: bool,
}

/// Why a text is no expression. For whoever writes rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExpressionError(String);

/// Why an expression has no value for an event. It names fields and types, never what is in them. Never worth a retry:
/// the same event gives the same error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    #[error("{0}")]
    NoValue(String),
    /// The event has no such place: a field, an entry or an element that isn't there, or something on the way to it that is missing, null
    /// or of another kind.
    #[error("{0}")]
    Absent(String),
    /// It has one, of so many bytes.
    #[error("a value of {0} bytes, allowed: {MAX_FACT_BYTES}")]
    TooLarge(usize),
}

/// What an expression may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One event.
    Event,
    /// One event, and what was fetched for it.
    Enriched,
    /// A join that has come to its end. What its events carried isn't there: several events may have completed it, and
    /// which ones did would depend on the order of arrival.
    Join,
}

impl Scope {
    pub const fn variables(self) -> &'static [&'static str] {
        match self {
            Self::Event => &["data", "event"],
            Self::Enriched => &["data", "event", "fetched"],
            Self::Join => &["join"],
        }
    }
}

/// The grammar with its macros. What may be named is ours to say: see [`check`] and [`functions`].
static GRAMMAR: LazyLock<Env> = LazyLock::new(Env::stdlib);

impl Expression {
    /// Parses and checks: syntax, names, cost.
    pub fn parse(text: &str, scope: Scope) -> Result<Self, ExpressionError> {
        check::length(text)?;
        check::nesting(text)?;
        let parsed = GRAMMAR.parser().parse(text).map_err(|errors| check::syntax(text, &errors))?;
        let (nodes, loops) = check::expression(&parsed, scope)?;
        Ok(Self { tree: tree::build(&parsed, scope)?, nodes, loops })
    }

    /// The steps that evaluating takes at most, but for what its functions do to large values: its nodes, for each element of the
    /// longest list if it loops.
    pub fn cost(&self) -> usize {
        if self.loops { self.nodes * MAX_LOOP_ITEMS } else { self.nodes }
    }

    /// The value for one event, or one join.
    pub fn evaluate(&self, variables: &Variables) -> Result<serde_json::Value, EvaluationError> {
        self.value(variables, convert::to_json)
    }

    /// The same for a text: of a longer one so many characters, and one more.
    pub fn evaluate_for_text(&self, variables: &Variables, chars: usize) -> Result<serde_json::Value, EvaluationError> {
        self.value(variables, |value, meter| {
            if let Value::Text(text) = value {
                return Ok(text.as_str().chars().take(chars + 1).collect::<String>().into());
            }
            convert::to_json(value, meter)
        })
    }

    /// Whether its value may be a number that nobody sent: one that arithmetic has made.
    pub fn computes(&self) -> bool {
        self.tree.computes()
    }

    fn value(
        &self,
        variables: &Variables,
        written: impl FnOnce(&Value, &mut Meter<'_>) -> Result<serde_json::Value, Fault>,
    ) -> Result<serde_json::Value, EvaluationError> {
        let mut evaluation = Evaluation::new(&variables.values, Meter::new(&variables.work));
        let value = evaluation.value(&self.tree).and_then(|value| written(&value, &mut evaluation.meter));
        value.map_err(error)
    }
}

fn error(fault: Fault) -> EvaluationError {
    if let Fault::LargeResult(bytes) = fault {
        EvaluationError::TooLarge(bytes)
    } else if fault.is_absent() {
        EvaluationError::Absent(fault.to_string())
    } else {
        EvaluationError::NoValue(fault.to_string())
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expression").field("loops", &self.loops).finish_non_exhaustive()
    }
}

/// What an event, or a join, gives to its expressions, converted once. All expressions that are evaluated with it, or with a
/// copy, share the work that one event may take.
#[derive(Clone, Debug)]
pub struct Variables {
    /// In the order of the scope's names.
    values: Vec<Value>,
    work: EventWork,
}

impl Variables {
    /// Of [`Scope::Event`]. `event` is an object: the envelope without its payload.
    pub fn of_event(data: &serde_json::Value, event: &serde_json::Value) -> Self {
        Self::new([data, event])
    }

    /// Of [`Scope::Enriched`].
    #[must_use]
    pub fn with_fetched(&self, fetched: &serde_json::Value) -> Self {
        let mut all = self.clone();
        all.values.push(convert::from_json(fetched));
        all
    }

    /// Of [`Scope::Join`].
    pub fn of_join(name: &str, key: &str) -> Self {
        Self::new([&serde_json::json!({"name": name, "key": key})])
    }

    fn new<const N: usize>(values: [&serde_json::Value; N]) -> Self {
        Self { values: values.into_iter().map(convert::from_json).collect(), work: EventWork::new() }
    }
}
