//! All stored data of a conversation (subject data), for `export` and `erase`.

use crate::Failure;
use crate::stack::{Reader, SubjectData, Trail};
use crate::target::{TargetOptions, unreadable};

/// Returns the subject data of a conversation, or an error if nothing is stored.
pub(super) async fn subject_data(reader: &Reader, conversation: &str, target: &TargetOptions) -> Result<SubjectData, Failure> {
    let subject_data =
        reader.subject_data(conversation, &Trail::default()).await.map_err(|error| unreadable(&target.at, &error))?;
    match &subject_data.linked_to {
        Some(to) => Err(identity_of(conversation, to)),
        None if subject_data.is_empty() => Err(Failure::new(format!("nothing is stored for {conversation:?}"))
            .hint("find an event's conversation with: tidings events show KEY")),
        None => Ok(subject_data),
    }
}

pub(super) fn identity_of(name: &str, conversation: &str) -> Failure {
    Failure::new(format!("{name:?} is an identity of {conversation:?}, which has all of its data"))
        .hint(format!("use that conversation: {conversation:?}"))
}
