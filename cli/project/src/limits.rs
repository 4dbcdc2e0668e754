//! The limits of what people write that only reading a project checks. What the functions check too is in [`tidings_config::limits`].

use std::time::Duration;
use tidings_config::limits::{
    JOIN_GRACE, MAX_EVENT_AGE, MAX_FETCH_VALUE_BYTES, MAX_FETCHED_PATH_BYTES, MAX_PLAIN_COPY_BYTES, MAX_STORED_TEXTS_BYTES,
};

/// The longest `ttl` of a fact.
pub const MAX_TTL: Duration = Duration::from_secs(366 * 86_400);

/// The longest time that a join may stay closed after it ended.
pub const MAX_JOIN_SHUT: Duration = Duration::from_secs(366 * 86_400);

/// The longest time that a join may wait. Its timer is a message that is rescheduled every
/// [`MAX_TIMER_DELAY`](tidings_config::limits::MAX_TIMER_DELAY).
pub const MAX_JOIN_WITHIN: Duration = Duration::from_secs(7 * 86_400);

/// The texts of one notification, for all channels and languages, as stored without values.
pub const MAX_TEXTS_BYTES: usize = 16_384;

/// Fields in the data of an emitted action.
pub const MAX_EMIT_FIELDS: usize = 32;

/// The most notifications that a cap may allow. The time of each is stored.
pub const MAX_CAP: u32 = 100;

/// Quiet windows of a policy: two for each day of the week.
pub const MAX_QUIET_WINDOWS: usize = 14;

/// The base URL of an API that rules fetch from.
pub const MAX_API_URL_BYTES: usize = 512;

/// A rule's path behind it, as written.
pub const MAX_FETCH_PATH_BYTES: usize = 1_024;

/// One event schema file.
pub const MAX_SCHEMA_BYTES: usize = 65_536;

/// All event schemas. They are part of the artefact.
pub const MAX_SCHEMAS: usize = 512;

const _: () = {
    assert!(MAX_JOIN_WITHIN.as_secs() + JOIN_GRACE.as_secs() < MAX_EVENT_AGE.as_secs(), "a timer is an event");
    assert!(MAX_TEXTS_BYTES + MAX_PLAIN_COPY_BYTES + 6_000 <= MAX_STORED_TEXTS_BYTES, "values have room beside any texts");
    assert!(MAX_FETCH_PATH_BYTES + 3 * MAX_FETCH_VALUE_BYTES < MAX_FETCHED_PATH_BYTES, "one place can always be filled");
};
