//! From a provider's POST to a changed context: the receiver, the queue and the processor together, with memory
//! adapters.

mod copies;
mod corpus;
mod faults;
mod faulty;
mod turns;
mod world;
