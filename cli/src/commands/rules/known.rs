//! Events that are known of the configured sources, each with a name: those of the corpus, and those of the presets' samples.

use super::given;
use crate::Failure;
use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};
use tidings_config::source::Source;
use tidings_config::time::Timestamp;
use tidings_core::envelope::Envelope;
use tidings_events::samples::{self, PresetSample};
use tidings_events::signable::Signable;
use tidings_events::{Case, corpus};

/// An event by the name of its sample, as `stripe/checkout_paid`, or of its case in the corpus.
#[derive(Clone, Debug)]
pub(super) struct KnownEvent {
    pub(super) name: String,
    pub(super) envelope: Envelope,
}

/// Each is read once, when it is first asked for: those of all shipped sources are some thousand.
static SAMPLES: LazyLock<BTreeMap<&'static str, OnceLock<Vec<PresetSample>>>> =
    LazyLock::new(|| samples::presets().into_iter().map(|preset| (preset, OnceLock::new())).collect());

fn samples(preset: &str) -> &'static [PresetSample] {
    let read = |(preset, samples): (&&'static str, &'static OnceLock<_>)| samples.get_or_init(|| samples::of_preset(preset));
    SAMPLES.get_key_value(preset).map_or(&[], |known| read(known).as_slice())
}

/// Source and type of all that the samples say.
pub(super) fn sampled_types(sources: &[Source]) -> impl Iterator<Item = (&str, &str)> {
    let of_source = |source: &'_ Source| samples(&source.provider).iter().flat_map(|sample| &sample.events);
    sources.iter().flat_map(move |source| of_source(source).map(|event| (source.name.as_str(), event.event_type.as_str())))
}

/// What the receiver makes of the samples in which there is an event that is wanted, by source and type. A test reads all samples, so
/// that none is left out here because of a slip.
pub(super) fn of_samples(sources: &[Source], is_wanted: impl Fn(&str, &str) -> bool) -> Vec<KnownEvent> {
    let providers = receiver::configured::providers();
    let mut known = Vec::new();
    for source in sources {
        let Some(provider) = providers.iter().find(|provider| provider.name == source.provider) else { continue };
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

/// The events of the whole corpus, each once, in its order. A case that is there to fail says nothing of what its provider sends.
pub(super) fn of_corpus(now: Timestamp) -> Result<Vec<KnownEvent>, Failure> {
    let sources = receiver::configured::sources();
    let is_meant = |case: &&Case| case.expect.is_accepted() && case.expect.events.iter().all(|event| event.dead.is_none());
    let mut events = Vec::new();
    for case in corpus().cases.iter().filter(|case| !case.repeats).filter(is_meant) {
        let of_case = given::of_case(case, &sources, now)?;
        events.extend(of_case.into_iter().map(|envelope| KnownEvent { name: case.name.clone(), envelope }));
    }
    Ok(events)
}
