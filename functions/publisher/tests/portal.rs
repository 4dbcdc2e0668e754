//! The API of the endpoints over stores in memory: who is admitted, and what each sees, changes and is told.

use publisher::memory::{MemoryDeliveries, StoreCall, Trouble};
use publisher::portal::reply::Reply;
use publisher::portal::route::{Method, ROUTES};
use publisher::portal::{Portal, Ports};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::endpoint::{BodyForm, Endpoint, EndpointId};
use tidings_config::reach::Reach;
use tidings_config::rules::Priority;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::http_api::Request;
use tidings_core::jwt::{PORTAL_AUDIENCE, sign};
use tidings_core::memory::{Call, Faults, ManualClock, MemoryQueue, MemorySecrets};

const BOT: &str = "a-backend's-token-of-32-or-more-characters";
const MASTER: &str = r#"{"@master": "0123456789abcdef0123456789abcdef"}"#;
const DOCUMENT: &str = include_str!("../../../docs/endpoints-api.openapi.json");

struct World {
    portal: Portal,
    stores: Arc<MemoryDeliveries>,
    queue: Arc<MemoryQueue>,
    clock: Arc<ManualClock>,
    faults: Arc<Faults>,
}

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-12-01T10:00:00Z").unwrap()
}

impl World {
    fn new() -> Self {
        let faults = Arc::new(Faults::default());
        let clock = Arc::new(ManualClock::at(now()));
        let stores = Arc::new(MemoryDeliveries::default());
        let queue = Arc::new(MemoryQueue::on(Arc::clone(&clock), Arc::clone(&faults)));
        let ports = Ports {
            endpoints: Arc::clone(&stores) as _,
            deliveries: Arc::clone(&stores) as _,
            queue: Arc::clone(&queue) as _,
            secrets: Arc::new(MemorySecrets::new(Arc::clone(&faults), MASTER)),
            tokens: Arc::new(MemorySecrets::new(Arc::clone(&faults), json!({ "bot": BOT }).to_string())),
            clock: Arc::clone(&clock) as _,
            signers_clock: Arc::clone(&clock) as _,
        };
        let of_file = Endpoint {
            id: EndpointId::of_name("crm").unwrap(),
            url: "https://crm.example.com/".to_owned(),
            events: vec!["*".parse().unwrap()],
            when: None,
            priority: Priority::Normal,
            description: None,
            secret: None,
            format: BodyForm::Cloudevents,
            ed25519: false,
            headers: std::collections::BTreeMap::new(),
        };
        let sink = Endpoint { id: EndpointId::of_sink("bus").unwrap(), ..of_file.clone() };
        Self { portal: Portal::new(vec![of_file, sink], ports, Reach::Public), stores, queue, clock, faults }
    }

    fn token(&self, owner: &str, more: Value) -> String {
        let mut claims = json!({"sub": owner, "aud": PORTAL_AUDIENCE, "exp": self.clock.now().unix_s() + 600});
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        sign(BOT, &claims)
    }

    fn of(&self, owner: &str) -> String {
        self.token(owner, json!({}))
    }

    async fn keyed(&self, token: &str, what: &str, body: &str, key: Option<&str>) -> Reply {
        let (method, path) = what.split_once(' ').unwrap();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            authorization: Some(format!("Bearer {token}")),
            idempotency_key: key.map(str::to_owned),
            body: body.to_owned(),
            ..Request::default()
        };
        self.portal.answer(&request).await
    }

    async fn ask(&self, token: &str, what: &str, body: &str) -> Reply {
        self.keyed(token, what, body, None).await
    }

    /// A new endpoint, as the answer shows it.
    async fn create(&self, token: &str, more: Value) -> Value {
        let reply = self.ask(token, "POST /endpoints", &new(more)).await;
        assert_eq!(reply.status(), 201, "{}", reply.body());
        json_of(&reply)
    }

    async fn ids(&self, token: &str) -> Vec<String> {
        let page = json_of(&self.ask(token, "GET /endpoints", "").await);
        page["endpoints"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }
}

fn new(more: Value) -> String {
    let mut body = json!({"url": "https://customer.example.com/hooks", "events": ["order.*"]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.to_string()
}

fn json_of(reply: &Reply) -> Value {
    serde_json::from_str(&reply.body()).unwrap_or(Value::Null)
}

fn id(one: &Value) -> &str {
    one["id"].as_str().unwrap()
}

#[tokio::test]
async fn a_backend_manages_all_endpoints_and_a_secret_is_shown_once() {
    let world = World::new();
    let made = world.create(BOT, json!({"owner": "customer-7", "ed25519": true, "headers": {"X-Team": "a"}})).await;
    assert!(made["secrets"][0].as_str().unwrap().starts_with("whsec_") && made["public_keys"][0].is_string());
    assert_eq!((made["owner"].as_str(), made["active"].as_bool()), (Some("customer-7"), Some(true)));
    let path = format!("/endpoints/{}", id(&made));
    for reply in [
        world.ask(BOT, &format!("GET {path}"), "").await,
        world.ask(BOT, "GET /endpoints", "").await,
        world.ask(BOT, &format!("PATCH {path}"), r#"{"description": "ours"}"#).await,
    ] {
        assert_eq!(reply.status(), 200);
        assert!(!reply.body().contains("secret") && !reply.body().contains("whsec_") && !reply.body().contains("whpk_"));
    }
    assert_eq!(world.ids(BOT).await, [id(&made), "ep_crm"], "a sink isn't an endpoint");
    assert_eq!(world.ask(BOT, &format!("DELETE {path}"), "").await.status(), 204);
    assert_eq!(world.ask(BOT, &format!("GET {path}"), "").await.status(), 404);
    assert_eq!(world.ids(BOT).await, ["ep_crm"]);
}

#[tokio::test]
async fn an_owner_sees_and_changes_its_own_endpoints_alone_and_gets_one_answer_for_all_others() {
    let world = World::new();
    let (seven, eight) = (world.of("customer-7"), world.of("customer-8"));
    let own = world.create(&seven, json!({})).await;
    let others = world.create(&eight, json!({})).await;
    let of_nobody = world.create(BOT, json!({})).await;
    assert_eq!(own["owner"], "customer-7");
    assert_eq!(world.ids(&seven).await, [id(&own)]);
    let unknown = world.ask(&seven, "GET /endpoints/ep_nobody", "").await;
    assert_eq!(unknown.status(), 404);
    for foreign in [id(&others), id(&of_nobody), "ep_crm", "sink_bus", "ep_nobody", "EP", "..%2Fcontext"] {
        for (method, rest, body) in [
            ("GET", "", ""),
            ("PATCH", "", r#"{"url": "https://evil.example.com/"}"#),
            ("DELETE", "", ""),
            ("GET", "/attempts", ""),
            ("POST", "/retry", r#"{"state": "failed"}"#),
            ("POST", "/test", ""),
            ("POST", "/rotate", ""),
        ] {
            let reply = world.ask(&seven, &format!("{method} /endpoints/{foreign}{rest}"), body).await;
            assert!(reply == unknown, "{method} {foreign}{rest}: {}", reply.body());
        }
    }
    assert_eq!(world.queue.messages().len(), 0, "no test event was sent");
    let kept = json_of(&world.ask(&eight, &format!("GET /endpoints/{}", id(&others)), "").await);
    assert_eq!(kept["url"], "https://customer.example.com/hooks");
    let stolen = world.ask(&seven, "POST /endpoints", &new(json!({"owner": "customer-8"}))).await;
    assert_eq!(stolen.status(), 400, "an owner can't make an endpoint for another");
}

#[tokio::test]
async fn nothing_is_read_or_written_without_a_valid_token() {
    let world = World::new();
    let (far, past) = (now().unix_s() + 90_000, now().unix_s() - 3_600);
    let forged = sign("another-key-of-thirty-two-characters", &json!({"sub": "c", "aud": PORTAL_AUDIENCE, "exp": far}));
    let unsigned = {
        let token = world.of("customer-7");
        let (signed, _) = token.rsplit_once('.').unwrap();
        format!("{signed}.")
    };
    let wrong = [
        String::new(),
        "x".to_owned(),
        BOT.to_uppercase(),
        forged,
        unsigned,
        "a.b.c".to_owned(),
        world.token("customer-7", json!({"aud": "another"})),
        world.token("customer-7", json!({"aud": null})),
        world.token("customer-7", json!({"exp": far})),
        world.token("customer-7", json!({"exp": past})),
        world.token("customer-7", json!({"exp": null})),
        world.token("customer-7", json!({"nbf": now().unix_s() + 300})),
        world.token("customer-7", json!({"scope": ["write"]})),
        world.token("a customer", json!({})),
        world.token("", json!({})),
        world.token("customer-7", json!({"sub": 7})),
    ];
    for token in &wrong {
        for (path, methods) in ROUTES {
            for method in methods {
                let path = path.replace("{endpoint}", "ep_crm");
                let reply = world.ask(token, &format!("{} {path}", method.as_str()), &new(json!({}))).await;
                assert_eq!(reply.status(), 401, "{token} {path}");
            }
        }
    }
    assert_eq!((world.stores.total(), world.queue.messages().len()), (0, 0), "no call to a table or a queue");
    assert!(world.faults.count(Call::Fetch) <= 2, "nor one to the secret for each of them");
}

#[tokio::test]
async fn a_token_that_may_read_changes_nothing() {
    let world = World::new();
    let made = world.create(&world.of("customer-7"), json!({})).await;
    let reads = world.token("customer-7", json!({"scope": "read"}));
    let before = world.stores.count(StoreCall::PutEndpoint);
    for (path, methods) in ROUTES {
        let path = path.replace("{endpoint}", id(&made));
        for method in methods {
            let reply = world.ask(&reads, &format!("{} {path}", method.as_str()), "{}").await;
            assert_eq!(reply.status(), if method.writes() { 403 } else { 200 }, "{} {path}", method.as_str());
        }
    }
    assert_eq!((world.stores.count(StoreCall::PutEndpoint), world.stores.count(StoreCall::DeleteEndpoint)), (before, 0));
    assert_eq!(
        world.ask(&world.token("customer-7", json!({"scope": "read write"})), "POST /endpoints", &new(json!({}))).await.status(),
        201
    );
}

#[tokio::test]
async fn a_repeated_creation_has_one_effect_and_its_secret_for_as_long_as_an_answer_may_be_lost() {
    let world = World::new();
    let token = world.of("customer-7");
    world.stores.fail(StoreCall::PutEndpoint, Trouble::LoseAnswer, 0);
    let lost = world.keyed(&token, "POST /endpoints", &new(json!({})), Some("k1")).await;
    assert_eq!(lost.status(), 503, "the table took it, and its answer was lost");
    let again = world.keyed(&token, "POST /endpoints", &new(json!({})), Some("k1")).await;
    assert_eq!(again.status(), 201);
    assert!(json_of(&again)["secrets"][0].is_string());
    let other = world.keyed(&token, "POST /endpoints", &new(json!({"events": ["*"]})), Some("k1")).await;
    assert_eq!(other.status(), 409, "the same key, another request");
    let another = world.keyed(&world.of("customer-8"), "POST /endpoints", &new(json!({})), Some("k1")).await;
    assert_eq!(another.status(), 201, "another owner's key is another key");
    assert_ne!(json_of(&another)["id"], json_of(&again)["id"]);
    world.clock.advance(Duration::from_secs(600));
    let token = world.of("customer-7");
    let late = world.keyed(&token, "POST /endpoints", &new(json!({})), Some("k1")).await;
    assert_eq!((late.status(), json_of(&late)["id"].clone()), (200, json_of(&again)["id"].clone()));
    assert!(!late.body().contains("whsec_"), "its secret is shown no more");
    assert_eq!(world.ids(&token).await.len(), 1);
    for bad in ["", "a b", "ä", &"k".repeat(256)] {
        assert_eq!(world.keyed(&token, "POST /endpoints", &new(json!({})), Some(bad)).await.status(), 400, "{bad}");
    }
    assert_eq!(world.keyed(&token, "POST /endpoints", &new(json!({})), Some(&"k".repeat(255))).await.status(), 201);
}

#[tokio::test]
async fn a_repeated_rotation_ends_no_secret_that_is_still_in_use() {
    let world = World::new();
    let token = world.of("customer-7");
    let made = world.create(&token, json!({})).await;
    let first = made["secrets"][0].clone();
    let path = format!("POST /endpoints/{}/rotate", id(&made));
    let rotated = json_of(&world.keyed(&token, &path, "", Some("r1")).await);
    assert_eq!(rotated["secrets"].as_array().unwrap().len(), 2);
    assert_eq!(rotated["secrets"][1], first, "the old one signs as well");
    assert_eq!(json_of(&world.keyed(&token, &path, "", Some("r1")).await)["secrets"], rotated["secrets"], "the same rotation");
    let next = json_of(&world.keyed(&token, &path, r#"{"keep_hours": 0}"#, Some("r2")).await);
    assert_eq!(next["secrets"].as_array().unwrap().len(), 1);
    assert!(!rotated["secrets"].as_array().unwrap().contains(&next["secrets"][0]));
    assert_eq!(world.ask(&token, &path, r#"{"keep_hours": 720}"#).await.status(), 200);
    assert_eq!(world.ask(&token, &path, r#"{"keep_hours": 721}"#).await.status(), 400);
}

#[tokio::test]
async fn a_change_keeps_what_it_leaves_out_and_is_checked_as_a_new_endpoint_is() {
    let world = World::new();
    let token = world.of("customer-7");
    let made = world.create(&token, json!({"when": "data.total > 100", "description": "a", "priority": "low"})).await;
    let path = format!("PATCH /endpoints/{}", id(&made));
    let changed = json_of(&world.ask(&token, &path, r#"{"when": null, "events": ["*"], "active": false}"#).await);
    let mut expected = made.clone();
    for gone in ["when", "secrets", "public_keys"] {
        expected.as_object_mut().unwrap().remove(gone);
    }
    (expected["events"], expected["active"]) = (json!(["*"]), json!(false));
    expected["disabled"] = json!({"reason": "by_hand", "since": now()});
    assert_eq!(changed, expected);
    assert_eq!(json_of(&world.ask(&token, &path, r#"{"active": true}"#).await)["active"], true);
    for (body, field) in [
        (json!({"url": "https://169.254.169.254/latest"}), "url"),
        (json!({"url": "http://customer.example.com/"}), "url"),
        (json!({"url": "https://127.0.0.1/"}), "url"),
        (json!({"events": []}), "events"),
        (json!({"when": "data.total >"}), "when"),
        (json!({"headers": {"Authorization": "hunter2"}}), "headers"),
        (json!({"description": "x".repeat(257)}), "description"),
    ] {
        for (what, body) in [(path.as_str(), body.to_string()), ("POST /endpoints", new(body.clone()))] {
            let reply = world.ask(&token, what, &body).await;
            assert_eq!(reply.status(), 400, "{what} {body}");
            assert!(reply.body().contains(field) && !reply.body().contains("hunter2"), "{}", reply.body());
        }
    }
    for unknown in [r#"{"secret": "crm"}"#, r#"{"owner": "customer-8"}"#, r#"{"ed25519": true}"#, r#"{"id": "ep_x"}"#, "[]", "{"]
    {
        assert_eq!(world.ask(&token, &path, unknown).await.status(), 400, "{unknown}");
    }
    let long = format!("{{\"description\": \"{}\"}}", "x".repeat(256 * 1024));
    assert_eq!(world.ask(&token, &path, &long).await.status(), 413);
}

#[tokio::test]
async fn an_endpoint_of_the_file_is_disabled_here_and_changed_there() {
    let world = World::new();
    assert_eq!(world.ask(BOT, "PATCH /endpoints/ep_crm", r#"{"active": false}"#).await.status(), 200);
    assert_eq!(json_of(&world.ask(BOT, "GET /endpoints/ep_crm", "").await)["active"], false);
    assert_eq!(world.ask(BOT, "PATCH /endpoints/ep_crm", r#"{"events": ["*"]}"#).await.status(), 409);
    assert_eq!(world.ask(BOT, "DELETE /endpoints/ep_crm", "").await.status(), 409);
    assert_eq!(json_of(&world.ask(BOT, "GET /endpoints/ep_crm", "").await)["of_file"], true);
}

#[tokio::test]
async fn a_test_event_is_a_delivery_that_is_shown_and_sent_again() {
    let world = World::new();
    let token = world.of("customer-7");
    let made = world.create(&token, json!({})).await;
    let path = format!("/endpoints/{}", id(&made));
    let sent = world.ask(&token, &format!("POST {path}/test"), "").await;
    assert_eq!((sent.status(), world.queue.messages().len()), (202, 1));
    let shown = json_of(&world.ask(&token, &format!("GET {path}/attempts?state=pending&limit=1"), "").await);
    assert_eq!(shown["deliveries"][0]["delivery"], json_of(&sent)["delivery"]);
    assert_eq!(shown["deliveries"][0]["type"], "tidings.endpoint.test");
    let body = json!({"delivery": json_of(&sent)["delivery"]}).to_string();
    let again = world.ask(&token, &format!("POST {path}/retry"), &body).await;
    assert_eq!((again.status(), json_of(&again)), (202, json!({"queued": 1, "busy": 0})));
    assert_eq!(json_of(&world.ask(&token, &format!("POST {path}/retry"), r#"{"state": "failed"}"#).await)["queued"], 0);
    for (what, body) in
        [("attempts?state=odd", ""), ("attempts?limit=0", ""), ("attempts?limit=51", ""), ("attempts?since=1h", "")]
    {
        assert_eq!(world.ask(&token, &format!("GET {path}/{what}"), body).await.status(), 400, "{what}");
    }
    for body in ["", "{}", r#"{"state": "pending"}"#, r#"{"state": "delivered"}"#, r#"{"delivery": "a", "state": "failed"}"#] {
        assert_eq!(world.ask(&token, &format!("POST {path}/retry"), body).await.status(), 400, "{body}");
    }
    assert_eq!(world.ask(&token, &format!("POST {path}/retry"), r#"{"delivery": "none"}"#).await.status(), 404);
}

#[tokio::test]
async fn an_owner_has_a_bounded_number_of_endpoints_and_a_list_has_pages() {
    let world = World::new();
    let token = world.of("customer-7");
    for _ in 0..publisher::limits::MAX_ENDPOINTS_OF_OWNER {
        world.create(&token, json!({})).await;
    }
    assert_eq!(world.ask(&token, "POST /endpoints", &new(json!({}))).await.status(), 409);
    world.create(&world.of("customer-8"), json!({})).await;
    let (mut seen, mut after) = (BTreeSet::new(), String::new());
    loop {
        let page = json_of(&world.ask(&token, &format!("GET /endpoints?limit=7{after}"), "").await);
        seen.extend(page["endpoints"].as_array().unwrap().iter().map(|one| id(one).to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen.len(), publisher::limits::MAX_ENDPOINTS_OF_OWNER);
}

#[tokio::test]
async fn an_outage_is_an_answer_that_may_be_retried() {
    let world = World::new();
    let token = world.of("customer-7");
    world.ids(&token).await;
    for (call, what) in [(StoreCall::Endpoints, "GET /endpoints"), (StoreCall::Endpoint, "GET /endpoints/ep_x")] {
        world.stores.fail(call, Trouble::Refuse, 0);
        let reply = world.ask(&token, what, "").await;
        assert_eq!(reply.status(), 503, "{what}");
        assert!(reply.headers().iter().any(|(name, _)| *name == "retry-after"));
    }
}

/// The document's path item and method.
fn operation<'a>(document: &'a Value, path: &str, method: Method) -> Option<&'a Value> {
    document["paths"][path].get(method.as_str().to_lowercase())
}

fn names(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap_or(&Map::new()).keys().cloned().collect()
}

#[tokio::test]
async fn the_openapi_document_has_the_routes_and_the_bodies_that_the_api_has() {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let world = World::new();
    assert_eq!(names(&document["paths"]), ROUTES.iter().map(|(path, _)| (*path).to_owned()).collect());
    for (path, methods) in ROUTES {
        let mut documented = names(&document["paths"][path]);
        documented.remove("parameters");
        assert_eq!(documented, methods.iter().map(|method| method.as_str().to_lowercase()).collect(), "{path}");
        let asked = path.replace("{endpoint}", "ep_crm");
        for other in ["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS"] {
            let reply = world.ask(BOT, &format!("{other} {asked}"), "{}").await;
            let known = methods.iter().any(|method| method.as_str() == other);
            assert_eq!(reply.status() == 405, !known, "{other} {path}");
            let documented = methods.iter().find(|method| method.as_str() == other);
            if let Some(documented) = documented.and_then(|method| operation(&document, path, *method)) {
                assert!(documented["responses"].get(reply.status().to_string()).is_some(), "{other} {path}: {}", reply.status());
            }
        }
    }
    let schemas = &document["components"]["schemas"];
    let one = world.create(BOT, json!({"owner": "c", "when": "true", "description": "d", "headers": {"X-A": "b"}})).await;
    let mut expected = names(&schemas["EndpointWithSecrets"]["properties"]);
    for rare in ["disabled", "failing_since"] {
        assert!(expected.remove(rare));
    }
    assert_eq!(names(&one), expected, "an endpoint with its secrets");
    let shown = json_of(&world.ask(BOT, &format!("GET /endpoints/{}", id(&one)), "").await);
    let without = expected.into_iter().filter(|name| !["secrets", "public_keys"].contains(&name.as_str())).collect();
    assert_eq!(names(&shown), without, "an endpoint without them");
    // Each documented field is taken, and no other.
    let value = |schema: &Value| match (&schema["type"], &schema["enum"][0]) {
        (_, Value::String(word)) => json!(word),
        (Value::String(kind), _) if kind == "boolean" => json!(true),
        (Value::String(kind), _) if kind == "object" => json!({}),
        (Value::String(kind), _) if kind == "array" => json!(["*"]),
        (Value::String(kind), _) if kind == "integer" => json!(1),
        _ if schema["format"] == "date-time" => json!("2026-12-01T10:00:00Z"),
        _ => json!("true"),
    };
    for (path, method, schema) in [
        ("/endpoints", Method::Post, "NewEndpoint"),
        ("/endpoints/{endpoint}", Method::Patch, "Patch"),
        ("/endpoints/{endpoint}/retry", Method::Post, "Retry"),
        ("/endpoints/{endpoint}/rotate", Method::Post, "Rotate"),
    ] {
        let reference =
            &operation(&document, path, method).unwrap()["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        assert_eq!(reference, &json!(format!("#/components/schemas/{schema}")));
        let fields: Vec<_> = schemas[schema]["properties"].as_object().unwrap().iter().collect();
        for (name, of) in fields.into_iter().map(|(name, of)| (name.as_str(), value(of))).chain([("odd", json!(1))]) {
            let mut body =
                if schema == "NewEndpoint" { json!({"url": "https://a.example.com/", "events": ["*"]}) } else { json!({}) };
            if name != "url" {
                body[name] = of;
            }
            let asked = path.replace("{endpoint}", id(&one));
            let reply = world.ask(BOT, &format!("{} {asked}", method.as_str()), &body.to_string()).await;
            assert_eq!(reply.body().contains("can't be read at line"), name == "odd", "{schema}.{name}: {}", reply.body());
        }
    }
}
