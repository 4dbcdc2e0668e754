//! The HTTP endpoint of the embedded DynamoDB, SQS and Secrets Manager: one address, as every AWS SDK expects.
//! Dynoxide's own endpoint answers any web page (`Access-Control-Allow-Origin: *`) and accepts any signature, so a
//! malicious page in a developer's browser could write claims and contexts. This endpoint requires the token, and
//! supports only the operations that Tidings uses.

use super::about::About;
use super::access::{Refused, admit, admit_client};
use super::disk::{Disk, Part};
use super::queues::{self, Queues};
use super::secrets_manager::{self, Secrets};
use crate::dev_client::OWN_PATHS;
use crate::dev_client::token::Token;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::sync::Arc;
use tokio::net::TcpListener;

/// DynamoDB's limit for a request.
const MAX_REQUEST_BYTES: usize = 16 * 1024 * 1024;

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
const TARGET_PREFIX: &str = "DynamoDB_20120810.";

const NO_OPERATION: &str = "no operation of DynamoDB, SQS or Secrets Manager in X-Amz-Target: SDKs before November 2023 use the \
    older SQS protocol, use a newer SDK";

#[derive(Clone)]
pub(crate) struct AwsEndpoint {
    pub(crate) database: Database,
    pub(crate) queues: Queues,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) token: Token,
    pub(crate) disk: Arc<Disk>,
    pub(crate) about: Arc<About>,
}

/// Serves until the process ends.
pub(crate) async fn serve(listener: TcpListener, door: AwsEndpoint) -> std::io::Result<()> {
    axum::serve(listener, Router::new().fallback(handle).with_state(door)).await
}

async fn handle(State(door): State<AwsEndpoint>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if parts.uri.path() == OWN_PATHS {
        return match admit(&door.token, &parts) {
            Ok(()) => Json(door.about.known()).into_response(),
            Err(refused) => refused.into_response(),
        };
    }
    if let Err(refused) = admit_client(&door.token, &parts) {
        return unadmitted(refused);
    }
    if let Some(operation) = queues::operation(&parts.headers) {
        return match to_bytes(body, MAX_REQUEST_BYTES).await {
            Ok(body) => door.queues.answer(operation, &body).await,
            Err(_) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        };
    }
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    if let Some(operation) = target.strip_prefix(secrets_manager::TARGET_PREFIX) {
        return match to_bytes(body, MAX_REQUEST_BYTES).await {
            Ok(body) => of_secrets(&door.secrets, operation, &body),
            Err(_) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        };
    }
    let Some(operation) = target.strip_prefix(TARGET_PREFIX).map(str::to_owned) else {
        return error(StatusCode::BAD_REQUEST, "com.amazon.coral.service#UnknownOperationException", NO_OPERATION);
    };
    let Ok(body) = to_bytes(body, MAX_REQUEST_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    // The call blocks on the disk.
    let answered = tokio::task::spawn_blocking(move || answer(&door, &operation, &body)).await;
    answered.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

fn of_secrets(secrets: &Secrets, operation: &str, body: &[u8]) -> Response {
    match secrets.answer(operation, body) {
        Ok(answer) => respond(StatusCode::OK, answer.to_string()),
        Err(secrets_manager::Refused(kind, message)) => error(StatusCode::BAD_REQUEST, kind, &message),
    }
}

fn unadmitted(refused: Refused) -> Response {
    let said = match refused {
        Refused::Host | Refused::Browser => refused.as_str().to_owned(),
        Refused::Token => format!("the access key is {}", refused.as_str()),
    };
    error(refused.status(), "com.amazon.coral.service#UnrecognizedClientException", &said)
}

fn answer(door: &AwsEndpoint, operation: &str, body: &[u8]) -> Response {
    match dispatch(&door.database, operation, body) {
        Ok(Answered { json, wrote }) => {
            if wrote {
                door.disk.wrote(Part::Tables);
            }
            respond(StatusCode::OK, json)
        }
        Err(failed) => {
            if let Some(cause) = of_the_disk(&failed) {
                door.disk.failed(Part::Tables, &cause);
            }
            let status = StatusCode::from_u16(failed.status_code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            respond(status, failed.to_json())
        }
    }
}

/// SQLite's message, if it caused the failure of an operation. Other errors are the caller's.
fn of_the_disk(error: &DynoxideError) -> Option<String> {
    if let DynoxideError::SqliteError(cause) = error { Some(cause.to_string()) } else { None }
}

struct Answered {
    json: String,
    /// Whether the operation wrote.
    wrote: bool,
}

/// Calls an operation by its name.
fn dispatch(database: &Database, operation: &str, body: &[u8]) -> dynoxide::Result<Answered> {
    let (json, wrote) = match operation {
        "CreateTable" => (call(body, |request| database.create_table(request)), true),
        "DescribeTable" => (call(body, |request| database.describe_table(request)), false),
        "ListTables" => (call(body, |request| database.list_tables(request)), false),
        "GetItem" => (call(body, |request| database.get_item(request)), false),
        "PutItem" => (call(body, |request| database.put_item(request)), true),
        "UpdateItem" => (call(body, |request| database.update_item(request)), true),
        "DeleteItem" => (call(body, |request| database.delete_item(request)), true),
        "Query" => (call(body, |request| database.query(request)), false),
        "Scan" => (call(body, |request| database.scan(request)), false),
        "BatchGetItem" => (call(body, |request| database.batch_get_item(request)), false),
        "BatchWriteItem" => (call(body, |request| database.batch_write_item(request)), true),
        "TransactGetItems" => (call(body, |request| database.transact_get_items(request)), false),
        "TransactWriteItems" => (call(body, |request| database.transact_write_items(request)), true),
        other => {
            let said = format!("{other} isn't part of the embedded DynamoDB");
            return Err(DynoxideError::ValidationException(said));
        }
    };
    Ok(Answered { json: json?, wrote })
}

fn call<R: DeserializeOwned, A: Serialize>(
    body: &[u8],
    operation: impl FnOnce(R) -> dynoxide::Result<A>,
) -> dynoxide::Result<String> {
    let request = serde_json::from_slice(body).map_err(|error| DynoxideError::ValidationException(error.to_string()))?;
    let answer = operation(request)?;
    serde_json::to_string(&answer).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

fn error(status: StatusCode, kind: &str, message: &str) -> Response {
    respond(status, json!({ "__type": kind, "message": message }).to_string())
}

fn respond(status: StatusCode, json: String) -> Response {
    (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], Body::from(json)).into_response()
}
