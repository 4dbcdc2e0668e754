//! Erasure and export of a conversation, with the real SDK, the embedded DynamoDB and data stored by the two functions.

mod export;
mod forgotten;
mod interfering;
mod interrupted;
mod world;
