//! The language of rule values and conditions: CEL with bounds.
//!
//! An expression sees `event` (the envelope without its payload) and `data` (the payload). It has no clock, no I/O
//! and no randomness, and it doesn't see the context, so its value depends on the event alone. Its form is bounded
//! when it is parsed (length, nodes, loops). Its work is counted during evaluation: no intermediate value exceeds
//! `MAX_VALUE_BYTES`, and the work of one expression, and of all expressions of one event, is bounded for every
//! payload.
//!
//! A crate of its own, so that neither the receiver nor the reader depends on the language: tests/deployed.rs.
//!
//! The crate `cel` parses. Evaluation is our own (`evaluate.rs`), because the crate's evaluator has no limit that a
//! caller could set. A test compares the two.

mod authors;
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

/// Why a text isn't a valid expression. For authors of rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExpressionError(String);

/// Why an expression has no value for an event. It names fields and types, never values. A retry doesn't help: the
/// same event gives the same error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    #[error("{0}")]
    NoValue(String),
    /// The event lacks the place: a field, an entry or an element doesn't exist, or a part of the path to it is
    /// missing, null or of another type.
    #[error("{0}")]
    Absent(String),
    /// The value exceeds the limit; its size is given.
    #[error("the value has {0} bytes, allowed: {MAX_FACT_BYTES}")]
    TooLarge(usize),
}

/// The names that an expression may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One event.
    Event,
    /// One event, and the object that was fetched for it.
    Enriched,
    /// The end of a join. The content of its events isn't available: several events may have completed it, and which
    /// ones did would depend on the order of arrival.
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

/// The grammar with its macros. [`check`] and [`functions`] decide which names are allowed.
static GRAMMAR: LazyLock<Env> = LazyLock::new(Env::stdlib);

impl Expression {
    /// Parses and checks syntax, names and cost. Errors: the problem, for the author.
    pub fn parse(text: &str, scope: Scope) -> Result<Self, ExpressionError> {
        check::length(text)?;
        check::nesting(text)?;
        let parsed = GRAMMAR.parser().parse(text).map_err(|errors| check::syntax(text, &errors))?;
        let (nodes, loops) = check::expression(&parsed, scope)?;
        Ok(Self { tree: tree::build(&parsed, scope)?, nodes, loops })
    }

    /// The most steps of an evaluation, without the work of functions on large values: its nodes, times the longest
    /// list if it has a loop.
    pub fn cost(&self) -> usize {
        if self.loops { self.nodes * MAX_LOOP_ITEMS } else { self.nodes }
    }

    /// The value for one event or one join.
    pub fn evaluate(&self, variables: &Variables) -> Result<serde_json::Value, EvaluationError> {
        self.value(variables, convert::to_json)
    }

    /// The value for a text. A longer text is cut to `chars` characters and one more.
    pub fn evaluate_for_text(&self, variables: &Variables, chars: usize) -> Result<serde_json::Value, EvaluationError> {
        self.value(variables, |value, meter| {
            if let Value::Text(text) = value {
                return Ok(text.as_str().chars().take(chars + 1).collect::<String>().into());
            }
            convert::to_json(value, meter)
        })
    }

    /// Whether its value may be a number that wasn't received but computed by arithmetic.
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

/// The variables of an event or a join, converted once. All expressions that are evaluated with it or a copy share
/// the work limit of one event.
#[derive(Clone, Debug)]
pub struct Variables {
    /// In the order of the scope's names.
    values: Vec<Value>,
    work: EventWork,
}

impl Variables {
    /// For [`Scope::Event`]. `event` is an object: the envelope without its payload.
    pub fn of_event(data: &serde_json::Value, event: &serde_json::Value) -> Self {
        Self::new([data, event])
    }

    /// For [`Scope::Enriched`].
    #[must_use]
    pub fn with_fetched(&self, fetched: &serde_json::Value) -> Self {
        let mut all = self.clone();
        all.values.push(convert::from_json(fetched));
        all
    }

    /// For [`Scope::Join`].
    pub fn of_join(name: &str, key: &str) -> Self {
        Self::new([&serde_json::json!({"name": name, "key": key})])
    }

    fn new<const N: usize>(values: [&serde_json::Value; N]) -> Self {
        Self { values: values.into_iter().map(convert::from_json).collect(), work: EventWork::new() }
    }
}
