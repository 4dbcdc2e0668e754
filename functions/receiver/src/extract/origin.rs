//! The places of the id and the times of each event in its request, for tools that make a new event from an old request.
//!
//! Promises: exactly the places that [`super::events`] reads. The functions don't use this module.

use super::{Arrival, Found, read};
use crate::verify::VerifiedRequest;
use tidings_config::event::EventSpec;
use tidings_config::scheme::TimeUnit;
use tidings_config::time::Timestamp;
use tidings_config::{Reference, Template};

/// A value of a request, and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Spot {
    pub place: Reference,
    /// The indices for the `[*]` of a path.
    pub indices: Vec<usize>,
    pub text: String,
}

/// The places of one event's id and times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    /// The parts of its key, if that is an id; else of its delivery's id; else of the provider's name for it.
    pub id: Vec<Spot>,
    /// All places of its time that have a value.
    pub times: Vec<(Spot, TimeUnit)>,
}

/// The origin of each event of a delivery. Empty: the body can't be read.
pub fn origins(request: &VerifiedRequest<'_>, received: Timestamp) -> Vec<Origin> {
    let arrival = Arrival::of(request, received);
    let reading = read(request);
    let Ok(document) = &reading.document else { return Vec::new() };
    let found = Found { arrival, document };
    let places = found.places();
    places.iter().map(|(spec, indices)| found.origin(spec, indices)).collect()
}

impl Found<'_> {
    fn origin(&self, spec: &EventSpec, indices: &[usize]) -> Origin {
        let covered = spec.id.0.iter().filter(|id| self.arrival.request.covers(id));
        let mut templates = covered.chain(&spec.delivery_id.0).chain(&spec.id.0);
        let id = templates.find_map(|template| self.spots(template, indices)).unwrap_or_default();
        let times = spec.time.0.iter().flat_map(|time| time.from.0.iter().map(|from| (from, time.unit)));
        let times = times.filter_map(|(from, unit)| Some((self.spot(from, indices)?, unit))).collect();
        Origin { id, times }
    }

    /// `None`: one of its values doesn't exist.
    fn spots(&self, template: &Template, indices: &[usize]) -> Option<Vec<Spot>> {
        template.references().map(|place| self.spot(place, indices)).collect()
    }

    fn spot(&self, place: &Reference, indices: &[usize]) -> Option<Spot> {
        let text = self.value(place, indices).filter(|text| !text.trim().is_empty())?;
        Some(Spot { place: place.clone(), indices: indices.to_vec(), text })
    }
}
