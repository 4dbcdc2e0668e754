//! An export contains everything that an erasure deletes.

use crate::world::{ANN, BOB, World, of};
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;
use tidings_cli::dev::cloud::{CLAIMS_TABLE, CONTEXT_TABLE, DELIVERIES_TABLE, SENDS_TABLE, TIMERS_TABLE};
use tidings_cli::stack::Trail;
use tidings_core::action::ActionNote;

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_every_row_that_an_erasure_changes_and_every_value_that_it_deletes() {
    let world = World::new().await;
    world.lived().await;
    let before = world.rows().await;
    let document =
        world.reader().subject_data("web:ANNSMARK", &Trail::default()).await.unwrap().export("web:ANNSMARK", world.now());
    let text = document.to_string();
    assert!(!text.contains(BOB));
    world.erase(ANN).await;
    let after = world.rows().await;
    let changed: Vec<_> = before.iter().filter(|(key, row)| after.get(*key) != Some(*row)).collect();
    assert_eq!(changed.len(), of(&before, ANN).len());
    for ((table, partition, key), row) in changed {
        let exported = if *table == CONTEXT_TABLE {
            &document["items"][partition][key]
        } else if *table == TIMERS_TABLE {
            let is_it = |timer: &&Value| timer["pk"] == **partition && timer["sk"] == **key;
            document["timers"].as_array().unwrap().iter().find(is_it).expect("the timer")
        } else if [SENDS_TABLE, DELIVERIES_TABLE].contains(table) {
            let part = if *table == SENDS_TABLE { "sends" } else { "published" };
            let is_it = |row: &&Value| row["pk"] == **partition && row["sk"] == **key;
            document[part].as_array().unwrap().iter().find(is_it).expect("the row")
        } else {
            assert_eq!(*table, CLAIMS_TABLE);
            document["timeline"].as_array().unwrap().iter().find(|claim| claim["key"] == **partition).expect("the claim")
        };
        for (name, value) in row.iter().filter(|(name, _)| !["pk", "sk"].contains(&name.as_str())) {
            let kept = after.get(&(*table, partition.clone(), key.clone())).and_then(|row| row.get(name));
            assert!(
                kept == Some(value) || holds(exported, value),
                "{partition} {key}: {name} is {value:?}, exported: {exported}"
            );
        }
    }
}

/// Whether an exported row contains this attribute's value, in its exported form.
fn holds(exported: &Value, value: &AttributeValue) -> bool {
    let exported = exported.to_string();
    match (value.as_s(), value.as_n(), value.as_l()) {
        (Ok(text), _, _) => match serde_json::from_str::<Value>(text) {
            Ok(json) if json.is_object() => exported.contains(&json.to_string()),
            Ok(_) | Err(_) => exported.contains(&Value::from(text.as_str()).to_string()),
        },
        (_, Ok(number), _) => {
            let ms = number.parse().map(tidings_config::time::Timestamp::from_unix_ms);
            exported.contains(number.as_str()) || ms.is_ok_and(|at| exported.contains(&at.to_string()))
        }
        // The result of an action is stored as data, and exported as the sentence for it.
        (_, _, Ok(list)) => list.iter().all(|value| {
            let stored = value.as_s().unwrap();
            exported.contains(stored.as_str()) || exported.contains(&ActionNote::read(stored.clone()).to_string())
        }),
        _ => value.as_ss().is_ok_and(|set| set.iter().all(|text| exported.contains(text.as_str()))),
    }
}
