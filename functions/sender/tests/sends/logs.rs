//! What is logged: one line a message, and nothing secret or personal.

use crate::world::{SECRET, World, notify};
use tidings_core::memory::log;
use tidings_core::memory::{Call, Fault};
use tidings_core::telemetry::Metric;

#[tokio::test]
async fn lines_show_no_secret_no_text_and_no_name() {
    log::capture();
    let world = World::new();
    world.put(&notify("a", "telegram:4711", "canary text"));
    world.faults.fail(Call::Call, Fault::Refuse, 1);
    world.settle().await;
    world.provider.answer(403, &[], r#"{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}"#);
    world.put(&notify("b", "telegram:4711", "canary text"));
    world.settle().await;
    assert_eq!(log::lines_with(&["outcome=\"sent\""]), 1);
    assert_eq!(log::lines_with(&["outcome=\"refused\"", "Forbidden: bot was blocked by the user"]), 1);
    for secret in [SECRET, "canary", "4711"] {
        assert_eq!(log::lines_with(&[secret]), 0, "{secret}: {:#?}", log::lines());
    }
    let count = |metric| log::counted(metric).len();
    assert_eq!([count(Metric::Sent), count(Metric::SendRetried), count(Metric::SendRefused)], [1, 1, 1]);
}

#[test]
fn debug_shows_no_secret() {
    let world = World::new();
    let shown = format!("{:?}", world.sender);
    assert!(!shown.contains("canary"), "{shown}");
}
