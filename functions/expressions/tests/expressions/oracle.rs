//! Our evaluation against the crate's own, which has no bounds: what both give is the same, and what one refuses both refuse.

use super::random::Random;
use cel::objects::{Key, OptionalValue};
use cel::{Context, Env, ExecutionError, Value as Cel};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use tidings_expressions::{Expression, Scope, Variables};

fn data() -> Value {
    json!({
        "s": "Hello aaa", "t": "éa", "a": "a", "b": "bb", "sep": ", ", "n": 5, "min": i64::MIN, "big": u64::MAX, "f": 2.5,
        "yes": true, "null": null, "l": ["a", "b", "ab", "é"], "i": [1, -2, 3], "m": {"k": "v", "n": 1},
        "deep": [["a"], ["b", "c"], []],
    })
}

fn event() -> Value {
    json!({"type": "order.paid", "subject": "order/1042"})
}

fn cel_of(json: &Value) -> Cel {
    match json {
        Value::Null => Cel::Null,
        Value::Bool(b) => Cel::Bool(*b),
        Value::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(int), _) => Cel::Int(int),
            (None, Some(uint)) => Cel::UInt(uint),
            (None, None) => Cel::Float(n.as_f64().unwrap()),
        },
        Value::String(s) => Cel::String(Arc::new(s.clone())),
        Value::Array(list) => Cel::List(Arc::new(list.iter().map(cel_of).collect())),
        Value::Object(map) => {
            let map: HashMap<Key, Cel> = map.iter().map(|(k, v)| (Key::from(k.clone()), cel_of(v))).collect();
            Cel::Map(map.into())
        }
    }
}

/// A number that JSON has none for.
#[allow(clippy::wildcard_enum_match_arm, reason = "the library's enum has a variant for each of its features")]
fn infinite(value: &Cel) -> bool {
    match value {
        Cel::Float(f) => !f.is_finite(),
        Cel::List(list) => list.iter().any(infinite),
        Cel::Map(map) => map.map.values().any(infinite),
        _ => false,
    }
}

/// An optional is what it holds, as where an expression ends with one; there, JSON has none for it.
#[allow(clippy::wildcard_enum_match_arm, reason = "the library's enum has a variant for each of its features")]
fn without_optionals(value: &Cel) -> Cel {
    match value {
        Cel::Opaque(_) => match <&OptionalValue>::try_from(value) {
            Ok(optional) => optional.value().map_or(Cel::Null, without_optionals),
            Err(_) => value.clone(),
        },
        Cel::List(list) => Cel::List(Arc::new(list.iter().map(without_optionals).collect())),
        Cel::Map(map) => {
            let map: HashMap<Key, Cel> = map.map.iter().map(|(key, value)| (key.clone(), without_optionals(value))).collect();
            Cel::Map(map.into())
        }
        _ => value.clone(),
    }
}

/// The value, or why there is none: `None` is one that can't be JSON.
fn theirs(text: &str, env: &Arc<Env>) -> Result<Value, Option<ExecutionError>> {
    let mut context = Context::with_env(Arc::clone(env));
    context.add_variable_from_value("data", cel_of(&data()));
    context.add_variable_from_value("event", cel_of(&event()));
    let value = without_optionals(&env.compile(text).map_err(|_| None)?.execute(&context)?);
    if infinite(&value) { Err(None) } else { value.json().map_err(|_| None) }
}

/// The keys of a map come in no order, there.
fn is_ours_to_say(text: &str) -> bool {
    !["data.m.", "data.all", "data.map", "data.filter", "event.", "}."].iter().any(|over| text.contains(over))
        || ![".map(", ".filter(", ".all(", ".exists(", ".exists_one("].iter().any(|loops| text.contains(loops))
}

/// Expressions that only the crate refuses: the deviations of decision 44.
#[allow(clippy::wildcard_enum_match_arm, reason = "the library's errors are many, and two of them matter")]
fn is_more(text: &str, theirs: Option<&ExecutionError>) -> bool {
    let has_default = text.contains(".or(") || text.contains(".orValue(");
    match theirs {
        // Numbers of two types, and remainders of doubles.
        Some(ExecutionError::UnsupportedBinaryOperator(_, left, right)) => is_number(left) && is_number(right) || has_default,
        // An optional as the key that is looked for.
        Some(ExecutionError::NoSuchOverload(error)) if error.function() == "@in" => {
            error.argument_types().first().is_some_and(|kind| kind == "optional_type") || has_default
        }
        // `optional.of('a').field`.
        Some(ExecutionError::NoSuchKey(_)) => has_optional(text) || has_default,
        // A default that isn't needed isn't evaluated.
        Some(_) => has_default,
        None => false,
    }
}

/// What they take and CEL's types don't: there, `list + map` adds the map's keys, and an optional may be any value where CEL wants one.
fn is_less(ours: &str) -> bool {
    ["can't add list and map", "expected: an optional", "or doesn't accept (optional_type, "]
        .iter()
        .any(|says| ours.contains(says))
}

fn is_number(value: &Cel) -> bool {
    matches!(value, Cel::Int(_) | Cel::UInt(_) | Cel::Float(_))
}

fn has_optional(text: &str) -> bool {
    [".?", "[?", "optional."].iter().any(|optional| text.contains(optional))
}

/// An optional beside a value is compared by what it holds.
fn compares_an_optional(text: &str) -> bool {
    has_optional(text) && ["==", "!=", " in "].iter().any(|compares| text.contains(compares))
}

#[test]
fn random_expressions_give_what_the_crate_gives() {
    let mut env = Env::stdlib();
    env.add_extension(cel::extensions::strings).unwrap();
    let env = Arc::new(env);
    let (mut values, mut optionals, mut refused, mut unparsed, mut more, mut compared) = (0, 0, 0, 0, 0, 0);
    for seed in 0..4_000 {
        let text = Random::new(seed).expression();
        let Ok(ours) = Expression::parse(&text, Scope::Event) else {
            unparsed += 1;
            continue;
        };
        let ours = ours.evaluate(&Variables::of_event(&data(), &event()));
        let theirs = theirs(&text, &env);
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) if ours == theirs => {
                values += 1;
                optionals += usize::from(has_optional(&text));
            }
            (Ok(_), Ok(_)) if compares_an_optional(&text) => compared += 1,
            (Ok(ours), Ok(theirs)) => {
                assert!(!is_ours_to_say(&text), "seed {seed}: {text}\nours   {ours}\ntheirs {theirs}");
            }
            (Err(_), Err(_)) => refused += 1,
            (Ok(_), Err(error)) if is_more(&text, error.as_ref()) => more += 1,
            (Err(ours), Ok(_)) if is_less(&ours.to_string()) => refused += 1,
            (ours, theirs) => assert!(!is_ours_to_say(&text), "seed {seed}: {text}\nours   {ours:?}\ntheirs {theirs:?}"),
        }
    }
    // The test is useless if most results are the same few refusals, or deviations of ours.
    let said = format!(
        "{values} values, {optionals} of optionals, {refused} refused, {unparsed} unparsed, {more} more, {compared} compared"
    );
    assert!(values > 1_200 && optionals > 400 && refused > 200 && unparsed < 1_500, "{said}");
    assert!(more < 200 && compared < 20, "{said}");
}
