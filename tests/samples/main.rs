//! Providers' real deliveries, through the receiver's extraction and the processor.

mod permutations;
mod shipped;
mod world;
