//! What becomes of a batch: the real processor over stores in memory.

mod batches;
mod commits;
mod dead;
mod deadline;
mod order;
mod races;
mod schemas;
mod stores;
mod support;
