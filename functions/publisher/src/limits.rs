//! The publisher's limits. Those of an endpoint's own fields are in [`tidings_config::limits`].

use std::time::Duration;
use tidings_config::limits::{MAX_BATCH_MESSAGES, MAX_CONTEXT_ANSWER_BYTES, MAX_ENDPOINTS, MAX_TIMER_DELAY, SECRETS_REFRESH};

/// The times between attempts, after the first, which is made at once. Jitter adds up to [`MAX_JITTER_PERCENT`].
pub const SCHEDULE: [Duration; 6] = [
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3_600),
    Duration::from_secs(8 * 3_600),
    Duration::from_secs(24 * 3_600),
];

/// The longest jitter, as a share of the time that it is added to. Endpoints that failed together don't come back together.
pub const MAX_JITTER_PERCENT: u32 = 10;

/// The longest `Retry-After` that is honoured.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// An endpoint that fails for so long, without a success in between, is disabled.
pub const DISABLED_AFTER: Duration = Duration::from_secs(3 * 86_400);

/// The time for one attempt, connecting included.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// After this time an attempt without a result counts as made, with an unknown result: its function was stopped.
pub const ATTEMPT_LEASE: Duration = Duration::from_secs(60);

/// Bytes of an answer's body that are read, and stored with the attempt.
pub const MAX_ANSWER_BYTES: usize = 256;

/// Attempts that a delivery keeps. Manual retries may make more than a schedule has.
pub const MAX_ATTEMPTS_KEPT: usize = 16;

/// How long a delivery and its event are stored.
pub const DELIVERY_KEPT: Duration = Duration::from_secs(30 * 86_400);

/// A published message is stored in parts of this size: an item has at most 400 KB.
pub const EVENT_PART_BYTES: usize = 300 * 1024;

/// How long the list of endpoints is used before it is read again. An endpoint that was added gets events after this time.
pub const ENDPOINTS_KEPT: Duration = Duration::from_secs(15);

/// How long both secrets sign after a rotation.
pub const ROTATION: Duration = Duration::from_secs(24 * 3_600);

/// The longest time of the same.
pub const MAX_ROTATION: Duration = Duration::from_secs(30 * 86_400);

/// Secrets of one endpoint: a rotation needs two.
pub const MAX_SECRETS: usize = 2;

/// A signing key: Standard Webhooks recommends 24 to 64 bytes.
pub const MIN_KEY_BYTES: usize = 16;
pub const MAX_KEY_BYTES: usize = 128;

/// The shortest stack's own secret, from which endpoints' secrets follow.
pub const MIN_MASTER_BYTES: usize = 32;

/// Partitions of the index of deliveries that wait longer than a queue can hide a message.
pub const DUE_PARTITIONS: u8 = 4;

/// Waiting deliveries that a sweep reads at once.
pub const DUE_PAGE: usize = 100;

/// The interval of sweeps: the schedule in the template. A sweep sends what is due until the next one.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// Deliveries that are claimed side by side.
pub const CLAIMS_AT_ONCE: usize = 16;

/// Time reserved at the end of a batch to answer.
pub const BATCH_RESERVE: Duration = Duration::from_secs(2);

/// Tries to write a record that others write too.
pub const MAX_TRIES: u32 = 8;

/// An endpoint as JSON, with room for what is escaped: 32 patterns, a condition, 16 headers, and a URL.
pub const MAX_ENDPOINT_ANSWER_BYTES: usize = 96 * 1024;

/// The label of an endpoint's owner.
pub const MAX_OWNER_BYTES: usize = 64;

/// Endpoints of one owner: none of them takes the places of all others.
pub const MAX_ENDPOINTS_OF_OWNER: usize = 20;

/// The body of a request that creates or changes an endpoint: the largest endpoint, each byte of it escaped as six at most.
pub const MAX_PORTAL_BODY_BYTES: usize = 256 * 1024;

/// An `Idempotency-Key`.
pub const MAX_IDEMPOTENCY_KEY_BYTES: usize = 255;

/// How long a repeated creation is answered as the first one was, with the secret: its answer may have been lost.
pub const CREATION_REPEATED: Duration = Duration::from_secs(600);

/// Endpoints or deliveries in one answer, unless the request says another number.
pub const PORTAL_PAGE: usize = 20;
pub const MAX_PORTAL_PAGE: usize = 50;

/// Deliveries that one request sends again.
pub const MAX_PORTAL_RETRIES: usize = 50;

/// Reads for one answer: a page of deliveries in one state may need several.
pub const MAX_PORTAL_READS: usize = 10;

/// How long a new secret and the old one both sign, in hours, at most: [`MAX_ROTATION`].
pub const MAX_ROTATION_HOURS: u64 = MAX_ROTATION.as_secs() / 3_600;

const _: () = {
    assert!(MAX_ENDPOINTS_OF_OWNER < MAX_ENDPOINTS && PORTAL_PAGE <= MAX_PORTAL_PAGE);
    assert!(MAX_PORTAL_PAGE * MAX_ENDPOINT_ANSWER_BYTES < MAX_CONTEXT_ANSWER_BYTES, "a page fits into a response");
    assert!(MAX_ENDPOINT_ANSWER_BYTES < MAX_PORTAL_BODY_BYTES);
    assert!(ATTEMPT_TIMEOUT.as_secs() * 2 < ATTEMPT_LEASE.as_secs(), "an attempt ends well before it counts as lost");
    assert!(SCHEDULE[0].as_secs() <= MAX_TIMER_DELAY.as_secs() && SCHEDULE[1].as_secs() <= MAX_TIMER_DELAY.as_secs());
    let mut all = 0;
    let mut step = 0;
    while step < SCHEDULE.len() {
        all += SCHEDULE[step].as_secs() * (100 + MAX_JITTER_PERCENT as u64) / 100;
        step += 1;
    }
    assert!(all < DISABLED_AFTER.as_secs(), "a delivery ends before its endpoint is disabled");
    assert!(all + SCHEDULE.len() as u64 * MAX_RETRY_AFTER.as_secs() < DELIVERY_KEPT.as_secs(), "and before it expires");
    assert!(MAX_ATTEMPTS_KEPT > SCHEDULE.len(), "a whole schedule is kept");
    assert!(MAX_ATTEMPTS_KEPT * (MAX_ANSWER_BYTES * 6 + 512) < 100 * 1024, "a delivery fits into an item");
    assert!(EVENT_PART_BYTES < 400 * 1024);
    assert!(DUE_PAGE.is_multiple_of(MAX_BATCH_MESSAGES), "no batch is sent half full");
    assert!(SWEEP_INTERVAL.as_secs() < MAX_TIMER_DELAY.as_secs());
    assert!(SECRETS_REFRESH.as_secs() < ROTATION.as_secs(), "a new secret is loaded while the old one still signs");
    assert!(ROTATION.as_secs() <= MAX_ROTATION.as_secs());
};
