//! What a provider sees, and what is durable then: the real receiver over stores in memory.

mod batches;
mod calls;
mod encodings;
mod extraction;
mod identity;
mod logs;
mod mortal;
mod raw_events;
mod ready;
mod replies;
mod rotation;
mod secrets;
mod sizes;
mod splitting;
mod support;
mod times;
mod unreadable;
mod windows;
