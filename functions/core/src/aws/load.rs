//! Reading context items: those that are asked for at the same time, by one `BatchGetItem`.

use super::attributes::{Row, get_number, get_text, text};
use super::cause;
use super::gather::{Asked, Gather};
use crate::context::{Content, Item, ItemKey, Place};
use crate::ports::Unavailable;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tidings_config::limits::MAX_BATCH_GET_KEYS;

type Loaded = Result<BTreeMap<Place, Item>, Unavailable>;

pub(super) type Loads = Gather<BTreeSet<Place>, Loaded>;

/// Calls in a row that bring nothing of what they ask for, before we give up.
const FRUITLESS_CALLS: usize = 3;

/// Answers each as soon as all of its places are read. What DynamoDB leaves out (a partition is throttled, the answer is too large)
/// is asked for again, and only those who need it wait.
pub(super) async fn all(client: &Client, table: &str, mut waiting: Vec<Asked<BTreeSet<Place>, Loaded>>) {
    let mut left: BTreeSet<Place> = waiting.iter().flat_map(|asked| &asked.question).cloned().collect();
    let mut read: BTreeMap<Place, Option<Item>> = BTreeMap::new();
    let mut fruitless = 0;
    while !left.is_empty() {
        let chunk: BTreeSet<Place> = left.iter().take(MAX_BATCH_GET_KEYS).cloned().collect();
        let rest = match batch_get(client, table, &chunk, &mut read).await {
            Ok(rest) if rest.len() < chunk.len() => rest,
            Ok(_) if fruitless + 1 < FRUITLESS_CALLS => {
                fruitless += 1;
                continue;
            }
            Ok(_) => return fail(waiting, "throttled: keys were left unprocessed"),
            Err(cause) => return fail(waiting, &cause),
        };
        fruitless = 0;
        left.retain(|place| !chunk.contains(place) || rest.contains(place));
        let (complete, incomplete): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|asked| asked.question.is_disjoint(&left));
        for asked in complete {
            let loaded = of(&asked.question, &read);
            asked.answer(loaded);
        }
        waiting = incomplete;
    }
}

fn fail(waiting: Vec<Asked<BTreeSet<Place>, Loaded>>, cause: &str) {
    for asked in waiting {
        asked.answer(Err(unavailable(cause)));
    }
}

fn unavailable(cause: &str) -> Unavailable {
    Unavailable { call: "dynamodb:BatchGetItem", cause: cause.to_owned() }
}

/// What was read of these places. An item that can't be read is the failure of those who asked for it.
fn of(places: &BTreeSet<Place>, read: &BTreeMap<Place, Option<Item>>) -> Loaded {
    let found = places.iter().filter_map(|place| read.get(place).map(|item| (place, item)));
    found.map(|(place, item)| Ok((place.clone(), item.clone().ok_or_else(|| unavailable(UNREADABLE))?))).collect()
}

/// One call. Gives the places that the answer leaves out.
async fn batch_get(
    client: &Client,
    table: &str,
    places: &BTreeSet<Place>,
    read: &mut BTreeMap<Place, Option<Item>>,
) -> Result<BTreeSet<Place>, String> {
    let keys = places.iter().map(key).collect();
    let request = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
    let requests = HashMap::from([(table.to_owned(), request.expect("keys are set above"))]);
    let answer = client.batch_get_item().set_request_items(Some(requests)).send().await.map_err(|error| cause(&error))?;
    for row in answer.responses.into_iter().flatten().flat_map(|(_, rows)| rows) {
        let at = place(&row).ok_or(UNREADABLE)?;
        read.insert(at, item(&row).map(|(_, item)| item));
    }
    let unprocessed = answer.unprocessed_keys.into_iter().flatten().flat_map(|(_, keys)| keys.keys);
    unprocessed.map(|row| place(&row).ok_or_else(|| UNREADABLE.to_owned())).collect()
}

/// The place that a row's key names: only what we asked for is in an answer.
fn place(row: &Row) -> Option<Place> {
    Some(Place::new(get_text(row, "pk")?, ItemKey::parse(row.get("sk")?.as_s().ok()?)?))
}

pub(super) const UNREADABLE: &str = "a context item of an unknown version";

pub(super) fn key(place: &Place) -> Row {
    Row::from([("pk".to_owned(), text(&place.partition)), ("sk".to_owned(), text(place.key.to_string()))])
}

/// The attribute of an item's content. `facts` is for chatbots to read; the others are internal.
pub(super) fn attribute(key: &ItemKey) -> &'static str {
    match key {
        ItemKey::Entity(_) | ItemKey::Node => "facts",
        ItemKey::Deferred
        | ItemKey::Deliveries
        | ItemKey::Identity(_)
        | ItemKey::Join
        | ItemKey::Link
        | ItemKey::Outbox
        | ItemKey::OutboxPage(_) => "state",
    }
}

/// A stored context item. `None`: the row isn't a context item.
pub(super) fn item(row: &Row) -> Option<(Place, Item)> {
    let key = ItemKey::parse(row.get("sk")?.as_s().ok()?)?;
    let content = Content::decode(&key, row.get(attribute(&key))?.as_s().ok()?)?;
    let item = Item { version: Some(get_number(row, "version")?), content };
    Some((Place::new(get_text(row, "pk")?, key), item))
}
