//! action → channel → claim → request → answer: a Lambda function on the actions queue, which says actions to people.
//!
//! Promises: an action is said once: by its idempotency key where the provider takes one; else a request whose answer is
//! lost is [`Uncertain`](tidings_core::send::SendState::Uncertain), and never repeated by itself. The actions of a
//! conversation are said in order: what waits holds back those behind it, and nobody else's. What isn't the sender's goes
//! on to the bot's own queue; what can't be said goes to the dead-letter queue with its reason. Nothing disappears.
//! Never: a secret, a name of a person or a text in a log.
//!
//! The flow, one file each: [`lambda`] → `batch` → `incoming` → `prepare` → `decide` → `say` → `report`.

mod batch;
mod configuration;
pub mod decide;
mod incoming;
pub mod lambda;
mod pause;
mod prepare;
mod rate;
mod report;
mod say;
mod secrets;
mod tokens;

pub use configuration::SenderPart;

use crate::rate::Rates;
use crate::secrets::Secrets;
use crate::tokens::Tokens;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard};
use tidings_config::time::Clock;
use tidings_core::breaker::Breaker;
use tidings_core::ports::{ForwardQueue, HttpsCall, MessageVisibility, SecretStore, SendStore};
use tidings_outgoing::{AwsIdentity, ConfiguredChannel};

/// The type of an action that a rule emits for the sender: its data has the channel's fields.
pub const SEND_TYPE: &str = "tidings.send";

/// The message attributes of what the sender dead-letters.
pub mod attribute {
    /// Why it isn't sent.
    pub const REASON: &str = "tidings-reason";
    /// `refused` or `uncertain`.
    pub const STATE: &str = "tidings-state";
    /// The channel's name in `channels.yaml`.
    pub const CHANNEL: &str = "tidings-channel";
    /// How often it was dead-lettered. A redrive keeps it, and so says which refusal the operator overrules.
    pub const DEAD: &str = "tidings-dead";
}

/// What the sender needs of the outside.
#[derive(Debug)]
pub struct Ports {
    pub sends: Arc<dyn SendStore>,
    /// The bot's own queue.
    pub bot: Arc<dyn ForwardQueue>,
    /// The actions' dead-letter queue.
    pub dead_letters: Arc<dyn ForwardQueue>,
    /// The actions queue.
    pub visibility: Arc<dyn MessageVisibility>,
    pub secrets: Arc<dyn SecretStore>,
    pub https: Arc<dyn HttpsCall>,
    pub clock: Arc<dyn Clock>,
}

/// The sender with its dependencies. What it remembers between batches (tokens, breakers, rates) is its process's own.
#[derive(Debug)]
pub struct Sender {
    channels: Vec<ConfiguredChannel>,
    ports: Ports,
    aws: Option<AwsIdentity>,
    secrets: Secrets,
    tokens: Tokens,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    breakers: BTreeMap<String, Breaker>,
    rates: Rates,
}

impl Sender {
    /// `concurrency`: how many processes share a channel's rate. `aws`: the function's role, which signs requests to AWS.
    pub fn new(channels: Vec<ConfiguredChannel>, ports: Ports, concurrency: NonZeroU32, aws: Option<AwsIdentity>) -> Self {
        let secrets = Secrets::new(Arc::clone(&ports.secrets), Arc::clone(&ports.clock));
        let state = Mutex::new(State { breakers: BTreeMap::new(), rates: Rates::shared_by(concurrency) });
        Self { channels, ports, aws, secrets, tokens: Tokens::default(), state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this")
    }
}
