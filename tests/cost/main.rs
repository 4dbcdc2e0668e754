//! What an event takes of AWS, counted on the embedded cloud with the deployed adapters; and that everything that quotes a
//! price or a count quotes these: `infra/cost`, the dashboard, README, docs/deploy.md.

mod counted;
mod counting;
mod flat;
mod pages;
mod sampled;
mod world;
