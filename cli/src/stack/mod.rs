//! Operators' access to a deployment: claims, contexts, stored events and dead letters are read and erased with the
//! operator's credentials. No function has these permissions, and none links this module.

mod dead_letters;
mod erase;
mod outgoing_letters;
mod read;
mod search;
mod stored_events;
mod subject_data;
mod webhooks;

pub use dead_letters::{DeadLetters, Letter, Receipt};
pub use erase::{Eraser, Erasure, NotErased};
pub use outgoing_letters::{OutgoingLetter, OutgoingLetters};
pub use read::{Reader, Send};
pub use search::{Found, Newest, Search};
pub use stored_events::StoredFound;
pub use subject_data::{Counts, SubjectData, Trail};
pub(crate) use webhooks::Webhooks;
