//! The types of events that a preset gives, each as its first sample has it.

use super::{PresetSample, SampleEvent, SampleKey};
use crate::signable;
use serde_json::value::RawValue;
use tidings_core::config::provider::Provider;
use tidings_core::time::Timestamp;

/// A time that every sample is young at, and none is of the future: it is in no text that is made of them.
const NOW: Timestamp = Timestamp::from_unix_ms(1_795_975_400_000);

/// A type of event, by example.
#[derive(Clone, Copy, Debug)]
pub struct Kind<'a> {
    pub event: &'a SampleEvent,
    pub sample: &'a PresetSample,
    /// The event's place among the sample's.
    place: usize,
}

/// Each type once, in the order of the samples. What can't be read is no type of the provider's.
pub fn kinds(samples: &[PresetSample]) -> Vec<Kind<'_>> {
    let mut kinds: Vec<Kind<'_>> = Vec::new();
    for sample in samples {
        for (place, event) in sample.events.iter().enumerate() {
            let is_known = kinds.iter().any(|kind| kind.event.event_type == event.event_type);
            if !is_known && event.key != SampleKey::Unreadable {
                kinds.push(Kind { event, sample, place });
            }
        }
    }
    kinds
}

impl Kind<'_> {
    /// `data` as rules see it: what the receiver makes of the sample. `None` where that is no JSON, or not this event: a test
    /// checks that it is.
    pub fn data(&self, provider: &Provider) -> Option<Box<RawValue>> {
        let (source, secret) = signable::source(provider);
        let signed = self.sample.request(provider).and_then(|request| request.sign(&source, &secret, NOW, None)).ok()?;
        let event = signed.events(&source, &secret, NOW).into_iter().nth(self.place)?;
        (event.event_type == self.event.event_type && event.data_base64.is_none()).then_some(event.data)
    }
}
