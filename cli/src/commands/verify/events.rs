//! Deliveries whose events are signed one by one: which of them fails?

use super::attempt::Attempt;
use serde_json::Value;
use tidings_core::config::{JsonPath, Step};
use tidings_core::limits::MAX_SIGNED_EVENTS;

/// Events that are told at most.
const MAX_TOLD: usize = 10;

/// Each event that fails, with its reason. Nothing, where the delivery is signed as a whole.
pub(super) fn failing(attempt: &Attempt) -> Vec<String> {
    let single = single(attempt);
    let count = single.len();
    let failing = single.iter().enumerate().filter_map(|(n, one)| {
        let rejection = one.verify().err()?;
        Some(format!("event {} of {count} fails: {rejection}", n + 1))
    });
    failing.take(MAX_TOLD).collect()
}

/// The delivery with nothing but the first event that fails.
pub(super) fn first_failing(attempt: &Attempt) -> Option<Attempt> {
    single(attempt).into_iter().find(|one| one.verify().is_err())
}

/// The delivery once for each of its events, with that event alone.
fn single(attempt: &Attempt) -> Vec<Attempt> {
    let Some(each) = &attempt.source.scheme.each else { return Vec::new() };
    let Ok(body) = serde_json::from_slice::<Value>(&attempt.delivery.body) else { return Vec::new() };
    let places = each.places(&body, MAX_SIGNED_EVENTS);
    let alone = |indices: &Vec<usize>| {
        let mut body = body.clone();
        keep(each, &mut body, indices)?;
        Some(attempt.with(|a| a.delivery.body = body.to_string().into_bytes()))
    };
    places.iter().filter_map(alone).collect()
}

/// Takes out of each list on the path all but the element at hand.
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
