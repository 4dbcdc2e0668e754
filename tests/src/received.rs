//! Messages as Lambda's event source mapping hands them on.

use aws_lambda_events::event::sqs::SqsMessage;
use aws_sdk_sqs::types::Message;

/// The record of a received message.
pub fn record(message: &Message) -> SqsMessage {
    let mut record = SqsMessage::default();
    record.message_id = message.message_id.clone();
    record.receipt_handle = message.receipt_handle.clone();
    record.body = message.body.clone();
    record.attributes =
        message.attributes.iter().flatten().map(|(name, value)| (name.as_str().to_owned(), value.clone())).collect();
    record
}
