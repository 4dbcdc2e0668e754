//! The metric of sources that must not be silent.

use crate::support::Harness;
use tidings_core::memory::log::counted;
use tidings_core::telemetry::Metric;

#[tokio::test]
async fn only_an_authentic_request_of_an_expected_source_is_heard() {
    let harness = Harness::warm().await;
    let heard = || counted(Metric::Heard).len();
    harness.send(&harness.signed("plain", r#"{"id":"1"}"#)).await;
    assert_eq!(heard(), 0, "what is off emits nothing");
    harness.send(&harness.signed_with("expected", "a forger's", r#"{"id":"1"}"#)).await;
    assert_eq!(heard(), 0, "a forged request isn't the provider");
    harness.send(&harness.signed("expected", r#"{"id":"1"}"#)).await;
    assert_eq!(counted(Metric::Heard), [("expected".to_owned(), String::new(), 1)]);
    harness.send(&harness.signed("expected", r#"{"id":"1"}"#)).await;
    assert_eq!(heard(), 2, "a duplicate is authentic, too");
}
