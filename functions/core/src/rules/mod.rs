//! The language of rule values and conditions: CEL, bounded.
//!
//! An expression sees `event` (the envelope without its payload) and `data` (the payload). It has no clock, no I/O and no
//! randomness, and it doesn't see the context, so its value depends on the event alone. Its cost is bounded when it is parsed (length, size, loops) and
//! when it is evaluated (what a loop may run over, how large a value may be).

mod check;
mod convert;

use crate::limits::{MAX_FACT_BYTES, MAX_LOOP_ITEMS};
use cel::{Context, Env, ExecutionError, Program};
use std::fmt;
use std::sync::{Arc, LazyLock};

/// A parsed expression.
pub struct Expression {
    program: Program,
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

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    env.add_extension(cel::extensions::strings).expect("nothing else declares the functions of this extension");
    Arc::new(env)
});

impl Expression {
    /// Parses and checks: syntax, names, cost.
    pub fn parse(text: &str, scope: Scope) -> Result<Self, ExpressionError> {
        check::length(text)?;
        let program = ENVIRONMENT.compile(text).map_err(|errors| check::syntax(text, &errors))?;
        let (nodes, loops) = check::program(&program, scope)?;
        Ok(Self { program, nodes, loops })
    }

    /// The steps that evaluating takes at most: its nodes, for each element of the longest list if it loops.
    pub fn cost(&self) -> usize {
        if self.loops { self.nodes * MAX_LOOP_ITEMS } else { self.nodes }
    }

    /// The value for one event, or one join.
    pub fn evaluate(&self, variables: &Variables) -> Result<serde_json::Value, EvaluationError> {
        if self.loops && variables.longest > MAX_LOOP_ITEMS {
            return Err(EvaluationError::NoValue(format!(
                "a loop over data whose longest list has {} elements, allowed: {MAX_LOOP_ITEMS}",
                variables.longest
            )));
        }
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        for (name, value) in &variables.values {
            context.add_variable_from_value(*name, value.clone());
        }
        let value = self.program.execute(&context).map_err(|error| EvaluationError::NoValue(in_words(&error)))?;
        let value = convert::to_json(&value)?;
        match convert::size(&value) {
            size if size > MAX_FACT_BYTES => Err(EvaluationError::TooLarge(size)),
            _ => Ok(value),
        }
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expression").field("loops", &self.loops).finish_non_exhaustive()
    }
}

/// What an event, or a join, gives to its expressions, converted once.
#[derive(Clone, Debug)]
pub struct Variables {
    values: Vec<(&'static str, cel::Value)>,
    longest: usize,
}

impl Variables {
    /// Of [`Scope::Event`]. `event` is an object: the envelope without its payload.
    pub fn of_event(data: &serde_json::Value, event: &serde_json::Value) -> Self {
        let values = vec![("data", convert::from_json(data)), ("event", convert::from_json(event))];
        Self { values, longest: convert::longest(data) }
    }

    /// Of [`Scope::Enriched`].
    #[must_use]
    pub fn with_fetched(&self, fetched: &serde_json::Value) -> Self {
        let mut values = self.values.clone();
        values.push(("fetched", convert::from_json(fetched)));
        Self { values, longest: self.longest.max(convert::longest(fetched)) }
    }

    /// Of [`Scope::Join`].
    pub fn of_join(name: &str, key: &str) -> Self {
        let join = serde_json::json!({"name": name, "key": key});
        Self { values: vec![("join", convert::from_json(&join))], longest: 0 }
    }
}

/// The library's own words quote values, which are the payload.
#[allow(clippy::wildcard_enum_match_arm, reason = "the library's enum grows; what we don't know yet is told without its text")]
fn in_words(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("no field {key:?}; has(…) tells whether there is one"),
        ExecutionError::UnsupportedBinaryOperator(operator, left, right) => {
            format!("can't {operator} {} and {}", left.type_of(), right.type_of())
        }
        ExecutionError::NoSuchOverload(overload) => {
            format!("{} isn't for ({})", overload.function(), overload.argument_types().join(", "))
        }
        ExecutionError::ValuesNotComparable(left, right) => format!("can't compare {} with {}", left.type_of(), right.type_of()),
        ExecutionError::UnexpectedType { got, want } => format!("a value of type {got} where {want} is wanted"),
        ExecutionError::IndexOutOfBounds(_) => "an index beyond the end of its list".to_owned(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "a division by zero".to_owned(),
        ExecutionError::Overflow(operator, ..) => format!("an overflow in {operator}"),
        ExecutionError::FunctionError { function, .. } => format!("{function}(…) can't take this value"),
        ExecutionError::UndeclaredReference(name) => format!("unknown name {name:?}"),
        _ => "the expression has no value for this event".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn value(text: &str, data: Value) -> Result<Value, String> {
        let event = json!({"type": "order.paid", "subject": "order/1042"});
        Expression::parse(text, Scope::Event)
            .map_err(|e| e.to_string())?
            .evaluate(&Variables::of_event(&data, &event))
            .map_err(|e| e.to_string())
    }

    #[test]
    fn values_of_an_event() {
        let data = json!({"total": 4890, "phone": "+4915112345678", "items": [{"sku": "a", "n": 2}], "rate": 1.5});
        for (text, expected) in [
            ("'paid'", json!("paid")),
            ("true", json!(true)),
            ("null", Value::Null),
            ("data.total / 100", json!(48)),
            ("double(data.total) / 100.0", json!(48.9)),
            ("data.rate * 2.0", json!(3.0)),
            ("'whatsapp:' + data.phone.substring(1)", json!("whatsapp:4915112345678")),
            ("event.subject", json!("order/1042")),
            ("has(data.nothing) ? data.nothing : 'none'", json!("none")),
            ("data.items.map(i, i.sku)", json!(["a"])),
            ("data.items.exists(i, i.n > 1)", json!(true)),
            ("string(data.total)", json!("4890")),
            ("data.phone.matches('^[+]49')", json!(true)),
            ("data.items[0]", json!({"sku": "a", "n": 2})),
        ] {
            assert_eq!(value(text, data.clone()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn errors_say_what_is_wrong_and_quote_no_payload() {
        let data = json!({"total": "hunter2", "n": 1, "deep": {"hunter2": "hunter2"}});
        for (text, said) in [
            ("data.total / 100", "string"),
            ("data.nothing", "no field \"nothing\""),
            ("data.n / 0", "division by zero"),
            ("data.total > 1", "string"),
            ("int(data.total)", "int"),
            ("data.deep + 1", "map"),
            ("[1][5]", "beyond the end"),
        ] {
            let error = value(text, data.clone()).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{text}: {error}");
        }
    }

    #[test]
    fn what_can_never_work_is_found_when_it_is_parsed() {
        for (text, said) in [
            ("data.total +", "syntax error at character 13"),
            ("dta.total", "unknown name \"dta\", allowed: data, event"),
            ("foo(data.x)", "unknown function \"foo\""),
            ("data.x.upper()", "unknown function \"upper\""),
            ("data.a.all(x, data.b.all(y, x == y))", "loops inside one another"),
            ("", "empty"),
        ] {
            let error = value(text, json!({})).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn cost_is_bounded_on_both_sides() {
        use crate::limits::{MAX_EXPRESSION_BYTES, MAX_EXPRESSION_NODES};
        let text = |bytes: usize| format!("'{}'", "x".repeat(bytes - 2));
        assert!(Expression::parse(&text(MAX_EXPRESSION_BYTES), Scope::Event).is_ok());
        assert!(Expression::parse(&text(MAX_EXPRESSION_BYTES + 1), Scope::Event).unwrap_err().to_string().contains("1024"));

        let list = |n: usize| format!("[{}]", vec!["1"; n].join(","));
        assert!(Expression::parse(&list(MAX_EXPRESSION_NODES - 1), Scope::Event).is_ok());
        assert!(Expression::parse(&list(MAX_EXPRESSION_NODES), Scope::Event).unwrap_err().to_string().contains("256"));

        let items = |n: usize| json!({"l": vec![1; n]});
        assert_eq!(value("data.l.all(x, x == 1)", items(MAX_LOOP_ITEMS)), Ok(json!(true)));
        assert!(value("data.l.all(x, x == 1)", items(MAX_LOOP_ITEMS + 1)).unwrap_err().contains("1000"));
        assert_eq!(value("size(data.l)", items(MAX_LOOP_ITEMS + 1)), Ok(json!(1001)), "without a loop it costs nothing");

        let long = |n: usize| json!({"s": "x".repeat(n)});
        assert!(value("data.s", long(MAX_FACT_BYTES - 2)).is_ok());
        assert!(value("data.s", long(MAX_FACT_BYTES - 1)).unwrap_err().contains("4097 bytes"));
    }
}
