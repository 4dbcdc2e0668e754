//! What becomes of a batch: the real processor over stores in memory.

mod actions;
mod batches;
mod bounds;
mod commits;
mod costs;
mod dead;
mod deadline;
mod enrich;
mod facts;
mod isolation;
mod joins;
mod kept;
mod links;
mod long;
mod metrics;
mod openings;
mod order;
mod outages;
mod properties;
mod races;
mod recovery;
mod schemas;
mod stores;
mod support;
mod ties;
mod year;
