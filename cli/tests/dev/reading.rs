//! A bot reads the context of a running `dev` over HTTP, as it would from a deployed stack.

use crate::support::{Dev, json};
use serde_json::{Map, Value, json};

/// A `dev` with Ann's order, linked to her, and facts from its payment and its warehouse.
fn paid_and_packed() -> Dev {
    let dev = Dev::start(&[]);
    for (case, key) in
        [("stripe-checkout-completed", "stripe#evt_1TidingsCheckout1042"), ("orders-inventory-reserved", "orders#ord-evt-3000")]
    {
        assert!(dev.send(&["--case", case]).status.success(), "{case}");
        dev.claim(key, "processed");
    }
    dev
}

fn get(dev: &Dev, path: &str, token: Option<&str>) -> (u16, Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let request = agent.get(format!("{}{path}", dev.webhooks));
    let request = token.iter().fold(request, |request, token| request.header("Authorization", format!("Bearer {token}")));
    let mut answer = request.call().expect("an answer");
    let text = answer.body_mut().read_to_string().expect("text");
    (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// The values of what `context show --json` prints, by entity.
fn values(shown: &Value) -> Value {
    let of = |facts: &Value| -> Value {
        let facts = facts.as_object().expect("facts").iter();
        facts.map(|(name, fact)| (name.clone(), fact["value"].clone())).collect::<Map<_, _>>().into()
    };
    let entities = shown["context"]["entities"].as_object().expect("entities").iter();
    entities.map(|(entity, facts)| (entity.clone(), of(facts))).collect::<Map<_, _>>().into()
}

#[test]
fn the_read_api_agrees_with_context_show() {
    let dev = paid_and_packed();
    let ann = "/context/whatsapp%3A491713920012";
    assert_eq!(get(&dev, ann, None).0, 401);
    assert_eq!(get(&dev, ann, Some("a-token-that-is-not-of-this-dev-at-all")).0, 401);
    let (status, answer) = get(&dev, ann, Some(&dev.token));
    let shown = json(&dev.ask(&["context", "show", "whatsapp:491713920012", "--json"]));
    assert_eq!((status, &answer["conversation"]), (200, &json!("whatsapp:491713920012")));
    assert_eq!(answer["entities"], values(&shown));
    assert_eq!(answer["node"], shown["context"]["node"]["value"]);
    assert!(answer["entities"]["order/1042"]["payment"].is_string() && answer.get("details").is_none(), "{answer}");
    let (_, detailed) = get(&dev, &format!("{ann}?details=true"), Some(&dev.token));
    assert_eq!(
        detailed["details"]["entities"]["order/1042"].as_object().map(Map::len),
        answer["entities"]["order/1042"].as_object().map(Map::len)
    );
    assert_eq!(
        get(&dev, "/context/nobody", Some(&dev.token)).1,
        json!({"conversation": "nobody", "entities": {}, "identities": []})
    );
}

/// An identity's partition contains only a link. The command and the API both follow it.
#[test]
fn an_identity_is_read_as_the_conversation_that_it_is_linked_to() {
    let dev = paid_and_packed();
    let shown = json(&dev.ask(&["context", "show", "order:1042", "--json"]));
    assert_eq!(shown["context"]["conversation"], "whatsapp:491713920012");
    let (_, answer) = get(&dev, "/context/order%3A1042", Some(&dev.token));
    assert_eq!((&answer["conversation"], &answer["entities"]), (&json!("whatsapp:491713920012"), &values(&shown)));
}
