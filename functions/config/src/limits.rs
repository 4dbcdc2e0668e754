//! Every limit, named, with its unit last and its reason. Relations between them are checked when this compiles.

use std::time::Duration;

/// 2000-01-01T00:00:00Z. An event of before was read in another unit than it was written in: seconds that are read as milliseconds are in
/// January 1970. Nothing is refused for it; people are warned.
pub const FIRST_PLAUSIBLE_TIME_UNIX_MS: i64 = 946_684_800_000;

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

/// The messages of one delivery together, what its events share copied into each. SendGrid's largest delivery, 768 kB and some
/// 2,300 events, becomes half of it. One that would be more is kept as a whole, and not split.
pub const MAX_DELIVERY_BYTES: usize = 4 * MAX_MESSAGE_BYTES;

/// No message is shorter: an envelope with names of a letter each has 198 bytes, its payload aside.
pub const MIN_ENVELOPE_BYTES: usize = 192;

/// Events that [`MAX_DELIVERY_BYTES`] has room for, whatever they are: looking for more is looking for too many.
pub const MAX_EVENTS_PER_DELIVERY: usize = MAX_DELIVERY_BYTES / MIN_ENVELOPE_BYTES;

/// Events of one delivery that are signed one by one: Adyen sends one, and each costs a signature before its sender is known.
pub const MAX_SIGNED_EVENTS: usize = 1_000;

/// Events of one delivery that are claimed, sent and marked before the time that is left is looked at again: ten full batches.
pub const EVENTS_AT_ONCE: usize = 10 * MAX_BATCH_MESSAGES;

/// Time kept back of the receiver's ten seconds to make [`EVENTS_AT_ONCE`] durable and to answer. What there is no time for is
/// answered 503, and what was done is a duplicate when the delivery comes again. The first [`EVENTS_AT_ONCE`] are always tried.
pub const RECEIVE_RESERVE: Duration = Duration::from_secs(3);

/// A provider's event id that is longer than this is claimed by its SHA-256.
pub const MAX_EVENT_ID_BYTES: usize = 256;

/// Hashes of other bodies under a known event's key that its claim keeps, 71 bytes each.
pub const MAX_OTHER_BODIES: usize = 4;

/// A delivery's unsigned id that is longer than this is part of the event key by its SHA-256.
pub const MAX_DELIVERY_ID_BYTES: usize = 128;

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

/// The text that a source's provider shows to people at once.
pub const MAX_REPLY_BYTES: usize = 4_096;

/// The body of a handshake: it may be parsed before anything is known of its sender.
pub const MAX_HANDSHAKE_BODY_BYTES: usize = 16_384;

/// A key set or a certificate that is fetched. Google's key sets, the longest that we know of, have 4 KB.
pub const MAX_FETCHED_BYTES: usize = 65_536;

/// Fetching one, from the connection to the last byte.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a fetched key is used before it is fetched again.
pub const KEY_LIFETIME: Duration = Duration::from_secs(6 * 3_600);

/// At most one fetch of one address in this time on account of a source's requests: they may be forged.
pub const KEY_RETRY: Duration = Duration::from_secs(60);

/// Addresses that requests name themselves: so many may be fetched for a source at once, in each container. SNS has one certificate
/// a region at a time; the rest is for what strangers make up.
pub const MAX_KEY_FETCHES: u32 = 10;

/// One more of them each time. What strangers can make us fetch is so bounded to 10 a minute, a source and container.
pub const KEY_FETCH_INTERVAL: Duration = Duration::from_secs(6);

/// The same for addresses that found no budget and are named again: providers try again, those who make addresses up have others.
pub const MAX_RESERVED_KEY_FETCHES: u32 = 4;

/// One more of the reserve each time.
pub const KEY_RESERVE_INTERVAL: Duration = Duration::from_secs(10);

/// How long after it was turned away an address has a part in the reserve. SNS tries again after 20 s.
pub const TURNED_AWAY_FOR: Duration = Duration::from_secs(1);

/// Addresses that were turned away and are remembered, of at most 1.2 KB each: those of a flood of 10 a second until SNS's retry.
pub const MAX_TURNED_AWAY: usize = 256;

/// Keys kept for a source at once: certificates, or the keys of a key set.
pub const MAX_KEYS_PER_SOURCE: usize = 32;

/// A part of an address in a request that isn't fixed: a certificate's name, a subscription's token. SNS's tokens, the longest that
/// we know of, have 224.
pub const MAX_ADDRESS_PART_BYTES: usize = 1_024;

/// How far `exp` and `nbf` of a JSON Web Token may be from our clock.
pub const JWT_LEEWAY: Duration = Duration::from_secs(60);

/// A key that is shorter is warned of: under 128 bits it can be guessed of one signed request, away from us. RFC 2104 and NIST SP
/// 800-107 ask for as many as the digest has or half of that; providers' own are longer.
pub const MIN_KEY_BYTES: usize = 16;

/// A secret that a provider tells by a handshake.
pub const MAX_HANDSHAKE_SECRET_BYTES: usize = 512;

/// Secrets of one source that a provider has sent in handshakes: Asana has one for each webhook. Each is tried, and a forged
/// request of a mebibyte is hashed once with each. The next handshake is refused, never an earlier one forgotten.
pub const MAX_CAPTURED_SECRETS_PER_SOURCE: usize = 64;

/// Writes of such a secret that another container may get ahead of, before the provider is asked to send it again. Of writers at
/// the same time one gets through each time, so as many can send one at once.
pub const MAX_CAPTURE_TRIES: u32 = 16;

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

/// How long the tokens of the read API are accepted after the last fetch of their secret that succeeded. Longer than a failure of
/// Secrets Manager lasts, and the longest that a token works after it was taken out of the secret.
pub const TOKENS_KEPT: Duration = Duration::from_secs(3_600);

/// Tokens of the read API in all. Each request is compared with every one of them.
pub const MAX_CONTEXT_TOKENS: usize = 64;

/// A token of the read API. 32 characters of base64 are 192 bits.
pub const MIN_CONTEXT_TOKEN_BYTES: usize = 32;
pub const MAX_CONTEXT_TOKEN_BYTES: usize = 512;

/// An answer of the read API. Lambda's own limit on a response is 6 MB.
pub const MAX_CONTEXT_ANSWER_BYTES: usize = 5 * 1024 * 1024;

/// How long an answer of `GET /ready` is given again. Together with its route's throttle it bounds what strangers can make us ask.
pub const READINESS_KEPT: Duration = Duration::from_secs(10);

/// How long a claim lives after it was made, and again after it was processed.
pub const CLAIM_LIFETIME: Duration = Duration::from_secs(30 * 86_400);

/// An event whose claim may be about to be deleted isn't applied: see [`MAX_EVENT_AGE`].
pub const CLAIM_MARGIN: Duration = Duration::from_secs(86_400);

/// An event received longer ago than this is parked, never applied: without its claim we couldn't tell a second effect.
pub const MAX_EVENT_AGE: Duration = Duration::from_secs(CLAIM_LIFETIME.as_secs() - CLAIM_MARGIN.as_secs());

/// Events of one body in one [`DELIVERIES_WINDOW`], where a part of their keys isn't signed: the provider's id of the delivery. That
/// many effects is the most that whoever has captured a request gets from it in a window. A heartbeat each hour has 720.
pub const MAX_DELIVERIES_PER_BODY: u32 = 1_000;

/// See [`MAX_DELIVERIES_PER_BODY`].
pub const DELIVERIES_WINDOW: Duration = CLAIM_LIFETIME;

/// A provider's clock may be ahead of ours by this much; a later event time counts as the time of receipt.
pub const MAX_CLOCK_AHEAD: Duration = Duration::from_secs(300);

/// How far a signed timestamp may be from our clock, unless the preset or the source says otherwise.
pub const DEFAULT_TOLERANCE: Duration = Duration::from_secs(300);

/// The widest tolerance that a configuration may ask for: a week, more than any provider retries without signing again. Within it a
/// replay is stopped by its claim, which lives longer.
pub const MAX_TOLERANCE: Duration = Duration::from_secs(7 * 86_400);

/// How far ahead of our clock a signed timestamp may be at most, however wide the tolerance is: no retry comes before its time.
pub const MAX_SIGNED_AHEAD: Duration = Duration::from_secs(3_600);

/// Writes tried again after a transaction conflict, beside the first.
pub const CONFLICT_RETRIES: u32 = 3;

/// Commits tried again because another event of the same conversation was faster. With their pauses, some 4 s.
pub const RELOAD_RETRIES: u32 = 12;

/// Pause before a conflict is tried again: uniformly random up to this, doubled each time.
pub const CONFLICT_PAUSE: Duration = Duration::from_millis(20);

/// How long an event whose receives were all contended stays out of the way before it is received again: uniformly random up
/// to this.
pub const CONTENDED_PAUSE: Duration = Duration::from_secs(60);

/// Told to the provider with a 503.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Time kept back at the end of a batch to settle what wasn't done.
pub const BATCH_RESERVE: Duration = Duration::from_secs(3);

/// Time kept back of that, to answer in any case: without an answer SQS keeps the whole batch.
pub const ANSWER_RESERVE: Duration = Duration::from_millis(500);

/// The events queue's visibility timeout, as the template has it: six times the processor's 30 s, as AWS asks for. After an abort
/// a record comes again when it is over; a suspect that is postponed, so much later.
pub const EVENTS_VISIBILITY: Duration = Duration::from_secs(180);

/// Suspects that are postponed together come again this part of the visibility timeout after one another.
pub const POSTPONED_APART: u64 = 30;

/// Messages that a container remembers to have given back itself.
pub const MAX_SURVIVORS: usize = 1_024;

/// One CEL expression.
pub const MAX_EXPRESSION_BYTES: usize = 1_024;

/// Brackets inside one another in an expression. The parser takes some 140 KB of stack for each in a debug build, and a thread of Rust has
/// 2 MB.
pub const MAX_EXPRESSION_BRACKETS: usize = 8;

/// Conditions with a question mark in an expression, each of which may stand inside the one before: some 20 KB of that stack.
pub const MAX_EXPRESSION_CONDITIONS: usize = 16;

/// Nodes of one expression's syntax tree, after macros are expanded.
pub const MAX_EXPRESSION_NODES: usize = 256;

/// `all`, `exists`, `map`, `filter` inside one another: the cost grows with the power of it.
pub const MAX_EXPRESSION_LOOPS: usize = 1;

/// Elements of a list, or keys of a map, that one loop runs over.
pub const MAX_LOOP_ITEMS: usize = 1_000;

/// A value that an expression makes on its way: a text, a list or a map with its elements' places. The largest payload's text fits.
pub const MAX_VALUE_BYTES: usize = 1_048_576;

/// Work of one step of an expression, in bytes: as much time as this many bytes take to be copied or searched.
pub const STEP_WORK: usize = 16;

/// Work of one expression for one event: steps, and bytes that are read or made. It bounds memory and time alike.
pub const MAX_EXPRESSION_WORK: u64 = 8 << 20;

/// Work of all expressions for one event. Ten of the worst events, a batch, must leave time of a processor's 30 s.
pub const MAX_EVENT_WORK: u64 = 64 << 20;

/// A pattern of `matches` that comes from an event. One that a rule is written with is bounded by [`MAX_EXPRESSION_BYTES`].
pub const MAX_PATTERN_BYTES: usize = 256;

/// The automaton of a rule's own pattern: what the crate `regex` allows. `\w{1,64}` has a megabyte.
pub const MAX_AUTOMATON_BYTES: usize = 10 << 20;

/// What matching one pattern remembers of its automaton at most.
pub const MAX_MATCHER_BYTES: usize = 2 << 20;

/// The automaton of a pattern that comes from an event. Compiling it costs that much work.
pub const MAX_EVENT_AUTOMATON_BYTES: usize = 65_536;

/// One fact's value, and one value of an emitted action, as JSON. A message of [`MAX_TEXT_CHARS`] fits however JSON writes it, and
/// so does the longest that people write on Slack, 12,000 characters, with three bytes each.
pub const MAX_FACT_BYTES: usize = 40_960;

/// Facts one rule may set.
pub const MAX_FACTS_PER_RULE: usize = 32;

/// Context items one event may change. A transaction holds 100 actions, one of which is the claim.
pub const MAX_ITEMS_PER_EVENT: usize = 32;

/// One context item as JSON. DynamoDB's own limit is 409,600 bytes; an item is read and written whole.
pub const MAX_ITEM_BYTES: usize = 65_536;

/// An event that is kept with its claim, as JSON. A larger one isn't kept, and has its effect all the same: a claim is written, and
/// read by whoever lists events, as a whole.
pub const MAX_STORED_EVENT_BYTES: usize = 65_536;

/// What an event may add to a counter, or take from it. Ten billion such events fit into 64 bits.
pub const MAX_COUNT_STEP: i64 = 1_000_000_000;

/// Elements of one set, those that were taken out in the last [`CLAIM_LIFETIME`] included: that they were is remembered.
pub const MAX_SET_ELEMENTS: usize = 256;

/// One element as JSON: a name of something. The longest URLs that providers send have half of it.
pub const MAX_ELEMENT_BYTES: usize = 512;

/// One set with all that is remembered of its elements: 256 of 32 bytes with claim keys that are hashes and with ranks and receipts
/// of their own, and room for the entity's other facts beside it. A set gives way to a value that has no room.
pub const MAX_SET_BYTES: usize = 57_344;

/// Facts of an event that a claim names because they were newer already.
pub const MAX_OVERTAKEN_SHOWN: usize = 16;

/// Lines in a claim about what was dropped. More are counted.
pub const MAX_DROPPED_SHOWN: usize = 16;

/// Values of a ladder. It is stored with the fact that climbs it.
pub const MAX_RUNGS: usize = 16;

/// One of them: a word.
pub const MAX_RUNG_BYTES: usize = 64;

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

/// Events that one join remembers of one key. Each leg has an equal share, and keeps its newest.
pub const MAX_JOIN_EVENTS: usize = 32;

/// These as JSON, shared among the legs alike. The longest event has 512 bytes of a conversation and some 320 of a claim key.
pub const MAX_JOIN_BYTES: usize = 57_344;

/// The longest that a join may stay shut after an end.
pub const MAX_JOIN_SHUT: Duration = Duration::from_secs(366 * 86_400);

/// How often a join's `else` is put off by [`JOIN_GRACE`] because its timer came late.
pub const MAX_JOIN_POSTPONED: u32 = 10;

/// The longest that a join may wait. Its timer is a message that is sent again every [`MAX_TIMER_DELAY`].
pub const MAX_JOIN_WITHIN: Duration = Duration::from_secs(7 * 86_400);

/// How long after its time a join is given up. Events that happened in time are on their way that long.
pub const JOIN_GRACE: Duration = Duration::from_secs(60);

/// SQS's longest delay. What is due later is sent again when it is over.
pub const MAX_TIMER_DELAY: Duration = Duration::from_secs(900);

/// Characters (Unicode's code points, not bytes) of a notification's text as it is written in a rule, and of all values in one: what
/// WhatsApp and Telegram take, and what a person can write there. What is longer when it is sent is cut.
pub const MAX_TEXT_CHARS: usize = 4_096;

/// Slack's advice for `text` of `chat.postMessage`; it cuts at 40,000 by itself. As on the following, UTF-16 code units count where the
/// channel says "characters": no way of counting has more of them.
pub const MAX_SLACK_TEXT_CHARS: usize = 4_000;

/// WhatsApp Cloud API, `text.body`.
pub const MAX_WHATSAPP_TEXT_CHARS: usize = 4_096;

/// Telegram's `sendMessage`, `text`, "after entities parsing": what is seen counts, not the escapes.
pub const MAX_TELEGRAM_TEXT_CHARS: usize = 4_096;

/// Discord's `content` of a message, escapes included.
pub const MAX_DISCORD_TEXT_CHARS: usize = 2_000;

/// Messenger Platform, `message.text`.
pub const MAX_MESSENGER_TEXT_CHARS: usize = 2_000;

/// Twilio's `Body` of a message, the longest of those who send SMS that we know of. It is up to 24 messages.
pub const MAX_SMS_TEXT_CHARS: usize = 1_600;

/// A text as it is written for a channel, markup and escapes included: each character of the longest as `&quot;`.
pub const MAX_RENDERED_BYTES: usize = 6 * MAX_TEXT_CHARS;

/// The texts of one notification, for all its channels and languages, as they are stored without their values.
pub const MAX_TEXTS_BYTES: usize = 16_384;

/// The same with their values. Each text has an equal share of what is left for values; one that has no room is cut.
pub const MAX_STORED_TEXTS_BYTES: usize = 26_496;

/// Of this the copy that the version before reads, where it doesn't know the text's parts. What is longer is cut there.
pub const MAX_PLAIN_COPY_BYTES: usize = 4_096;

/// Data of an emitted action.
pub const MAX_EMIT_FIELDS: usize = 32;

/// Actions of one event.
pub const MAX_ACTIONS_PER_EVENT: usize = 16;

/// What a cap may allow. It remembers the time of each.
pub const MAX_CAP: u32 = 100;

/// The longest that a cap may look back.
pub const MAX_CAP_WITHIN: Duration = Duration::from_secs(7 * 86_400);

/// Quiet windows of a policy: two for each day of a week.
pub const MAX_QUIET_WINDOWS: usize = 14;

/// How long a notification may wait for its time or for its identity's link: quiet hours and a full cap, and room. After that
/// nobody wants it.
pub const MAX_DEFERRAL: Duration = Duration::from_secs(8 * 86_400);

/// One action, or the timer of one, as it is stored until it is sent. A larger one is withheld.
pub const MAX_ACTION_BYTES: usize = 61_440;

/// What waits in the outbox item itself while the actions queue has no answer. What is more becomes a page of its own, so that
/// each event writes no more than this: DynamoDB bills by the KB.
pub const OUTBOX_PAGE_BYTES: usize = 32_768;

/// Pages of one conversation: at a kilobyte an action, some two thousand actions of one outage. More are withheld.
pub const MAX_OUTBOX_PAGES: usize = 64;

/// Times of sent notifications that one conversation remembers for all its caps: 30 bytes each.
pub const MAX_SENT_TIMES: usize = 1_000;

/// What one conversation, or one identity without a link, wants said later: an item that is written whole each time.
pub const MAX_DEFERRED_BYTES: usize = 65_536;

/// One of these: the longest text fits however JSON writes it.
pub const MAX_DEFERRED_PROPOSAL_BYTES: usize = 32_768;

/// Identities of one conversation that hand over at once what they hold: each is a name. The next one is tried again later.
pub const MAX_HANDED_OVER: usize = 64;

/// What one transaction says of what waits and of what its own event wants said, at most. If more is due, a timer follows at once.
/// Urgent notifications of the event itself aren't held back by it.
pub const WAKE_STEP: usize = 16;

/// Keys of one `BatchGetItem`, by DynamoDB's own bound.
pub const MAX_BATCH_GET_KEYS: usize = 100;

/// Timers that a conversation remembers behind its next one, so that none is set twice.
pub const MAX_TIMERS_KNOWN: usize = 8;

/// How late a timer may be before it is taken for lost, and another is set: the time that SQS keeps trying, and room.
pub const WAKE_OVERDUE: Duration = Duration::from_secs(3_600);

/// Items of one transaction while what was known of an identity moves to its conversation: one read, one deleted, one written.
pub const MOVE_CHUNK: usize = 24;

/// The address of an API that rules fetch from.
pub const MAX_API_URL_BYTES: usize = 512;

/// What a rule puts behind it, as it is written.
pub const MAX_FETCH_PATH_BYTES: usize = 1_024;

/// The value of one place in it, before it is escaped.
pub const MAX_FETCH_VALUE_BYTES: usize = 256;

/// The path as it is sent, its places filled and escaped. Servers take a line of 8 KB.
pub const MAX_FETCHED_PATH_BYTES: usize = 4_096;

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

/// Event schemas in all. They are in the artefact.
pub const MAX_SCHEMAS: usize = 512;

/// `tidings.json`, as a function reads it when it starts. Of the shipped example it has a fiftieth of that.
pub const MAX_ARTEFACT_BYTES: usize = 4 << 20;

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
pub const HIGH_RECEIVE_COUNT: u32 = 3;

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

/// Who made a manual change, and why: a text of either.
pub const MAX_MANUAL_TEXT_BYTES: usize = 512;

/// The name of a batch of events that are applied again.
pub const MAX_BATCH_NAME_BYTES: usize = 64;

/// How often an event is applied again at most, each time under another name: its claim points to each.
pub const MAX_TIMES_AGAIN: usize = 16;

/// Facts of a manual change that its claim records, before and after.
pub const MAX_CHANGES_RECORDED: usize = 64;

/// A value that it records whole. Of a longer one it records how long it is.
pub const MAX_RECORDED_VALUE_BYTES: usize = 1_024;

/// Tries of one manual change that had no answer. Its claim makes one effect of them.
pub const MANUAL_TRIES: u32 = 5;

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

/// Digits of a number that a text writes in a language's own way, and its decimals: 128 bits hold them. A longer one is shown as it
/// was sent.
pub const MAX_DECIMAL_DIGITS: u32 = 38;

const _: () = {
    assert!(2 * MAX_CONFIG_FILE_BYTES < MAX_ARTEFACT_BYTES, "any sources and rules fit, with schemas beside them");
    assert!(MAX_BODY_BYTES <= MAX_MESSAGE_BYTES);
    assert!(MAX_BODY_BYTES <= MAX_VALUE_BYTES, "the text of any payload can be handled");
    assert!(4 * MAX_VALUE_BYTES as u64 <= MAX_EXPRESSION_WORK, "and searched");
    assert!(MAX_EXPRESSION_WORK <= MAX_EVENT_WORK);
    assert!(
        (STEP_WORK * MAX_EXPRESSION_NODES * MAX_LOOP_ITEMS) as u64 <= MAX_EXPRESSION_WORK,
        "what an expression's form allows isn't refused for its steps alone"
    );
    assert!(MAX_PATTERN_BYTES <= MAX_EXPRESSION_BYTES && MAX_EVENT_AUTOMATON_BYTES <= MAX_AUTOMATON_BYTES);
    assert!(MAX_MESSAGE_BYTES <= MAX_BATCH_BYTES, "every message fits into a batch");
    assert!(MAX_BODY_BYTES <= MAX_DELIVERY_BYTES, "a delivery of one event is never too large to split");
    assert!(EVENTS_AT_ONCE.is_multiple_of(MAX_BATCH_MESSAGES), "no batch is sent half full");
    assert!(MAX_JSON_DEPTH < 120, "serde_json gives up at 128, and an envelope is a level of its own");
    // The claim, the items, the outbox with two pages for each action, what is deferred, three items a link (one is deleted
    // where it moves), an item a join, the conversation's own link, that an identity has no link yet, and the count of a body's deliveries.
    assert!(
        1 + MAX_ITEMS_PER_EVENT + 1 + MAX_ACTIONS_PER_EVENT + 1 + 3 * MAX_LINKS_PER_EVENT + MAX_JOINS_PER_EVENT + 3 <= 100,
        "a transaction holds 100 actions"
    );
    assert!(MAX_DELIVERIES_PER_BODY as u64 >= DELIVERIES_WINDOW.as_secs() / 3_600, "what is sent each hour is never too much");
    assert!(2 * MOVE_CHUNK <= 100, "so does this one");
    assert!(MAX_JOIN_WITHIN.as_secs() + JOIN_GRACE.as_secs() < MAX_EVENT_AGE.as_secs(), "a timer is an event");
    assert!(MAX_JOIN_EVENTS / MAX_LEGS >= 4, "of each leg the newest has room, and some that are late");
    // Each byte of a conversation's name may be escaped as six.
    assert!(MAX_JOIN_BYTES / MAX_LEGS >= 6 * MAX_CONVERSATION_BYTES + 6 * MAX_EVENT_ID_BYTES + 512, "so has one of any length");
    assert!(MAX_JOIN_BYTES + 2 * (6 * MAX_CONVERSATION_BYTES) + 512 <= MAX_ITEM_BYTES, "with the join's ends, in one item");
    // JSON writes a character as six bytes at most, a control character.
    assert!(6 * MAX_TEXT_CHARS + 2 <= MAX_FACT_BYTES, "what a person can write is a fact, and can be emitted");
    assert!(12_000 * 3 + 2 <= MAX_FACT_BYTES, "on Slack as well");
    assert!(
        MAX_STORED_TEXTS_BYTES + 4_096 + MAX_FACTS_PER_RULE * (64 + 3) <= MAX_DEFERRED_PROPOSAL_BYTES,
        "any texts can wait, with the names of what their event wrote"
    );
    assert!(WAKE_STEP <= MAX_ACTIONS_PER_EVENT, "what an event's transaction says of what waits has room beside its items");
    // No control character is in it but line breaks, and JSON writes those, quotes and backslashes as two bytes.
    assert!(2 * MAX_RENDERED_BYTES + 8_192 <= MAX_ACTION_BYTES, "what is written for a channel can be sent");
    assert!(MAX_SLACK_TEXT_CHARS <= MAX_TEXT_CHARS && MAX_WHATSAPP_TEXT_CHARS <= MAX_TEXT_CHARS);
    assert!(MAX_TELEGRAM_TEXT_CHARS <= MAX_TEXT_CHARS && MAX_DISCORD_TEXT_CHARS <= MAX_TEXT_CHARS);
    assert!(MAX_MESSENGER_TEXT_CHARS <= MAX_TEXT_CHARS && MAX_SMS_TEXT_CHARS <= MAX_TEXT_CHARS);
    assert!(MAX_TEXTS_BYTES + MAX_PLAIN_COPY_BYTES + 6_000 <= MAX_STORED_TEXTS_BYTES, "values have room beside any texts");
    // A text without control characters takes four bytes a character at most.
    assert!(4 * MAX_TEXT_CHARS + MAX_PLAIN_COPY_BYTES + 6_000 <= MAX_STORED_TEXTS_BYTES, "beside most, as much as can be sent");
    // Words and values; as HTML and in JSON, a character takes six bytes at most.
    assert!(6 * 2 * MAX_TEXT_CHARS + 8_192 <= MAX_ACTION_BYTES, "what is said is never too large");
    assert!(MAX_FACT_BYTES + 16_384 <= MAX_ACTION_BYTES, "with an action's other data beside it");
    assert!(MAX_ELEMENT_BYTES <= MAX_FACT_BYTES && MAX_FACT_BYTES + 16_384 <= MAX_ITEM_BYTES, "a value leaves others room");
    assert!(MAX_SET_BYTES + 8_192 <= MAX_ITEM_BYTES, "so does a set");
    assert!(MAX_CAP_WITHIN.as_secs() < MAX_DEFERRAL.as_secs());
    assert!(MAX_DEFERRAL.as_secs() < MAX_EVENT_AGE.as_secs(), "a notification that waits is an event");
    assert!(MAX_COUNT_STEP.checked_mul(1_000_000_000).is_some());
    assert!(MAX_ITEM_BYTES <= 400 * 1024);
    assert!(OUTBOX_PAGE_BYTES + MAX_ACTION_BYTES <= 400 * 1024, "a page, whose last action may be larger than the rest");
    assert!(OUTBOX_PAGE_BYTES + MAX_ACTION_BYTES + 32 * MAX_SENT_TIMES <= 400 * 1024, "the outbox with its times");
    assert!(MAX_DEFERRED_BYTES + MAX_DEFERRED_PROPOSAL_BYTES + MAX_HANDED_OVER * (MAX_CONVERSATION_BYTES + 8) <= 400 * 1024);
    assert!(2 * MAX_DEFERRED_PROPOSAL_BYTES <= MAX_DEFERRED_BYTES);
    assert!(
        MAX_BATCH_MESSAGES * (MAX_ACTION_BYTES + 6 * MAX_CONVERSATION_BYTES + 512) <= MAX_BATCH_BYTES,
        "a full batch of actions is never too large, with their conversations' names in JSON"
    );
    assert!(MAX_STORED_EVENT_BYTES + MAX_ITEM_BYTES <= 400 * 1024, "an item holds 400 KB, and a claim says more than its event");
    assert!(
        MAX_CHANGES_RECORDED * (2 * MAX_RECORDED_VALUE_BYTES + MAX_SUBJECT_BYTES + 2 * MAX_EVENT_ID_BYTES)
            + MAX_STORED_EVENT_BYTES
            <= 400 * 1024,
        "the claim of a manual change, with its event"
    );
    assert!(
        MAX_TIMES_AGAIN * 1_024 + MAX_STORED_EVENT_BYTES <= 200 * 1024,
        "the claim of an event that was applied again so often"
    );
    assert!(
        (MAX_ITEMS_PER_EVENT + MAX_JOINS_PER_EVENT + 1) * MAX_ITEM_BYTES
            + MAX_DEFERRED_BYTES
            + 2 * OUTBOX_PAGE_BYTES
            + (MAX_ACTIONS_PER_EVENT + 2) * MAX_ACTION_BYTES
            + MAX_STORED_EVENT_BYTES
            <= 4 << 20,
        "so a transaction's 4 MB"
    );
    assert!(
        MAX_CAPTURED as u64 * MAX_STORED_EVENT_BYTES as u64 <= MAX_CAPTURED_BYTES,
        "as many as one replay plays are in memory"
    );
    assert!(MAX_CAPTURE_FILE_BYTES >= 6 * MAX_BODY_BYTES + MAX_REQUEST_HEAD_BYTES, "what is recorded can be read");
    assert!(MAX_CAPTURE_FILE_BYTES <= MAX_REQUEST_FILE_BYTES, "so that `verify` can say what a recorded delivery is");
    assert!(MAX_REQUEST_HEADERS < 32_768, "http::HeaderMap's own bound, beyond which it panics");
    assert!(MAX_FILE_JSON_VALUES > MAX_BODY_BYTES / 2, "a body has no more");
    assert!(MAX_FETCH_PATH_BYTES + 3 * MAX_FETCH_VALUE_BYTES < MAX_FETCHED_PATH_BYTES, "one place can always be filled");
    assert!(
        MAX_ACTIONS_PER_EVENT * (MAX_ACTION_BYTES + MAX_FACT_BYTES) <= 2 * MAX_MESSAGE_BYTES,
        "what an event's actions take in memory"
    );
    assert!(MAX_EVENT_AGE.as_secs() < CLAIM_LIFETIME.as_secs());
    assert!(DEFAULT_TOLERANCE.as_secs() <= MAX_TOLERANCE.as_secs());
    assert!(DEFAULT_TOLERANCE.as_secs() <= MAX_SIGNED_AHEAD.as_secs());
    assert!(
        MAX_SIGNED_AHEAD.as_secs() + MAX_TOLERANCE.as_secs() < MAX_EVENT_AGE.as_secs(),
        "while a request verifies, its claim lives, and what it claimed may still be applied"
    );
    assert!(ANSWER_RESERVE.as_millis() < BATCH_RESERVE.as_millis());
    assert!(POSTPONED_APART > MAX_BATCH_MESSAGES as u64, "all suspects of a batch come within another visibility timeout");
    assert!(2 * EVENTS_VISIBILITY.as_secs() < 43_200, "SQS hides a message for twelve hours at most");
    assert!(SECRETS_RETRY.as_secs() < SECRETS_REFRESH.as_secs());
    assert!(SECRETS_REFRESH.as_secs() < TOKENS_KEPT.as_secs(), "tokens are fetched again before they are given up");
    assert!(MAX_CONTEXT_TOKENS * (MAX_CONTEXT_TOKEN_BYTES + 3) < MAX_SECRET_DOCUMENT_BYTES, "they fit into their secret");
    assert!(MAX_CAPTURED_SECRETS_PER_SOURCE * (MAX_HANDSHAKE_SECRET_BYTES + 3) < MAX_SECRET_DOCUMENT_BYTES, "one source fits");
    assert!(KEY_RETRY.as_secs() < KEY_LIFETIME.as_secs());
    assert!(MAX_KEY_FETCHES as u64 * KEY_FETCH_INTERVAL.as_secs() <= KEY_RETRY.as_secs(), "a flood fetches no address twice");
    assert!(TURNED_AWAY_FOR.as_secs() < KEY_FETCH_INTERVAL.as_secs());
    assert!(MAX_FETCHES_PER_EVENT as u64 * OBJECT_TIMEOUT.as_secs() + BATCH_RESERVE.as_secs() < 20, "a processor has 30 s");
    assert!(EVENTS_LISTED <= MAX_EVENTS_LISTED && TIMELINE_SHOWN <= MAX_EVENTS_LISTED);
    assert!(MAX_CLOCK_APART.as_secs() < DEFAULT_TOLERANCE.as_secs());
    assert!(MAX_TRACED_EVENTS * 4 * 2 <= 50, "X-Ray's limit on indexed annotations of a trace");
    assert!(MAX_COALESCE.as_secs() < CLAIM_LIFETIME.as_secs());
    assert!(MIN_STATUS_SPAN.as_secs() < MAX_STATUS_SPAN.as_secs());
    assert!(MAX_STATUS_SPAN.as_secs() / 60 * 12 <= 100_800, "a point a minute of a dozen metrics, in one call");
    assert!(10_u128.checked_pow(MAX_DECIMAL_DIGITS).is_some(), "a number's digits fit in 128 bits");
};
