//! Events of tenants: rules see whose they are, and two tenants share nothing that no rule says.

use crate::support::{Harness, MAX_RECEIVES, message, now};
use serde_json::json;
use serde_json::value::to_raw_value;
use tidings_config::tenant::TenantName;
use tidings_core::claim::{ClaimKey, ClaimState, sender};
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};
use tidings_project::read_rules;

const RULES: &str = r#"
version: 1
conversations:
  - { on: named, conversation: "event.tenant + ':' + data.who" }
rules:
  - { name: acme, on: "*", when: "has(event.tenant) && event.tenant == 'acme'", set: { whose: event.tenant } }
  - { name: others, on: "*", when: "!has(event.tenant) || event.tenant != 'acme'", set: { whose: "'another'" } }
"#;

/// As the receiver queues it.
fn event(tenant: Option<&str>, event_type: &str, conversation: Option<&str>) -> Envelope {
    let tenant: Option<TenantName> = tenant.map(|name| name.parse().unwrap());
    Envelope::new(NewEnvelope {
        id: "e1".to_owned(),
        source: "shops".to_owned(),
        event_type: event_type.to_owned(),
        subject: Some("order/1".to_owned()),
        time: None,
        conversation: conversation.map(str::to_owned),
        sequence: None,
        received: now(),
        claim_key: ClaimKey::from_signed_id(&sender("shops", tenant.as_ref()), "e1"),
        traceparent: None,
        payload: Payload::Json(to_raw_value(&json!({"who": "ann"})).unwrap()),
    })
    .of_tenant(tenant.as_ref())
}

fn harness() -> Harness {
    Harness::with(read_rules("rules.yaml", RULES, &["shops".to_owned()]).unwrap_or_else(|report| panic!("{report}")), |store| {
        store
    })
}

#[tokio::test]
async fn rules_see_the_tenant_and_two_tenants_share_no_conversation_and_no_entity() {
    for (event_type, conversation, contexts) in [
        ("named", None, ["acme:ann", "globex:ann"]),
        ("preset", Some("shop:ann"), ["tenant/acme/shop:ann", "tenant/globex/shop:ann"]),
        ("entity", None, ["tenant/acme/entity:shops/order/1", "tenant/globex/entity:shops/order/1"]),
    ] {
        let harness = harness();
        for tenant in ["acme", "globex"] {
            assert_eq!(
                harness.handle(vec![message("m", &event(Some(tenant), event_type, conversation).encode(), 1)]).await,
                [""; 0]
            );
        }
        for (tenant, context, whose) in [("acme", contexts[0], "acme"), ("globex", contexts[1], "another")] {
            let claim = harness.claim(&format!("shops/{tenant}#e1")).unwrap();
            assert_eq!((claim.state, claim.conversation.as_deref()), (ClaimState::Processed, Some(context)), "{event_type}");
            assert_eq!(claim.source, "shops");
            assert_eq!(harness.fact(context, "order/1", "whose"), json!(whose), "{event_type}");
        }
    }
}

#[tokio::test]
async fn an_event_of_a_source_without_tenants_has_none_in_rules() {
    let harness = harness();
    assert_eq!(harness.handle(vec![message("m", &event(None, "entity", None).encode(), 1)]).await, [""; 0]);
    assert_eq!(harness.fact("entity:shops/order/1", "order/1", "whose"), json!("another"));
}

#[tokio::test]
async fn a_processor_of_the_version_before_refuses_a_tenants_event() {
    let event = event(Some("acme"), "entity", None).encode();
    assert!(event.contains("\"tidingsversion\":4"), "it reads 1 to 3, and would give it to the source: {event}");
    let newer = event.replace("\"tidingsversion\":4", "\"tidingsversion\":5");
    assert_eq!(harness().handle(vec![message("m", &newer, MAX_RECEIVES)]).await, ["m"]);
}
