//! Sends each message to the queue that takes it. A dead-lettered link was sent to the events queue by mistake, or by a
//! program from the time before links had their own queue: in the events queue it would be dead-lettered again. The
//! other direction doesn't occur: the links queue has its own dead-letter queue, so no message that a program sent
//! there can become an event.

use async_trait::async_trait;
use tidings_core::external_link::ExternalLink;
use tidings_core::ports::{EventQueue, Unavailable};
use tidings_core::trace::Trace;

/// The queues of a stack. `links` is `None` if the stack has no links queue yet and takes links in its events queue.
#[derive(Debug)]
pub(super) struct RoutedQueues<E, L> {
    pub(super) events: E,
    pub(super) links: Option<L>,
}

#[async_trait]
impl<E: EventQueue, L: EventQueue> EventQueue for RoutedQueues<E, L> {
    async fn send(&self, messages: &[&str], trace: Option<&Trace>) -> Vec<Result<(), Unavailable>> {
        let Some(links) = &self.links else { return self.events.send(messages, trace).await };
        let is_link: Vec<bool> = messages.iter().map(|message| ExternalLink::read(message, None).is_some()).collect();
        let of = |wanted: bool| -> Vec<&str> {
            messages.iter().zip(&is_link).filter(|(_, is)| **is == wanted).map(|(message, _)| *message).collect()
        };
        let mut told = send(links, &of(true), trace).await.into_iter();
        let mut others = send(&self.events, &of(false), trace).await.into_iter();
        let unanswered =
            || Err(Unavailable { call: "sqs:SendMessage", cause: "SQS returned no result for this message".to_owned() });
        let answers = is_link.iter().map(|is_link| if *is_link { told.next() } else { others.next() });
        answers.map(|answer| answer.unwrap_or_else(unanswered)).collect()
    }
}

async fn send(queue: &impl EventQueue, messages: &[&str], trace: Option<&Trace>) -> Vec<Result<(), Unavailable>> {
    if messages.is_empty() { Vec::new() } else { queue.send(messages, trace).await }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tidings_config::time::Timestamp;
    use tidings_core::memory::{Call, Fault, Faults, MemoryQueue};

    fn link() -> String {
        let (identity, conversation) = ("customer:c1".to_owned(), "ann".to_owned());
        ExternalLink { id: "crm-77".to_owned(), time: Timestamp::from_unix_ms(1), identity, conversation, moves: false }.encode()
    }

    #[tokio::test]
    async fn a_link_goes_to_its_own_queue_and_answers_keep_their_places() {
        let (faults, link) = (Arc::new(Faults::default()), link());
        let queues = RoutedQueues { events: MemoryQueue::default(), links: Some(MemoryQueue::new(Arc::clone(&faults))) };
        faults.fail(Call::Send, Fault::Refuse, 1);
        let sent = queues.send(&["one", &link, "two"], None).await;
        assert_eq!(sent.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true], "the links queue refuses");
        assert!(queues.send(&[&link], None).await[0].is_ok());
        assert_eq!(queues.events.messages(), ["one", "two"]);
        assert_eq!(queues.links.expect("one").messages(), [link]);
    }

    #[tokio::test]
    async fn a_stack_without_a_links_queue_takes_links_among_its_events() {
        let (queues, link) = (RoutedQueues { events: MemoryQueue::default(), links: None::<MemoryQueue> }, link());
        assert!(queues.send(&[&link, "one"], None).await.iter().all(Result::is_ok));
        assert_eq!(queues.events.messages(), [link.as_str(), "one"]);
    }
}
