//! One endpoint's failure delays no other's webhooks.

use crate::support::{HOUR, World, all_at_once, endpoint, event, status};
use std::time::Duration;
use tidings_config::time::Clock;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_hundred_dead_endpoints_do_not_delay_a_healthy_one() {
    let dead = (0..100).map(|n| endpoint(&format!("dead-{n}")));
    let world = World::new(dead.chain([endpoint("healthy")]).collect());
    *world.servers.slow.lock().unwrap() = Some(("dead", Duration::from_secs(3_600)));
    for n in 0..5 {
        world.publish(&event(&format!("e{n}"))).await;
        let started = Instant::now();
        all_at_once(&world).await;
        assert!(started.elapsed() <= Duration::from_secs(11), "an attempt is bounded: {:?}", started.elapsed());
        world.clock.advance(Duration::from_secs(1));
        let healthy = world.servers.calls_to("healthy");
        assert_eq!(healthy.len(), n + 1);
        assert_eq!(healthy[n].0, world.clock.now().minus(Duration::from_secs(1)), "in the moment of its event");
    }
    assert_eq!(world.states()["delivered"], 5);
}

#[tokio::test(start_paused = true)]
async fn a_slow_endpoint_in_a_batch_holds_up_no_other_attempt_of_it() {
    let world = World::new((0..9).map(|n| endpoint(&format!("dead-{n}"))).chain([endpoint("healthy")]).collect());
    *world.servers.slow.lock().unwrap() = Some(("dead", Duration::from_secs(3_600)));
    world.publish(&event("e1")).await;
    let all = async {
        all_at_once(&world).await;
    };
    let at_once = async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        world.servers.calls_to("healthy").len()
    };
    let ((), called) = tokio::join!(all, at_once);
    assert_eq!(called, 1);
}

#[tokio::test]
async fn endpoints_that_fail_hold_no_message_while_they_wait_for_hours() {
    let dead = (0..100).map(|n| endpoint(&format!("dead-{n}")));
    let world = World::new(dead.chain([endpoint("healthy")]).collect());
    world.servers.answer(|call, _| status(if call.url.contains("dead") { 500 } else { 200 }));
    world.publish(&event("e1")).await;
    world.pass(Duration::from_secs(600)).await;
    assert_eq!(world.queue.messages(), [""; 0]);
    world.pass(HOUR * 40).await;
    assert_eq!((world.states()["failed"], world.states()["delivered"]), (100, 1));
}
