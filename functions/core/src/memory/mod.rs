//! The ports in memory, with faults that a test can turn on in mid-flight. Held to the real adapters by the conformance
//! suite in `tests/`; never in a deployed binary (feature `memory`).

mod actions;
mod calls;
mod clock;
mod commit;
mod faults;
mod forwards;
mod https;
mod life;
pub mod log;
mod published;
mod queue;
mod records;
mod secrets;
mod sends;
mod store;
mod tenants;
mod timers;

pub use actions::MemoryActions;
pub use calls::MemoryCalls;
pub use clock::ManualClock;
pub use commit::noted;
pub use faults::{Call, Fault, Faults};
pub use forwards::MemoryForwards;
pub use https::MemoryHttps;
pub use life::{Life, Side};
pub use published::MemoryPublished;
pub use queue::{MemoryQueue, Place};
pub use records::{failed_ids, sqs_event, sqs_message};
pub use secrets::MemorySecrets;
pub use sends::MemorySends;
pub use store::MemoryStore;
pub use tenants::MemoryTenants;
pub use timers::MemoryTimers;
