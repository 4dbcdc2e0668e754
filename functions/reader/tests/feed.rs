//! The feed over the ports in memory: who sees what, and how a viewer resumes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use reader::Request;
use reader::feed::FeedApi;
use reader::feed::origin::Origins;
use reader::feed::reply::Answer;
use reader::feed::socket::Socket;
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::limits::{FEED_KEPT, FEED_READS, JWT_LEEWAY, MAX_SUBSCRIPTIONS, MAX_VIEWER_TOKEN_LIFETIME, SECRETS_REFRESH};
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;
use tidings_core::context::{Content, Feed, Item, ItemKey, Link, News, Order, Place, UpdateKind};
use tidings_core::memory::{Call, Fault, Faults, ManualClock, MemorySecrets, MemoryStore};
use tidings_core::ports::{ContextStore, Rewrite};

const NOW: Timestamp = Timestamp::from_unix_ms(1_795_168_800_000);
const KEY: &str = "a-key-that-signs-viewers-tokens-1";
const OLD: &str = "a-key-that-signs-viewers-tokens-0";
const ANN: &str = "web:ann";

struct World {
    faults: Arc<Faults>,
    secrets: Arc<MemorySecrets>,
    clock: Arc<ManualClock>,
    store: Arc<MemoryStore>,
    api: FeedApi,
}

fn news(event: UpdateKind, n: u64) -> News {
    News { event, data: json!({ "n": n, "text": "line\nbreak" }) }
}

impl World {
    fn new() -> Self {
        Self::with(Origins::read("https://shop.example"))
    }

    fn with(origins: Origins) -> Self {
        let faults = Arc::new(Faults::default());
        let store = Arc::new(MemoryStore::new(Arc::clone(&faults)));
        let secrets = Arc::new(MemorySecrets::new(Arc::clone(&faults), json!({ "bot": [KEY, OLD], "short": "x" }).to_string()));
        let clock = Arc::new(ManualClock::at(NOW));
        let api = FeedApi::new(Arc::clone(&store) as _, Arc::clone(&secrets) as _, origins, Arc::clone(&clock) as _);
        let api = api.appending_to(Arc::clone(&store) as _);
        Self { faults, secrets, clock, store, api }
    }

    async fn put(&self, items: Vec<(Place, Item)>) {
        let puts: BTreeMap<Place, Item> = items.into_iter().collect();
        let _ = self.store.rewrite(&Rewrite { puts, deletes: BTreeMap::new(), at: NOW }).await;
    }

    /// Adds updates, as a processor does.
    async fn add(&self, name: &str, all: Vec<News>, now: Timestamp) {
        let place = Place::new(name, ItemKey::Feed);
        let (version, mut feed) = match self.store.items().remove(&place) {
            Some(Item { version, content: Content::Feed(feed) }) => (version, feed),
            _ => (None, Feed::default()),
        };
        let page = feed.add(all, 0, now);
        let mut items = vec![(place, Item { version, content: Content::Feed(feed) })];
        items.extend(page.map(|(last, page)| (Place::new(name, ItemKey::FeedPage(last)), Item::new(Content::FeedPage(page)))));
        self.put(items).await;
    }

    async fn get(&self, token: &str, query: &str, last_event_id: Option<&str>) -> Answer {
        let request =
            Request { query: query.to_owned(), last_event_id: last_event_id.map(str::to_owned), ..ask("GET", ANN, token) };
        self.api.answer(&request).await
    }

    /// The ids and kinds of an answer, and its last cursor.
    async fn events(&self, token: &str, query: &str, last_event_id: Option<&str>) -> (Vec<String>, Option<u64>) {
        let answer = self.get(token, query, last_event_id).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let mut cursor = None;
        let mut events = Vec::new();
        for block in answer.body.split("\n\n").filter(|block| !block.is_empty() && !block.starts_with("retry")) {
            let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
            cursor = Some(line("id: ").expect("an id").parse().unwrap());
            let Some(data) = line("data: ") else { continue };
            let data: Value = serde_json::from_str(data).expect("JSON on one line");
            events.push(format!("{} {}", line("event: ").unwrap(), data.get("n").unwrap_or(&data["lost_up_to"])));
        }
        (events, cursor)
    }

    async fn append(&self, token: &str, body: Value) -> Answer {
        self.api.answer(&Request { body: body.to_string(), ..ask("POST", ANN, token) }).await
    }
}

fn ask(method: &str, name: &str, token: &str) -> Request {
    Request {
        method: method.to_owned(),
        path: format!("/feed/{name}"),
        authorization: (!token.is_empty()).then(|| format!("Bearer {token}")),
        ..Request::default()
    }
}

fn signed(header: &Value, claims: &Value, key: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// A token of a backend, with further claims.
fn token(more: Value) -> String {
    let mut claims = json!({ "sub": ANN, "exp": NOW.unix_s() + 600 });
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    signed(&json!({ "alg": "HS256", "typ": "JWT" }), &claims, KEY)
}

#[tokio::test]
async fn a_token_names_one_conversation_for_a_short_time() {
    let world = World::new();
    let (now, leeway, longest) = (NOW.unix_s(), JWT_LEEWAY.as_secs() as i64, MAX_VIEWER_TOKEN_LIFETIME.as_secs() as i64);
    for (claims, status) in [
        (json!({}), 200),
        (json!({ "nbf": now, "iat": now, "aud": "any", "exp": (now + 60) as f64 + 0.5 }), 200),
        (json!({ "exp": now - leeway }), 200),
        (json!({ "exp": now - leeway - 1 }), 401),
        (json!({ "exp": now + longest + leeway }), 200),
        (json!({ "exp": now + longest + leeway + 1 }), 401),
        (json!({ "exp": null }), 401),
        (json!({ "exp": (now + 60).to_string() }), 401),
        (json!({ "nbf": now + leeway + 1 }), 401),
        (json!({ "nbf": "now" }), 401),
        (json!({ "sub": "web:bob" }), 403),
        (json!({ "sub": "" }), 401),
        (json!({ "sub": ["web:ann"] }), 401),
        (json!({ "sub": null }), 401),
        (json!({ "scope": "action context" }), 200),
        (json!({ "scope": ["action"] }), 401),
    ] {
        let answer = world.get(&token(claims.clone()), "", None).await;
        assert_eq!(answer.status, status, "{claims}: {}", answer.body);
    }
}

#[tokio::test]
async fn only_our_algorithm_and_a_key_of_the_secret_are_accepted() {
    let world = World::new();
    let claims = json!({ "sub": ANN, "exp": NOW.unix_s() + 60 });
    let hs256 = json!({ "alg": "HS256" });
    assert_eq!(world.get(&signed(&hs256, &claims, KEY), "", None).await.status, 200);
    assert_eq!(world.get(&signed(&hs256, &claims, OLD), "", None).await.status, 200, "while a key is rotated, both sign");
    let in_the_query = format!("token={}", signed(&hs256, &claims, KEY));
    assert_eq!(world.get("", &in_the_query, None).await.status, 200, "EventSource has no headers");
    let good = signed(&hs256, &claims, KEY);
    let (head, signature) = good.rsplit_once('.').unwrap();
    for bad in [
        String::new(),
        "x".to_owned(),
        "a.b.c".to_owned(),
        format!("{head}."),
        format!("{head}.{}", &signature[1..]),
        format!("{good}="),
        format!("{good}.{signature}"),
        signed(&json!({ "alg": "none" }), &claims, KEY),
        signed(&json!({ "alg": "HS384" }), &claims, KEY),
        signed(&json!({ "alg": "hs256" }), &claims, KEY),
        signed(&json!({ "alg": "HS256", "crit": ["b64"], "b64": false }), &claims, KEY),
        signed(&hs256, &claims, ""),
        signed(&hs256, &claims, "x"),
        signed(&hs256, &claims, "another-key-of-thirty-two-bytes!!"),
        "x".repeat(5_000),
    ] {
        let answer = world.get(&bad, "", None).await;
        assert_eq!((answer.status, answer.body.contains("valid token")), (401, true), "{bad}");
    }
    assert_eq!(world.faults.count(Call::Load), 3, "the table is read only for those that are valid");
}

#[tokio::test]
async fn a_removed_key_signs_no_more_and_without_keys_the_answer_is_503() {
    let world = World::new();
    let old = signed(&json!({ "alg": "HS256" }), &json!({ "sub": ANN, "exp": NOW.unix_s() + 6_000 }), OLD);
    assert_eq!(world.get(&old, "", None).await.status, 200);
    world.secrets.set(json!({ "bot": KEY }).to_string());
    assert_eq!(world.get(&old, "", None).await.status, 200, "for five minutes");
    world.clock.set(NOW.plus(SECRETS_REFRESH));
    assert_eq!(world.get(&old, "", None).await.status, 401);
    let empty = World::new();
    empty.secrets.set("{}");
    let answer = empty.get(&token(json!({})), "", None).await;
    assert_eq!(answer.status, 503);
    assert!(answer.headers.iter().any(|(name, _)| *name == "retry-after"));
}

#[tokio::test]
async fn a_viewer_resumes_by_number_without_a_gap_or_a_copy() {
    let world = World::new();
    for n in 0..9 {
        world.add(ANN, vec![news(UpdateKind::Context, 2 * n), news(UpdateKind::Action, 2 * n + 1)], NOW).await;
    }
    let token = token(json!({}));
    let (all, last) = world.events(&token, "", None).await;
    let expected: Vec<String> = (0..18).map(|n| format!("{} {n}", if n % 2 == 0 { "context" } else { "action" })).collect();
    assert_eq!((&all, last), (&expected, Some(NOW.unix_ms() as u64 + 17)));
    for n in 0..18 {
        let cursor = (NOW.unix_ms() + n).to_string();
        let rest = &expected[n as usize + 1..];
        assert_eq!(world.events(&token, &format!("after={cursor}"), None).await.0, rest, "after {n}");
        assert_eq!(world.events(&token, "after=1", Some(&cursor)).await.0, rest, "the header wins over the first cursor");
    }
    let answer = world.get(&token, "", None).await;
    let header = |name: &str| answer.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
    assert_eq!(header("content-type"), Some("text/event-stream"));
    assert_eq!((header("cache-control"), header("x-accel-buffering")), (Some("no-store"), Some("no")));
    assert!(answer.body.starts_with("retry: 2000\n\n"), "{}", answer.body);
    assert_eq!(world.get(&token, "since=1", None).await.status, 400);
}

#[tokio::test]
async fn a_viewer_sees_what_the_scope_names_and_resumes_past_the_rest() {
    let world = World::new();
    world.add(ANN, vec![news(UpdateKind::Action, 0)], NOW).await;
    for n in 1..300 {
        world.add(ANN, vec![news(UpdateKind::Context, n)], NOW).await;
    }
    let only = |scope: &str| token(json!({ "scope": scope }));
    let (seen, cursor) = world.events(&only("action"), "", None).await;
    assert_eq!(seen, ["action 0"]);
    let mut cursor = cursor.unwrap();
    let (none, moved) = world.events(&only("action"), &format!("after={cursor}"), None).await;
    assert_eq!((none.len(), moved), (0, Some(NOW.unix_ms() as u64 + 299)), "the cursor passes what isn't shown");
    cursor = moved.unwrap();
    world.add(ANN, vec![news(UpdateKind::Context, 300), news(UpdateKind::Action, 301)], NOW).await;
    assert_eq!(world.events(&only("action message"), &format!("after={cursor}"), None).await.0, ["action 301"]);
    assert_eq!(world.events(&only("append"), &format!("after={cursor}"), None).await.0, [""; 0]);
    assert_eq!(world.events(&only("everything"), &format!("after={cursor}"), None).await.0, [""; 0]);
}

#[tokio::test]
async fn a_viewer_who_comes_too_late_is_told_so() {
    let world = World::new();
    for n in 0..4 {
        world.add(ANN, vec![news(UpdateKind::Action, n)], NOW.plus(Duration::from_secs(n * 3_600))).await;
    }
    world.clock.set(NOW.plus(FEED_KEPT).plus(Duration::from_secs(5_400)));
    let token = token(json!({ "exp": NOW.plus(FEED_KEPT).unix_s() + 6_000 }));
    let first = NOW.unix_ms();
    let (events, _) = world.events(&token, &format!("after={first}"), None).await;
    assert_eq!(events, [format!("reset {}", first + 3_600_000), "action 2".to_owned(), "action 3".to_owned()]);
    assert_eq!(world.events(&token, "", None).await.0, ["action 2", "action 3"], "who has no cursor has lost nothing");
    assert_eq!(world.events(&token, &format!("after={}", first + 3_600_000), None).await.0, ["action 2", "action 3"]);
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_is_read_in_part_is_read_again() {
    let world = World::new();
    world.add(ANN, vec![news(UpdateKind::Action, 0)], NOW).await;
    // As if a transaction had written the head, and its page weren't visible yet.
    let head = Feed { last: 2_000_000_000_001, before: 2_000_000_000_000, ..Feed::default() };
    let stored = world.store.items()[&Place::new(ANN, ItemKey::Feed)].version;
    world.put(vec![(Place::new(ANN, ItemKey::Feed), Item { version: stored, content: Content::Feed(head) })]).await;
    let before = world.faults.count(Call::Load);
    let (events, _) = world.events(&token(json!({})), &format!("after={}", NOW.unix_ms()), None).await;
    assert_eq!(events, ["reset 2000000000000"], "it stays so: something was deleted");
    assert_eq!(world.faults.count(Call::Load) - before, FEED_READS);
}

#[tokio::test]
async fn the_feed_of_a_linked_name_is_its_conversations() {
    let world = World::new();
    world.add(ANN, vec![news(UpdateKind::Action, 7)], NOW).await;
    let link = Content::Link(Link { conversation: ANN.to_owned(), order: Order::at(NOW, ClaimKey::new("s", "1")) });
    world.put(vec![(Place::new("customer:c1", ItemKey::Link), Item::new(link))]).await;
    let token = token(json!({ "sub": "customer:c1", "scope": "action append" }));
    let answer = world.api.answer(&ask("GET", "customer%3Ac1", &token)).await;
    assert!(answer.body.contains("\"n\":7"), "{}", answer.body);
    let part = json!({ "id": "m", "sequence": 0, "text": "hello", "done": true });
    let answer = world.api.answer(&Request { body: part.to_string(), ..ask("POST", "customer:c1", &token) }).await;
    assert_eq!(answer.status, 202);
    assert!(!world.store.items().contains_key(&Place::new("customer:c1", ItemKey::Feed)), "its parts are there too");
}

#[tokio::test]
async fn a_part_is_appended_once_and_in_its_place() {
    let world = World::new();
    let token = token(json!({ "scope": "append message" }));
    let part =
        |sequence: u64, done: bool| json!({ "id": "m1", "sequence": sequence, "text": format!("{sequence} "), "done": done });
    let early = world.append(&token, part(1, false)).await;
    assert_eq!((early.status, serde_json::from_str::<Value>(&early.body).unwrap()["next"].clone()), (409, json!(0)));
    for n in 0..40 {
        for expected in [202, 200] {
            assert_eq!(world.append(&token, part(n, n == 39)).await.status, expected, "{n}");
        }
    }
    assert_eq!(world.append(&token, part(40, false)).await.status, 409);
    let answer = world.get(&token, "", None).await;
    let texts = answer.body.lines().filter_map(|line| line.strip_prefix("data: "));
    let said: String =
        texts.map(|data| serde_json::from_str::<Value>(data).unwrap()["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(said, (0..40).map(|n| format!("{n} ")).collect::<String>());
}

#[tokio::test(start_paused = true)]
async fn a_part_whose_write_has_no_answer_may_be_sent_again() {
    for fault in [Fault::Refuse, Fault::LoseAnswer] {
        let world = World::new();
        let token = token(json!({ "scope": "append message" }));
        let part = json!({ "id": "m1", "sequence": 0, "text": "once" });
        world.faults.fail(Call::Rewrite, fault, 1);
        assert_eq!(world.append(&token, part.clone()).await.status, 503, "{fault:?}");
        let again = world.append(&token, part).await.status;
        assert_eq!(again, if fault == Fault::Refuse { 202 } else { 200 }, "{fault:?}");
        assert_eq!(world.get(&token, "", None).await.body.matches("once").count(), 1, "{fault:?}");
    }
    let world = World::new();
    world.faults.fail(Call::Rewrite, Fault::Conflict, 3);
    let part = json!({ "id": "m1", "sequence": 0, "text": "once" });
    assert_eq!(world.append(&token(json!({ "scope": "append" })), part).await.status, 202, "an event came between");
}

#[tokio::test]
async fn only_a_token_for_it_may_append() {
    let world = World::new();
    let part = json!({ "id": "m", "sequence": 0, "text": "x" });
    for scope in [json!({}), json!({ "scope": "message" }), json!({ "scope": "appends" })] {
        assert_eq!(world.append(&token(scope.clone()), part.clone()).await.status, 403, "{scope}");
    }
    assert_eq!(world.append("", part).await.status, 401);
    assert_eq!(world.faults.count(Call::Rewrite), 0);
}

#[tokio::test]
async fn only_pages_of_listed_origins_may_read_an_answer() {
    let world = World::new();
    let token = token(json!({}));
    for (origin, allowed) in [("https://shop.example", true), ("https://evil.example", false)] {
        for method in ["GET", "OPTIONS"] {
            let answer = world.api.answer(&Request { origin: Some(origin.to_owned()), ..ask(method, ANN, &token) }).await;
            let given = answer.headers.iter().find(|(name, _)| *name == "access-control-allow-origin");
            assert_eq!(given.map(|(_, value)| value.as_str()), allowed.then_some(origin), "{method} {origin}");
        }
    }
    let preflight = world.api.answer(&ask("OPTIONS", ANN, "")).await;
    assert_eq!((preflight.status, preflight.body.as_str()), (204, ""), "it has no token");
}

#[tokio::test]
async fn a_socket_resumes_each_conversation_by_its_number() {
    let world = World::new();
    for n in 0..3 {
        world.add(ANN, vec![news(UpdateKind::Action, n)], NOW).await;
        world.add("web:bob", vec![news(UpdateKind::Action, 10 + n)], NOW).await;
    }
    let viewer = world.api.viewer(Some(&token(json!({})))).await.unwrap_or_else(|_| panic!("a viewer"));
    let mut socket = Socket::new(viewer);
    let cursor = NOW.unix_ms() as u64;
    let said = |(messages, more): (Vec<Value>, bool)| {
        assert!(!more);
        messages
            .iter()
            .map(|message| format!("{} {}", message["conversation"].as_str().unwrap(), message["data"]["n"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(said(socket.updates(&world.api).await.unwrap()), [""; 0], "nothing is subscribed to");
    let heard = socket.hear(&world.api, &json!({ "subscribe": ANN, "after": cursor }).to_string()).await;
    assert_eq!(heard, [json!({ "event": "subscribed", "conversation": ANN, "after": cursor })]);
    assert_eq!(said(socket.updates(&world.api).await.unwrap()), ["web:ann 1", "web:ann 2"]);
    assert_eq!(said(socket.updates(&world.api).await.unwrap()), [""; 0]);
    let heard = socket.hear(&world.api, r#"{"subscribe": "web:bob"}"#).await;
    assert_eq!(heard[0]["error"], "forbidden");
    let bobs = token(json!({ "sub": "web:bob", "exp": NOW.unix_s() + 60 }));
    let heard = socket.hear(&world.api, &json!({ "subscribe": "web:bob", "token": bobs }).to_string()).await;
    assert_eq!(heard[0]["event"], "subscribed");
    world.add(ANN, vec![news(UpdateKind::Action, 3)], NOW).await;
    assert_eq!(said(socket.updates(&world.api).await.unwrap()), ["web:ann 3", "web:bob 10", "web:bob 11", "web:bob 12"]);
    assert_eq!(socket.hear(&world.api, r#"{"ping": 1}"#).await, [json!({ "event": "pong" })]);
    for bad in ["", "{}", "[]", r#"{"subscribe": 1}"#, r#"{"subscribe": "a", "ping": 1}"#, r#"{"say": "hello"}"#] {
        assert_eq!(socket.hear(&world.api, bad).await[0]["error"], "bad_request", "{bad}");
    }
    // A token that has expired ends its subscription alone.
    world.clock.set(NOW.plus(Duration::from_secs(121)));
    world.add(ANN, vec![news(UpdateKind::Action, 4)], NOW).await;
    let (messages, _) = socket.updates(&world.api).await.unwrap();
    assert_eq!((messages[0]["data"]["n"].clone(), messages[1]["error"].clone()), (json!(4), json!("unauthorized")));
    assert_eq!(socket.updates(&world.api).await.unwrap().0, [json!(null); 0]);
    let _ = socket.hear(&world.api, &json!({ "unsubscribe": ANN }).to_string()).await;
    world.add(ANN, vec![news(UpdateKind::Action, 5)], NOW).await;
    assert_eq!(socket.updates(&world.api).await.unwrap().0, [json!(null); 0]);
}

#[tokio::test]
async fn a_socket_has_a_bounded_number_of_subscriptions() {
    let world = World::new();
    let viewer = world.api.viewer(Some(&token(json!({})))).await.unwrap_or_else(|_| panic!("a viewer"));
    let mut socket = Socket::new(viewer);
    for n in 0..=MAX_SUBSCRIPTIONS {
        let name = format!("web:{n}");
        let subscribe = json!({ "subscribe": name, "token": token(json!({ "sub": name })) });
        let heard = socket.hear(&world.api, &subscribe.to_string()).await;
        let expected = if n < MAX_SUBSCRIPTIONS { "subscribed" } else { "error" };
        assert_eq!(heard[0]["event"], expected, "{n}");
    }
    assert_eq!(MAX_SUBSCRIPTIONS, 16, "the error states this number");
}

#[tokio::test]
async fn an_unreadable_table_is_503_and_reveals_nothing() {
    let world = World::new();
    let _ = world.get(&token(json!({})), "", None).await;
    world.faults.fail(Call::Load, Fault::Refuse, 1);
    let answer = world.get(&token(json!({})), "", None).await;
    assert_eq!(answer.status, 503);
    assert!(!answer.body.contains("dynamodb") && !answer.body.contains(ANN), "{}", answer.body);
}
