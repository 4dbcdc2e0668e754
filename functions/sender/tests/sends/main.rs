//! What the sender does with actions, against queues, tables and providers in memory.

mod answers;
mod channels;
mod crashes;
mod crashing;
mod decisions;
mod forwards;
mod logs;
mod order;
mod redrives;
mod waits;
mod world;
