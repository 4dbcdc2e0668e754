//! A verified request becomes events: who they are, what they are about, whose and when.

use crate::support::{ACCEPTED, Harness};
use std::collections::BTreeMap;
use tidings_core::time::Timestamp;
use tidings_events::corpus;

#[tokio::test]
async fn every_case_of_the_corpus_becomes_the_events_that_it_names() {
    for case in corpus().cases.iter().filter(|case| case.tamper.is_none() && !case.repeats && case.expect.status == 202) {
        let harness = Harness::warm().await;
        assert_eq!(harness.send(&harness.case(&case.name)).await.said(), ACCEPTED, "{}", case.name);
        let events = harness.queued();
        assert_eq!(events.len(), case.expect.events.len(), "{}", case.name);
        for (event, expected) in events.iter().zip(&case.expect.events) {
            assert!(event.claimkey.as_str().starts_with(&expected.key), "{}: {}", case.name, event.claimkey);
            assert_eq!(event.event_type, expected.event_type, "{}", case.name);
            let (claim, body) = (harness.claim(event.claimkey.as_str()).expect("it is claimed"), case.body());
            assert_eq!(
                (claim.event_id.as_deref(), claim.subject),
                (Some(event.id.as_str()), event.subject.clone()),
                "{}",
                case.name
            );
            println!("{:?}", (&case.name, &event.id, &event.subject, &event.time.map(|t| t.to_string()), &event.conversation, &event.sequence, &event.partitionkey));
            if events.len() == 1 && event.source_name() != "whatsapp" {
                assert_eq!(event.data.get().as_bytes(), body.trim_ascii(), "{}: byte for byte", case.name);
            }
            if let Some(conversation) = &event.conversation {
                assert_eq!(Some(conversation), expected.conversation.as_ref(), "{}: the rules say the same", case.name);
            }
        }
    }
}
