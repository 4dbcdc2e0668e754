//! The embedded Secrets Manager: the three operations that Tidings uses, as in the API reference. A label moves only
//! from the version that the caller names, so two writers can't overwrite each other. Nothing is written to the disk.

use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

pub(super) const TARGET_PREFIX: &str = "secretsmanager.";

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

/// The secrets, by name.
#[derive(Default)]
pub(crate) struct Secrets(Mutex<BTreeMap<String, Versions>>);

/// The versions of one secret, in the order of writing, and the version of each label.
#[derive(Default)]
struct Versions {
    documents: Vec<String>,
    labels: BTreeMap<String, usize>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(…)")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Get {
    secret_id: String,
    version_stage: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    secret_id: String,
    secret_string: String,
    version_stages: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Move {
    secret_id: String,
    version_stage: String,
    move_to_version_id: Option<String>,
    remove_from_version_id: Option<String>,
}

/// An exception of Secrets Manager, and its message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) &'static str, pub(super) String);

impl Refused {
    fn not_found() -> Self {
        Self("ResourceNotFoundException", "Secrets Manager can't find the specified secret.".to_owned())
    }

    fn invalid(message: &str) -> Self {
        Self("InvalidParameterException", message.to_owned())
    }
}

impl Secrets {
    /// Creates it with these secrets, by name and document.
    pub(crate) fn new<'a>(all: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let made = |document: &str| {
            let mut versions = Versions::default();
            versions.put(document.to_owned(), &[CURRENT.to_owned()]);
            versions
        };
        Self(Mutex::new(all.into_iter().map(|(name, document)| (name.to_owned(), made(document))).collect()))
    }

    /// Answers an operation by its name.
    pub(super) fn answer(&self, operation: &str, body: &[u8]) -> Result<Value, Refused> {
        let mut secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match operation {
            "GetSecretValue" => {
                let Get { secret_id, version_stage } = read(body)?;
                let label = version_stage.as_deref().unwrap_or(CURRENT);
                let versions = secrets.get_mut(&secret_id).ok_or_else(Refused::not_found)?;
                let at = *versions.labels.get(label).ok_or_else(Refused::not_found)?;
                let document = versions.documents.get(at).ok_or_else(Refused::not_found)?;
                Ok(json!({ "Name": secret_id, "VersionId": id(at), "SecretString": document, "VersionStages": versions.of(at) }))
            }
            "PutSecretValue" => {
                let Put { secret_id, secret_string, version_stages } = read(body)?;
                let versions = secrets.get_mut(&secret_id).ok_or_else(Refused::not_found)?;
                let labels = version_stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
                let at = versions.put(secret_string, &labels);
                Ok(json!({ "Name": secret_id, "VersionId": id(at), "VersionStages": labels }))
            }
            "UpdateSecretVersionStage" => {
                let asked: Move = read(body)?;
                secrets.get_mut(&asked.secret_id).ok_or_else(Refused::not_found)?.relabel(&asked)?;
                Ok(json!({ "Name": asked.secret_id }))
            }
            other => Err(Refused("InvalidRequestException", format!("{other} isn't part of the embedded Secrets Manager"))),
        }
    }
}

impl Versions {
    fn put(&mut self, document: String, labels: &[String]) -> usize {
        let at = self.documents.len();
        self.documents.push(document);
        for label in labels {
            self.label(label, at);
        }
        at
    }

    fn label(&mut self, label: &str, at: usize) {
        let before = self.labels.insert(label.to_owned(), at);
        if let Some(before) = before.filter(|before| label == CURRENT && *before != at) {
            self.labels.insert(PREVIOUS.to_owned(), before);
        }
    }

    /// "If the label is already attached to a different version, you must specify `RemoveFromVersionId`; if the version
    /// doesn't match, the operation fails."
    fn relabel(&mut self, asked: &Move) -> Result<(), Refused> {
        let holder = self.labels.get(&asked.version_stage).copied();
        let named = asked.remove_from_version_id.as_deref();
        let to = asked.move_to_version_id.as_deref().map(|id| self.at(id)).transpose()?;
        if holder.is_some() && holder != to && holder.map(id).as_deref() != named {
            return Err(Refused::invalid("the staging label is attached to another version than RemoveFromVersionId names"));
        }
        match to {
            Some(at) => self.label(&asked.version_stage, at),
            None => drop(self.labels.remove(&asked.version_stage)),
        }
        Ok(())
    }

    /// The version with this id.
    fn at(&self, version: &str) -> Result<usize, Refused> {
        (0..self.documents.len()).find(|at| id(*at) == version).ok_or_else(Refused::not_found)
    }

    fn of(&self, at: usize) -> Vec<&str> {
        self.labels.iter().filter(|(_, of)| **of == at).map(|(label, _)| label.as_str()).collect()
    }
}

/// A version id. It has at least 32 characters.
fn id(at: usize) -> String {
    format!("00000000-0000-4000-8000-{at:012}")
}

fn read<'b, R: Deserialize<'b>>(body: &'b [u8]) -> Result<R, Refused> {
    serde_json::from_slice(body).map_err(|error| Refused("SerializationException", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(secrets: &Secrets, operation: &str, body: &Value) -> Result<Value, Refused> {
        secrets.answer(operation, body.to_string().as_bytes())
    }

    fn current(secrets: &Secrets) -> (String, String) {
        let got = ask(secrets, "GetSecretValue", &json!({"SecretId": "s"})).unwrap();
        (got["SecretString"].as_str().unwrap().to_owned(), got["VersionId"].as_str().unwrap().to_owned())
    }

    #[test]
    fn a_version_beside_the_current_one_counts_when_the_label_moves_to_it() {
        let secrets = Secrets::new([("s", "first")]);
        let (_, seen) = current(&secrets);
        let put = json!({"SecretId": "s", "SecretString": "second", "VersionStages": ["NEXT"]});
        let ours = ask(&secrets, "PutSecretValue", &put).unwrap()["VersionId"].clone();
        assert_eq!(current(&secrets).0, "first");
        let wanted = json!({"SecretId": "s", "VersionStage": CURRENT, "MoveToVersionId": ours, "RemoveFromVersionId": seen});
        ask(&secrets, "UpdateSecretVersionStage", &wanted).unwrap();
        assert_eq!(current(&secrets).0, "second");
        let before = ask(&secrets, "GetSecretValue", &json!({"SecretId": "s", "VersionStage": PREVIOUS})).unwrap();
        assert_eq!(before["SecretString"], "first");
    }

    #[test]
    fn a_label_that_moved_since_it_was_read_stays_where_it_is() {
        let secrets = Secrets::new([("s", "first")]);
        let (_, seen) = current(&secrets);
        ask(&secrets, "PutSecretValue", &json!({"SecretId": "s", "SecretString": "theirs"})).unwrap();
        let put = json!({"SecretId": "s", "SecretString": "ours", "VersionStages": ["NEXT"]});
        let ours = ask(&secrets, "PutSecretValue", &put).unwrap()["VersionId"].clone();
        let late = json!({"SecretId": "s", "VersionStage": CURRENT, "MoveToVersionId": ours, "RemoveFromVersionId": seen});
        assert_eq!(ask(&secrets, "UpdateSecretVersionStage", &late).unwrap_err().0, "InvalidParameterException");
        let unconditional = json!({"SecretId": "s", "VersionStage": CURRENT, "MoveToVersionId": ours});
        assert!(ask(&secrets, "UpdateSecretVersionStage", &unconditional).is_err());
        assert_eq!(current(&secrets).0, "theirs");
    }

    #[test]
    fn an_unknown_secret_label_or_operation_is_refused() {
        let secrets = Secrets::new([("s", "first")]);
        for (operation, body) in [
            ("GetSecretValue", json!({"SecretId": "other"})),
            ("GetSecretValue", json!({"SecretId": "s", "VersionStage": "NEXT"})),
            ("PutSecretValue", json!({"SecretId": "other", "SecretString": ""})),
            ("DeleteSecret", json!({"SecretId": "s"})),
            ("GetSecretValue", json!([])),
        ] {
            assert!(ask(&secrets, operation, &body).is_err(), "{operation} {body}");
        }
    }
}
