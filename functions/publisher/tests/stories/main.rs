//! The publisher over stores in memory, with servers that answer as a test says.

mod crashes;
mod disabled;
mod isolation;
mod matching;
mod retries;
mod signatures;
mod sinks;
mod support;
