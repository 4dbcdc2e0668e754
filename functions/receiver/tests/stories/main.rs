//! The replies that a provider sees, and what is durable then: the real receiver over stores in memory.

mod batches;
mod calls;
mod crashing;
mod encodings;
mod extraction;
mod gate;
mod heard;
mod identity;
mod logs;
mod outbox;
mod raw_events;
mod ready;
mod replies;
mod rotation;
mod secrets;
mod sizes;
mod splitting;
mod support;
mod tenants;
mod times;
mod unreadable;
mod windows;
