//! What the expressions of rules cost, for `tests/benchmarks/instructions`, which counts instructions.
//!
//! `rules_cost WHAT TIMES`: `nothing` starts; `parse` parses the expressions; `evaluate` evaluates them for an event of some
//! kilobytes; `loop` runs the longest loop that there may be; `hostile` runs into the bound of an expression's work.

use serde_json::json;
use std::hint::black_box;
use tidings_config::limits::MAX_LOOP_ITEMS;
use tidings_expressions::{Expression, Scope, Variables};

const EXPRESSIONS: [&str; 6] = [
    "data.order.total / 100",
    "has(data.order.carrier) ? data.order.carrier : 'none'",
    "'whatsapp:' + data.customer.phone.substring(1)",
    "data.items.filter(i, i.quantity > 1).map(i, i.sku).join(', ')",
    "data.customer.email.matches('^[^@]+@example[.]com$')",
    "data.order.status in ['paid', 'shipped'] && double(data.order.total) / 100.0 > 20.5",
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let times = arguments.next().and_then(|times| times.parse().ok()).unwrap_or(1);
    let parse = |text: &str| Expression::parse(text, Scope::Event).expect("a right expression");
    let item = |n: usize| json!({"sku": format!("sku-{n}"), "quantity": n % 3, "title": "Kaffee, gemahlen, 500 g"});
    let data = json!({
        "order": {"id": 1042, "total": 4890, "status": "paid"},
        "customer": {"phone": "+4915112345678", "email": "ann@example.com"},
        "items": (0..40).map(item).collect::<Vec<_>>(),
        "many": vec![1; MAX_LOOP_ITEMS],
        "text": "x".repeat(500_000),
    });
    let event = json!({"type": "order.paid", "subject": "order/1042"});
    let expressions = match what.as_str() {
        "evaluate" | "parse" => EXPRESSIONS.map(parse).into(),
        "loop" => vec![parse("data.many.all(x, x == 1 && x != 2 && x < 3 && x + 1 == 2)")],
        "hostile" => vec![parse("data.many.exists(x, data.text.contains('y'))")],
        _ => Vec::new(),
    };
    for _ in 0..times {
        if what == "parse" {
            black_box(EXPRESSIONS.map(parse));
            continue;
        }
        let variables = Variables::of_event(&data, &event);
        for expression in &expressions {
            let _ = black_box(expression.evaluate(&variables));
        }
    }
}
