//! What a reader sees of a rendered text is what its spans say, channel by channel. The readers are of the channels' published grammars.

mod documented;
mod examples;
mod expected;
mod property;
mod read;
