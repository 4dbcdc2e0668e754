//! The language of rules, tested from outside: CEL's semantics, bounds, and no payload in errors.

mod bounds;
mod numbers;
mod optionals;
mod oracle;
mod random;
mod reasons;

use serde_json::{Value, json};
use tidings_expressions::{Expression, Scope, Variables};

/// The value, or the error of the parser or the evaluation.
fn value(text: &str, data: &Value) -> Result<Value, String> {
    let event = json!({"type": "order.paid", "subject": "order/1042"});
    Expression::parse(text, Scope::Event)
        .map_err(|error| error.to_string())?
        .evaluate(&Variables::of_event(data, &event))
        .map_err(|error| error.to_string())
}

#[test]
fn an_expression_tells_its_literals_and_its_fields() {
    let text = "data.?a.orValue('x') == 'y' && data.list.exists(l, l.b.matches('^z') && l['c d'] > 5 && has(l.e)) \
                ? data.f.optMap(g, 2.5) : [data.h, {'k': 7u}]";
    let text = text.replace("data.f.optMap(g, 2.5)", "data.?f.optMap(g, 2.5)");
    let literals = Expression::parse(&text, Scope::Event).unwrap().literals();
    for value in [json!("x"), json!("y"), json!("^z"), json!("c d"), json!(5), json!(2.5), json!("k"), json!(7)] {
        assert!(literals.values.contains(&value), "{value}: {literals:?}");
    }
    for field in ["a", "list", "b", "e", "f", "h"] {
        assert!(literals.fields.iter().any(|one| one == field), "{field}: {literals:?}");
    }
}
