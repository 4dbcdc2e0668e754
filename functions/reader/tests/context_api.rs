//! The read API over the ports in memory: which callers are admitted, and what they get.

use reader::admit::{Access, TokenBook};
use reader::lambda::{Incoming, answer};
use reader::{ContextApi, Request};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::limits::{MAX_CONTEXT_TOKENS, SECRETS_REFRESH, SECRETS_RETRY, SECRETS_RETRY_EMPTY, TOKENS_KEPT};
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;
use tidings_core::context::{Content, Fact, Facts, Item, ItemKey, Link, NODE_REGISTER, Order, Place};
use tidings_core::memory::{Call, Fault, Faults, ManualClock, MemorySecrets, MemoryStore};
use tidings_core::ports::{ContextStore, Rewrite};

const NOW: Timestamp = Timestamp::from_unix_ms(1_795_168_800_000);
const NEW: &str = "a-token-of-thirty-two-characters";
const OLD: &str = "another-token-of-that-many-bytes";
const ANN: &str = "whatsapp:491713920012";

struct World {
    faults: Arc<Faults>,
    secrets: Arc<MemorySecrets>,
    clock: Arc<ManualClock>,
    store: Arc<MemoryStore>,
}

impl World {
    async fn new() -> Self {
        let faults = Arc::new(Faults::default());
        let store = Arc::new(MemoryStore::new(Arc::clone(&faults)));
        let secrets = Arc::new(MemorySecrets::new(Arc::clone(&faults), json!({ "bot": [NEW, OLD] }).to_string()));
        let world = Self { faults, secrets, clock: Arc::new(ManualClock::at(NOW)), store };
        let order = || Order::at(NOW, ClaimKey::new("orders", "e1"));
        let fact = |value: Value| Fact::register(value, order());
        let brief = Fact { expires: Some(NOW.plus(Duration::from_secs(60))), ..fact(json!("soon")) };
        let facts = Facts::from([("status".to_owned(), fact(json!("shipped"))), ("eta".to_owned(), brief)]);
        let node = Facts::from([(NODE_REGISTER.to_owned(), fact(json!("tracking")))]);
        let link = || Content::Link(Link { conversation: ANN.to_owned(), order: order() });
        let items = [
            (Place::new(ANN, ItemKey::Entity("order/1042".to_owned())), Content::Facts(facts)),
            (Place::new(ANN, ItemKey::Node), Content::Facts(node)),
            (Place::new(ANN, ItemKey::Identity("customer:cus_1".to_owned())), link()),
            (Place::new("customer:cus_1", ItemKey::Link), link()),
        ];
        let puts: BTreeMap<Place, Item> = items.into_iter().map(|(place, content)| (place, Item::new(content))).collect();
        let _ = world.store.rewrite(&Rewrite { puts, deletes: BTreeMap::new(), at: NOW }).await;
        world
    }

    fn api(&self, access: Access) -> ContextApi {
        ContextApi::new(Arc::clone(&self.store) as _, access, Arc::clone(&self.clock) as _)
    }

    fn by_token(&self) -> ContextApi {
        self.api(Access::Tokens(TokenBook::new(Arc::clone(&self.secrets) as _, Arc::clone(&self.clock) as _, "tokens")))
    }
}

fn get(path: &str, token: Option<&str>) -> Request {
    Request {
        method: "GET".to_owned(),
        path: path.to_owned(),
        authorization: token.map(|token| format!("Bearer {token}")),
        ..Request::default()
    }
}

async fn status(api: &ContextApi, token: &str) -> u16 {
    api.answer(&get("/context/nobody", Some(token))).await.status()
}

async fn body(api: &ContextApi, path: &str) -> Value {
    let reply = api.answer(&get(path, Some(NEW))).await;
    assert_eq!(reply.status(), 200, "{path}");
    serde_json::from_str(&reply.body()).unwrap()
}

#[tokio::test]
async fn a_bot_reads_plain_facts_by_the_name_of_the_conversation_or_of_an_identity() {
    let world = World::new().await;
    let api = world.by_token();
    let expected = json!({
        "conversation": ANN, "node": "tracking", "entities": {"order/1042": {"eta": "soon", "status": "shipped"}},
        "identities": ["customer:cus_1"],
    });
    assert_eq!(body(&api, "/context/whatsapp%3A491713920012").await, expected);
    assert_eq!(body(&api, "/context/customer:cus_1").await, expected, "the link is followed");
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(body(&api, "/context/customer:cus_1").await["entities"], json!({"order/1042": {"status": "shipped"}}));
    let nobody = json!({"conversation": "nobody", "entities": {}, "identities": []});
    assert_eq!(body(&api, "/context/nobody").await, nobody, "nothing is known yet: that is no error");
}

#[tokio::test]
async fn nothing_is_read_for_an_unadmitted_caller() {
    let world = World::new().await;
    let api = world.by_token();
    let cut = &NEW[..NEW.len() - 1];
    let long = format!("{NEW}0");
    for wrong in ["", "x", cut, &long, &NEW.to_uppercase(), "a-token-of-thirty-two-characterz"] {
        assert_eq!(status(&api, wrong).await, 401, "{wrong}");
    }
    for authorization in [None, Some(NEW), Some("Basic YW5uOmFubg=="), Some("Bearer"), Some("")] {
        let request = Request { authorization: authorization.map(str::to_owned), ..get("/context/nobody", None) };
        assert_eq!(api.answer(&request).await.status(), 401, "{authorization:?}");
    }
    assert_eq!(world.faults.count(Call::Load), 0, "no call to the table");
    assert_eq!(world.faults.count(Call::Fetch), 1, "wrong tokens fetch nothing again within a minute");
    let lower = Request { authorization: Some(format!("bearer {NEW}")), ..get("/context/nobody", None) };
    assert_eq!(api.answer(&lower).await.status(), 200, "the scheme's name has no case");
}

#[tokio::test]
async fn a_token_is_rotated_without_an_interruption() {
    let world = World::new().await;
    let api = world.by_token();
    assert_eq!((status(&api, NEW).await, status(&api, OLD).await), (200, 200));
    const NEWEST: &str = "the-newest-token-has-32-or-more-characters";
    world.secrets.set(json!({ "bot": [NEWEST, NEW] }).to_string());
    world.clock.advance(SECRETS_RETRY);
    assert_eq!(status(&api, NEWEST).await, 200, "an unknown token is looked up");
    assert_eq!((status(&api, NEW).await, status(&api, OLD).await), (200, 401));
    world.secrets.set(json!({ "bot": NEWEST }).to_string());
    assert_eq!(status(&api, NEW).await, 200, "it is known from before");
    world.clock.advance(SECRETS_REFRESH);
    assert_eq!(status(&api, NEW).await, 401, "and for no longer than this");
}

#[tokio::test]
async fn tokens_outlive_a_failure_of_secrets_manager_for_a_bounded_time() {
    let world = World::new().await;
    let api = world.by_token();
    assert_eq!(status(&api, NEW).await, 200);
    world.faults.fail(Call::Fetch, Fault::Refuse, u32::MAX);
    world.clock.advance(TOKENS_KEPT - Duration::from_millis(1));
    assert_eq!(status(&api, NEW).await, 200);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(status(&api, NEW).await, 503, "whether it is still valid isn't known");
    world.faults.clear();
    world.clock.advance(SECRETS_RETRY);
    assert_eq!(status(&api, NEW).await, 200);
}

#[tokio::test]
async fn a_stack_without_a_token_answers_503_until_there_is_one() {
    let world = World::new().await;
    for nothing in ["{}", "{\"bot\": []}", "{\"bot\": \"short\"}", "no JSON"] {
        world.secrets.set(nothing);
        assert_eq!(status(&world.by_token(), NEW).await, 503, "{nothing}");
    }
    let api = world.by_token();
    assert_eq!(status(&api, NEW).await, 503);
    world.secrets.set(json!({ "bot": NEW }).to_string());
    world.clock.advance(SECRETS_RETRY_EMPTY);
    assert_eq!(status(&api, NEW).await, 200);
}

#[tokio::test]
async fn at_most_the_limit_of_tokens_is_accepted() {
    let world = World::new().await;
    let token = |n: usize| format!("{NEW}-{n}");
    let all: Vec<String> = (0..=MAX_CONTEXT_TOKENS).map(token).collect();
    world.secrets.set(json!({ "bot": all }).to_string());
    let api = world.by_token();
    assert_eq!(status(&api, &token(MAX_CONTEXT_TOKENS - 1)).await, 200);
    assert_eq!(status(&api, &token(MAX_CONTEXT_TOKENS)).await, 401);
}

#[tokio::test]
async fn a_route_without_its_authorizer_is_refused() {
    let world = World::new().await;
    let api = world.api(Access::FrontDoor);
    assert_eq!(status(&api, NEW).await, 403, "a token isn't accepted here");
    let signed = Request { identity: Some("arn:aws:iam::123456789012:user/bot".to_owned()), ..get("/context/nobody", None) };
    assert_eq!(api.answer(&signed).await.status(), 200);
    assert_eq!((world.faults.count(Call::Load), world.faults.count(Call::Fetch)), (1, 0));
}

#[tokio::test]
async fn an_unavailable_table_gives_a_retryable_reply_without_details() {
    let world = World::new().await;
    let api = world.by_token();
    world.faults.fail(Call::Load, Fault::Refuse, 1);
    let reply = api.answer(&get("/context/ann", Some(NEW))).await;
    assert_eq!(reply.status(), 503);
    assert!(reply.headers().contains(&("retry-after", "5".to_owned())));
    assert!(!reply.body().contains("dynamodb"), "{}", reply.body());
    assert_eq!(status(&api, NEW).await, 200);
}

#[tokio::test]
async fn other_methods_and_paths_are_refused() {
    let world = World::new().await;
    let api = world.by_token();
    for method in ["POST", "PUT", "DELETE", "HEAD", "get", ""] {
        let request = Request { method: method.to_owned(), ..get("/context/ann", Some(NEW)) };
        assert_eq!(api.answer(&request).await.status(), 405, "{method}");
    }
    assert_eq!(api.answer(&get("/context/", Some(NEW))).await.status(), 404);
    assert_eq!(world.faults.count(Call::Load), 0);
}

async fn invoked(api: &ContextApi, event: Value) -> Value {
    let event: Incoming = serde_json::from_value(event).unwrap();
    serde_json::to_value(answer(api, lambda_runtime::LambdaEvent::new(event, Default::default())).await).unwrap()
}

#[tokio::test]
async fn an_event_of_the_http_api_is_answered_in_its_format() {
    let world = World::new().await;
    let event = |authorizer: Value| {
        json!({
            "version": "2.0", "rawPath": "/context/customer:cus_1", "rawQueryString": "details=true",
            "headers": {"Authorization": format!("Bearer {NEW}")},
            "requestContext": {"http": {"method": "GET", "path": "/context/customer:cus_1"}, "authorizer": authorizer},
        })
    };
    let answered = invoked(&world.by_token(), event(Value::Null)).await;
    assert_eq!((&answered["statusCode"], &answered["headers"]["cache-control"]), (&json!(200), &json!("no-store")));
    let context: Value = serde_json::from_str(answered["body"].as_str().unwrap()).unwrap();
    assert_eq!(context["details"]["entities"]["order/1042"]["status"]["cause"], "orders#e1");

    let by_iam = world.api(Access::FrontDoor);
    for nobody in
        [Value::Null, json!({}), json!({"iam": null}), json!({"iam": {}}), json!({"iam": {"userArn": ""}}), json!({"jwt": {}})]
    {
        assert_eq!(invoked(&by_iam, event(nobody.clone())).await["statusCode"], 403, "{nobody}");
    }
    let somebody = json!({"iam": {"userArn": "arn:aws:sts::123456789012:assumed-role/bot/bot", "accountId": "123456789012"}});
    assert_eq!(invoked(&by_iam, event(somebody)).await["statusCode"], 200);
    assert_eq!(invoked(&by_iam, json!({})).await["statusCode"], 403, "an event without anything");
}
