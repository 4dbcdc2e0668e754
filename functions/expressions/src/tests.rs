//! Expressions: their values, their errors, and their cost.

use super::*;
use serde_json::{Value as Json, json};

fn value(text: &str, data: Json) -> Result<Json, String> {
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
        ("null", Json::Null),
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

/// As doubles, the two ids would be equal, and so would the two times.
#[test]
fn numbers_that_no_double_holds_keep_their_digits() {
    let data: Json = serde_json::from_str(
        r#"{"a": 340282366920938463463374607431768211455, "b": 340282366920938463463374607431768211456,
            "t": 1700000000.123456781, "u": 1700000000.123456782, "huge": 1e400, "n": 5, "f": 0.5}"#,
    )
    .unwrap();
    let json = |text: &str| serde_json::from_str::<Json>(text).unwrap();
    for (text, expected) in [
        ("data.a", json("340282366920938463463374607431768211455")),
        ("[data.t, data.u]", json("[1700000000.123456781, 1700000000.123456782]")),
        ("string(data.a)", json!("340282366920938463463374607431768211455")),
        ("'order/' + string(data.u)", json!("order/1700000000.123456782")),
        ("data.a == data.b", json!(false)),
        ("data.a < data.b && data.t != data.u", json!(true)),
        ("data.a == data.a && data.b in [data.a, data.b]", json!(true)),
        ("data.a > data.n && data.n < data.a && data.f < data.t", json!(true)),
        ("type(data.a) == double", json!(true)),
        ("data.t * 2.0", json!(3_400_000_000.246_913_4)),
        ("double(data.t) == double(data.u)", json!(true)),
        ("int(data.t)", json!(1_700_000_000)),
        ("-data.t < 0.0", json!(true)),
        ("{'a': 1}.exists(k, k == 'a') && !(data.t in {1700000000: 'x'})", json!(true)),
        ("string(data.huge)", json!("1e+400")),
        ("data.huge > data.a && data.huge > 1.0", json!(true)),
    ] {
        assert_eq!(value(text, data.clone()), Ok(expected), "{text}");
    }
    for (text, said) in [("int(data.a)", "int"), ("data.huge * 2.0", "finite"), ("data.a % 2", "rem"), ("[1][data.t]", "double")]
    {
        let error = value(text, data.clone()).unwrap_err();
        assert!(error.contains(said), "{text}: {error}");
    }
}

#[test]
fn errors_name_the_problem_and_quote_no_payload() {
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
fn an_expression_that_can_never_work_is_refused_when_parsed() {
    for (text, said) in [
        ("data.total +", "syntax error at character 13"),
        ("dta.total", "unknown name \"dta\", allowed: data, event"),
        ("foo(data.x)", "unknown function \"foo\""),
        ("data.x.upper()", "unknown function \"upper\""),
        ("data.a.all(x, data.b.all(y, x == y))", "nested loops"),
        ("", "empty"),
    ] {
        let error = value(text, json!({})).unwrap_err();
        assert!(error.contains(said), "{text}: {error}");
    }
}

#[test]
fn cost_is_bounded_on_both_sides() {
    use tidings_config::limits::{
        MAX_EXPRESSION_BRACKETS, MAX_EXPRESSION_BYTES, MAX_EXPRESSION_CONDITIONS, MAX_EXPRESSION_NODES, MAX_FACT_BYTES,
    };
    let text = |bytes: usize| format!("'{}'", "x".repeat(bytes - 2));
    assert!(Expression::parse(&text(MAX_EXPRESSION_BYTES), Scope::Event).is_ok());
    assert!(Expression::parse(&text(MAX_EXPRESSION_BYTES + 1), Scope::Event).unwrap_err().to_string().contains("1024"));

    let inner = format!("{}1{}", "true?".repeat(MAX_EXPRESSION_CONDITIONS), ":1".repeat(MAX_EXPRESSION_CONDITIONS));
    for (open, close) in [("(", ")"), ("[", "]"), ("has(", ")"), ("{1:", "}")] {
        let nested = |n: usize| format!("{}{inner}{}", open.repeat(n), close.repeat(n));
        let refused = |text: &str| {
            Expression::parse(text, Scope::Event).err().is_some_and(|e| e.to_string().contains("levels of brackets"))
        };
        assert!(!refused(&nested(MAX_EXPRESSION_BRACKETS)), "{open}: the parser's stack holds both at the same time");
        assert!(refused(&nested(MAX_EXPRESSION_BRACKETS + 1)), "{open}");
    }
    let more = format!("true?{inner}:1");
    assert!(Expression::parse(&more, Scope::Event).unwrap_err().to_string().contains("conditions with a question mark"));

    let list = |n: usize| format!("[{}]", vec!["1"; n].join(","));
    assert!(Expression::parse(&list(MAX_EXPRESSION_NODES - 1), Scope::Event).is_ok());
    assert!(Expression::parse(&list(MAX_EXPRESSION_NODES), Scope::Event).unwrap_err().to_string().contains("256"));

    let items = |n: usize| json!({"l": vec![1; n]});
    assert_eq!(value("data.l.all(x, x == 1)", items(MAX_LOOP_ITEMS)), Ok(json!(true)));
    assert!(value("data.l.all(x, x == 1)", items(MAX_LOOP_ITEMS + 1)).unwrap_err().contains("1000"));
    assert_eq!(value("size(data.l)", items(MAX_LOOP_ITEMS + 1)), Ok(json!(1001)), "without a loop there is no limit");

    let long = |n: usize| json!({"s": "x".repeat(n)});
    assert!(value("data.s", long(MAX_FACT_BYTES - 2)).is_ok());
    assert!(value("data.s", long(MAX_FACT_BYTES - 1)).unwrap_err().contains(&format!("{} bytes", MAX_FACT_BYTES + 1)));
}
