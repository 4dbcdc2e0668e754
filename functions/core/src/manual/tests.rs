//! Names and keys of manual changes, and checks before any read.

use super::*;
use serde_json::json;

fn correction(value: Value) -> Correction {
    Correction {
        of: "ann".into(),
        by: "lena".into(),
        reason: "why".into(),
        facts: BTreeMap::from([("order/1".to_owned(), BTreeMap::from([("status".to_owned(), value)]))]),
        node: None,
    }
}

#[test]
fn a_second_application_has_a_key_of_its_own_and_names_its_event() {
    let event = ClaimKey::new("orders", "e#1");
    let (fix, other): (BatchName, BatchName) = ("fix-1".parse().unwrap(), "fix-2".parse().unwrap());
    let keys = [fix.claim_key(Part::Facts, &event), fix.claim_key(Part::Actions, &event), other.claim_key(Part::Facts, &event)];
    assert_eq!(keys[0].as_str(), "@again#fix-1#orders#e#1");
    for (n, key) in keys.iter().enumerate() {
        assert!(key.is_ours() && is_of(key, &event) && applied_again(key) == Some(event.as_str()));
        assert!(keys[..n].iter().all(|before| before != key));
    }
    assert!(is_of(&event, &event));
    for no in [
        ClaimKey::new("orders", "e"),
        ClaimKey::new("again", "fix-1#orders#e#1"),
        correction(json!(1)).claim_key(Timestamp::from_unix_ms(5)),
    ] {
        assert!(!is_of(&no, &event), "{no}");
    }
}

#[test]
fn the_name_of_a_batch_has_bounds() {
    for good in ["a", "status-fix", "2026.11_2", &"x".repeat(MAX_BATCH_NAME_BYTES)] {
        assert!(good.parse::<BatchName>().is_ok(), "{good}");
    }
    for bad in ["", "a#b", "a b", "é", &"x".repeat(MAX_BATCH_NAME_BYTES + 1)] {
        assert!(bad.parse::<BatchName>().is_err(), "{bad}");
    }
}

#[test]
fn a_correction_sent_twice_is_claimed_once() {
    let (soon, later) = (Timestamp::from_unix_ms(1_000), Timestamp::from_unix_ms(1_001));
    assert_eq!(correction(json!(1)).claim_key(soon), correction(json!(1)).claim_key(soon));
    assert_ne!(correction(json!(1)).claim_key(soon), correction(json!(2)).claim_key(soon));
    assert_ne!(correction(json!(1)).claim_key(soon), correction(json!(1)).claim_key(later));
    assert!(Correction::is_key(&correction(json!(1)).claim_key(soon)));
}

#[test]
fn limits_hold_on_both_sides() {
    let text = |bytes: usize| json!("x".repeat(bytes - 2));
    assert_eq!(correction(text(MAX_FACT_BYTES)).check(), Ok(()));
    assert!(correction(text(MAX_FACT_BYTES + 1)).check().is_err());
    let reason = |bytes| Correction { reason: "x".repeat(bytes), ..correction(json!(1)) };
    assert!(reason(MAX_MANUAL_TEXT_BYTES).check().is_ok());
    assert!(reason(MAX_MANUAL_TEXT_BYTES + 1).check().is_err() && reason(0).check().is_err());
    let facts = |n: usize| Correction {
        facts: BTreeMap::from([("order/1".to_owned(), (0..n).map(|n| (format!("f{n}"), json!(n))).collect())]),
        ..correction(json!(1))
    };
    assert!(facts(MAX_FACTS_PER_RULE).check().is_ok());
    assert!(facts(MAX_FACTS_PER_RULE + 1).check().is_err() && facts(0).check().is_err());
}

#[test]
fn a_long_value_is_recorded_by_its_size() {
    let order = Order::at(Timestamp::from_unix_ms(1), ClaimKey::new("s", "e"));
    let long = Fact::register(json!("x".repeat(MAX_RECORDED_VALUE_BYTES)), order.clone());
    let short = Fact::register(json!("x".repeat(MAX_RECORDED_VALUE_BYTES - 2)), order);
    let change = FactChange::new("order/1.text".into(), Some(&long), Some(&short));
    assert_eq!((&change.before, &change.after), (&json!("(a value of 1026 bytes)"), &short.value));
    assert_eq!(serde_json::from_str::<FactChange>(&serde_json::to_string(&change).unwrap()).unwrap(), change);
}
