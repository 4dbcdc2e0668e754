//! Known events of the configured sources, each with a name: those of the corpus, and those of the presets' samples.

use super::given;
use crate::Failure;
use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};
use tidings_config::source::{OWN, Source};
use tidings_config::time::Timestamp;
use tidings_core::envelope::Envelope;
use tidings_events::Case;
use tidings_events::samples::{self, PresetSample};
use tidings_events::signable::Signable;
use tidings_project::preset;

/// An event with the name of its sample, as in `stripe/checkout_paid`, or of its case in the corpus.
#[derive(Clone, Debug)]
pub(super) struct KnownEvent {
    pub(super) name: String,
    pub(super) envelope: Envelope,
}

/// The samples of a preset are read at their first use: all presets together have some thousand.
static SAMPLES: LazyLock<BTreeMap<&'static str, OnceLock<Vec<PresetSample>>>> =
    LazyLock::new(|| samples::presets().into_iter().map(|preset| (preset, OnceLock::new())).collect());

fn samples(preset: &str) -> &'static [PresetSample] {
    let read =
        |(preset, samples): (&&'static str, &'static OnceLock<_>)| samples.get_or_init(|| samples::known_of_preset(preset));
    SAMPLES.get_key_value(preset).map_or(&[], |known| read(known).as_slice())
}

/// Source and type of all events in the samples. A source whose sender chooses the types has none.
pub(super) fn sampled_types(sources: &[Source]) -> impl Iterator<Item = (&str, &str)> {
    let of_source = |source: &'_ Source| samples(&source.provider).iter().flat_map(|sample| &sample.events);
    sources.iter().flat_map(move |source| of_source(source).map(|event| (source.name.as_str(), event.event_type.as_str())))
}

/// The events that the receiver reads from the samples that contain a wanted event, by source and type. A test reads
/// all samples, so that no error leaves one out here.
pub(super) fn of_samples(sources: &[Source], is_wanted: impl Fn(&str, &str) -> bool) -> Vec<KnownEvent> {
    let mut known = Vec::new();
    for source in sources {
        let Some(provider) = preset(&source.provider) else { continue };
        let mut signable = Signable::of(provider.clone());
        signable.source = Source { name: source.name.clone(), events: source.events.clone(), ..signable.source };
        let at = given::noon();
        for sample in
            samples(&source.provider).iter().filter(|sample| sample.events.iter().any(|e| is_wanted(&source.name, &e.event_type)))
        {
            let name = format!("{}/{}", provider.name, sample.name);
            known.extend(read(&signable, sample, at).into_iter().map(|envelope| KnownEvent { name: name.clone(), envelope }));
        }
    }
    known
}

fn read(signable: &Signable, sample: &PresetSample, at: Timestamp) -> Vec<Envelope> {
    let request = signable.sign(sample, at).ok();
    let events = request.and_then(|request| signable.events(&request, at).ok()).unwrap_or_default();
    events.into_iter().map(|event| event.envelope().clone()).filter(|envelope| envelope.unreadable().is_none()).collect()
}

/// The events of the whole corpus, each once, in its order. Cases that are made to fail are left out: they show nothing
/// about the provider's events. So are those of a preset whose senders choose the types.
pub(super) fn of_corpus(sources: &[Source], now: Timestamp) -> Result<Vec<KnownEvent>, Failure> {
    let is_meant = |case: &&Case| case.expect.is_accepted() && case.expect.events.iter().all(|event| event.dead.is_none());
    let provider = |name: &str| sources.iter().find(|source| source.name == name).map(|source| source.provider.as_str());
    let is_known = |case: &&Case| provider(&case.source).is_some_and(|preset| preset == OWN || !samples(preset).is_empty());
    let mut events = Vec::new();
    for case in given::cases(sources).filter(|case| !case.repeats).filter(is_meant).filter(is_known) {
        let of_case = given::of_case(case, sources, now)?;
        events.extend(of_case.into_iter().map(|envelope| KnownEvent { name: case.name.clone(), envelope }));
    }
    Ok(events)
}
