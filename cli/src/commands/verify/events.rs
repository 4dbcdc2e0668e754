//! Deliveries whose events are signed one by one: finds the events that fail.

use super::attempt::Attempt;
use serde_json::Value;
use tidings_config::limits::MAX_SIGNED_EVENTS;
use tidings_config::{JsonPath, Step};

/// Maximum number of events that are listed.
const MAX_TOLD: usize = 10;

/// Each event that fails, with its reason. Empty if the delivery is signed as a whole.
pub(super) fn failing(attempt: &Attempt) -> Vec<String> {
    let (count, single) = single(attempt);
    let failing = single.enumerate().filter_map(|(n, one)| {
        let rejection = one.verify().err()?;
        Some(format!("event {} of {count} fails: {rejection}", n + 1))
    });
    failing.take(MAX_TOLD).collect()
}

/// The delivery with only the first event that fails.
pub(super) fn first_failing(attempt: &Attempt) -> Option<Attempt> {
    single(attempt).1.find(|one| one.verify().is_err())
}

/// The number of events in the delivery, and for each event the delivery with that event alone. The iterator makes one
/// at a time, because each copy contains everything that the events share.
fn single(attempt: &Attempt) -> (usize, impl Iterator<Item = Attempt>) {
    let each = attempt.source.scheme.each.as_ref();
    let read = each.and_then(|each| Some((each, serde_json::from_slice::<Value>(&attempt.delivery.body).ok()?)));
    let places = read.as_ref().map_or_else(Vec::new, |(each, body)| each.places(body, MAX_SIGNED_EVENTS));
    let alone = move |indices: Vec<usize>| {
        let (each, body) = read.as_ref()?;
        let mut body = body.clone();
        keep(each, &mut body, &indices)?;
        Some(attempt.with(|a| a.delivery.body = body.to_string().into()))
    };
    (places.len(), places.into_iter().filter_map(alone))
}

/// Removes from each list on the path all elements except the current one.
fn keep(each: &JsonPath, body: &mut Value, indices: &[usize]) -> Option<()> {
    let mut indices = indices.iter();
    each.0.iter().try_fold(body, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(*index),
        Step::Each => {
            let list = value.as_array_mut()?;
            let index = *indices.next()?;
            let element = list.get_mut(index)?.take();
            *list = vec![element];
            list.first_mut()
        }
    })?;
    Some(())
}
