//! Reads the dead-letter queue with the real SDK and the embedded SQS. The messages stay, and become visible again.

use std::collections::BTreeSet;
use std::path::Path;
use tidings_cli::dev::cloud::{Cloud, Options};
use tidings_cli::stack::DeadLetters;
use tidings_core::claim::ClaimKey;

const LETTERS: usize = 25;

#[tokio::test]
async fn an_event_is_found_and_every_message_is_shown_again() {
    looked_through(None).await;
    let folder = std::env::temp_dir().join(format!("tidings-dead-letters-{}", std::process::id()));
    looked_through(Some(&folder)).await;
    std::fs::remove_dir_all(folder).expect("its folder");
}

/// In memory, or in a folder.
async fn looked_through(data: Option<&Path>) {
    let options = Options { dynamodb_port: 0, data, secrets: "{}", api_secrets: "{}", visibility_timeout_seconds: 30 };
    let cloud = Cloud::start(options).await.expect("the embedded cloud");
    let send = async |body: String| {
        cloud.sqs.send_message().queue_url(&cloud.dead_letter_queue_url).message_body(body).send().await.expect("an answer");
    };
    for n in 0..LETTERS {
        send(format!("{{\"claimkey\":\"orders#{n}\",\"n\":{n}}}")).await;
    }
    send("nothing of ours".to_owned()).await;
    let letters = DeadLetters::new(cloud.sqs.clone(), cloud.dead_letter_queue_url.clone());
    let key = |n: usize| ClaimKey::new("orders", &n.to_string());
    for n in [0, LETTERS - 2, LETTERS - 1] {
        let found = letters.find(&key(n)).await.expect("an answer");
        assert_eq!(found, Some(format!("{{\"claimkey\":\"orders#{n}\",\"n\":{n}}}")));
    }
    assert_eq!(letters.find(&key(LETTERS)).await.expect("an answer"), None);

    let mut bodies = BTreeSet::new();
    loop {
        let received =
            cloud.sqs.receive_message().queue_url(&cloud.dead_letter_queue_url).max_number_of_messages(10).send().await;
        let messages = received.expect("an answer").messages.unwrap_or_default();
        if messages.is_empty() {
            break;
        }
        bodies.extend(messages.into_iter().filter_map(|message| message.body));
    }
    assert_eq!(bodies.len(), LETTERS + 1);
}

#[tokio::test]
async fn a_missing_queue_is_an_error_that_names_the_call() {
    let options = Options { dynamodb_port: 0, data: None, secrets: "{}", api_secrets: "{}", visibility_timeout_seconds: 30 };
    let cloud = Cloud::start(options).await.expect("the embedded cloud");
    let letters = DeadLetters::new(cloud.sqs.clone(), format!("{}-gone", cloud.dead_letter_queue_url));
    assert_eq!(letters.find(&ClaimKey::new("orders", "1")).await.expect_err("no queue").call, "sqs:ReceiveMessage");
}
