//! Lines of events that went well are sampled; metrics and lines about failures never are.

use crate::world::World;
use tidings_core::telemetry::Sampling;

#[tokio::test]
async fn an_event_that_is_not_sampled_has_metrics_and_no_line() {
    let mut world = World::sampling(Sampling::percent(0).expect("a percentage")).await;
    let event = world.event("order.shipped", 1);
    assert_eq!(world.deliver(&event).await, 202);
    let receiver = world.taken();
    assert!(receiver.line_bytes == 0 && receiver.metric_bytes > 0, "{receiver:?}");
    world.process(1).await;
    let processor = world.taken();
    assert!(processor.line_bytes == 0 && processor.metric_bytes > 0, "{processor:?}");
    assert_eq!(world.deliver(&event).await, 200);
    let duplicate = world.taken();
    assert!(duplicate.line_bytes == 0 && duplicate.metric_bytes > 0, "{duplicate:?}");
}

#[tokio::test]
async fn what_is_refused_or_was_received_before_has_its_line_whatever_the_share() {
    let mut world = World::sampling(Sampling::percent(0).expect("a percentage")).await;
    let forged = world.forged();
    assert_eq!(world.deliver(&forged).await, 401);
    assert!(world.taken().line_bytes > 0, "a refusal");
    let event = world.event("order.priced", 1);
    assert_eq!(world.deliver(&event).await, 202);
    world.taken();
    world.process_received(1, 2).await;
    assert!(world.taken().line_bytes > 0, "an event that had failed");
}
