//! The language of rules, from outside: as CEL has it, bounded, and silent about payloads.

mod bounds;
mod numbers;
mod optionals;
mod oracle;
mod random;
mod reasons;

use serde_json::{Value, json};
use tidings_expressions::{Expression, Scope, Variables};

/// The value, or what the parser or the evaluation says.
fn value(text: &str, data: &Value) -> Result<Value, String> {
    let event = json!({"type": "order.paid", "subject": "order/1042"});
    Expression::parse(text, Scope::Event)
        .map_err(|error| error.to_string())?
        .evaluate(&Variables::of_event(data, &event))
        .map_err(|error| error.to_string())
}
