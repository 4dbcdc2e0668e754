//! Refuses a request whose signed text is one that a handshake signs for any caller: its signature proves nothing.
//!
//! The check uses the predicate by which the handshake accepts a challenge, for every scheme and every format of the
//! body. So no text can have both a MAC from a handshake and an accepted request.

use super::message::Values;
use super::{Key, Rejection};
use tidings_config::handshake::Answer;

pub(super) fn is_handed_out(values: &Values<'_>, key: &Key) -> Result<bool, Rejection> {
    let told = values.source.macs().chain(key.shared_answers());
    told.map(|answer| is_taken(answer, values, key)).try_fold(false, |any, one| Ok(any || one?))
}

/// Whether the handshake would give this answer to the signed text. A token signs nothing.
fn is_taken(answer: &Answer, values: &Values<'_>, key: &Key) -> Result<bool, Rejection> {
    let (mut bytes, mut all) = (0, true);
    let mut look = |piece: &[u8]| {
        bytes += piece.len();
        all = all && piece.iter().all(|byte| answer.takes(*byte));
    };
    match (&values.scheme.message, values.token) {
        (Some(message), _) => values.feed(message, Some(key), &mut look)?,
        (None, Some(token)) => look(token.signed()),
        (None, None) => return Ok(false),
    }
    Ok(all && answer.takes_length(bytes))
}
