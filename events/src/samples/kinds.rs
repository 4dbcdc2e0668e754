//! The types of events that a preset gives, each as its first sample has it.

use super::{PresetSample, SampleEvent, SampleKey};
use crate::signable::Signable;
use serde_json::value::RawValue;
use tidings_config::time::Timestamp;

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
    /// `data` as rules see it: what the receiver makes of the sample. `None` where that is no JSON, or no event of this type: a test
    /// checks that it is.
    pub fn data(&self, preset: &Signable) -> Option<Box<RawValue>> {
        let request = preset.sign(self.sample, NOW).ok()?;
        let event = preset.events(&request, NOW).ok()?.into_iter().nth(self.place)?;
        let envelope = event.envelope();
        let is_it = envelope.event_type == self.event.event_type && envelope.data_base64.is_none();
        is_it.then(|| envelope.data.clone())
    }
}
