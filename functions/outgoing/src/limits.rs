//! Limits of requests and answers.

use std::time::Duration;
use tidings_config::limits::{MAX_ACTION_BYTES, MAX_MESSAGE_BYTES};

pub use tidings_config::limits::{MAX_ANSWER_REASON_BYTES, MAX_MESSAGE_ID_BYTES};

/// The body of a request.
pub const MAX_REQUEST_BYTES: usize = 262_144;

/// The body of a request to a sink: an event of 1 MiB in base64, or in a form that is percent-encoded in part.
pub const MAX_SINK_REQUEST_BYTES: usize = 4 * 1_048_576;

/// `MessageGroupId` of SQS and SNS: 128 characters.
pub const MAX_GROUP_BYTES: usize = 128;

/// An address after its places are filled.
pub const MAX_URL_BYTES: usize = 8_192;

/// The value of a header after its places are filled.
pub const MAX_HEADER_BYTES: usize = 4_096;

/// The part of an answer that is read: enough for an id or an error's text.
pub const MAX_ANSWER_BYTES: usize = 65_536;

/// The longest pause that an answer may ask for.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// The lifetime of a token whose answer doesn't say it.
pub const DEFAULT_TOKEN_LIFETIME: Duration = Duration::from_secs(300);

/// A token is fetched again so long before it expires.
pub const TOKEN_MARGIN: Duration = Duration::from_secs(60);

/// The lifetime of a signed assertion, by which a token is fetched. Google allows an hour.
pub const ASSERTION_LIFETIME: Duration = Duration::from_secs(3_600);

/// The longest template of a channel's file.
pub const MAX_TEMPLATE_BYTES: usize = 2_048;

/// The deepest JSON of a template.
pub const MAX_TEMPLATE_DEPTH: usize = 16;

const _: () = assert!(MAX_ACTION_BYTES * 4 <= MAX_REQUEST_BYTES, "any action fits, also percent-encoded in part");
const _: () = assert!(MAX_MESSAGE_BYTES * 4 <= MAX_SINK_REQUEST_BYTES, "any event fits, also percent-encoded in part");
