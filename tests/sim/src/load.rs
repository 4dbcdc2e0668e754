//! What providers send: the presets' samples and what differs from them a little.

use receiver::handshake;
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;
use tidings_config::provider::Provider;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;
use tidings_events::samples::{self, PresetSample};
use tidings_events::signable::Signable;

/// The beginning of every simulation: the samples' events happened shortly before.
pub(crate) const START: Timestamp = Timestamp::from_unix_ms(1_795_975_400_000);

/// A preset with samples that can be signed and read.
#[derive(Debug)]
pub(crate) struct Preset {
    pub(crate) signable: Signable,
    pub(crate) requests: Vec<Request>,
    /// Whether its provider sends again what got no 2xx.
    pub(crate) retries: bool,
}

/// A request that its provider may send.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) sample: PresetSample,
    pub(crate) keys: Vec<ClaimKey>,
    /// Whether the receiver reads all of its events.
    pub(crate) is_readable: bool,
}

struct Slot {
    provider: Provider,
    preset: OnceLock<Option<Preset>>,
}

static SLOTS: LazyLock<Vec<Slot>> = LazyLock::new(|| {
    let mut providers: Vec<Provider> = tidings_project::presets().to_vec();
    providers.sort_by(|one, other| one.name.cmp(&other.name));
    providers.into_iter().map(|provider| Slot { provider, preset: OnceLock::new() }).collect()
});

/// How many presets there are.
pub(crate) fn presets() -> usize {
    SLOTS.len()
}

/// The n-th preset, by name. `None`: none of its samples has an event that a simulation can use.
pub(crate) fn preset(nth: usize) -> Option<&'static Preset> {
    let slot = SLOTS.get(nth)?;
    slot.preset.get_or_init(|| Preset::of(&slot.provider)).as_ref()
}

impl Preset {
    fn of(provider: &Provider) -> Option<Self> {
        let signable = Signable::of(provider.clone());
        let mut requests = Vec::new();
        for sample in samples::of_preset(&provider.name) {
            requests.extend(Request::of(&signable, sample.clone()));
            requests.extend(sample.others.iter().filter_map(|other| Request::of(&signable, sample.changed(other))));
        }
        let retries = !provider.delivery.never_retried;
        (!requests.is_empty()).then_some(Self { signable, requests, retries })
    }
}

impl Request {
    /// `None`: it is no event, or another one at another time.
    fn of(signable: &Signable, sample: PresetSample) -> Option<Self> {
        let at = |time: Timestamp| {
            let request = signable.sign(&sample, time).ok()?;
            let delivery = request.delivery();
            let shakes = |signed| handshake::find(&signable.source, &delivery, signed).is_some();
            if shakes(false) || shakes(true) {
                return None;
            }
            let events = signable.events(&request, time).ok()?;
            let readable = events.iter().all(|event| event.envelope().unreadable().is_none());
            Some((events.iter().map(|event| event.envelope().claimkey.clone()).collect::<Vec<_>>(), readable))
        };
        let (keys, is_readable) = at(START)?;
        let is_stable = at(START.plus(Duration::from_secs(86_400))).is_some_and(|(later, _)| later == keys);
        (!keys.is_empty() && is_stable).then_some(Self { sample, keys, is_readable })
    }
}
