//! FIFO queues that take on messages of the actions queue: the bot's own, and the dead-letter queue.

use super::cause;
use crate::ports::{ForwardQueue, Forwarded, Unavailable};
use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::MessageAttributeValue;

/// [`ForwardQueue`] on SQS.
#[derive(Clone, Debug)]
pub struct SqsForwards {
    client: Client,
    url: String,
}

impl SqsForwards {
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }
}

#[async_trait]
impl ForwardQueue for SqsForwards {
    async fn forward(&self, message: &Forwarded) -> Result<(), Unavailable> {
        let mut send = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(&message.body)
            .message_group_id(&message.group)
            .message_deduplication_id(&message.deduplication);
        for (name, value) in &message.attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value);
            send = send.message_attributes(*name, value.build().expect("a type is set above"));
        }
        let sent = send.send().await;
        sent.map(|_| ()).map_err(|error| Unavailable { call: "sqs:SendMessage", cause: cause(&error) })
    }
}
