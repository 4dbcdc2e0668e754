//! What may be missing: CEL's optionals over JSON, where a missing place and `null` are the same, and what `has` says.

use super::value;
use serde_json::{Value, json};
use tidings_config::limits::{MAX_EXPRESSION_BRACKETS, MAX_EXPRESSION_CONDITIONS, MAX_LOOP_ITEMS, MAX_VALUE_BYTES};
use tidings_expressions::{EvaluationError, Expression, Scope, Variables};

fn all(data: &Value, cases: &[(&str, Value)]) {
    for (text, expected) in cases {
        assert_eq!(value(text, data), Ok(expected.clone()), "{text}");
    }
}

#[test]
fn a_default_replaces_a_missing_null_or_unreachable_value() {
    for (data, expected) in [
        (json!({"a": {"b": {"c": "x"}}}), "x"),
        (json!({}), "none"),
        (json!({"a": null}), "none"),
        (json!({"a": {}}), "none"),
        (json!({"a": {"b": null}}), "none"),
        (json!({"a": {"b": {"c": null}}}), "none"),
        (json!({"a": "text"}), "none"),
        (json!({"a": 7}), "none"),
        (json!({"a": ["b"]}), "none"),
        (json!({"a": {"b": "cus_123"}}), "none"),
        (json!({"a": {"b": [{"c": "x"}]}}), "none"),
        (Value::Null, "none"),
    ] {
        for text in [
            "data.?a.?b.?c.orValue('none')",
            // The rest of a path after an optional is optional as well.
            "data.?a.b.c.orValue('none')",
            "data[?'a'][?'b'][?'c'].orValue('none')",
            "data.?a['b'].?c.orValue('none')",
            "data.?a.optFlatMap(a, a.?b).optFlatMap(b, b.?c).orValue('none')",
            "data.?a.?b.?c.or(optional.of('none')).value()",
            "data.?a.?b.?c.hasValue() ? data.a.b.c : 'none'",
            "data.?a.?b.?c.orValue('no') == 'x' ? data.a.b.c : 'none'",
        ] {
            assert_eq!(value(text, &data), Ok(json!(expected)), "{text} of {data}");
        }
        let there = expected == "x";
        assert_eq!(value("data.?a.?b.?c.hasValue()", &data), Ok(json!(there)), "{data}");
        assert_eq!(value("data.?a.?b.?c", &data), Ok(if there { json!("x") } else { Value::Null }), "{data}");
    }
}

#[test]
fn optionals_are_as_cel_has_them() {
    let data = json!({"n": 5, "l": ["a", null, "c"], "m": {"a-b": 1, "n": null}, "s": "text", "empty": "", "none": null});
    all(
        &data,
        &[
            ("data[?'a-b']", Value::Null),
            ("data.m[?'a-b']", json!(1)),
            ("data.l[?0].orValue('none')", json!("a")),
            ("data.l[?1].orValue('none')", json!("none")),
            ("data.l[?3].orValue('none')", json!("none")),
            ("data.l[?-1].orValue('none')", json!("none")),
            ("data.l[?2.0].orValue('none')", json!("c")),
            ("data.l[?'a'].orValue('none')", json!("none")),
            ("data.?l[1 + 1].orValue('none')", json!("c")),
            ("{'a': 1}.?a.orValue(2)", json!(1)),
            ("optional.of(1).hasValue()", json!(true)),
            ("optional.of(null).hasValue()", json!(true)),
            ("optional.none().hasValue()", json!(false)),
            ("optional.of(data.n + 1)", json!(6)),
            ("optional.none()", Value::Null),
            ("optional.ofNonZeroValue(data.empty).orValue('nobody')", json!("nobody")),
            ("optional.ofNonZeroValue(data.s).orValue('nobody')", json!("text")),
            (
                "optional.ofNonZeroValue(0.00).or(optional.ofNonZeroValue([])).or(optional.ofNonZeroValue(0u)).hasValue()",
                json!(false),
            ),
            ("optional.of(1).or(optional.of(2)).value()", json!(1)),
            ("optional.none().or(optional.of(2)).value()", json!(2)),
            ("data.?x.or(data.?n).orValue(0)", json!(5)),
            ("data.?n.optMap(n, n * 2).orValue(0)", json!(10)),
            ("data.?x.optMap(n, n * 2).orValue(0)", json!(0)),
            ("data.?m.optMap(m, m.?n).hasValue()", json!(true)),
            ("data.?m.optFlatMap(m, m.?n).hasValue()", json!(false)),
            ("[?data.?n, ?data.?x, 7]", json!([5, 7])),
            ("{?'n': data.?n, ?'x': data.?x, 'k': 7}", json!({"n": 5, "k": 7})),
            ("{?'n': data.?n, 'x': data.?x}", json!({"n": 5, "x": null})),
            ("type(data.?n) == optional_type && type(data.n) == int", json!(true)),
            ("optional.of(1) == optional.of(1.0) && optional.none() == optional.none()", json!(true)),
            ("optional.of(1) == optional.none()", json!(false)),
            // A loop's variable may have any name, and so may the one of optMap.
            ("data.l.filter(optional, optional != null).size()", json!(2)),
            ("optional.of(3).optMap(optional, optional * 2).value()", json!(6)),
            ("[{'a': 1}, {}, {'a': null}].map(x, x.?a.orValue(0))", json!([1, 0, 0])),
            ("[{'a': 1}, {}].map(x, x.?a.optMap(y, y + 1).orValue(0))", json!([2, 0])),
            ("[{'a': 1}, {}].exists(x, x.?a.hasValue()) && ![{'a': 1}, {}].all(x, x.?a.hasValue())", json!(true)),
            ("has(data.?m.n) && !has(data.?m.x) && !has(data.?x.n)", json!(true)),
        ],
    );
}

/// Where CEL's type checker would refuse an optional beside a value, and its evaluation would say `false` without a word.
#[test]
fn an_optional_is_compared_with_a_value_by_its_content() {
    let data = json!({"status": "paid", "n": 10, "none": null});
    all(
        &data,
        &[
            ("data.?status == 'paid' && 'paid' == data.?status", json!(true)),
            ("data.?status != 'open'", json!(true)),
            ("data.?x == 'paid'", json!(false)),
            ("data.?x != 'paid'", json!(true)),
            ("data.?x == null && data.?none == null && data.?status != null", json!(true)),
            ("data.?status in ['paid', 'sent']", json!(true)),
            ("data.?x in ['paid', 'sent']", json!(false)),
            ("data.?status in {'paid': 1} && !(data.?x in {'paid': 1})", json!(true)),
            ("data.?n == 10.0", json!(true)),
        ],
    );
}

#[test]
fn a_default_is_evaluated_only_if_it_is_needed() {
    let data = json!({"a": "x", "l": [1]});
    all(
        &data,
        &[
            ("data.?a.orValue(data.no)", json!("x")),
            ("data.?a.or(data.no).value()", json!("x")),
            ("data.?no.optMap(n, n.no.no).hasValue()", json!(false)),
        ],
    );
    assert!(value("data.?no.orValue(data.no)", &data).unwrap_err().contains("no field \"no\""));
}

#[test]
fn has_is_false_if_any_part_of_the_path_is_missing() {
    for (data, expected) in [
        (json!({"a": {"b": {"c": "x"}}}), true),
        (json!({"a": {"b": {"c": null}}}), true),
        (json!({"a": {"b": {}}}), false),
        (json!({"a": {"b": null}}), false),
        (json!({"a": {}}), false),
        (json!({"a": null}), false),
        (json!({}), false),
        (json!({"a": "text"}), false),
        (json!({"a": {"b": "cus_123"}}), false),
    ] {
        for text in ["has(data.a.b.c)", "has(data['a'].b.c)", "has(data.a['b'].c)", "!!has(data.a.b.c)"] {
            assert_eq!(value(text, &data), Ok(json!(expected)), "{text} of {data}");
        }
    }
    let data = json!({"l": [{"a": 1}], "none": null});
    all(
        &data,
        &[
            ("has(data.l[0].a)", json!(true)),
            ("has(data.l[1].a)", json!(false)),
            ("has(data.none[0].a)", json!(false)),
            ("has(data.l[0].a.b)", json!(false)),
        ],
    );
    // Only the path itself may be missing, not the operands of its indices.
    for text in ["has(data.l[data.no].a)", "has(data.l.map(x, x.no)[0].a)", "has((data.no + 1).a)"] {
        assert!(value(text, &data).unwrap_err().contains("no field \"no\""), "{text}");
    }
}

#[test]
fn a_missing_plain_path_is_an_error_that_says_so() {
    let evaluated = |text: &str, data: Value| {
        Expression::parse(text, Scope::Event).unwrap().evaluate(&Variables::of_event(&data, &json!({})))
    };
    for (text, data, said) in [
        ("data.a.b", json!({}), "no field \"a\"; test with has(…)"),
        ("data.a.b", json!({"a": null}), "can't look for field \"b\" in null_type"),
        ("data.a.b", json!({"a": "x"}), "can't look for field \"b\" in string"),
        ("data.a.?b", json!({}), "no field \"a\"; test with has(…)"),
        ("data.l[3]", json!({"l": [1]}), "the index is beyond the end of the list"),
        ("data['a']", json!({}), "no entry with this key; test with `key in map`"),
        ("data.l[0]", json!({"l": null}), "can't select int in null_type"),
        ("data.?a.value()", json!({}), "the optional has no value"),
        ("'id ' + data.a.b", json!({}), "no field \"a\"; test with has(…)"),
    ] {
        assert_eq!(evaluated(text, data), Err(EvaluationError::Absent(said.to_owned())), "{text}");
    }
    for (text, data) in [
        ("data.a + 1", json!({"a": "x"})),
        ("data.a / 0", json!({"a": 1})),
        ("int(data.a)", json!({"a": "x"})),
        ("data.?a + 1", json!({"a": 1})),
        ("data.?a.?b && true", json!({})),
        ("[?data.l[0]]", json!({"l": [1]})),
        ("data.l.map(x, {?'k': x})", json!({"l": [1]})),
        ("data.?a.or(1)", json!({})),
        ("data.?a > 1", json!({"a": 2})),
    ] {
        match (Expression::parse(text, Scope::Event), evaluated_or(text, &data)) {
            (Ok(_), Err(EvaluationError::NoValue(_))) | (Err(_), Ok(())) => {}
            (parsed, evaluated) => panic!("{text}: {parsed:?} {evaluated:?}"),
        }
    }
}

fn evaluated_or(text: &str, data: &Value) -> Result<(), EvaluationError> {
    let Ok(expression) = Expression::parse(text, Scope::Event) else { return Ok(()) };
    expression.evaluate(&Variables::of_event(data, &json!({}))).map(|_| ())
}

#[test]
fn an_impossible_optional_is_refused_when_parsed() {
    let refused = |text: &str| Expression::parse(text, Scope::Event).map(|_| ()).unwrap_err().to_string();
    for text in ["data.a.orValue('x')", "data.a['b'].hasValue()", "event.subject.or(data.?a)", "[?data.a]", "{?'k': data.a.b}"] {
        assert!(refused(text).contains("use .? or [?…], as in data.?carrier.orValue('none')"), "{text}: {}", refused(text));
    }
    assert!(refused("has(data.?a)").contains("has(…) asks for a plain path"), "{}", refused("has(data.?a)"));
    for text in [
        "optional.off(1)",
        "optional",
        "optional.of",
        "of(1)",
        "data.?a.optMap(1 + 1, 2)",
        "data.?a.unwrap()",
        "no.?a",
        "x.?a.optMap(x, x)",
    ] {
        refused(text);
    }
    assert_eq!(refused("data.?a.orValue()"), "orValue is called as x.orValue(…), with 1 to 1 arguments");
    assert_eq!(refused("optional.none(1)"), "optional.none is called as optional.none(…), with 0 to 0 arguments");
}

/// In a thread with the stack that tests have: the parser calls itself for each level.
#[test]
fn the_form_of_optionals_is_bounded_like_any_other() {
    let parse = |text: &str| Expression::parse(text, Scope::Event).map(|_| ()).map_err(|error| error.to_string());
    assert_eq!(parse(&format!("data{}", ".?a".repeat(127))), Ok(()));
    assert!(parse(&format!("data{}", ".?a".repeat(128))).unwrap_err().contains("nodes"));
    assert_eq!(parse(&format!("data{}", "[?'a']".repeat(127))), Ok(()));
    assert_eq!(parse(&format!("[{}data.?a]", "?data.?a, ".repeat(40))), Ok(()), "they are no conditions");
    let inside = |n: usize| format!("data{}1{}", "[?data".repeat(n), "]".repeat(n)).replace("data1", "1");
    assert_eq!(parse(&inside(MAX_EXPRESSION_BRACKETS)), Ok(()));
    assert!(parse(&inside(MAX_EXPRESSION_BRACKETS + 1)).unwrap_err().contains("levels of brackets"));
    // No spelling of a condition passes for an optional.
    for condition in ["true?", "true ?", "true// .\n?", "true//, \r\n\t?", "[1][0]==1?"] {
        let text = |n: usize| format!("{}1", format!("{condition}1:").repeat(n));
        assert_eq!(parse(&text(MAX_EXPRESSION_CONDITIONS)), Ok(()), "{condition:?}");
        assert!(parse(&text(MAX_EXPRESSION_CONDITIONS + 1)).unwrap_err().contains("conditions"), "{condition:?}");
    }
}

#[test]
fn optionals_cost_work_like_any_other_value() {
    let data = json!({"l": vec![json!({"a": 1}); MAX_LOOP_ITEMS], "s": "x".repeat(1_000)});
    let most = format!("data.l.map(x, {})", ["x.?a.optMap(y, y)"; 7].join(" == "));
    assert!(Expression::parse(&most, Scope::Event).is_ok());
    assert_eq!(value("data.l.map(x, optional.of(x.?a)).size()", &data), Ok(json!(MAX_LOOP_ITEMS)));
    // A long key costs its length, whether the place exists or not.
    let long = json!({"l": vec![1; MAX_LOOP_ITEMS], "m": {"a": 1}, "k": "k".repeat(200_000)});
    assert!(value("data.l.exists(x, data.m[?data.k].hasValue())", &long).unwrap_err().contains("too much work"));
    assert!(value("data.l.exists(x, data.?m[data.k].hasValue()) || true", &long).unwrap_err().contains("too much work"));
    let large = json!({"s": "x".repeat(MAX_VALUE_BYTES)});
    assert!(
        value("data.?s.optMap(s, s + s).orValue('')", &large).unwrap_err().contains("would exceed"),
        "a limit is no missing place"
    );
}
