//! The limits of what people write that only reading a project checks. What the functions check too is in [`tidings_config::limits`].

use std::time::Duration;
use tidings_config::limits::{
    JOIN_GRACE, MAX_EVENT_AGE, MAX_FETCH_VALUE_BYTES, MAX_FETCHED_PATH_BYTES, MAX_PLAIN_COPY_BYTES, MAX_STORED_TEXTS_BYTES,
};

/// How long a fact may be known, if not for good.
pub const MAX_TTL: Duration = Duration::from_secs(366 * 86_400);

/// The longest that a join may stay shut after an end.
pub const MAX_JOIN_SHUT: Duration = Duration::from_secs(366 * 86_400);

/// The longest that a join may wait. Its timer is a message that is sent again every [`tidings_config::limits::MAX_TIMER_DELAY`].
pub const MAX_JOIN_WITHIN: Duration = Duration::from_secs(7 * 86_400);

/// The texts of one notification, for all its channels and languages, as they are stored without their values.
pub const MAX_TEXTS_BYTES: usize = 16_384;

/// Data of an emitted action.
pub const MAX_EMIT_FIELDS: usize = 32;

/// What a cap may allow. It remembers the time of each.
pub const MAX_CAP: u32 = 100;

/// Quiet windows of a policy: two for each day of a week.
pub const MAX_QUIET_WINDOWS: usize = 14;

/// The address of an API that rules fetch from.
pub const MAX_API_URL_BYTES: usize = 512;

/// What a rule puts behind it, as it is written.
pub const MAX_FETCH_PATH_BYTES: usize = 1_024;

/// One event schema as a file.
pub const MAX_SCHEMA_BYTES: usize = 65_536;

/// Event schemas in all. They are in the artefact.
pub const MAX_SCHEMAS: usize = 512;

const _: () = {
    assert!(MAX_JOIN_WITHIN.as_secs() + JOIN_GRACE.as_secs() < MAX_EVENT_AGE.as_secs(), "a timer is an event");
    assert!(MAX_TEXTS_BYTES + MAX_PLAIN_COPY_BYTES + 6_000 <= MAX_STORED_TEXTS_BYTES, "values have room beside any texts");
    assert!(MAX_FETCH_PATH_BYTES + 3 * MAX_FETCH_VALUE_BYTES < MAX_FETCHED_PATH_BYTES, "one place can always be filled");
};
