//! Erasing and exporting a conversation, on the real SDK over the embedded DynamoDB, with what the two functions have stored there.

mod export;
mod forgotten;
mod interfering;
mod interrupted;
mod world;
