//! An expression of a rule. It is compiled when an event first needs it, not in INIT.

use crate::failure::RuleError;
use serde_json::Value;
use std::sync::OnceLock;
use tidings_config::limits::MAX_COUNT_STEP;
use tidings_config::time::Timestamp;
use tidings_expressions::{EvaluationError, Expression, Scope, Variables, whole};

#[derive(Debug)]
pub(crate) struct CompiledOnce {
    text: String,
    scope: Scope,
    parsed: OnceLock<Expression>,
}

impl CompiledOnce {
    pub(crate) fn new(text: &str, scope: Scope) -> Self {
        Self { text: text.to_owned(), scope, parsed: OnceLock::new() }
    }

    fn parsed(&self) -> &Expression {
        self.parsed.get_or_init(|| Expression::parse(&self.text, self.scope).expect("tidings build checked it"))
    }

    pub(crate) fn evaluate(&self, variables: &Variables) -> Result<Value, EvaluationError> {
        self.parsed().evaluate(variables)
    }

    /// Evaluates it for a text that needs this many characters.
    pub(crate) fn evaluate_for_text(&self, variables: &Variables, chars: usize) -> Result<Value, EvaluationError> {
        self.parsed().evaluate_for_text(variables, chars)
    }

    /// Whether its value may be a number computed by arithmetic.
    pub(crate) fn computes(&self) -> bool {
        self.parsed().computes()
    }

    /// A text of 1 to `at_most` bytes. A whole number becomes one, in any notation: `10` for 10.0.
    pub(crate) fn name(&self, variables: &Variables, at_most: usize) -> Result<String, RuleError> {
        let text = match self.evaluate(variables)? {
            Value::String(text) => text,
            Value::Number(number) => whole(&number.to_string(), at_most).ok_or(RuleError::NoText)?,
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err(RuleError::NoText),
        };
        match text.len() {
            0 => Err(RuleError::Empty),
            bytes if bytes > at_most => Err(RuleError::LongText { bytes, allowed: at_most }),
            _ => Ok(text),
        }
    }

    /// A time in an event. `None`: it is `null`, an empty text, or missing.
    pub(crate) fn time(&self, variables: &Variables) -> Result<Option<Timestamp>, RuleError> {
        let text = match self.evaluate(variables) {
            Ok(Value::Null) | Err(EvaluationError::Absent(_)) => return Ok(None),
            Ok(Value::String(text)) if text.trim().is_empty() => return Ok(None),
            Ok(Value::String(text)) => text.trim().to_owned(),
            Ok(Value::Number(number)) => whole(&number.to_string(), MAX_STEP_DIGITS).unwrap_or_else(|| number.to_string()),
            Ok(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => return Err(RuleError::NoTime),
            Err(error) => return Err(error.into()),
        };
        let time = Timestamp::parse_in_event(&text).filter(|time| time.is_rfc3339());
        time.map(Some).ok_or(RuleError::NoTime)
    }

    /// Evaluates a condition.
    pub(crate) fn holds(&self, variables: &Variables) -> Result<bool, RuleError> {
        match self.evaluate(variables)? {
            Value::Bool(truth) => Ok(truth),
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => Err(RuleError::NoTruth),
        }
    }
}

/// The step of a counter: a whole number, as `2`, `2.0`, `"2"` or `"2.0"`. `None`: `null`, which counts nothing.
pub(crate) fn step(value: &Value) -> Result<Option<i64>, RuleError> {
    let (digits, seen) = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => (number.to_string(), "another number"),
        Value::String(text) => (text.clone(), "another text"),
        Value::Bool(_) => (String::new(), "a boolean"),
        Value::Array(_) => (String::new(), "a list"),
        Value::Object(_) => (String::new(), "a map"),
    };
    let step = whole(&digits, MAX_STEP_DIGITS).and_then(|digits| digits.parse().ok());
    let step = step.filter(|step| (-MAX_COUNT_STEP..=MAX_COUNT_STEP).contains(step));
    step.map(Some).ok_or(RuleError::NoStep { seen })
}

/// The most digits of a 64-bit number.
const MAX_STEP_DIGITS: usize = 19;
