//! Answers of the inspector: the data of a command, or why there is none, both as JSON.

use super::Inspector;
use crate::Failure;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// The data of a command.
pub(super) type Answer = Result<Json<Value>, Problem>;

/// Why there is no data, with a status for programs.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    failure: Failure,
}

impl Problem {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, failure: Failure::new(text) }
    }

    pub(super) fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text)
    }

    pub(super) fn hint(self, hint: &str) -> Self {
        Self { failure: self.failure.hint(hint), ..self }
    }
}

/// A failure of a command: its arguments are invalid, or what it needs doesn't answer or doesn't exist.
impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        const INVALID: u8 = 2;
        let status = if failure.status == Some(INVALID) { StatusCode::BAD_REQUEST } else { StatusCode::BAD_GATEWAY };
        Self { status, failure }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Failure { message, details, hint, status: _ } = self.failure;
        (self.status, Json(json!({ "error": message, "details": details, "hint": hint }))).into_response()
    }
}

/// A path that doesn't exist.
pub(super) async fn unknown() -> Problem {
    Problem::not_found("no such path")
}

impl Inspector {
    /// Data for a page, without the secrets that this process knows.
    pub(super) fn shown(&self, data: Value) -> Json<Value> {
        Json(self.without_secrets(data))
    }
}

impl Problem {
    /// The problem in words, as a part of an answer.
    pub(super) fn text(&self) -> String {
        match &self.failure.hint {
            Some(hint) => format!("{}: {hint}", self.failure),
            None => self.failure.to_string(),
        }
    }
}
