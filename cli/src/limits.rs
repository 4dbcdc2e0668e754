//! The limits that only the commands read: named, with their unit last and their reason. Relations between them are checked when this
//! compiles.

use std::time::Duration;
use tidings_config::limits::{DEFAULT_TOLERANCE, MAX_ARTEFACT_BYTES, MAX_BODY_BYTES, MAX_STORED_EVENT_BYTES};

/// A delivery in the receiver, as its concurrency is reckoned: three calls to AWS, of which each takes up to some 30 ms.
pub const RECEIVE_TIME: Duration = Duration::from_millis(100);

/// The timeline entries that a context shows.
pub const TIMELINE_SHOWN: usize = 50;

/// Events that a list shows unless it is asked for another number.
pub const EVENTS_LISTED: usize = 50;

/// Events that a list shows at most. All of them are in memory, some kilobytes each.
pub const MAX_EVENTS_LISTED: usize = 1_000;

/// Claims of one page of a list. Of the longest, a page is a megabyte: it is here before its call's time is over.
pub const CLAIMS_PAGE: usize = 250;

/// The shortest pause between two looks at a table by whoever follows events.
pub const MIN_TAIL_PAUSE: Duration = Duration::from_secs(1);

/// The shortest time that `tidings status` counts over: CloudWatch has a point a minute.
pub const MIN_STATUS_SPAN: Duration = Duration::from_secs(300);

/// The longest. One call may have 100,800 points.
pub const MAX_STATUS_SPAN: Duration = Duration::from_secs(86_400);

/// Things to do next that it names, the worst first.
pub const MAX_NEXT_STEPS: usize = 5;

/// Checks of `GET /ready` that it shows, whoever answers.
pub const MAX_READY_CHECKS: usize = 16;

/// An answer of the endpoint's own pages, as an operator's command reads it.
pub const MAX_PAGE_BYTES: u64 = 65_536;

/// How often an event is applied again at most, each time under another name: its claim points to each.
pub const MAX_TIMES_AGAIN: usize = 16;

/// Tries of one manual change that had no answer. Its claim makes one effect of them.
pub const MANUAL_TRIES: u32 = 5;

/// How far an operator's clock may be from the endpoint's. Most schemes allow five minutes in all.
pub const MAX_CLOCK_APART: Duration = Duration::from_secs(60);

/// How long the self-test waits for its event to be processed: a cold start and a first receive that fails fit in.
pub const SELF_TEST_WAIT: Duration = Duration::from_secs(60);

/// Receives while looking for one event in the dead-letter queue, of [`tidings_config::limits::MAX_BATCH_MESSAGES`] each.
pub const MAX_DEAD_LETTER_RECEIVES: usize = 100;

/// How long messages are hidden while all of the queue is walked through: longer than the walk, or they come again.
pub const DEAD_LETTERS_WALK: Duration = Duration::from_secs(900);

/// Messages of one walk through the dead-letter queue. SQS lets 120,000 be in flight at once.
pub const MAX_DEAD_LETTERS: usize = 100_000;

/// Groups of reasons that a list shows; more are one.
pub const MAX_REASON_GROUPS: usize = 64;

/// How long each message that is looked at is hidden from others, if it isn't shown again before.
pub const DEAD_LETTER_HIDDEN: Duration = Duration::from_secs(30);

/// Deliveries that one folder of captures holds, and that one replay plays; dead letters and kept events, too.
pub const MAX_CAPTURED: usize = 1_000;

/// Their files together: all of them are in memory when they are played.
pub const MAX_CAPTURED_BYTES: u64 = 64 << 20;

/// A file of rules, sources or tests of rules, as a command reads it. The largest shipped one has a sixtieth of that.
pub const MAX_CONFIG_FILE_BYTES: usize = 1 << 20;

/// A file of one recorded delivery: a body of [`MAX_BODY_BYTES`] whose every byte is an escape, and room for the rest.
pub const MAX_CAPTURE_FILE_BYTES: usize = 8 << 20;

/// A file that a request, a body or events are read from: a recording of a browser's (HAR) holds more than the one request.
pub const MAX_REQUEST_FILE_BYTES: usize = 16 << 20;

/// Values of one JSON text that a command reads: in memory each takes up to a hundred bytes, whatever it takes in the file.
pub const MAX_FILE_JSON_VALUES: usize = 1_000_000;

/// The URL and the headers of a captured request together. API Gateway takes 10,240 bytes.
pub const MAX_REQUEST_HEAD_BYTES: usize = 16_384;

/// Parameters of a query that `tidings verify` leaves out one by one, to find which was added on the way.
pub const MAX_PARAMETERS_TRIED: usize = 32;

/// The longest that capturing goes on: nobody watches a machine that listens.
pub const MAX_CAPTURE_TIME: Duration = Duration::from_secs(86_400);

/// Looks that erasing a conversation takes at most. It ends with the first that finds nothing; one whose events come faster than
/// they are erased has none.
pub const MAX_ERASE_LOOKS: u32 = 16;

/// Pause before each but the first: the timeline's index follows the claims within a fraction of a second.
pub const INDEX_LAG: Duration = Duration::from_secs(1);

const _: () = {
    assert!(2 * MAX_CONFIG_FILE_BYTES < MAX_ARTEFACT_BYTES, "any sources and rules fit, with schemas beside them");
    assert!(
        MAX_TIMES_AGAIN * 1_024 + MAX_STORED_EVENT_BYTES <= 200 * 1024,
        "the claim of an event that was applied again so often"
    );
    assert!(
        MAX_CAPTURED as u64 * MAX_STORED_EVENT_BYTES as u64 <= MAX_CAPTURED_BYTES,
        "as many as one replay plays are in memory"
    );
    assert!(MAX_CAPTURE_FILE_BYTES >= 6 * MAX_BODY_BYTES + MAX_REQUEST_HEAD_BYTES, "what is recorded can be read");
    assert!(MAX_CAPTURE_FILE_BYTES <= MAX_REQUEST_FILE_BYTES, "so that `verify` can say what a recorded delivery is");
    assert!(MAX_FILE_JSON_VALUES > MAX_BODY_BYTES / 2, "a body has no more");
    assert!(EVENTS_LISTED <= MAX_EVENTS_LISTED && TIMELINE_SHOWN <= MAX_EVENTS_LISTED);
    assert!(MAX_CLOCK_APART.as_secs() < DEFAULT_TOLERANCE.as_secs());
    assert!(MIN_STATUS_SPAN.as_secs() < MAX_STATUS_SPAN.as_secs());
    assert!(MAX_STATUS_SPAN.as_secs() / 60 * 12 <= 100_800, "a point a minute of a dozen metrics, in one call");
};
