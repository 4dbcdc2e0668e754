//! An expression of the rules. It is parsed when an event first needs it, not in INIT.

use serde_json::{Number, Value};
use std::sync::OnceLock;
use tidings_core::rules::{EvaluationError, Expression, Scope, Variables};

#[derive(Debug)]
pub(crate) struct Lazy {
    text: String,
    scope: Scope,
    parsed: OnceLock<Expression>,
}

impl Lazy {
    pub(crate) fn new(text: &str, scope: Scope) -> Self {
        Self { text: text.to_owned(), scope, parsed: OnceLock::new() }
    }

    pub(crate) fn evaluate(&self, variables: &Variables) -> Result<Value, EvaluationError> {
        self.parsed.get_or_init(|| Expression::parse(&self.text, self.scope).expect("build.rs checked it")).evaluate(variables)
    }

    /// The same for a text, of which so many characters are wanted.
    pub(crate) fn evaluate_for_text(&self, variables: &Variables, chars: usize) -> Result<Value, EvaluationError> {
        let parsed = self.parsed.get_or_init(|| Expression::parse(&self.text, self.scope).expect("build.rs checked it"));
        parsed.evaluate_for_text(variables, chars)
    }

    /// A text of 1 to `at_most` bytes, or a whole number as one. What else it gave, in words, is the error.
    pub(crate) fn name(&self, variables: &Variables, at_most: usize) -> Result<String, String> {
        let text = match self.evaluate(variables).map_err(|error| error.to_string())? {
            Value::String(text) => text,
            Value::Number(number) if is_whole(&number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                return Err("gives no text; string(…) makes one of a number".to_owned());
            }
        };
        match text.len() {
            0 => Err("gives an empty text".to_owned()),
            bytes if bytes > at_most => Err(format!("a text of {bytes} bytes, allowed: {at_most}")),
            _ => Ok(text),
        }
    }

    /// A condition.
    pub(crate) fn holds(&self, variables: &Variables) -> Result<bool, String> {
        match self.evaluate(variables).map_err(|error| error.to_string())? {
            Value::Bool(truth) => Ok(truth),
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                Err("gives neither true nor false".to_owned())
            }
        }
    }
}

/// However many digits it has.
fn is_whole(number: &Number) -> bool {
    let digits = number.to_string();
    digits.strip_prefix('-').unwrap_or(&digits).bytes().all(|byte| byte.is_ascii_digit())
}
