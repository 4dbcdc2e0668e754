//! Compare and set on Secrets Manager: the deployed adapter with its protocol, the documented rule for
//! `RemoveFromVersionId`, lost responses and denied calls, which the embedded Secrets Manager doesn't have.

use futures::future::join_all;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tidings_core::aws::SecretsManager;
use tidings_core::ports::{HandshakeSecrets, Replaced};
use tidings_tests::answers::{Service, answered_by};

/// The fault at the next move of the label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Denied,
    /// The label is moved, and the response is lost.
    AnswerLost,
    /// Another writer writes immediately before.
    Overtaken,
}

/// One secret with its versions.
#[derive(Default)]
struct Secret(Mutex<State>);

#[derive(Default)]
struct State {
    versions: Vec<String>,
    current: usize,
    next: Option<usize>,
    trouble: Option<Trouble>,
}

impl State {
    fn answer(&mut self, operation: &str, request: &Value) -> (u16, Value) {
        let version = |field: &str| request[field].as_str().and_then(|id| id.strip_prefix("version-")?.parse::<usize>().ok());
        match operation {
            "secretsmanager.GetSecretValue" => {
                let document = &self.versions[self.current];
                (200, json!({"VersionId": format!("version-{}", self.current), "SecretString": document}))
            }
            "secretsmanager.PutSecretValue" => {
                assert_ne!(request["VersionStages"], Value::Null, "without a label it would count at once");
                assert!(!request["VersionStages"].as_array().unwrap().contains(&json!("AWSCURRENT")));
                self.versions.push(request["SecretString"].as_str().unwrap().to_owned());
                self.next = Some(self.versions.len() - 1);
                (200, json!({"VersionId": format!("version-{}", self.versions.len() - 1)}))
            }
            "secretsmanager.UpdateSecretVersionStage" => {
                assert_eq!(request["VersionStage"], "AWSCURRENT");
                let trouble = self.trouble.take();
                if trouble == Some(Trouble::Overtaken) {
                    self.versions.push("theirs".to_owned());
                    self.current = self.versions.len() - 1;
                }
                if trouble == Some(Trouble::Denied) {
                    return (400, json!({"__type": "AccessDeniedException", "Message": "no"}));
                }
                // "the version ID does not match, then the operation fails"
                if version("RemoveFromVersionId") != Some(self.current) {
                    return (400, json!({"__type": "InvalidParameterException", "Message": "not attached to it"}));
                }
                self.current = version("MoveToVersionId").unwrap();
                match trouble {
                    Some(Trouble::AnswerLost) => (500, json!({"__type": "InternalServiceError"})),
                    Some(Trouble::Denied | Trouble::Overtaken) | None => (200, json!({"Name": "captured"})),
                }
            }
            other => panic!("nobody needs {other}"),
        }
    }
}

impl Service for Secret {
    fn answer(&self, operation: &str, body: &[u8]) -> (u16, String) {
        let (status, body) = self.0.lock().unwrap().answer(operation, &serde_json::from_slice(body).unwrap());
        (status, body.to_string())
    }
}

async fn secret(document: &str) -> (SecretsManager, Arc<Secret>) {
    let secret = Arc::new(Secret::default());
    secret.0.lock().unwrap().versions.push(document.to_owned());
    (SecretsManager::new(aws_sdk_secretsmanager::Client::new(&answered_by(&secret).await), "captured".to_owned()), secret)
}

fn current(secret: &Secret) -> String {
    let state = secret.0.lock().unwrap();
    state.versions[state.current].clone()
}

#[tokio::test]
async fn one_of_the_writers_that_read_the_same_version_succeeds() {
    let (store, secret) = secret("{}").await;
    let seen = HandshakeSecrets::fetch(&store).await.unwrap().version;
    let documents: Vec<String> = (0..10).map(|n| format!("document {n}")).collect();
    let answers = join_all(documents.iter().map(|document| store.replace(document, &seen))).await;
    let won: Vec<usize> = answers.iter().enumerate().filter(|(_, a)| matches!(a, Ok(Replaced::Yes))).map(|(n, _)| n).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    assert!(answers.iter().all(Result::is_ok), "the others know that they lost: {answers:?}");
    assert_eq!(current(&secret), documents[won[0]]);
}

#[tokio::test]
async fn a_late_writer_writes_nothing() {
    let (store, secret) = secret("{}").await;
    let seen = HandshakeSecrets::fetch(&store).await.unwrap().version;
    assert_eq!(store.replace("first", &seen).await.unwrap(), Replaced::Yes);
    assert_eq!(store.replace("late", &seen).await.unwrap(), Replaced::Changed);
    assert_eq!((current(&secret).as_str(), secret.0.lock().unwrap().versions.len()), ("first", 2), "no version is left behind");
}

#[tokio::test]
async fn a_writer_overtaken_in_the_last_moment_changes_nothing() {
    let (store, secret) = secret("{}").await;
    let seen = HandshakeSecrets::fetch(&store).await.unwrap().version;
    secret.0.lock().unwrap().trouble = Some(Trouble::Overtaken);
    assert_eq!(store.replace("ours", &seen).await.unwrap(), Replaced::Changed);
    assert_eq!(current(&secret), "theirs");
}

#[tokio::test]
async fn a_lost_answer_is_looked_up() {
    let (store, secret) = secret("{}").await;
    let seen = HandshakeSecrets::fetch(&store).await.unwrap().version;
    secret.0.lock().unwrap().trouble = Some(Trouble::AnswerLost);
    assert_eq!(store.replace("ours", &seen).await.unwrap(), Replaced::Yes);
    assert_eq!(current(&secret), "ours");
}

#[tokio::test]
async fn a_missing_grant_is_named_and_the_document_stays() {
    let (store, secret) = secret("{}").await;
    let seen = HandshakeSecrets::fetch(&store).await.unwrap().version;
    secret.0.lock().unwrap().trouble = Some(Trouble::Denied);
    let error = store.replace("ours", &seen).await.expect_err("it isn't allowed");
    assert_eq!((error.call, current(&secret).as_str()), ("secretsmanager:UpdateSecretVersionStage", "{}"));
}

#[tokio::test]
async fn debug_never_shows_a_document() {
    let (store, _) = secret("hunter2").await;
    let read = HandshakeSecrets::fetch(&store).await.unwrap();
    assert_eq!(read.document.as_str(), "hunter2");
    assert!(!format!("{read:?}").contains("hunter2"));
}
