//! SQS's wire format (AWS JSON 1.0), its limits, and AWS's errors for violations. Source of limits and error texts: the
//! API reference of SQS.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Display;

pub(super) const MAX_DELAY_S: u32 = 900;
pub(super) const MAX_VISIBILITY_TIMEOUT_S: u32 = 12 * 60 * 60;
pub(super) const MAX_WAIT_S: u32 = 20;
pub(super) const MAX_BATCH: usize = 10;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct QueueUrlRequest {
    pub(super) queue_url: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct QueueNameRequest {
    pub(super) queue_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Prefix {
    #[serde(default)]
    pub(super) queue_name_prefix: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetQueueAttributes {
    pub(super) queue_url: String,
    #[serde(default)]
    pub(super) attribute_names: Vec<String>,
}

/// A message to send. In a batch it has an id.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Send {
    #[serde(default)]
    pub(super) queue_url: String,
    #[serde(default)]
    pub(super) id: String,
    pub(super) message_body: String,
    pub(super) delay_seconds: Option<u32>,
    #[serde(default)]
    pub(super) message_attributes: BTreeMap<String, Attribute>,
    pub(super) message_group_id: Option<String>,
    pub(super) message_deduplication_id: Option<String>,
}

/// An attribute of a message. `BinaryValue` is Base64.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attribute {
    pub(super) data_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) string_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) binary_value: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Receive {
    pub(super) queue_url: String,
    pub(super) max_number_of_messages: Option<u32>,
    pub(super) visibility_timeout: Option<u32>,
    pub(super) wait_time_seconds: Option<u32>,
    /// The older name of the next field.
    #[serde(default)]
    pub(super) attribute_names: Vec<String>,
    #[serde(default)]
    pub(super) message_system_attribute_names: Vec<String>,
    #[serde(default)]
    pub(super) message_attribute_names: Vec<String>,
}

/// A message to delete or hide. In a batch it has an id.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Change {
    #[serde(default)]
    pub(super) queue_url: String,
    #[serde(default)]
    pub(super) id: String,
    pub(super) receipt_handle: String,
    #[serde(default)]
    pub(super) visibility_timeout: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Batch<E> {
    pub(super) queue_url: String,
    pub(super) entries: Vec<E>,
}

impl<E> Batch<E> {
    /// The entries, if their number is allowed and their ids are unique.
    pub(super) fn checked(self, id: impl Fn(&E) -> &str) -> Result<Vec<E>, Refused> {
        let mut ids: Vec<&str> = self.entries.iter().map(id).collect();
        ids.sort_unstable();
        ids.dedup();
        match (self.entries.len(), ids.len()) {
            (0, _) => Err(Refused::new("EmptyBatchRequest", "There should be at least one entry in the request.")),
            (n, _) if n > MAX_BATCH => Err(Refused::new(
                "TooManyEntriesInBatchRequest",
                format!("Maximum number of entries per request are {MAX_BATCH}. You have sent {n}."),
            )),
            (n, distinct) if n != distinct => {
                Err(Refused::new("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id."))
            }
            _ => Ok(self.entries),
        }
    }
}

/// Whether a list of names includes this one.
pub(super) fn is_wanted(names: &[String], name: &str) -> bool {
    names.iter().any(|wanted| match wanted.strip_suffix(".*") {
        Some(start) => name.starts_with(start),
        None => wanted == "All" || wanted == name,
    })
}

/// Why an operation is refused.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    /// The error's name in the Smithy model of SQS.
    pub(super) kind: &'static str,
    pub(super) message: String,
}

impl Refused {
    pub(super) fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind, message: message.into() }
    }

    pub(super) fn internal(cause: &impl Display) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, kind: "InternalError", message: cause.to_string() }
    }

    pub(super) fn unreadable(error: &serde_json::Error) -> Self {
        Self::new("SerializationException", error.to_string())
    }

    pub(super) fn no_queue() -> Self {
        Self::new("QueueDoesNotExist", "The specified queue does not exist.")
    }

    pub(super) fn invalid(name: &str, value: &impl Display, allowed: &str) -> Self {
        Self::new("InvalidParameterValue", format!("Value {value} for parameter {name} is invalid. Reason: {allowed}."))
    }

    pub(super) fn missing(name: &str) -> Self {
        Self::new("MissingParameter", format!("The request must contain the parameter {name}."))
    }

    pub(super) fn receipt(handle: &str) -> Self {
        Self::new("ReceiptHandleIsInvalid", format!("The input receipt handle \"{handle}\" is not a valid receipt handle."))
    }

    /// The template defines the queues, and Tidings moves dead letters one by one, as on AWS.
    pub(super) fn unsupported(operation: &str) -> Self {
        let instead = match operation {
            "StartMessageMoveTask" | "CancelMessageMoveTask" | "ListMessageMoveTasks" => "`tidings dlq redrive` moves messages",
            _ => "its queues and their attributes are those of template.yaml",
        };
        Self::new("UnsupportedOperation", format!("{operation} isn't part of the embedded SQS: {instead}"))
    }

    fn code(&self) -> String {
        match self.kind {
            "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue".to_owned(),
            kind @ ("EmptyBatchRequest"
            | "TooManyEntriesInBatchRequest"
            | "BatchEntryIdsNotDistinct"
            | "UnsupportedOperation") => {
                format!("AWS.SimpleQueueService.{kind}")
            }
            kind => kind.to_owned(),
        }
    }

    /// The same as an entry of a batch.
    pub(super) fn entry(&self, id: &str) -> serde_json::Value {
        json!({ "Id": id, "Code": self.kind, "Message": self.message, "SenderFault": self.status.is_client_error() })
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = json!({ "__type": format!("com.amazonaws.sqs#{}", self.kind), "message": self.message });
        let mut response = response(self.status, body.to_string());
        // SDKs identify the error by its name in the older protocol.
        let fault = if self.status.is_client_error() { "Sender" } else { "Receiver" };
        if let Ok(header) = format!("{};{fault}", self.code()).parse() {
            response.headers_mut().insert(HeaderName::from_static("x-amzn-query-error"), header);
        }
        response
    }
}

/// A response in the protocol of SQS.
pub(super) fn response(status: StatusCode, json: String) -> Response {
    (status, [(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"))], json).into_response()
}

/// A number up to `most`.
pub(super) fn at_most(name: &str, value: Option<u32>, most: u32) -> Result<Option<u32>, Refused> {
    match value {
        Some(value) if value > most => Err(Refused::invalid(name, &value, &format!("Must be between 0 and {most}, if provided"))),
        value => Ok(value),
    }
}
