//! Every limit, named, with its unit last and its reason. Relations between them are checked when this compiles.

use std::time::Duration;

/// The shortest `expect_every` of a source: two periods of its alarm. CloudWatch reads a metric from the log some minutes late.
pub const MIN_EXPECT_EVERY: Duration = Duration::from_secs(600);

/// The longest `expect_every`. CloudWatch evaluates an alarm over seven days at most (`PutMetricAlarm`, `Period`).
pub const MAX_EXPECT_EVERY: Duration = Duration::from_secs(7 * 86_400);

/// Sources with an `expect_every`: each has an alarm, and a CloudFormation template has 500 resources at most.
pub const MAX_EXPECTING_SOURCES: usize = 500;

/// The most requests of a `rate`, for each of its seconds or minutes. One execution environment answers fewer.
pub const MAX_RATE: u32 = 100_000;

/// The largest `burst` of a `rate`.
pub const MAX_RATE_BURST: u32 = 100_000;

/// Addresses whose bucket one execution environment knows at once, over all sources. At 100 bytes each they take less than half a megabyte.
pub const MAX_RATE_BUCKETS: usize = 4_096;

/// The prefix by which IPv6 addresses are counted: one customer of a network has at least this much.
pub const RATE_IPV6_PREFIX_BITS: u32 = 64;

/// Networks of a source's `allow_from`. They are compared one by one, for each request.
pub const MAX_ALLOWED_NETWORKS: usize = 1_000;

/// Digests of the origin's secret: the present one, and the next one while it is exchanged.
pub const MAX_ORIGIN_DIGESTS: usize = 2;

/// Requests a second to a provider's list of events (`tidings reconcile`).
pub const MAX_LIST_REQUESTS_PER_SECOND: u32 = 100;

/// 2000-01-01T00:00:00Z. An earlier event time was probably read in the wrong unit: seconds read as milliseconds are
/// in January 1970. Such an event is accepted; a warning is printed.
pub const FIRST_PLAUSIBLE_TIME_UNIX_MS: i64 = 946_684_800_000;

/// SQS's limit on one message, attributes included (AWS, August 2025).
pub const MAX_MESSAGE_BYTES: usize = 1_048_576;

/// SQS's limit on the messages of one `SendMessageBatch`.
pub const MAX_BATCH_MESSAGES: usize = 10;

/// SQS's limit on the total size of one `SendMessageBatch`: the same as for one message.
pub const MAX_BATCH_BYTES: usize = 1_048_576;

/// A larger body can't fit in a message with any envelope, so it is refused before it is hashed.
pub const MAX_BODY_BYTES: usize = MAX_MESSAGE_BYTES;

/// Nesting of a JSON body. `serde_json` stops at 128; the envelope and the rules add a few levels.
pub const MAX_JSON_DEPTH: usize = 64;

/// Total size of the messages of one delivery. What its events share is copied into each message. SendGrid's largest
/// delivery, 768 kB with about 2,300 events, takes half of it. A larger delivery isn't split, but stored as one
/// event.
pub const MAX_DELIVERY_BYTES: usize = 4 * MAX_MESSAGE_BYTES;

/// A lower bound for a message: an envelope whose names have one letter each takes 198 bytes without its payload.
pub const MIN_ENVELOPE_BYTES: usize = 192;

/// The most events that can fit into [`MAX_DELIVERY_BYTES`]. The search for events stops there.
pub const MAX_EVENTS_PER_DELIVERY: usize = MAX_DELIVERY_BYTES / MIN_ENVELOPE_BYTES;

/// Events of one delivery that are signed one by one. Adyen sends one. Each costs a signature before the sender is verified.
pub const MAX_SIGNED_EVENTS: usize = 1_000;

/// Events of one delivery that are claimed, sent and marked between two checks of the remaining time: ten full batches.
pub const EVENTS_AT_ONCE: usize = 10 * MAX_BATCH_MESSAGES;

/// Time reserved of the receiver's ten seconds to make [`EVENTS_AT_ONCE`] durable and to respond. If the time runs
/// out, the response is 503; when the delivery comes again, finished events are duplicates. The first
/// [`EVENTS_AT_ONCE`] are always tried.
pub const RECEIVE_RESERVE: Duration = Duration::from_secs(3);

/// A longer event id of a provider is replaced by its SHA-256 in the claim key.
pub const MAX_EVENT_ID_BYTES: usize = 256;

/// Hashes of other bodies with the same event key that a claim stores, 71 bytes each.
pub const MAX_OTHER_BODIES: usize = 4;

/// A longer unsigned delivery id is replaced by its SHA-256 in the event key.
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

/// Components that one HTTP message signature (RFC 9421) may cover. Signers cover fewer than ten.
pub const MAX_COMPONENTS: usize = 32;

/// The signed text of one HTTP message signature, in bytes. The headers of a request have at most 10,240 bytes on API
/// Gateway; each may be covered in more than one form.
pub const MAX_SIGNATURE_BASE_BYTES: usize = 65_536;

/// Secrets of one source in use at the same time. A rotation needs two.
pub const MAX_SECRETS_PER_SOURCE: usize = 8;

/// The secret's document. Secrets Manager's own limit.
pub const MAX_SECRET_DOCUMENT_BYTES: usize = 65_536;

/// A value that a handshake echoes. The longest known one is Microsoft Graph's validation token.
pub const MAX_CHALLENGE_BYTES: usize = 2_048;

/// The text that a provider shows to people directly (`reply` of a source).
pub const MAX_REPLY_BYTES: usize = 4_096;

/// The body of a handshake. It may be parsed before the sender is verified.
pub const MAX_HANDSHAKE_BODY_BYTES: usize = 16_384;

/// A fetched key set or certificate. The longest known ones are Google's key sets, with 4 KB.
pub const MAX_FETCHED_BYTES: usize = 65_536;

/// Time to fetch one, from the connection to the last byte.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a fetched key is used before it is fetched again.
pub const KEY_LIFETIME: Duration = Duration::from_secs(6 * 3_600);

/// At most one fetch of an address in this time is caused by a source's requests, since requests may be forged.
pub const KEY_RETRY: Duration = Duration::from_secs(60);

/// Burst of fetches of addresses that requests name, for each source and container. SNS uses one certificate per
/// region at a time; the rest absorbs invented addresses.
pub const MAX_KEY_FETCHES: u32 = 10;

/// One more fetch is allowed after each interval. Forged requests can so cause at most 10 fetches a minute for each
/// source and container.
pub const KEY_FETCH_INTERVAL: Duration = Duration::from_secs(6);

/// Burst of the reserve: for addresses that were turned away and are named again. A provider retries; a forger
/// invents other addresses.
pub const MAX_RESERVED_KEY_FETCHES: u32 = 4;

/// One more fetch from the reserve is allowed after each interval.
pub const KEY_RESERVE_INTERVAL: Duration = Duration::from_secs(10);

/// How long after an address was turned away it may use the reserve. SNS retries after 20 s.
pub const TURNED_AWAY_FOR: Duration = Duration::from_secs(1);

/// Remembered addresses that were turned away, of at most 1.2 KB each: a flood of 10 a second until SNS's retry.
pub const MAX_TURNED_AWAY: usize = 256;

/// Keys cached for a source: certificates, or the keys of a key set.
pub const MAX_KEYS_PER_SOURCE: usize = 32;

/// The variable part of an address in a request: a certificate's name or a subscription's token. The longest known
/// ones are SNS's tokens, with 224 bytes.
pub const MAX_ADDRESS_PART_BYTES: usize = 1_024;

/// How far `exp` and `nbf` of a JSON Web Token may be from our clock.
pub const JWT_LEEWAY: Duration = Duration::from_secs(60);

/// Shorter keys cause a warning: a key under 128 bits can be guessed offline from one signed request. RFC 2104 and
/// NIST SP 800-107 ask for the digest's length or half of it; providers' own keys are longer.
pub const MIN_KEY_BYTES: usize = 16;

/// A handshake secret, which a provider sends in a handshake.
pub const MAX_HANDSHAKE_SECRET_BYTES: usize = 512;

/// Handshake secrets of one source. Asana has one for each webhook. Each secret is tried: a forged request of one MiB
/// is hashed once with each. At the limit the next handshake is refused; stored secrets are never dropped.
pub const MAX_CAPTURED_SECRETS_PER_SOURCE: usize = 64;

/// Tries to write such a secret while other containers write too. After that, the provider is asked to send it again.
/// One of the concurrent writers succeeds in each try, so this many can write at the same time.
pub const MAX_CAPTURE_TRIES: u32 = 16;

/// The longest time that a capture window may stay open.
pub const MAX_CAPTURE_WINDOW: Duration = Duration::from_secs(86_400);

/// The shortest token of a capture window: 16 characters of base64 are 96 bits.
pub const MIN_CAPTURE_TOKEN_BYTES: usize = 16;

/// The longest window in which equal events without an id count as one.
pub const MAX_COALESCE: Duration = Duration::from_secs(86_400);

/// How long loaded secrets are used before they are fetched again.
pub const SECRETS_REFRESH: Duration = Duration::from_secs(300);

/// At most one fetch in this time after a signature that didn't match, or after a failed fetch.
pub const SECRETS_RETRY: Duration = Duration::from_secs(60);

/// The same while no secret is loaded and every request is answered with 503.
pub const SECRETS_RETRY_EMPTY: Duration = Duration::from_secs(5);

/// How long the read API accepts its tokens after the last successful fetch of their secret. It outlasts an outage of
/// Secrets Manager, and is the longest time that a removed token still works.
pub const TOKENS_KEPT: Duration = Duration::from_secs(3_600);

/// The name of a tenant. It is part of URLs and claim keys, as the name of a source.
pub const MAX_TENANT_NAME_BYTES: usize = 64;

/// A secret of a tenant, as its provider shows it. A set of public keys as JSON takes less.
pub const MAX_TENANT_SECRET_BYTES: usize = 8_192;

/// How long a tenant that was read is used before it is read again. A tenant that is disabled is refused after this time at
/// the latest.
pub const TENANT_REFRESH: Duration = Duration::from_secs(300);

/// How long a name that no active tenant has is refused without a read, and how long a known tenant isn't read again after a
/// signature that doesn't match. They are equal, so that a stranger can't tell the two apart by what is read.
pub const TENANT_RETRY: Duration = Duration::from_secs(60);

/// How long a tenant isn't read again after a read that failed. Its requests are answered with 503.
pub const TENANT_RETRY_FAILED: Duration = Duration::from_secs(5);

/// Tenants whose keys one receiver holds; of more, the ones that were used longest ago leave. With a key of 32 bytes an
/// entry takes about 400 bytes.
pub const MAX_TENANTS_HELD: usize = 2_000;

/// Names without an active tenant that one receiver reads in [`TENANT_RETRY`], over all sources, and remembers. Beyond it, no
/// further name is read, and every refusal of a tenant's request is a 503 until a name is forgotten.
pub const MAX_UNKNOWN_TENANTS: usize = 300;

/// All tokens of the read API. Each request is compared with every token.
pub const MAX_CONTEXT_TOKENS: usize = 64;

/// A token of the read API. 32 characters of base64 are 192 bits.
pub const MIN_CONTEXT_TOKEN_BYTES: usize = 32;
pub const MAX_CONTEXT_TOKEN_BYTES: usize = 512;

/// A response of the read API. Lambda's own limit on a response is 6 MB.
pub const MAX_CONTEXT_ANSWER_BYTES: usize = 5 * 1024 * 1024;

/// How long the updates of a feed are kept.
pub const FEED_KEPT: Duration = Duration::from_secs(86_400);

/// Updates in the head of a feed, as JSON, before they become a page. With them the head stays below 1 KB, which is
/// one unit to read and to write; a larger update becomes a page immediately.
pub const FEED_HEAD_BYTES: usize = 720;

/// One update of a feed as JSON. A larger one is replaced by a note that names what it was.
pub const MAX_FEED_UPDATE_BYTES: usize = MAX_ACTION_BYTES;

/// The updates that one event adds to a feed. Further ones are replaced by notes.
pub const MAX_FEED_EVENT_BYTES: usize = 131_072;

/// A note in place of an update: the id, the type and the entity of an action, escaped in JSON.
pub const MAX_FEED_NOTE_BYTES: usize = 4_096;

/// Updates of one answer of the feed. A reader asks again for the rest.
pub const MAX_FEED_ANSWER_UPDATES: usize = 100;

/// The same in bytes. The first update is always in it.
pub const MAX_FEED_ANSWER_BYTES: usize = 262_144;

/// Pages that one query of a feed reads.
pub const MAX_FEED_PAGES_READ: usize = 32;

/// Queries of a feed for one answer, if what they read doesn't follow from each other: a transaction is being written
/// meanwhile, which a query may see in part.
pub const FEED_READS: u32 = 3;

/// The pause before a feed is read again for that reason.
pub const FEED_REREAD_PAUSE: Duration = Duration::from_millis(20);

/// Messages of a bot's backend that are appended to a conversation's feed at the same time, or were lately.
pub const MAX_FEED_STREAMS: usize = 16;

/// The id of such a message.
pub const MAX_FEED_STREAM_ID_BYTES: usize = 128;

/// The text of one part of such a message.
pub const MAX_FEED_PART_BYTES: usize = 16_384;

/// The request that appends a part: each byte of the text may be escaped as six.
pub const MAX_FEED_APPEND_BYTES: usize = 6 * MAX_FEED_PART_BYTES + 4_096;

/// The longest time for which a viewer's token may be made.
pub const MAX_VIEWER_TOKEN_LIFETIME: Duration = Duration::from_secs(86_400);

/// A viewer's token: a conversation's name and a few claims.
pub const MAX_VIEWER_TOKEN_BYTES: usize = 4_096;

/// All keys that sign viewers' tokens. Each token is compared with every key.
pub const MAX_VIEWER_KEYS: usize = 16;

/// A key that signs viewers' tokens. RFC 7518 asks HS256 for the size of the digest.
pub const MIN_VIEWER_KEY_BYTES: usize = 32;
pub const MAX_VIEWER_KEY_BYTES: usize = 512;

/// Events that one status URL names. A delivery with more has none.
pub const MAX_STATUS_EVENTS: usize = 8;

/// The token of a status URL.
pub const MAX_STATUS_TOKEN_BYTES: usize = 4_096;

/// The secret from which the key of status URLs is derived.
pub const MIN_STATUS_SECRET_BYTES: usize = 32;

/// When a status URL is asked again: `Retry-After`.
pub const STATUS_RETRY: Duration = Duration::from_secs(2);

/// The address of a result (`tidings.result`).
pub const MAX_RESULT_BYTES: usize = 2_048;

/// When a browser asks a buffered feed again: the `retry` of its answer.
pub const FEED_RETRY: Duration = Duration::from_secs(2);

/// The same if the answer didn't have room for all updates.
pub const FEED_RETRY_MORE: Duration = Duration::from_millis(50);

/// How often a feed that is held open sends a comment, or a ping on a WebSocket, so that no proxy closes it as idle.
pub const FEED_HEARTBEAT: Duration = Duration::from_secs(15);

/// How often a WebSocket is pinged. API Gateway closes one after ten idle minutes.
pub const SOCKET_PING: Duration = Duration::from_secs(30);

/// Conversations that one WebSocket is subscribed to.
pub const MAX_SUBSCRIPTIONS: usize = 16;

/// A message of a client on a WebSocket. API Gateway's frame.
pub const MAX_SOCKET_MESSAGE_BYTES: usize = 32_768;

/// How long a response of `GET /ready` is cached. With the throttle of its route, this bounds the calls that anyone can cause.
pub const READINESS_KEPT: Duration = Duration::from_secs(10);

/// A provider's reason for the status of a message, as it is stored and shown to operators.
pub const MAX_ANSWER_REASON_BYTES: usize = 256;

/// A provider's id of a message, as it is stored. The longest that are known have about 120 bytes.
pub const MAX_MESSAGE_ID_BYTES: usize = 512;

/// Messages of one event that says their status. Messenger lists those of a moment.
pub const MAX_STATUS_MESSAGES: usize = 50;

/// How long a claim lives after it was made, and again after its event was processed.
pub const CLAIM_LIFETIME: Duration = Duration::from_secs(30 * 86_400);

/// Margin before a claim's expiry in which its event is no longer applied: see [`MAX_EVENT_AGE`].
pub const CLAIM_MARGIN: Duration = Duration::from_secs(86_400);

/// An event received longer ago has expired and is never applied: without its claim, a second effect couldn't be ruled out.
pub const MAX_EVENT_AGE: Duration = Duration::from_secs(CLAIM_LIFETIME.as_secs() - CLAIM_MARGIN.as_secs());

/// Events with one body in one [`DELIVERIES_WINDOW`], where part of the event key (the delivery's id) isn't signed.
/// This bounds the effects that a captured request can cause in a window. An hourly heartbeat has 720.
pub const MAX_DELIVERIES_PER_BODY: u32 = 1_000;

/// See [`MAX_DELIVERIES_PER_BODY`].
pub const DELIVERIES_WINDOW: Duration = CLAIM_LIFETIME;

/// How far a provider's clock may be ahead of ours. A later event time is replaced by the time of receipt.
pub const MAX_CLOCK_AHEAD: Duration = Duration::from_secs(300);

/// Default for how far a signed timestamp may be from our clock. A preset or a source may set another value.
pub const DEFAULT_TOLERANCE: Duration = Duration::from_secs(300);

/// The widest tolerance that a configuration may set: one week, more than any provider retries without signing again.
/// Within it, claims stop replays, since a claim lives longer.
pub const MAX_TOLERANCE: Duration = Duration::from_secs(7 * 86_400);

/// How far a signed timestamp may be ahead of our clock, with any tolerance: a retry never comes before its time.
pub const MAX_SIGNED_AHEAD: Duration = Duration::from_secs(3_600);

/// Retries of a write after a transaction conflict.
pub const CONFLICT_RETRIES: u32 = 3;

/// Retries of a commit that lost against another event of the same conversation. With pauses, about 4 s.
pub const RELOAD_RETRIES: u32 = 12;

/// Pause before a conflict is retried: uniformly random from 0 to this value, which doubles each time.
pub const CONFLICT_PAUSE: Duration = Duration::from_millis(20);

/// Visibility timeout for an event whose conversation was contended in every try: uniformly random from 0 to this value.
pub const CONTENDED_PAUSE: Duration = Duration::from_secs(60);

/// `Retry-After` of a 503.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Time reserved at the end of a batch to settle unfinished messages.
pub const BATCH_RESERVE: Duration = Duration::from_secs(3);

/// Part of that time reserved for the response: without a response, SQS redelivers the whole batch.
pub const ANSWER_RESERVE: Duration = Duration::from_millis(500);

/// The events queue's visibility timeout, as in the template: six times the processor's 30 s, as AWS recommends.
/// After an abort, a record returns when it ends. A postponed suspect returns that much later.
pub const EVENTS_VISIBILITY: Duration = Duration::from_secs(180);

/// Suspects that are postponed together return at intervals of the visibility timeout divided by this number.
pub const POSTPONED_APART: u64 = 30;

/// Messages that a container itself returned to the queue and remembers.
pub const MAX_SURVIVORS: usize = 1_024;

/// Length of one CEL expression.
pub const MAX_EXPRESSION_BYTES: usize = 1_024;

/// Nested brackets in an expression. The parser takes about 140 KB of stack for each in a debug build; a Rust thread has 2 MB.
pub const MAX_EXPRESSION_BRACKETS: usize = 8;

/// Conditional operators (`? :`) in an expression. Each may be nested in the one before, and takes about 20 KB of stack.
pub const MAX_EXPRESSION_CONDITIONS: usize = 16;

/// Nodes of one expression's syntax tree after macro expansion.
pub const MAX_EXPRESSION_NODES: usize = 256;

/// Nested `all`, `exists`, `map`, `filter`: the cost is the number of items to the power of the nesting.
pub const MAX_EXPRESSION_LOOPS: usize = 1;

/// Elements of a list, or keys of a map, that one loop runs over.
pub const MAX_LOOP_ITEMS: usize = 1_000;

/// An intermediate value of an expression: a text, or a list or map with its elements' slots. The largest payload's text fits.
pub const MAX_VALUE_BYTES: usize = 1_048_576;

/// Work of one step of an expression in bytes: one step takes as long as copying or searching this many bytes.
pub const STEP_WORK: usize = 16;

/// Work of one expression for one event: steps, and bytes read or made. It bounds both memory and time.
pub const MAX_EXPRESSION_WORK: u64 = 8 << 20;

/// Work of all expressions for one event. A batch of ten worst-case events must fit into the processor's 30 s.
pub const MAX_EVENT_WORK: u64 = 64 << 20;

/// A pattern of `matches` that comes from an event. A pattern in a rule is bounded by [`MAX_EXPRESSION_BYTES`].
pub const MAX_PATTERN_BYTES: usize = 256;

/// The automaton of a rule's own pattern: the default limit of the crate `regex`. `\w{1,64}` takes one megabyte.
pub const MAX_AUTOMATON_BYTES: usize = 10 << 20;

/// Cache of one pattern's automaton during matching.
pub const MAX_MATCHER_BYTES: usize = 2 << 20;

/// The automaton of a pattern that comes from an event. Compiling it costs this much work.
pub const MAX_EVENT_AUTOMATON_BYTES: usize = 65_536;

/// One fact's value, and one value of an emitted action, as JSON. A message of [`MAX_TEXT_CHARS`] fits with any JSON
/// escaping, and so does Slack's longest message, 12,000 characters of three bytes each.
pub const MAX_FACT_BYTES: usize = 40_960;

/// Facts one rule may set.
pub const MAX_FACTS_PER_RULE: usize = 32;

/// Context items that one event may change. A transaction holds 100 actions, one of which is the claim.
pub const MAX_ITEMS_PER_EVENT: usize = 32;

/// One context item as JSON. DynamoDB's own limit is 409,600 bytes; an item is read and written whole.
pub const MAX_ITEM_BYTES: usize = 65_536;

/// An event stored with its claim, as JSON. A larger event is processed but not stored: claims are written whole, and
/// read whole when events are listed.
pub const MAX_STORED_EVENT_BYTES: usize = 65_536;

/// The most that an event may add to a counter or subtract from it. Ten billion such events fit into 64 bits.
pub const MAX_COUNT_STEP: i64 = 1_000_000_000;

/// Elements of one set, including those removed within the last [`CLAIM_LIFETIME`], which are remembered as removed.
pub const MAX_SET_ELEMENTS: usize = 256;

/// One element as JSON, such as a name. The longest URLs that providers send take half of it.
pub const MAX_ELEMENT_BYTES: usize = 512;

/// One set with the metadata of its elements: 256 elements of 32 bytes, with hashed claim keys and with own ranks and
/// receipts, leaving room for the entity's other facts. If a value needs the room, the set is shortened.
pub const MAX_SET_BYTES: usize = 57_344;

/// Stale facts of an event that its claim lists.
pub const MAX_OVERTAKEN_SHOWN: usize = 16;

/// Lines in a claim about dropped data. Further lines are only counted.
pub const MAX_DROPPED_SHOWN: usize = 16;

/// Values of a ladder. The ladder is stored with its fact.
pub const MAX_RUNGS: usize = 16;

/// One value of a ladder: a word.
pub const MAX_RUNG_BYTES: usize = 64;

/// Identities that one event may link to its conversation. Each takes two items of the transaction.
pub const MAX_LINKS_PER_EVENT: usize = 8;

/// Events that a join waits for (its legs).
pub const MAX_LEGS: usize = 8;

/// Joins that one event may take part in. Each takes one item of the transaction.
pub const MAX_JOINS_PER_EVENT: usize = 8;

/// The common value (`by`) of a join's events, as text.
pub const MAX_JOIN_KEY_BYTES: usize = 256;

/// Events that one join stores for one key. Each leg has an equal share, and keeps its newest events.
pub const MAX_JOIN_EVENTS: usize = 32;

/// These events as JSON, with an equal share for each leg. The longest event takes 512 bytes for a conversation and
/// about 320 for a claim key.
pub const MAX_JOIN_BYTES: usize = 57_344;

/// How often a join's `else` is postponed by [`JOIN_GRACE`] because its timer was late.
pub const MAX_JOIN_POSTPONED: u32 = 10;

/// Grace period after a join's deadline, for events that happened in time but arrive late.
pub const JOIN_GRACE: Duration = Duration::from_secs(60);

/// The shortest `quiet` of a turn. SQS delays a message by whole seconds.
pub const MIN_TURN_QUIET: Duration = Duration::from_secs(1);

/// The longest `at_most` of a turn: so each of its timers is one delayed message.
pub const MAX_TURN: Duration = MAX_TIMER_DELAY;

/// The fewest events that `collect` of a turn may name. With one, nothing would be collected.
pub const MIN_TURN_EVENTS: u32 = 2;

/// The most events that one turn collects.
pub const MAX_TURN_EVENTS: u32 = 100;

/// The same, if the rule doesn't say it.
pub const DEFAULT_TURN_EVENTS: u32 = 20;

/// The value (`by`) that tells turns of one conversation apart, as text.
pub const MAX_TURN_KEY_BYTES: usize = 256;

/// A turn that waits, as JSON. It is written whole with each of its events. A turn ends before it would be larger, and
/// an event that is too large for any turn is a turn of its own.
pub const MAX_TURN_BYTES: usize = 49_152;

/// A turn's timer in the outbox: an owner's name and an event's claim key, twice escaped in JSON.
pub const MAX_TURN_TIMER_BYTES: usize = 16_384;

/// Turns and reminders that one event may be part of: rules with `debounce` or `at` that match it. Each may end one turn
/// and be another.
pub const MAX_TURNS_PER_EVENT: usize = MAX_ACTIONS_PER_EVENT / 2;

/// How far ahead a reminder may be due: a year, and a day for a leap year. Its timer is an item of the timers table.
pub const MAX_REMINDER_AHEAD: Duration = Duration::from_secs(366 * 86_400);

/// The longest `before` of a reminder.
pub const MAX_REMINDER_BEFORE: Duration = MAX_REMINDER_AHEAD;

/// How late a reminder's timer may be, if its date is past by then. A later one makes nothing.
pub const REMINDER_GRACE: Duration = Duration::from_secs(3_600);

/// The value (`by`) that tells reminders of one conversation apart, as text.
pub const MAX_REMINDER_KEY_BYTES: usize = 256;

/// A reminder that waits, as JSON.
pub const MAX_REMINDER_BYTES: usize = MAX_TURN_BYTES;

/// A reminder's timer in the outbox: the name of an owner, twice escaped in JSON.
pub const MAX_REMINDER_TIMER_BYTES: usize = MAX_TURN_TIMER_BYTES;

/// The endpoints of a stack, those of its file and those registered at run time. Each event is compared with all.
pub const MAX_ENDPOINTS: usize = 200;

/// The sinks of a stack, beside its endpoints.
pub const MAX_SINKS: usize = 16;

/// The brokers that a Kafka sink names to begin with.
pub const MAX_KAFKA_BROKERS: usize = 16;

/// The name of a Kafka topic, as its brokers allow it.
pub const MAX_KAFKA_TOPIC_BYTES: usize = 249;

/// The certificates of a private authority in a Kafka sink.
pub const MAX_KAFKA_CA_BYTES: usize = 65_536;

/// An endpoint's id, with its prefix.
pub const MAX_ENDPOINT_ID_BYTES: usize = 64;

/// Patterns of one endpoint.
pub const MAX_ENDPOINT_PATTERNS: usize = 32;

pub const MAX_ENDPOINT_DESCRIPTION_BYTES: usize = 256;

/// Headers that an endpoint adds to its webhooks.
pub const MAX_ENDPOINT_HEADERS: usize = 16;

/// The value of one.
pub const MAX_ENDPOINT_HEADER_BYTES: usize = 512;

/// SQS's longest delay. A timer that is due later is rescheduled when the delay ends.
pub const MAX_TIMER_DELAY: Duration = Duration::from_secs(900);

/// A timer that is due after at least this time is stored in the timers table, if the table is swept. A nearer one is a
/// delayed message, which is rescheduled once at most.
pub const STORED_TIMER_FROM: Duration = Duration::from_secs(1_800);

/// The interval of sweeps: the schedule in the template. Each sweep sends the timers that are due within
/// [`MAX_TIMER_DELAY`] from it, so one sweep that is missed delays no timer.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(300);

/// How far the clocks of two function instances may differ, with the time of a call.
pub const TIMER_CLOCK_SKEW: Duration = Duration::from_secs(300);

/// After this time without a complete sweep, no more timers are stored: they are delayed messages again.
pub const SWEEP_OVERDUE: Duration = Duration::from_secs(900);

/// Sweeps must have run for this long without a gap before a timer is stored. A deployment that is rolled back, and
/// removes the sweep or the table with it, ends before.
pub const SWEEP_PROVEN: Duration = Duration::from_secs(3_600);

/// How long a processor uses what it read of the sweeps.
pub const SWEEPS_KEPT: Duration = Duration::from_secs(60);

/// Partitions of the timers table: each takes 1,000 timers a second. More can be added; fewer would leave timers behind.
pub const TIMER_PARTITIONS: u8 = 8;

/// Timers that a sweep reads, and then sends, before it records how far it is.
pub const SWEEP_PAGE: usize = 100;

/// Time reserved at the end of a sweep: a call that is under way, with all attempts.
pub const SWEEP_RESERVE: Duration = Duration::from_secs(5);

/// Pause before a sweep is tried again because a call failed.
pub const SWEEP_PAUSE: Duration = Duration::from_millis(500);

/// An event that its claim keeps until it is processed (`durability: outbox`), in bytes of its message. An item of
/// DynamoDB holds 400 KB, and the rest of a claim has less than a third of that.
pub const MAX_OUTBOX_EVENT_BYTES: usize = 262_144;

/// Partitions of the index of kept events. One takes 1,000 writes a second.
pub const OUTBOX_PARTITIONS: u8 = 8;

/// The time after which a kept event that is still `received` is queued by a sweep. It is longer than an event waits in
/// normal operation; a copy of one that waits has no second effect.
pub const OUTBOX_AGE: Duration = Duration::from_secs(600);

/// How long a stored timer outlives its time: as long as a message waits in a queue.
pub const STORED_TIMER_KEPT: Duration = Duration::from_secs(14 * 86_400);

/// Characters (Unicode code points, not bytes) of a notification's text in a rule, and of all values in one text: the
/// limit of WhatsApp and Telegram. A longer text is cut when it is sent.
pub const MAX_TEXT_CHARS: usize = 4_096;

/// Characters of a value in a text that is never cut, although it has spaces: names, addresses and lists of numbers are
/// shorter.
pub const MAX_EXACT_VALUE_CHARS: usize = 200;

/// Slack's recommendation for `text` of `chat.postMessage`; Slack itself cuts at 40,000. Here and below, "characters"
/// of a channel are counted as UTF-16 code units, the count that is never smaller than others.
pub const MAX_SLACK_TEXT_CHARS: usize = 4_000;

/// WhatsApp Cloud API, `text.body`.
pub const MAX_WHATSAPP_TEXT_CHARS: usize = 4_096;

/// Telegram's `sendMessage`, `text`, "after entities parsing": visible characters count, escapes don't.
pub const MAX_TELEGRAM_TEXT_CHARS: usize = 4_096;

/// Discord's `content` of a message, including escapes.
pub const MAX_DISCORD_TEXT_CHARS: usize = 2_000;

/// Messenger Platform, `message.text`.
pub const MAX_MESSENGER_TEXT_CHARS: usize = 2_000;

/// Instagram's `message.text`: bytes of UTF-8.
pub const MAX_INSTAGRAM_TEXT_BYTES: usize = 1_000;

/// LINE's `text` of a text message, which may have 5,000: a rule's text is never longer than this.
pub const MAX_LINE_TEXT_CHARS: usize = 4_096;

/// Viber's `text` of a message, which may have 7,000.
pub const MAX_VIBER_TEXT_CHARS: usize = 4_096;

/// Twilio's `Body` of a message, the longest limit known of an SMS provider. It is split into up to 24 messages.
pub const MAX_SMS_TEXT_CHARS: usize = 1_600;

/// A text rendered for a channel, with markup and escapes: each character of the longest text as `&quot;`.
pub const MAX_RENDERED_BYTES: usize = 6 * MAX_TEXT_CHARS;

/// The same with values. Each text has an equal share of the remaining room; a value that doesn't fit is cut.
pub const MAX_STORED_TEXTS_BYTES: usize = 26_496;

/// Part of it: the plain copy for the previous version, which doesn't know the parts of a text. A longer copy is cut.
pub const MAX_PLAIN_COPY_BYTES: usize = 4_096;

/// Actions of one event.
pub const MAX_ACTIONS_PER_EVENT: usize = 16;

/// The longest period of a cap.
pub const MAX_CAP_WITHIN: Duration = Duration::from_secs(7 * 86_400);

/// How long a notification may wait for quiet hours to end, for room under a cap, or for its identity's link. After
/// that it is withheld.
pub const MAX_DEFERRAL: Duration = Duration::from_secs(8 * 86_400);

/// One action, or its timer, as stored until it is sent. A larger one is withheld.
pub const MAX_ACTION_BYTES: usize = 61_440;

/// Pending actions in the outbox item itself while the actions queue is unavailable. Further actions go to pages of
/// their own. This bounds what each event writes: DynamoDB bills by the KB.
pub const OUTBOX_PAGE_BYTES: usize = 32_768;

/// Outbox pages of one conversation: with 1 KB an action, about two thousand actions of one outage. Further actions
/// are withheld.
pub const MAX_OUTBOX_PAGES: usize = 64;

/// Times of sent notifications that one conversation stores for all its caps, 30 bytes each.
pub const MAX_SENT_TIMES: usize = 1_000;

/// Deferred notifications of one conversation, or of one identity without a link: one item, which is written whole each time.
pub const MAX_DEFERRED_BYTES: usize = 65_536;

/// One deferred notification. The longest text fits with any JSON escaping.
pub const MAX_DEFERRED_PROPOSAL_BYTES: usize = 32_768;

/// Identities of one conversation that hand over their deferred notifications at the same time; each is a name.
/// Further ones are retried later.
pub const MAX_HANDED_OVER: usize = 64;

/// Notifications that one transaction sends, deferred and new together. If more are due, a timer follows immediately.
/// Urgent notifications of the event itself are always sent.
pub const WAKE_STEP: usize = 16;

/// Keys of one `BatchGetItem`: DynamoDB's limit.
pub const MAX_BATCH_GET_KEYS: usize = 100;

/// Calls of one item or one transaction that the records of a batch make at the same time, each on a connection of its
/// own.
pub const MAX_TABLE_CALLS_AT_ONCE: usize = 32;

/// Timers that a conversation remembers besides its next one, so that no timer is set twice.
pub const MAX_TIMERS_KNOWN: usize = 8;

/// How late a timer may be before it counts as lost and is set again: SQS's retries, and a margin.
pub const WAKE_OVERDUE: Duration = Duration::from_secs(3_600);

/// Items of one transaction while an identity's data moves to its conversation: one read, one deleted, one written.
pub const MOVE_CHUNK: usize = 24;

/// The value of one placeholder in the path, before escaping.
pub const MAX_FETCH_VALUE_BYTES: usize = 256;

/// The path as sent, with its placeholders filled and escaped. Servers accept a request line of 8 KB.
pub const MAX_FETCHED_PATH_BYTES: usize = 4_096;

/// An object that a rule fetches.
pub const MAX_OBJECT_BYTES: usize = 262_144;

/// Time to fetch one, from the connection to the last byte.
pub const OBJECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Objects that one event may need. Fetched one after the other, they fit into the processor's time.
pub const MAX_FETCHES_PER_EVENT: usize = 4;

/// Objects that a container caches, the latest first: 64 of the largest take 16 MB.
pub const MAX_KEPT_OBJECTS: usize = 64;

/// How long an object with a known version is cached.
pub const OBJECT_LIFETIME: Duration = Duration::from_secs(300);

/// Consecutive failures after which an API isn't called for [`BREAKER_PAUSE`].
pub const BREAKER_FAILURES: u32 = 5;

/// How long a failing API isn't called, before one fetch may try again.
pub const BREAKER_PAUSE: Duration = Duration::from_secs(15);

/// The sender's timeout for a batch, as in the template.
pub const SENDER_TIMEOUT: Duration = Duration::from_secs(30);

/// A request to a channel's API, connecting included.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// What the sender needs before the end of its time to record what became of a request.
pub const SEND_RESERVE: Duration = Duration::from_secs(4);

/// How long a send may take. The sender of an older one has died.
pub const SENDING_LEASE: Duration = Duration::from_secs(60);

/// Requests of one send that no answer ended, because the sender died each time.
pub const MAX_SEND_CRASHES: u32 = 5;

/// How long an action may wait for its channel before it is dead-lettered.
pub const MAX_SEND_WAIT: Duration = Duration::from_secs(24 * 3_600);

/// The pause before the second try of a send. Each further one is twice as long.
pub const FIRST_SEND_PAUSE: Duration = Duration::from_secs(2);

/// The longest of these pauses.
pub const MAX_SEND_PAUSE: Duration = Duration::from_secs(900);

/// The redrive policy of the actions queue with a sender: SQS's maximum. Each wait is a receive, and the sender itself
/// dead-letters what it can't say.
pub const SENDER_RECEIVES: u32 = 1_000;

/// Recipients whose rate a process remembers.
pub const MAX_RECIPIENTS_KNOWN: usize = 4_096;

/// Subschemas of one event schema, with `$ref` resolved: the cost of validating one value of a payload.
pub const MAX_SCHEMA_NODES: usize = 4_096;

/// `tidings.json`, which a function reads at start. The shipped example takes a fiftieth of it.
pub const MAX_ARTEFACT_BYTES: usize = 4 << 20;

/// The reason stored with a dead-lettered claim.
pub const MAX_REASON_BYTES: usize = 512;

/// A text from outside in our log.
pub const MAX_LOGGED_BYTES: usize = 256;

/// Events of one delivery that its trace names. Each has four annotations from each function; X-Ray indexes 50 per trace.
pub const MAX_TRACED_EVENTS: usize = 6;

/// Values of one metric in one line of the embedded metric format: CloudWatch's own limit.
pub const MAX_METRIC_VALUES: usize = 100;

/// Refusals that one container logs in each [`REFUSALS_WINDOW`]. Further ones are counted, and the next line has their number.
pub const MAX_REFUSALS_LOGGED: u32 = 20;

/// See [`MAX_REFUSALS_LOGGED`].
pub const REFUSALS_WINDOW: Duration = Duration::from_secs(60);

/// The objective: 99 of 100 events have their effect this long after their receipt. The alarms' thresholds are derived from it.
pub const LAG_OBJECTIVE: Duration = Duration::from_secs(30);

/// At this receive count a message is in trouble, and no longer part of SQS's age of the oldest message.
pub const HIGH_RECEIVE_COUNT: u32 = 3;

/// Author and reason of a manual change, each.
pub const MAX_MANUAL_TEXT_BYTES: usize = 512;

/// The name of a batch of events that are applied again.
pub const MAX_BATCH_NAME_BYTES: usize = 64;

/// Facts of a manual change that its claim records, before and after.
pub const MAX_CHANGES_RECORDED: usize = 64;

/// A value that the claim records whole. Of a longer value only the length is recorded.
pub const MAX_RECORDED_VALUE_BYTES: usize = 1_024;

/// Headers of a captured request. The HTTP library's map panics at 32,768.
pub const MAX_REQUEST_HEADERS: usize = 500;

/// Significant digits of a localised number, and its decimals: 128 bits hold them. A longer number is shown as it was sent.
pub const MAX_DECIMAL_DIGITS: u32 = 38;

const _: () = {
    assert!(MAX_BODY_BYTES <= MAX_MESSAGE_BYTES);
    assert!(MAX_TABLE_CALLS_AT_ONCE > 10, "a batch of the template's size never waits for its own calls");
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
    // The claim, the items (turns and reminders among them), the outbox with two pages for each action and one for each of their timers, the feed with a page, what is
    // deferred, three items a link (one is deleted where it moves), an item a join, the conversation's own link, that an identity has no link yet, and
    // the count of a body's deliveries.
    assert!(
        1 + MAX_ITEMS_PER_EVENT
            + 1
            + MAX_ACTIONS_PER_EVENT
            + 2
            + MAX_TURNS_PER_EVENT
            + 1
            + 3 * MAX_LINKS_PER_EVENT
            + MAX_JOINS_PER_EVENT
            + 3
            <= 100,
        "a transaction holds 100 actions"
    );
    assert!(MAX_TURN_BYTES + MAX_TURN_TIMER_BYTES <= MAX_ITEM_BYTES, "a turn with its timer takes no more than an item");
    assert!(MAX_TURN_EVENTS as usize * 256 <= MAX_TURN_BYTES, "a turn of short texts is never too large");
    assert!(
        MAX_FACT_BYTES < MAX_TURN_BYTES && MAX_TURN_BYTES + 8_192 <= MAX_ACTION_BYTES,
        "what waits can be sent, with an action's other data beside it"
    );
    assert!(MIN_TURN_QUIET.as_secs() >= 1 && MAX_TURN.as_secs() < STORED_TIMER_FROM.as_secs());
    assert!(MAX_REMINDER_BYTES + MAX_REMINDER_TIMER_BYTES <= MAX_ITEM_BYTES, "so does a reminder");
    assert!(MAX_DEFERRED_PROPOSAL_BYTES + 4_096 <= MAX_REMINDER_BYTES, "any texts can wait for their date");
    assert!(DEFAULT_TURN_EVENTS >= MIN_TURN_EVENTS && DEFAULT_TURN_EVENTS <= MAX_TURN_EVENTS);
    assert!(MAX_DELIVERIES_PER_BODY as u64 >= DELIVERIES_WINDOW.as_secs() / 3_600, "what is sent each hour is never too much");
    assert!(2 * MOVE_CHUNK + 2 <= 100, "so does this one");
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
        (MAX_ITEMS_PER_EVENT + MAX_JOINS_PER_EVENT + 1) * MAX_ITEM_BYTES
            + MAX_DEFERRED_BYTES
            + 2 * OUTBOX_PAGE_BYTES
            + (MAX_ACTIONS_PER_EVENT + 2) * MAX_ACTION_BYTES
            + MAX_STORED_EVENT_BYTES
            + FEED_HEAD_BYTES
            + MAX_FEED_EVENT_BYTES
            + (MAX_ACTIONS_PER_EVENT + 1) * MAX_FEED_NOTE_BYTES
            <= 4 << 20,
        "so a transaction's 4 MB, with the updates of a feed"
    );
    assert!(
        FEED_HEAD_BYTES + MAX_FEED_EVENT_BYTES + (2 * MAX_ACTIONS_PER_EVENT + 1) * MAX_FEED_NOTE_BYTES <= 400 * 1024,
        "a page of a feed is one item"
    );
    assert!(MAX_FEED_UPDATE_BYTES <= MAX_FEED_EVENT_BYTES);
    assert!(MAX_FEED_UPDATE_BYTES <= MAX_FEED_ANSWER_BYTES && MAX_FEED_ANSWER_BYTES <= MAX_CONTEXT_ANSWER_BYTES);
    assert!(6 * MAX_FEED_PART_BYTES + MAX_FEED_NOTE_BYTES <= 2 * MAX_FEED_UPDATE_BYTES);
    assert!(FEED_KEPT.as_secs() < CLAIM_LIFETIME.as_secs(), "the head outlives its pages");
    assert!(MAX_VIEWER_KEYS * (MAX_VIEWER_KEY_BYTES + 3) < MAX_SECRET_DOCUMENT_BYTES, "they fit into their secret");
    assert!(FEED_RETRY_MORE.as_millis() < FEED_RETRY.as_millis());
    assert!(MAX_REQUEST_HEADERS < 32_768, "http::HeaderMap's own bound, beyond which it panics");
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
    assert!(
        MAX_TIMER_DELAY.as_secs() + 2 * TIMER_CLOCK_SKEW.as_secs() < STORED_TIMER_FROM.as_secs(),
        "a timer is stored well before a sweep reads its time"
    );
    assert!(2 * SWEEP_INTERVAL.as_secs() < MAX_TIMER_DELAY.as_secs(), "the sweep after a missed one is in time");
    assert!(SWEEP_OVERDUE.as_secs() > 2 * SWEEP_INTERVAL.as_secs(), "a sweep that is missed is no failure yet");
    assert!(2 * STORED_TIMER_KEPT.as_secs() < MAX_EVENT_AGE.as_secs(), "sent on its last day, it is still applied");
    assert!(MAX_OUTBOX_EVENT_BYTES + MAX_STORED_EVENT_BYTES <= 330 * 1024, "an item holds 400 KB, and a claim says more");
    assert!(SWEEP_PAGE.is_multiple_of(MAX_BATCH_MESSAGES), "no batch is sent half full");
    assert!(POSTPONED_APART > MAX_BATCH_MESSAGES as u64, "all suspects of a batch come within another visibility timeout");
    assert!(2 * EVENTS_VISIBILITY.as_secs() < 43_200, "SQS hides a message for twelve hours at most");
    assert!(SECRETS_RETRY.as_secs() < SECRETS_REFRESH.as_secs());
    assert!(SECRETS_REFRESH.as_secs() < TOKENS_KEPT.as_secs(), "tokens are fetched again before they are given up");
    assert!(TENANT_RETRY_FAILED.as_secs() < TENANT_RETRY.as_secs());
    assert!(TENANT_RETRY.as_secs() < TENANT_REFRESH.as_secs(), "an unknown tenant is known soon after it is added");
    assert!(2 * MAX_TENANT_SECRET_BYTES < 300 * 1024, "an item holds 400 KB, and a tenant has two secrets at most");
    assert!(MAX_CONTEXT_TOKENS * (MAX_CONTEXT_TOKEN_BYTES + 3) < MAX_SECRET_DOCUMENT_BYTES, "they fit into their secret");
    assert!(MAX_CAPTURED_SECRETS_PER_SOURCE * (MAX_HANDSHAKE_SECRET_BYTES + 3) < MAX_SECRET_DOCUMENT_BYTES, "one source fits");
    assert!(KEY_RETRY.as_secs() < KEY_LIFETIME.as_secs());
    assert!(MAX_KEY_FETCHES as u64 * KEY_FETCH_INTERVAL.as_secs() <= KEY_RETRY.as_secs(), "a flood fetches no address twice");
    assert!(TURNED_AWAY_FOR.as_secs() < KEY_FETCH_INTERVAL.as_secs());
    assert!(MAX_FETCHES_PER_EVENT as u64 * OBJECT_TIMEOUT.as_secs() + BATCH_RESERVE.as_secs() < 20, "a processor has 30 s");
    assert!(MAX_TRACED_EVENTS * 4 * 2 <= 50, "X-Ray's limit on indexed annotations of a trace");
    assert!(MAX_COALESCE.as_secs() < CLAIM_LIFETIME.as_secs());
    assert!(10_u128.checked_pow(MAX_DECIMAL_DIGITS).is_some(), "a number's digits fit in 128 bits");
    assert!(SEND_TIMEOUT.as_secs() + SEND_RESERVE.as_secs() < SENDER_TIMEOUT.as_secs());
    assert!(SENDER_TIMEOUT.as_secs() < SENDING_LEASE.as_secs(), "no sender that lives is taken for dead");
    assert!(
        MAX_SEND_WAIT.as_secs() / (MAX_SEND_PAUSE.as_secs() * 3 / 4) + 64 < SENDER_RECEIVES as u64,
        "an outage doesn't use up the receives before the sender gives up"
    );
};
