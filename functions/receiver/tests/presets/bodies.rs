//! Forms, XML and binary bodies: hashed as received, then converted to data for the queue.

use crate::world::{NOW, World, preset};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tidings_core::envelope::Envelope;
use tidings_core::unreadable::Why;
use tidings_project::read_sources;

const SOURCES: &str = r#"
version: 1
sources:
  meter:
    scheme:
      algorithm: hmac-sha256
      signature: { from: "header:X-Signature", encoding: hex }
      message: "{header:X-Reading}.{body}"
    content_types: [application/octet-stream, application/x-protobuf]
    event: [{ id: "{header:X-Reading}", type: "meter.reading" }]
  books:
    scheme:
      algorithm: hmac-sha256
      signature: { from: "header:X-Signature", encoding: hex }
      message: "{body}"
    content_types: [text/xml, application/soap+xml]
    event: [{ id: "{json:order.@id}", type: "order.{json:order.state}", subject: "order/{json:order.@id}" }]
  basic:
    scheme:
      algorithm: token
      signature: { from: "header:Authorization", encoding: base64, written: { prefix: "Basic " } }
    event: [{ type: "{json:type}" }]
"#;

fn world() -> World {
    let sources = read_sources("sources.yaml", SOURCES, &[]).expect("sources");
    World::of(sources, json!({ "meter": "m", "books": "b", "basic": "user:pass:word" }), NOW)
}

fn data(envelope: &Envelope) -> Value {
    serde_json::from_str(envelope.data.get()).expect("JSON")
}

#[tokio::test]
async fn binary_bodies_travel_as_base64() {
    let world = world();
    let body: Vec<u8> = (0..=255).collect();
    let headers = [("content-type", "application/octet-stream"), ("x-reading", "r-1")];
    let signed = hmac_hex(b"m", &[b"r-1.", &body[..]].concat());
    let send = async |body: Vec<u8>, signature: &str| {
        let mut headers = headers.to_vec();
        headers.push(("x-signature", signature));
        world.ask("POST", "meter", &headers, body).await.status().as_u16()
    };
    assert_eq!(send(body.clone(), &signed).await, 202);
    let mut changed = body.clone();
    changed[0x80] ^= 1;
    assert_eq!(send(changed, &signed).await, 401, "not one byte is lost before it is hashed");
    let event = world.queued().remove(0);
    assert_eq!((event.event_type.as_str(), event.claimkey.as_str()), ("meter.reading", "meter#r-1"));
    assert_eq!((event.data_base64, event.data.get()), (Some(STANDARD.encode(&body)), "null"));
    assert_eq!(event.datacontenttype, "application/octet-stream");
    assert!(world.queue.messages()[0].bytes().all(|b| (b' '..=b'~').contains(&b)), "nothing that SQS refuses");
}

fn hmac_hex(key: &[u8], message: &[u8]) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    hex::encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn xml_becomes_an_object() {
    let world = world();
    let xml = ("content-type", "text/xml; charset=utf-8");
    let body = "<?xml version=\"1.0\"?>\n<order id=\"1042\"><state>shipped</state><item>a</item><item>b &amp; c</item></order>";
    assert_eq!(world.signed("books", &[xml], body).await.status(), 202);
    let event = world.queued().remove(0);
    assert_eq!((event.event_type.as_str(), event.subject.as_deref()), ("order.shipped", Some("order/1042")));
    assert_eq!(data(&event), json!({"order": {"@id": "1042", "state": "shipped", "item": ["a", "b & c"]}}));
    let bomb = "<!DOCTYPE a [<!ENTITY b \"c\">]><order id=\"1\"><state>&b;</state></order>";
    let answer = world.signed("books", &[xml], bomb).await;
    assert_eq!(answer.status(), 202);
    assert_eq!(world.queued()[1].unreadable().unwrap().why, Why::NotXml, "kept as it is, and not expanded");
}

#[tokio::test]
async fn characters_that_xml_allows_and_sqs_refuses_are_escaped() {
    let world = world();
    let body = "<order id=\"\u{1F4E6}\"><state>x\u{FFFD}\u{7F}</state></order>";
    assert_eq!(world.signed("books", &[("content-type", "text/xml")], body).await.status(), 202);
    assert_eq!(data(&world.queued()[0])["order"]["@id"], "\u{1F4E6}");
    let control = world.signed("books", &[("content-type", "text/xml")], "<order id=\"1\"><state>a&#8;b</state></order>").await;
    assert_eq!(control.status().as_u16(), 202);
    for message in world.queue.messages() {
        assert!(
            message.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..))
        );
    }
}

/// Braintree sends a form with XML in base64.
#[tokio::test]
async fn xml_inside_a_form_is_read() {
    let provider = preset("braintree");
    let vector = &provider.vectors[0];
    let world = World::of_vector(&provider, vector);
    assert!(world.send(vector).await.status().is_success());
    let event = world.queued().remove(0);
    assert_eq!(event.event_type, data(&event)["bt_payload"]["notification"]["kind"].as_str().unwrap());
}

#[tokio::test]
async fn a_secret_in_a_body_is_not_stored() {
    for (name, secret_at) in [("ms-graph", "clientState"), ("aircall", "token")] {
        let provider = preset(name);
        let vector = &provider.vectors[0];
        let world = World::of_vector(&provider, vector);
        assert!(world.send(vector).await.status().is_success(), "{name}");
        assert!(vector.body.contains(&vector.secret));
        for message in world.queue.messages() {
            assert!(!message.contains(&vector.secret) && !message.contains(secret_at), "{name}: {message}");
        }
    }
}

#[tokio::test]
async fn basic_auth_is_a_token() {
    let world = world();
    let body = r#"{"type":"a.b"}"#;
    let ask = async |value: &str| {
        world
            .ask("POST", "basic", &[("content-type", "application/json"), ("authorization", value)], body)
            .await
            .status()
            .as_u16()
    };
    // printf user:pass:word | base64
    assert_eq!(ask("Basic dXNlcjpwYXNzOndvcmQ=").await, 202);
    assert_eq!(ask("basic dXNlcjpwYXNzOndvcmQ=").await, 200, "the scheme's case says nothing");
    assert_eq!(ask("Basic dXNlcjpwYXNzOndvcmY=").await, 401);
    assert_eq!(ask("Bearer dXNlcjpwYXNzOndvcmQ=").await, 401);
}

/// Dropbox sends the same bytes each time something changes: within a minute they are one event, later another.
#[tokio::test]
async fn the_same_bytes_are_another_event_later() {
    let provider = preset("dropbox");
    let vector = &provider.vectors[0];
    let world = World::of_vector(&provider, vector);
    for (wait, known) in [(0, 1), (1, 1), (60, 2), (3_600, 3)] {
        world.wait(wait);
        assert!(world.send(vector).await.status().is_success());
        assert_eq!(world.queued().len(), known * world_events(&provider, vector), "after {wait} s more");
    }
}

fn world_events(provider: &tidings_config::provider::Provider, vector: &tidings_config::provider::Vector) -> usize {
    let body: Value = serde_json::from_str(&vector.body).unwrap();
    provider.events.iter().filter_map(|event| event.each.as_ref()).map(|each| each.places(&body, 100).len()).sum::<usize>().max(1)
}
