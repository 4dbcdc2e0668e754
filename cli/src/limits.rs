//! The limits that only the commands read: named, with their unit last and their reason. Relations between them are
//! checked when this compiles.

use std::time::Duration;
use tidings_config::limits::{DEFAULT_TOLERANCE, MAX_ARTEFACT_BYTES, MAX_BODY_BYTES, MAX_STORED_EVENT_BYTES};

/// Duration of a delivery in the receiver, for the estimate of its concurrency: two calls to AWS, each of up to about
/// 30 ms, or three after a failure.
pub const RECEIVE_TIME: Duration = Duration::from_millis(100);

/// Batches that an event poller of Lambda's provisioned mode hands out at once.
pub const BATCHES_OF_A_POLLER: u64 = 10;

/// Feeds that `dev` holds open at the same time. Further ones get 503.
pub const MAX_VIEWERS: usize = 256;

/// Requests of `tidings attack` a second, if nothing else is said: a deployment with the template's route throttle takes
/// them beside its own.
pub const DEFAULT_ATTACK_RATE: u32 = 50;

/// The most: what one connection on this machine takes.
pub const MAX_ATTACK_RATE: u32 = 5_000;

/// How long an answer to a hostile request may take: API Gateway waits as long for a function.
pub const ATTACK_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of an answer to a hostile request that are compared.
pub const MAX_ATTACK_ANSWER_BYTES: u64 = 65_536;

/// Further tries of a throttled request, after 1, 2 and 4 seconds.
pub const MAX_THROTTLED_TRIES: u32 = 3;

/// Wrong answers that `tidings attack` prints. `--json` has all.
pub const WRONG_ANSWERS_SHOWN: usize = 20;

/// Timeline entries of a context that are shown.
pub const TIMELINE_SHOWN: usize = 50;

/// Default number of events in a list.
pub const EVENTS_LISTED: usize = 50;

/// The most events in a list. All of them are in memory, some kilobytes each.
pub const MAX_EVENTS_LISTED: usize = 1_000;

/// Characters of a stack name: the limit of CloudFormation.
pub const MAX_STACK_NAME_BYTES: usize = 128;

/// Claims of one page of a list. With the longest claims, a page takes one megabyte, which arrives before the call
/// times out.
pub const CLAIMS_PAGE: usize = 250;

/// The shortest pause between two queries of a table while events are followed.
pub const MIN_TAIL_PAUSE: Duration = Duration::from_secs(1);

/// The shortest period of `tidings status`. CloudWatch has one data point a minute.
pub const MIN_STATUS_SPAN: Duration = Duration::from_secs(300);

/// The longest period. One call may return 100,800 data points.
pub const MAX_STATUS_SPAN: Duration = Duration::from_secs(86_400);

/// The shortest period whose rates `tidings cost` extrapolates to a month. CloudWatch's sums are of an hour each.
pub const MIN_COST_SPAN: Duration = Duration::from_secs(3_600);

/// The longest: a month.
pub const MAX_COST_SPAN: Duration = Duration::from_secs(30 * 86_400);

/// The most events a month that are priced: a hundred times what a region's largest queues take.
pub const MAX_PRICED_EVENTS: u64 = 1_000_000_000_000;

/// The most custom metrics that are counted for the bill, 500 of each call.
pub const MAX_METRICS_COUNTED: usize = 10_000;

/// Suggested next steps in `tidings status`, the worst first.
pub const MAX_NEXT_STEPS: usize = 5;

/// Checks of `GET /ready` that `tidings status` shows, from any responder.
pub const MAX_READY_CHECKS: usize = 16;

/// A response of the endpoint's own pages, as an operator's command reads it.
pub const MAX_PAGE_BYTES: u64 = 65_536;

/// How often an event can be applied again, each time in a batch with another name. Its claim refers to each.
pub const MAX_TIMES_AGAIN: usize = 16;

/// Tries of one manual change without a response. Its claim prevents a second effect.
pub const MANUAL_TRIES: u32 = 5;

/// How far an operator's clock may differ from the endpoint's. Most schemes allow five minutes in total.
pub const MAX_CLOCK_APART: Duration = Duration::from_secs(60);

/// How long the self-test waits for its event to be processed: enough for a cold start and a failed first receive.
pub const SELF_TEST_WAIT: Duration = Duration::from_secs(60);

/// Receives, of [`MAX_BATCH_MESSAGES`](tidings_config::limits::MAX_BATCH_MESSAGES) each, during a search for one event in the dead-letter queue.
pub const MAX_DEAD_LETTER_RECEIVES: usize = 100;

/// Visibility timeout while the whole dead-letter queue is read: longer than the read, so that no message appears
/// twice.
pub const DEAD_LETTERS_WALK: Duration = Duration::from_secs(900);

/// Messages of one read of the dead-letter queue. SQS allows 120,000 in flight.
pub const MAX_DEAD_LETTERS: usize = 100_000;

/// Groups of reasons in a list; further reasons form one group.
pub const MAX_REASON_GROUPS: usize = 64;

/// Visibility timeout of each inspected message, if it isn't made visible earlier.
pub const DEAD_LETTER_HIDDEN: Duration = Duration::from_secs(30);

/// Requests to a `tidings dev` that the inspector can show.
pub const MAX_REQUESTS_KEPT: usize = 500;

/// The memory of these requests.
pub const MAX_REQUESTS_KEPT_BYTES: usize = 32 << 20;

/// Characters of a body that the inspector shows.
pub const MAX_BODY_SHOWN: usize = 65_536;

/// The shortest pause between two reads of the claims for one page of the inspector, while events arrive.
pub const LIVE_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause between two reads of a `tidings dev`: for changes that another command makes.
pub const LIVE_DEV_PAUSE: Duration = Duration::from_secs(5);

/// The pause between two reads of a stack, each of which is billed.
pub const LIVE_STACK_PAUSE: Duration = Duration::from_secs(5);

/// A request to the inspector: a filter, and whether it is confirmed.
pub const MAX_INSPECTOR_REQUEST_BYTES: usize = 16_384;

/// The kernel's list of connections. Each takes 150 bytes.
pub const MAX_CONNECTIONS_FILE_BYTES: usize = 32 << 20;

/// Deliveries in one folder of captures, and in one replay; the same for dead letters and stored events.
pub const MAX_CAPTURED: usize = 1_000;

/// Total size of these files. All of them are in memory during a replay.
pub const MAX_CAPTURED_BYTES: u64 = 64 << 20;

/// A file of rules, sources or rule tests, as a command reads it. The largest shipped file takes a sixtieth of it.
pub const MAX_CONFIG_FILE_BYTES: usize = 1 << 20;

/// A file of one recorded delivery: a body of [`MAX_BODY_BYTES`] with every byte escaped, and room for the rest.
pub const MAX_CAPTURE_FILE_BYTES: usize = 8 << 20;

/// A file with a request, a body or events. A browser's recording (HAR) contains more than the one request.
pub const MAX_REQUEST_FILE_BYTES: usize = 16 << 20;

/// Values of one JSON text that a command reads. In memory each takes up to a hundred bytes, regardless of its size
/// in the file.
pub const MAX_FILE_JSON_VALUES: usize = 1_000_000;

/// Total size of URL and headers of a captured request. API Gateway accepts 10,240 bytes.
pub const MAX_REQUEST_HEAD_BYTES: usize = 16_384;

/// Query parameters that `tidings verify` leaves out one by one, to find a parameter that was added on the way.
pub const MAX_PARAMETERS_TRIED: usize = 32;

/// The longest duration of a capture, since nobody watches the machine.
pub const MAX_CAPTURE_TIME: Duration = Duration::from_secs(86_400);

/// Passes while a conversation is erased. The first pass that finds nothing ends it. If events arrive faster than
/// they are erased, no pass finds nothing.
pub const MAX_ERASE_LOOKS: u32 = 16;

/// Pause before each pass except the first: the timeline's index follows the claims within a fraction of a second.
pub const INDEX_LAG: Duration = Duration::from_secs(1);

/// Requests for one page of a provider's list, with those that it refuses for its rate limit or fails.
pub const LIST_TRIES: u32 = 5;

/// The longest wait that a provider's rate limit may ask for. A longer one ends the command, which can be run again.
pub const MAX_LIST_WAIT: Duration = Duration::from_secs(120);

/// A page of a provider's list: 250 entries of up to a hundred kilobytes.
pub const MAX_LIST_PAGE_BYTES: u64 = 32 << 20;

/// Pages of one list, and entries that are compared. GitHub's take a request each, 5,000 an hour.
pub const MAX_LIST_PAGES: usize = 1_000;
pub const MAX_LIST_ENTRIES: usize = 50_000;

/// Deliveries without a claim that are in memory until they are sent, and the total size of their bodies.
pub const MAX_MISSING: usize = 10_000;
pub const MAX_MISSING_BYTES: usize = 64 << 20;

/// Missing events that are shown to people.
pub const MISSING_SHOWN: usize = 50;

/// A file with a provider's token.
pub const MAX_TOKEN_FILE_BYTES: usize = 4_096;

/// How long a portal's token is valid if the command doesn't say it.
pub const PORTAL_TOKEN_LIFETIME: Duration = Duration::from_secs(3_600);

const _: () = {
    assert!(2 * MAX_CONFIG_FILE_BYTES < MAX_ARTEFACT_BYTES, "any sources and rules fit, with schemas beside them");
    assert!(
        MAX_TIMES_AGAIN * 1_024 + MAX_STORED_EVENT_BYTES <= 200 * 1024,
        "the claim of an event that was applied again so often"
    );
    assert!(
        MAX_CAPTURED as u64 * MAX_STORED_EVENT_BYTES as u64 <= MAX_CAPTURED_BYTES,
        "all deliveries of a replay are in memory"
    );
    assert!(MAX_CAPTURE_FILE_BYTES >= 6 * MAX_BODY_BYTES + MAX_REQUEST_HEAD_BYTES, "a recorded delivery can be read");
    assert!(MAX_CAPTURE_FILE_BYTES <= MAX_REQUEST_FILE_BYTES, "`verify` can recognise a recorded delivery");
    assert!(MAX_FILE_JSON_VALUES > MAX_BODY_BYTES / 2, "a body can't have more");
    assert!(EVENTS_LISTED <= MAX_EVENTS_LISTED && TIMELINE_SHOWN <= MAX_EVENTS_LISTED);
    assert!(MAX_CLOCK_APART.as_secs() < DEFAULT_TOLERANCE.as_secs());
    assert!(MAX_BODY_BYTES * 2 < MAX_REQUESTS_KEPT_BYTES, "the largest request is kept");
    assert!(LIVE_PAUSE.as_millis() < LIVE_DEV_PAUSE.as_millis());
    assert!(MIN_STATUS_SPAN.as_secs() < MAX_STATUS_SPAN.as_secs());
    assert!(MIN_COST_SPAN.as_secs() < MAX_COST_SPAN.as_secs());
    assert!(MAX_PRICED_EVENTS < 1 << 53, "a double counts them exactly");
    assert!(MAX_STATUS_SPAN.as_secs() / 60 * 12 <= 100_800, "a point a minute of a dozen metrics, in one call");
};

/// How long a tenant's old secret is accepted beside a new one, if nothing else is said.
pub const TENANT_ROTATION: Duration = Duration::from_secs(86_400);

/// The longest time that it is.
pub const MAX_TENANT_ROTATION: Duration = Duration::from_secs(30 * 86_400);

/// Tenants that `tenants list` shows, if nothing else is said, and at most.
pub const TENANTS_LISTED: usize = 1_000;
pub const MAX_TENANTS_LISTED: usize = 1_000_000;

/// Rows of one read of all tenants. A page of DynamoDB has 1 MB at most.
pub const TENANTS_PAGE: usize = 1_000;

/// A provider's list of addresses that is older is old: GitHub and Stripe change theirs several times a year.
pub const MAX_RANGES_AGE: Duration = Duration::from_secs(180 * 86_400);

/// Deliveries of an endpoint that are listed unless another number is given.
pub const DELIVERIES_LISTED: usize = 20;

pub const MAX_DELIVERIES_LISTED: usize = 1_000;

/// Deliveries that are read in one call.
pub const DELIVERIES_PAGE: usize = 100;

/// How long `tidings endpoints test` waits for the first attempt: longer than one may take.
pub const ENDPOINT_TEST_WAIT: Duration = Duration::from_secs(20);

/// How often it looks.
pub const ENDPOINT_TEST_LOOK: Duration = Duration::from_millis(250);

/// The most data that is put into a fence for a model. A model's context is the scarcer thing.
pub const MAX_FENCED_BYTES: usize = 64 * 1_024;

/// The most of one value there.
pub const MAX_FENCED_VALUE_BYTES: usize = 2 * 1_024;

/// The most of an error that a tool answers.
pub const MAX_TOOL_ERROR_BYTES: usize = 4 * 1_024;

/// How long a dry run can be confirmed: long enough for a person to read it.
pub const CONFIRMATION_LIFETIME: Duration = Duration::from_secs(600);

/// Dry runs that can be confirmed at the same time.
pub const MAX_CONFIRMATIONS: usize = 16;

const _: () = assert!(MAX_FENCED_VALUE_BYTES * 8 <= MAX_FENCED_BYTES, "one value can't fill a fence");
