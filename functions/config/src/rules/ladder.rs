//! Values that only rise: `ladder: [sent, delivered, read, failed]`.

use crate::limits::{MAX_RUNG_BYTES, MAX_RUNGS};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The allowed values of a fact, lowest first. The fact never goes down: it has the highest value that any event reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(with = "Vec<String>", extend("items" = {"type": ["string", "number", "boolean"]}, "minItems" = 2, "maxItems" = MAX_RUNGS, "uniqueItems" = true))]
#[serde(try_from = "Vec<Value>", into = "Vec<String>")]
pub struct Ladder(Vec<String>);

impl Ladder {
    /// The position of a value on the ladder. `None`: the value isn't on it.
    pub fn rung(&self, value: &Value) -> Option<usize> {
        let word = word(value)?;
        self.0.iter().position(|rung| *rung == word)
    }
}

/// The text of a value. A number or boolean matches the rung that is written like it.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

impl TryFrom<Vec<Value>> for Ladder {
    type Error = String;

    fn try_from(values: Vec<Value>) -> Result<Self, String> {
        if !(2..=MAX_RUNGS).contains(&values.len()) {
            return Err(format!("a ladder has {} values, allowed: 2 to {MAX_RUNGS}", values.len()));
        }
        let mut rungs = Vec::new();
        for value in &values {
            let Some(rung) = word(value).filter(|word| (1..=MAX_RUNG_BYTES).contains(&word.len())) else {
                return Err(format!(
                    "a ladder's values are texts of 1 to {MAX_RUNG_BYTES} bytes, numbers or booleans; write it as [sent, delivered, read]"
                ));
            };
            if rungs.contains(&rung) {
                return Err(format!("{rung:?} is on the ladder twice"));
            }
            rungs.push(rung);
        }
        Ok(Self(rungs))
    }
}

impl From<Ladder> for Vec<String> {
    fn from(ladder: Ladder) -> Self {
        ladder.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_has_the_height_of_its_rung() {
        let ladder: Ladder = serde_json::from_value(json!(["sent", 2, true])).unwrap();
        for (value, rung) in [
            (json!("sent"), Some(0)),
            (json!(2), Some(1)),
            (json!("2"), Some(1)),
            (json!(true), Some(2)),
            (json!("read"), None),
            (json!(null), None),
            (json!(["sent"]), None),
        ] {
            assert_eq!(ladder.rung(&value), rung, "{value}");
        }
        assert_eq!(serde_json::to_value(&ladder).unwrap(), json!(["sent", "2", "true"]));
    }

    #[test]
    fn an_invalid_ladder_is_refused() {
        let rungs = |n: usize| json!((0..n).collect::<Vec<_>>());
        for (bad, said) in [
            (rungs(1), "a ladder has 1 values, allowed: 2 to 16"),
            (rungs(MAX_RUNGS + 1), "a ladder has 17 values"),
            (json!(["a", ""]), "texts of 1 to 64 bytes"),
            (json!(["a", "x".repeat(MAX_RUNG_BYTES + 1)]), "texts of 1 to 64 bytes"),
            (json!(["a", ["b"]]), "texts of 1 to 64 bytes"),
            (json!(["a", "b", "a"]), "\"a\" is on the ladder twice"),
        ] {
            let error = serde_json::from_value::<Ladder>(bad.clone()).unwrap_err().to_string();
            assert!(error.contains(said), "{bad}: {error}");
        }
        for good in [rungs(2), rungs(MAX_RUNGS), json!(["a", "x".repeat(MAX_RUNG_BYTES)])] {
            assert!(serde_json::from_value::<Ladder>(good).is_ok());
        }
    }
}
