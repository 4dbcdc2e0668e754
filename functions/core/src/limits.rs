//! Every limit, named, with its unit last and its reason. Relations between them are checked when this compiles.

use std::time::Duration;

/// SQS's limit on one message, attributes included (AWS, August 2025).
pub const MAX_MESSAGE_BYTES: usize = 1_048_576;

/// SQS's limit on the messages of one `SendMessageBatch`.
pub const MAX_BATCH_MESSAGES: usize = 10;

/// SQS's limit on the messages of one `SendMessageBatch` together: the same as on one of them.
pub const MAX_BATCH_BYTES: usize = 1_048_576;

/// A larger body can't fit in a message whatever its envelope, so it is refused before it is hashed.
pub const MAX_BODY_BYTES: usize = MAX_MESSAGE_BYTES;

/// Nesting of a JSON body. `serde_json` stops at 128; the envelope and the rules add a few levels of their own.
pub const MAX_JSON_DEPTH: usize = 64;

/// Events in one delivery: Meta sends at most 1,000 changes at once, the most we know of.
pub const MAX_EVENTS_PER_DELIVERY: usize = 1_000;

/// A provider's event id that is longer than this is claimed by its SHA-256.
pub const MAX_EVENT_ID_BYTES: usize = 256;

/// CloudEvents `type`.
pub const MAX_EVENT_TYPE_BYTES: usize = 128;

/// CloudEvents `subject`, and the name of an entity. A sort key may hold 1,024 bytes.
pub const MAX_SUBJECT_BYTES: usize = 512;

/// CloudEvents `dataschema`: the payload's version.
pub const MAX_DATASCHEMA_BYTES: usize = 512;

/// The name of a conversation. A partition key may hold 2,048 bytes.
pub const MAX_CONVERSATION_BYTES: usize = 512;

/// A header that carries a signature.
pub const MAX_SIGNATURE_HEADER_BYTES: usize = 4_096;

/// Signatures in one header: Stripe and Standard Webhooks list one per live secret.
pub const MAX_SIGNATURES: usize = 16;

/// Secrets held at once for one source. Two are a rotation; more is slack.
pub const MAX_SECRETS_PER_SOURCE: usize = 8;

/// The secret's document. Secrets Manager's own limit.
pub const MAX_SECRET_DOCUMENT_BYTES: usize = 65_536;

/// A value that a handshake echoes. Microsoft Graph's validation token is the longest that we know of.
pub const MAX_CHALLENGE_BYTES: usize = 2_048;

/// The body of a handshake: it may be parsed before anything is known of its sender.
pub const MAX_HANDSHAKE_BODY_BYTES: usize = 16_384;

/// A key set or a certificate that is fetched. Google's key sets, the longest that we know of, have 4 KB.
pub const MAX_FETCHED_BYTES: usize = 65_536;

/// Fetching one, from the connection to the last byte.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a fetched key is used before it is fetched again.
pub const KEY_LIFETIME: Duration = Duration::from_secs(6 * 3_600);

/// At most one fetch in this time on account of a source's requests: whatever they name, they may be forged.
pub const KEY_RETRY: Duration = Duration::from_secs(60);

/// Keys kept for a source at once: certificates, or the keys of a key set.
pub const MAX_KEYS_PER_SOURCE: usize = 32;

/// How far `exp` and `nbf` of a JSON Web Token may be from our clock.
pub const JWT_LEEWAY: Duration = Duration::from_secs(60);

/// A secret that a provider tells by a handshake.
pub const MAX_CAPTURED_SECRET_BYTES: usize = 512;

/// The longest time that a window for such a secret may still be open.
pub const MAX_CAPTURE_WINDOW: Duration = Duration::from_secs(86_400);

/// The shortest token that a window may have: 16 characters of base64 are 96 bits.
pub const MIN_CAPTURE_TOKEN_BYTES: usize = 16;

/// The longest window of events without an id that are one.
pub const MAX_COALESCE: Duration = Duration::from_secs(86_400);

/// How long loaded secrets are used before they are fetched again.
pub const SECRETS_REFRESH: Duration = Duration::from_secs(300);

/// At most one fetch in this time on account of a signature that didn't match, or after a fetch that failed.
pub const SECRETS_RETRY: Duration = Duration::from_secs(60);

/// The same while there are no secrets at all, when every request is answered 503.
pub const SECRETS_RETRY_EMPTY: Duration = Duration::from_secs(5);

/// How long an answer of `GET /ready` is given again. Together with its route's throttle it bounds what strangers can make us ask.
pub const READINESS_KEPT: Duration = Duration::from_secs(10);

/// How long a claim lives after it was made, and again after it was processed.
pub const CLAIM_LIFETIME: Duration = Duration::from_secs(30 * 86_400);

/// An event whose claim may be about to be deleted isn't applied: see [`MAX_EVENT_AGE`].
pub const CLAIM_MARGIN: Duration = Duration::from_secs(86_400);

/// An event received longer ago than this is parked, never applied: without its claim we couldn't tell a second effect.
pub const MAX_EVENT_AGE: Duration = Duration::from_secs(CLAIM_LIFETIME.as_secs() - CLAIM_MARGIN.as_secs());

/// A provider's clock may be ahead of ours by this much; a later event time counts as the time of receipt.
pub const MAX_CLOCK_AHEAD: Duration = Duration::from_secs(300);

/// How far a signed timestamp may be from our clock, unless the preset or the source says otherwise.
pub const DEFAULT_TOLERANCE: Duration = Duration::from_secs(300);

/// The widest tolerance that a configuration may ask for.
pub const MAX_TOLERANCE: Duration = Duration::from_secs(3_600);

/// Writes tried again after a transaction conflict, beside the first.
pub const CONFLICT_RETRIES: u32 = 3;

/// Commits tried again because another event of the same conversation was faster.
pub const RELOAD_RETRIES: u32 = 8;

/// Pause before a conflict is tried again: uniformly random up to this, doubled each time.
pub const CONFLICT_PAUSE: Duration = Duration::from_millis(20);

/// Told to the provider with a 503.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Time kept back at the end of a batch to settle what wasn't done.
pub const BATCH_RESERVE: Duration = Duration::from_secs(3);

/// Time kept back of that, to answer in any case: without an answer SQS keeps the whole batch.
pub const ANSWER_RESERVE: Duration = Duration::from_millis(500);

/// One CEL expression.
pub const MAX_EXPRESSION_BYTES: usize = 1_024;

/// Nodes of one expression's syntax tree, after macros are expanded.
pub const MAX_EXPRESSION_NODES: usize = 256;

/// `all`, `exists`, `map`, `filter` inside one another: the cost grows with the power of it.
pub const MAX_EXPRESSION_LOOPS: usize = 1;

/// Elements of the largest list or object that an expression with a loop is evaluated over.
pub const MAX_LOOP_ITEMS: usize = 1_000;

/// One fact's value as JSON.
pub const MAX_FACT_BYTES: usize = 4_096;

/// Facts one rule may set.
pub const MAX_FACTS_PER_RULE: usize = 32;

/// Context items one event may change. A transaction holds 100 actions, one of which is the claim.
pub const MAX_ITEMS_PER_EVENT: usize = 32;

/// One context item as JSON. DynamoDB's own limit is 409,600 bytes; an item is read and written whole.
pub const MAX_ITEM_BYTES: usize = 65_536;

/// An event that is kept with its claim, as JSON. A larger one isn't kept, and has its effect all the same: a claim is written, and
/// read by whoever lists events, as a whole.
pub const MAX_KEPT_EVENT_BYTES: usize = 65_536;

/// What an event may add to a counter, or take from it. Ten billion such events fit into 64 bits.
pub const MAX_COUNT_STEP: i64 = 1_000_000_000;

/// Elements of one set, those that were taken out included: that they were is remembered.
pub const MAX_SET_ELEMENTS: usize = 256;

/// How long a fact may be known, if not for good.
pub const MAX_TTL: Duration = Duration::from_secs(366 * 86_400);

/// Identities that one event may link to its conversation. Each is two items of its transaction.
pub const MAX_LINKS_PER_EVENT: usize = 8;

/// Events that a join waits for.
pub const MAX_LEGS: usize = 8;

/// Joins that one event may be part of. Each is an item of its transaction.
pub const MAX_JOINS_PER_EVENT: usize = 8;

/// What the events of a join have in common, as text.
pub const MAX_JOIN_KEY_BYTES: usize = 256;

/// Events that one join remembers of one key. A key names one thing that happens, as an order: of each there should be one.
pub const MAX_JOIN_EVENTS: usize = 32;

/// The longest that a join may wait. Its timer is a message that is sent again every [`TIMER_HOP`].
pub const MAX_JOIN_WITHIN: Duration = Duration::from_secs(7 * 86_400);

/// How long after its time a join is given up. Events that happened in time are on their way that long.
pub const JOIN_GRACE: Duration = Duration::from_secs(60);

/// SQS's longest delay. What is due later is sent again when it is over.
pub const TIMER_HOP: Duration = Duration::from_secs(900);

/// A text of a notification as it is written, and as it is sent.
pub const MAX_TEXT_BYTES: usize = 4_096;

/// Data of an emitted action.
pub const MAX_EMIT_FIELDS: usize = 32;

/// Actions of one event.
pub const MAX_ACTIONS_PER_EVENT: usize = 16;

/// What a cap may allow. It remembers the time of each.
pub const MAX_CAP: u32 = 100;

/// The longest that a cap may look back.
pub const MAX_CAP_WITHIN: Duration = Duration::from_secs(7 * 86_400);

/// How long a notification may wait for its time or for its identity's link: quiet hours and a full cap, and room. After that
/// nobody wants it.
pub const MAX_DEFERRAL: Duration = Duration::from_secs(8 * 86_400);

/// Actions that wait for the link of one identity. More are recorded as withheld: an identity that nobody ever links mustn't
/// grow for good.
pub const MAX_HELD: usize = 64;

/// Items of one transaction while what was known of an identity moves to its conversation: one read, one deleted, one written.
pub const MOVE_CHUNK: usize = 24;

/// The address of an API that rules fetch from.
pub const MAX_API_URL_BYTES: usize = 512;

/// What a rule puts behind it, as it is written.
pub const MAX_FETCH_PATH_BYTES: usize = 1_024;

/// The value of one place in it, before it is escaped.
pub const MAX_FETCH_VALUE_BYTES: usize = 256;

/// An object that a rule fetches.
pub const MAX_OBJECT_BYTES: usize = 262_144;

/// Fetching one, from the connection to the last byte.
pub const OBJECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Objects that one event may need. One after the other they fit into the processor's time beside the rest.
pub const MAX_FETCHES_PER_EVENT: usize = 4;

/// Objects that a container keeps, the latest: 64 of the largest are 16 MB.
pub const MAX_KEPT_OBJECTS: usize = 64;

/// How long an object whose version is known is kept.
pub const OBJECT_LIFETIME: Duration = Duration::from_secs(300);

/// Fetches that fail in a row before an API is left alone for [`BREAKER_PAUSE`].
pub const BREAKER_FAILURES: u32 = 5;

/// How long an API that fails is left alone, before one fetch may try again.
pub const BREAKER_PAUSE: Duration = Duration::from_secs(15);

/// One event schema as a file.
pub const MAX_SCHEMA_BYTES: usize = 65_536;

/// Schemas in one event schema, those that `$ref` leads to included: what validating may cost for each value of a payload.
pub const MAX_SCHEMA_NODES: usize = 4_096;

/// Event schemas in all. They are in the processor's binary.
pub const MAX_SCHEMAS: usize = 512;

/// The reason stored with a dead claim.
pub const MAX_REASON_BYTES: usize = 512;

/// A text of somebody else's in our log.
pub const MAX_LOGGED_BYTES: usize = 256;

/// Events of one delivery that its trace names: each has four annotations from either function, and X-Ray indexes 50 a trace.
pub const MAX_TRACED_EVENTS: usize = 6;

/// A delivery in the receiver, as its concurrency is reckoned: three calls to AWS, of which each takes up to some 30 ms.
pub const RECEIVE_TIME: Duration = Duration::from_millis(100);

/// Values of one metric in one line of the embedded metric format: CloudWatch's own limit.
pub const MAX_METRIC_VALUES: usize = 100;

/// Refusals that one container writes down in each [`REFUSALS_WINDOW`]. More are counted, and the next line says how many.
pub const MAX_REFUSALS_LOGGED: u32 = 20;

/// See [`MAX_REFUSALS_LOGGED`].
pub const REFUSALS_WINDOW: Duration = Duration::from_secs(60);

/// The objective: so long after its receipt an event's effect is there, for 99 of 100. The alarms' thresholds follow from it.
pub const LAG_OBJECTIVE: Duration = Duration::from_secs(30);

/// A message that is received this often is in trouble, and no longer part of the age that SQS tells of its oldest.
pub const STRUGGLING_RECEIVES: u32 = 3;

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

/// How far an operator's clock may be from the endpoint's. Most schemes allow five minutes in all.
pub const MAX_CLOCK_APART: Duration = Duration::from_secs(60);

/// How long the self-test waits for its event to be processed: a cold start and a first receive that fails fit in.
pub const SELF_TEST_WAIT: Duration = Duration::from_secs(60);

/// Receives while looking for one event in the dead-letter queue, of [`MAX_BATCH_MESSAGES`] each.
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

/// Headers of a captured request. An HTTP library's map ends the program at 32,768.
pub const MAX_REQUEST_HEADERS: usize = 500;

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
    assert!(MAX_BODY_BYTES <= MAX_MESSAGE_BYTES);
    assert!(MAX_MESSAGE_BYTES <= MAX_BATCH_BYTES, "every message fits into a batch");
    assert!(MAX_JSON_DEPTH < 120, "serde_json gives up at 128, and an envelope is a level of its own");
    // The claim, the items, the outbox, two items a link, an item a join, and that a link isn't there yet.
    assert!(MAX_ITEMS_PER_EVENT + 2 * MAX_LINKS_PER_EVENT + MAX_JOINS_PER_EVENT + 3 <= 100, "a transaction holds 100 actions");
    assert!(2 * MOVE_CHUNK <= 100, "so does this one");
    assert!(MAX_JOIN_WITHIN.as_secs() + JOIN_GRACE.as_secs() < MAX_EVENT_AGE.as_secs(), "a timer is an event");
    assert!(MAX_CAP_WITHIN.as_secs() < MAX_DEFERRAL.as_secs());
    assert!(MAX_DEFERRAL.as_secs() < MAX_EVENT_AGE.as_secs(), "a notification that waits is an event");
    assert!(MAX_COUNT_STEP.checked_mul(1_000_000_000).is_some());
    assert!(MAX_ITEM_BYTES <= 400 * 1024);
    assert!(MAX_KEPT_EVENT_BYTES + MAX_ITEM_BYTES <= 400 * 1024, "an item holds 400 KB, and a claim says more than its event");
    assert!(
        (MAX_ITEMS_PER_EVENT + MAX_JOINS_PER_EVENT + 1) * MAX_ITEM_BYTES + MAX_KEPT_EVENT_BYTES <= 4 << 20,
        "so a transaction's 4 MB"
    );
    assert!(MAX_CAPTURED as u64 * MAX_KEPT_EVENT_BYTES as u64 <= MAX_CAPTURED_BYTES, "as many as one replay plays are in memory");
    assert!(MAX_CAPTURE_FILE_BYTES >= 6 * MAX_BODY_BYTES + MAX_REQUEST_HEAD_BYTES, "what is recorded can be read");
    assert!(MAX_CAPTURE_FILE_BYTES <= MAX_REQUEST_FILE_BYTES, "so that `verify` can say what a recorded delivery is");
    assert!(MAX_REQUEST_HEADERS < 32_768, "http::HeaderMap's own bound, beyond which it panics");
    assert!(MAX_FILE_JSON_VALUES > MAX_BODY_BYTES / 2, "a body has no more");
    assert!(MAX_FACTS_PER_RULE * MAX_FACT_BYTES <= 2 * MAX_ITEM_BYTES);
    assert!(MAX_EVENT_AGE.as_secs() < CLAIM_LIFETIME.as_secs());
    assert!(DEFAULT_TOLERANCE.as_secs() <= MAX_TOLERANCE.as_secs());
    assert!(ANSWER_RESERVE.as_millis() < BATCH_RESERVE.as_millis());
    assert!(SECRETS_RETRY.as_secs() < SECRETS_REFRESH.as_secs());
    assert!(KEY_RETRY.as_secs() < KEY_LIFETIME.as_secs());
    assert!(MAX_FETCHES_PER_EVENT as u64 * OBJECT_TIMEOUT.as_secs() + BATCH_RESERVE.as_secs() < 20, "a processor has 30 s");
    assert!(EVENTS_LISTED <= MAX_EVENTS_LISTED && TIMELINE_SHOWN <= MAX_EVENTS_LISTED);
    assert!(MAX_CLOCK_APART.as_secs() < DEFAULT_TOLERANCE.as_secs());
    assert!(MAX_TRACED_EVENTS * 4 * 2 <= 50, "X-Ray's limit on indexed annotations of a trace");
    assert!(MAX_COALESCE.as_secs() < CLAIM_LIFETIME.as_secs());
    assert!(MIN_STATUS_SPAN.as_secs() < MAX_STATUS_SPAN.as_secs());
    assert!(MAX_STATUS_SPAN.as_secs() / 60 * 12 <= 100_800, "a point a minute of a dozen metrics, in one call");
};
