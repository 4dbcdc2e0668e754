//! What a provider sees, and what is durable then: the real receiver over stores in memory.

mod batches;
mod calls;
mod extraction;
mod logs;
mod mortal;
mod ready;
mod replies;
mod rotation;
mod secrets;
mod sizes;
mod support;
mod windows;
