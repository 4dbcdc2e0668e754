//! The event types of a preset, each with its first sample.

use super::{PresetSample, SampleEvent, SampleKey};
use crate::signable::Signable;
use serde_json::value::RawValue;
use tidings_config::time::Timestamp;

/// A time at which every sample is recent and none is in the future. No generated text contains it.
const NOW: Timestamp = Timestamp::from_unix_ms(1_795_975_400_000);

/// An event type with an example.
#[derive(Clone, Copy, Debug)]
pub struct Kind<'a> {
    pub event: &'a SampleEvent,
    pub sample: &'a PresetSample,
    /// The event's index in the sample.
    place: usize,
}

/// Each type once, in the order of the samples. Unreadable samples have no type.
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
    /// `data` as rules see it: the receiver's result for the sample. `None`: it isn't JSON, or has no event of this
    /// type; a test checks that it has.
    pub fn data(&self, preset: &Signable) -> Option<Box<RawValue>> {
        let request = preset.sign(self.sample, NOW).ok()?;
        let event = preset.events(&request, NOW).ok()?.into_iter().nth(self.place)?;
        let envelope = event.envelope();
        let is_it = envelope.event_type == self.event.event_type && envelope.data_base64.is_none();
        is_it.then(|| envelope.data.clone())
    }
}
