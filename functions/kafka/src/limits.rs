//! Limits of Kafka's function.

use std::time::Duration;

/// The time for the records of one sink in a batch: connecting, and the answer of all replicas.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Within it, a request that failed is repeated by the client, with pauses.
pub const CLIENT_DEADLINE: Duration = Duration::from_secs(8);

/// A connection that wasn't used for so long is made again: the function was frozen, and nobody says that it is closed. Brokers
/// keep one for ten minutes, gateways of a network for less than six.
pub const IDLE: Duration = Duration::from_secs(60);

/// After a failure a sink's events go back to the queue for so long, so that other sinks don't wait for it.
pub const PAUSE: Duration = Duration::from_secs(30);

/// The most that a broker may answer.
pub const MAX_ANSWER_BYTES: usize = 8 * 1_048_576;

/// Time reserved at the end of a batch to answer.
pub const BATCH_RESERVE: Duration = Duration::from_secs(2);

const _: () = assert!(CLIENT_DEADLINE.as_secs() < WRITE_TIMEOUT.as_secs());
