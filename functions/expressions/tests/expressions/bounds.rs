//! Every payload is evaluated in bounded memory and time.

use super::value;
use serde_json::{Value, json};
use tidings_config::limits::{
    MAX_EVENT_WORK, MAX_EXPRESSION_WORK, MAX_LOOP_ITEMS, MAX_MESSAGE_BYTES, MAX_PATTERN_BYTES, MAX_VALUE_BYTES,
};
use tidings_expressions::{Expression, Scope, Variables};

fn large() -> String {
    format!("the value would exceed {MAX_VALUE_BYTES} bytes")
}

#[test]
fn a_value_that_grows_beyond_the_bound_fails_before_it_is_made() {
    // Together at most one message.
    let data = json!({
        "l": vec!["x".repeat(300); 1_000],
        "suffix": "s".repeat(200_000),
        "s": "a".repeat(200_000),
        "a": "a",
        "b": "b".repeat(100_000),
        "sep": "-".repeat(100_000),
        "n": vec![1; 1_000],
    });
    assert!(data.to_string().len() <= MAX_MESSAGE_BYTES);
    for text in [
        // Attack 6.
        "data.l.map(x, x + data.suffix)",
        "data.s.replace(data.a, data.b)",
        "data.l.join(data.sep)",
        // Similar attacks.
        "data.l.map(x, [x, data.suffix].join(data.sep + data.sep)).join()",
        "data.s.split('').map(c, c)",
        "data.s.split(data.a).join(data.b)",
        "data.s.replace('', data.b)",
        "data.s.replace(data.a, data.b, 100)",
        "data.l.map(x, data.suffix.replace('s', x))",
        "data.l.map(x, bytes(data.suffix) + bytes(data.sep) + bytes(data.suffix) + bytes(data.suffix) + bytes(data.suffix) + bytes(data.suffix))",
        "data.l.filter(x, (data.s + data.s + data.s + data.s + data.s + data.s) == x)",
        "data.l.exists(x, size(data.suffix.upperAscii() + x) < 0)",
        "data.l.map(x, {data.suffix + x: data.sep + x})",
        "data.l.map(x, data.l + data.l + data.l + data.l).map(x, x + x + x + x + x + x + x + x + x + x + x + x)",
        "'x'.replace('x', data.s).replace('a', 'aaaaaaaa')",
    ] {
        let error = value(text, &data).unwrap_err();
        let bounded = error == large() || error.contains("too much work for this event") || error.contains("the loop has");
        assert!(bounded, "{text}: {error}");
    }
}

#[test]
fn an_intermediate_value_is_bounded_on_both_sides() {
    let data = |bytes: usize| json!({"a": "a".repeat(bytes / 2), "b": "b".repeat(bytes - bytes / 2), "l": [1]});
    for text in ["size(data.a + data.b)", "size([data.a, data.b].join())", "size(bytes(data.a) + bytes(data.b))"] {
        assert_eq!(value(text, &data(MAX_VALUE_BYTES)), Ok(json!(MAX_VALUE_BYTES)), "{text}");
        assert_eq!(value(text, &data(MAX_VALUE_BYTES + 1)), Err(large()), "{text}");
    }
    let replaced = |bytes: usize| json!({"s": "x".repeat(1_024), "to": "y".repeat(bytes / 1_024)});
    assert_eq!(value("size(data.s.replace('x', data.to))", &replaced(MAX_VALUE_BYTES)), Ok(json!(MAX_VALUE_BYTES)));
    assert_eq!(value("size(data.s.replace('x', data.to))", &replaced(MAX_VALUE_BYTES + 1_024)), Err(large()));
}

#[test]
fn the_work_of_an_expression_is_bounded_on_both_sides() {
    let allowed = usize::try_from(MAX_EXPRESSION_WORK).unwrap();
    let data = |bytes: usize| json!({"s": "x".repeat(bytes)});
    assert_eq!(value("data.s.contains('y')", &data(allowed - 1_000)), Ok(json!(false)));
    let error = value("data.s.contains('y')", &data(allowed)).unwrap_err();
    assert_eq!(error, format!("the expression takes too much work for this event, allowed: {MAX_EXPRESSION_WORK}"));

    // Loops times sizes: a thousand searches of a million bytes.
    let data = json!({"s": "x".repeat(1_000_000), "n": vec![1; MAX_LOOP_ITEMS], "m": vec![vec![0; 300]; 300], "o": (0..300).map(|n| n / 299).collect::<Vec<_>>()});
    for text in [
        "data.n.exists(n, data.s.contains('y'))",
        "data.n.map(n, data.s.indexOf('y'))",
        "data.n.all(n, data.s.lastIndexOf('y') < 0)",
        "data.n.filter(n, data.s.matches('y$'))",
        "data.n.map(n, data.s.size())",
        "data.n.map(n, data.s.substring(0, 1))",
        "data.n.exists(n, data.s.trim() == '')",
        "data.n.exists(n, data.s + '' != data.s)",
        "data.n.exists(n, data.m == [])  || data.n.map(n, data.m == data.m).size() > 0",
        "data.n.map(n, data.o in data.m)",
        "data.n.exists(n, data.s == data.s && false)",
        "data.n.exists(n, data.s < data.s)",
        "data.n.exists(n, int(data.s) == 1)",
    ] {
        let error = value(text, &data).unwrap_err();
        assert!(error.contains("too much work for this event"), "{text}: {error}");
    }
}

#[test]
fn no_operator_turns_an_exhausted_limit_into_a_value() {
    let data = json!({"s": "x".repeat(1_000_000), "n": vec![1; MAX_LOOP_ITEMS]});
    for text in [
        "data.n.exists(n, data.s.contains('y')) || true",
        "true && data.n.exists(n, data.s.contains('y')) && false",
        "data.n.exists(n, n == 2 || data.s.contains('y')) ? 1 : 2",
        "[1, 2].exists(i, i == 2 || data.n.size() == 0 || (data.s + data.s) == '')",
    ] {
        let error = value(text, &data).unwrap_err();
        assert!(error.contains("too much work") || error == large(), "{text}: {error}");
    }
}

#[test]
fn all_expressions_of_an_event_share_its_work() {
    let data = json!({"s": "x".repeat(usize::try_from(MAX_EXPRESSION_WORK).unwrap() - 1_000)});
    let expression = Expression::parse("data.s.contains('y')", Scope::Event).unwrap();
    let variables = Variables::of_event(&data, &json!({}));
    let enriched = variables.with_fetched(&json!({}));
    let times = MAX_EVENT_WORK / MAX_EXPRESSION_WORK;
    for n in 0..times {
        let of = if n % 2 == 0 { &variables } else { &enriched };
        assert_eq!(expression.evaluate(of), Ok(json!(false)), "{n} of {times}");
    }
    let error = expression.evaluate(&variables).unwrap_err().to_string();
    assert_eq!(error, format!("all expressions together take too much work for this event, allowed: {MAX_EVENT_WORK}"));
    let another = Variables::of_event(&data, &json!({}));
    assert_eq!(expression.evaluate(&another), Ok(json!(false)), "another event has its own");
}

#[test]
fn a_loop_is_bounded_by_its_number_of_items_only() {
    let data = |n: usize| json!({"l": vec![1; n], "other": vec![1; 5_000]});
    assert_eq!(value("data.l.all(x, x == 1)", &data(MAX_LOOP_ITEMS)), Ok(json!(true)));
    let error = value("data.l.all(x, x == 1)", &data(MAX_LOOP_ITEMS + 1)).unwrap_err();
    assert_eq!(error, "the loop has 1001 elements, allowed: 1000");
    assert!(value("data.other.exists(x, x == 1) || true", &data(1)).unwrap_err().contains("the loop has 5000"));
}

/// The most steps that the form of an expression allows. Their number alone is never refused.
#[test]
fn every_parsed_expression_can_be_evaluated() {
    let condition = vec!["x == 1"; 48].join(" && ");
    let text = format!("data.l.all(x, {condition})");
    let data = json!({"l": vec![1; MAX_LOOP_ITEMS]});
    let expression = Expression::parse(&text, Scope::Event).unwrap();
    assert!(expression.cost() > 190 * MAX_LOOP_ITEMS, "{}", expression.cost());
    assert_eq!(value(&text, &data), Ok(json!(true)));
}

#[test]
fn patterns_of_rules_and_events_are_bounded() {
    let data = |pattern: &str| json!({"p": pattern, "s": "a".repeat(50_000)});
    let matches = |pattern: &str| value("data.s.matches(data.p)", &data(pattern));
    assert_eq!(matches("^(a|b)+$"), Ok(json!(true)));
    let of = |bytes: usize| format!("b{}", "a".repeat(bytes - 1));
    assert_eq!(value("data.s.matches(data.p)", &json!({"p": of(MAX_PATTERN_BYTES), "s": "x"})), Ok(json!(false)));
    assert!(matches(&of(MAX_PATTERN_BYTES + 1)).unwrap_err().contains("has 257 bytes"));
    for costly in ["(a{100}){100}", "((a*)*)*(b{50}){50}", r"(\w{20}\d{20}){20}", "(?i)(é|ü|ß){200}"] {
        let error = matches(costly).unwrap_err();
        assert!(error == "matches(…) can't take this value" || error.contains("too much work"), "{costly}: {error}");
    }
    let many = json!({"l": vec!["x"; MAX_LOOP_ITEMS], "p": "y"});
    assert!(
        value("data.l.exists(x, x.matches(data.p))", &many).unwrap_err().contains("too much work"),
        "compiled a thousand times"
    );
    assert_eq!(value("data.l.exists(x, x.matches('y'))", &many), Ok(json!(false)), "compiled once");

    let parse = |text: &str| Expression::parse(text, Scope::Event).map(|_| ()).map_err(|error| error.to_string());
    assert_eq!(parse("data.s.matches('[')"), Err("\"[\" is not a regular expression, or is too large".to_owned()));
    assert_eq!(parse(r"data.s.matches('^[\\w.]{1,64}@[\\w.]{1,64}$')"), Ok(()));
}

#[test]
fn a_fact_is_measured_before_it_is_made() {
    // Each list contains the one before twice: some bytes in memory, 2^30 elements when written out.
    let doubled = (0..20).fold("[0]".to_owned(), |list, _| format!("{list}.map(x, [x, x])"));
    let error = value(&doubled, &Value::Null).unwrap_err();
    assert!(error.contains("allowed: 40960") || error.contains("too much work"), "{error}");
    let text = "x".repeat(300_000);
    assert_eq!(
        value("[data.s, data.s, data.s]", &json!({"s": text})),
        Err("the value has 900010 bytes, allowed: 40960".to_owned())
    );
}
