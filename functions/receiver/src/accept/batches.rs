//! Splits messages into batches: in order, each batch as full as SQS accepts, so that there are as few as possible.

use tidings_config::limits::{MAX_BATCH_BYTES, MAX_BATCH_MESSAGES};

/// The batches to send. A message that exceeds every batch gets a batch of its own, which SQS refuses.
pub(super) fn batches<'a>(messages: &'a [&'a str]) -> impl Iterator<Item = &'a [&'a str]> {
    let mut rest = messages;
    std::iter::from_fn(move || {
        let (batch, later) = rest.split_at(first_batch(rest));
        rest = later;
        (!batch.is_empty()).then_some(batch)
    })
}

/// How many of these messages fit into the first batch.
fn first_batch(messages: &[&str]) -> usize {
    let mut bytes = 0;
    let fits = |message: &&&str| {
        bytes += message.len();
        bytes <= MAX_BATCH_BYTES
    };
    let fitting = messages.iter().take(MAX_BATCH_MESSAGES).take_while(fits).count();
    fitting.max(messages.len().min(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The number of messages in each batch, for messages of these lengths.
    fn sizes(lengths: &[usize]) -> Vec<usize> {
        let messages: Vec<String> = lengths.iter().map(|&bytes| "x".repeat(bytes)).collect();
        let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
        batches(&messages).map(<[&str]>::len).collect()
    }

    #[test]
    fn a_batch_has_at_most_ten_messages() {
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&[1; 1]), [1]);
        assert_eq!(sizes(&[1; MAX_BATCH_MESSAGES]), [MAX_BATCH_MESSAGES]);
        assert_eq!(sizes(&[1; MAX_BATCH_MESSAGES + 1]), [MAX_BATCH_MESSAGES, 1]);
        assert_eq!(sizes(&[1; 25]), [10, 10, 5]);
    }

    #[test]
    fn a_batch_has_at_most_one_mebibyte() {
        assert_eq!(sizes(&[MAX_BATCH_BYTES - 7, 7]), [2]);
        assert_eq!(sizes(&[MAX_BATCH_BYTES - 7, 8]), [1, 1]);
        assert_eq!(sizes(&[MAX_BATCH_BYTES; 2]), [1, 1]);
        assert_eq!(sizes(&[7, MAX_BATCH_BYTES - 6, 7, 7]), [1, 1, 2], "in order: a later message fills no gap");
    }

    #[test]
    fn bytes_count_and_not_characters() {
        let half = "é".repeat(MAX_BATCH_BYTES / 4);
        assert_eq!(batches(&[&half, &half]).count(), 1);
        assert_eq!(batches(&[&half, &half, "x"]).count(), 2);
    }

    #[test]
    fn a_too_large_message_is_alone_and_not_left_out() {
        assert_eq!(sizes(&[1, MAX_BATCH_BYTES + 1, 1]), [1, 1, 1]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn all_are_sent_in_order_and_no_batch_has_room_for_the_next(
            lengths in proptest::collection::vec(1..MAX_BATCH_BYTES / 3, 0..40),
        ) {
            let messages: Vec<String> = lengths.iter().map(|&bytes| "x".repeat(bytes)).collect();
            let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
            let batches: Vec<&[&str]> = batches(&messages).collect();
            prop_assert_eq!(batches.concat(), messages.clone());
            let bytes = |batch: &[&str]| batch.iter().map(|m| m.len()).sum::<usize>();
            for (n, batch) in batches.iter().enumerate() {
                prop_assert!(batch.len() <= MAX_BATCH_MESSAGES && bytes(batch) <= MAX_BATCH_BYTES);
                if let Some(next) = batches.get(n + 1) {
                    prop_assert!(batch.len() == MAX_BATCH_MESSAGES || bytes(batch) + next[0].len() > MAX_BATCH_BYTES);
                }
            }
        }
    }
}
