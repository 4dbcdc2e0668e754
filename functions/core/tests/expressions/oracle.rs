//! Our evaluation against the crate's own, which has no bounds: what both give is the same, and what one refuses both refuse.

use super::random::Random;
use cel::objects::Key;
use cel::{Context, Env, Value as Cel};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use tidings_core::rules::{Expression, Scope, Variables};

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

fn theirs(text: &str, env: &Arc<Env>) -> Option<Value> {
    let mut context = Context::with_env(Arc::clone(env));
    context.add_variable_from_value("data", cel_of(&data()));
    context.add_variable_from_value("event", cel_of(&event()));
    let value = env.compile(text).ok()?.execute(&context).ok()?;
    if infinite(&value) { None } else { value.json().ok() }
}

/// The keys of a map come in no order, there.
fn is_ours_to_say(text: &str) -> bool {
    !["data.m.", "data.all", "data.map", "data.filter", "event.", "}."].iter().any(|over| text.contains(over))
        || ![".map(", ".filter(", ".all(", ".exists(", ".exists_one("].iter().any(|loops| text.contains(loops))
}

#[test]
fn random_expressions_give_what_the_crate_gives() {
    let mut env = Env::stdlib();
    env.add_extension(cel::extensions::strings).unwrap();
    let env = Arc::new(env);
    let (mut values, mut refused, mut unparsed) = (0, 0, 0);
    for seed in 0..3_000 {
        let text = Random::new(seed).expression();
        let Ok(ours) = Expression::parse(&text, Scope::Event) else {
            unparsed += 1;
            continue;
        };
        let ours = ours.evaluate(&Variables::of_event(&data(), &event()));
        let theirs = theirs(&text, &env);
        match (ours, theirs) {
            (Ok(ours), Some(theirs)) => {
                assert!(ours == theirs || !is_ours_to_say(&text), "seed {seed}: {text}\nours   {ours}\ntheirs {theirs}");
                values += 1;
            }
            (Err(_), None) => refused += 1,
            // There, `list + map` adds the map's keys, which CEL doesn't have.
            (Err(ours), Some(_)) if ours.to_string() == "can't add list and map" => refused += 1,
            (ours, theirs) => assert!(!is_ours_to_say(&text), "seed {seed}: {text}\nours   {ours:?}\ntheirs {theirs:?}"),
        }
    }
    // Nothing of this is worth anything if it is the same few refusals.
    assert!(values > 800 && refused > 200 && unparsed < 1_000, "{values} values, {refused} refused, {unparsed} unparsed");
}
