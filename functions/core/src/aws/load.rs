//! Reading context items and the effects of claims: those that are asked for at the same time, by one `BatchGetItem`.

use super::attributes::{Row, effect, get_number, get_state, get_text, text};
use super::cause;
use super::gather::{Asked, Gather};
use crate::claim::decide::RecordedEffect;
use crate::claim::{ClaimKey, ClaimState};
use crate::context::{Content, Item, ItemKey, Place};
use crate::ports::{Loaded, Unavailable};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tidings_config::limits::MAX_BATCH_GET_KEYS;

type Answer = Result<Loaded, Unavailable>;

pub(super) type Loads = Gather<Question, Answer>;

/// What one record asks for.
pub(super) struct Question {
    pub(super) places: BTreeSet<Place>,
    /// The claim whose effect is asked for.
    pub(super) claim: Option<ClaimKey>,
}

/// The tables that are read.
pub(super) struct Source<'a> {
    pub(super) client: &'a Client,
    pub(super) claims_table: &'a str,
    pub(super) context_table: &'a str,
}

/// The key of a row.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Claim(ClaimKey),
    Item(Place),
}

/// What was read. A place or a claim that isn't here doesn't exist.
#[derive(Default)]
struct Read {
    /// `None`: the item can't be read.
    items: BTreeMap<Place, Option<Item>>,
    /// The effects of processed claims.
    effects: BTreeMap<ClaimKey, RecordedEffect>,
}

/// Calls in a row that bring nothing of what they ask for, before we give up.
const FRUITLESS_CALLS: usize = 3;

impl Question {
    fn keys(&self) -> impl Iterator<Item = Key> {
        let claim = self.claim.iter().cloned().map(Key::Claim);
        claim.chain(self.places.iter().cloned().map(Key::Item))
    }
}

/// Answers each as soon as all that it asks for is read. What DynamoDB leaves out (a partition is throttled, the answer is too large)
/// is asked for again, and only those who need it wait.
pub(super) async fn all(source: Source<'_>, mut waiting: Vec<Asked<Question, Answer>>) {
    let mut left: BTreeSet<Key> = waiting.iter().flat_map(|asked| asked.question.keys()).collect();
    let mut read = Read::default();
    let mut fruitless = 0;
    while !left.is_empty() {
        let more = left.iter().nth(MAX_BATCH_GET_KEYS).cloned().map(|first| left.split_off(&first)).unwrap_or_default();
        let chunk = std::mem::replace(&mut left, more);
        match source.batch_get(&chunk, &mut read).await {
            Ok(rest) if rest.len() < chunk.len() => {
                left.extend(rest);
                fruitless = 0;
            }
            Ok(_) if fruitless + 1 < FRUITLESS_CALLS => {
                left.extend(chunk);
                fruitless += 1;
                continue;
            }
            Ok(_) => return fail(waiting, "throttled: keys were left unprocessed"),
            Err(cause) => return fail(waiting, &cause),
        }
        if left.is_empty() {
            break;
        }
        let is_complete = |asked: &Asked<Question, Answer>| !asked.question.keys().any(|key| left.contains(&key));
        let (complete, incomplete): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_complete);
        read.answer(complete);
        waiting = incomplete;
    }
    read.answer(waiting);
}

fn fail(waiting: Vec<Asked<Question, Answer>>, cause: &str) {
    for asked in waiting {
        asked.answer(Err(unavailable(cause)));
    }
}

fn unavailable(cause: &str) -> Unavailable {
    Unavailable { call: "dynamodb:BatchGetItem", cause: cause.to_owned() }
}

impl Read {
    fn answer(&self, complete: Vec<Asked<Question, Answer>>) {
        for asked in complete {
            let loaded = self.of(&asked.question);
            asked.answer(loaded);
        }
    }

    /// What was read of a question. An item that can't be read is the failure of those who asked for it.
    fn of(&self, question: &Question) -> Answer {
        let found = question.places.iter().filter_map(|place| self.items.get(place).map(|item| (place, item)));
        let readable = found.map(|(place, item)| Ok((place.clone(), item.clone().ok_or_else(|| unavailable(UNREADABLE))?)));
        let effect = question.claim.as_ref().and_then(|key| self.effects.get(key)).cloned();
        Ok((readable.collect::<Result<_, Unavailable>>()?, effect))
    }

    fn add_item(&mut self, row: &Row) -> Result<(), String> {
        self.items.insert(place(row).ok_or(UNREADABLE)?, item(row).map(|(_, item)| item));
        Ok(())
    }

    fn add_claim(&mut self, row: &Row) -> Result<(), String> {
        let key = claim(row).ok_or("a claim without a key")?;
        if get_state(row) == Some(ClaimState::Processed) {
            self.effects.insert(key, effect(row));
        }
        Ok(())
    }
}

impl Source<'_> {
    /// One call. Gives the keys that the answer leaves out.
    async fn batch_get(&self, keys: &BTreeSet<Key>, read: &mut Read) -> Result<BTreeSet<Key>, String> {
        let claims = keys.iter().filter_map(|key| match key {
            Key::Claim(key) => Some(Row::from([("pk".to_owned(), text(key.as_str()))])),
            Key::Item(_) => None,
        });
        let items = keys.iter().filter_map(|wanted| match wanted {
            Key::Item(place) => Some(key(place)),
            Key::Claim(_) => None,
        });
        let (claims, items): (Vec<Row>, Vec<Row>) = (claims.collect(), items.collect());
        let mut requests = HashMap::new();
        if !items.is_empty() {
            let request = KeysAndAttributes::builder().set_keys(Some(items)).consistent_read(true).build();
            requests.insert(self.context_table.to_owned(), request.expect("keys are set above"));
        }
        if !claims.is_empty() {
            let request = KeysAndAttributes::builder().set_keys(Some(claims)).consistent_read(true);
            let request = request.projection_expression(EFFECT_ATTRIBUTES).expression_attribute_names("#state", "state");
            requests.insert(self.claims_table.to_owned(), request.build().expect("keys are set above"));
        }
        let answer = self.client.batch_get_item().set_request_items(Some(requests)).send().await;
        let answer = answer.map_err(|error| cause(&error))?;
        for (table, rows) in answer.responses.into_iter().flatten() {
            let is_claims = table == self.claims_table;
            rows.iter().try_for_each(|row| if is_claims { read.add_claim(row) } else { read.add_item(row) })?;
        }
        let mut rest = BTreeSet::new();
        for (table, unprocessed) in answer.unprocessed_keys.into_iter().flatten() {
            let is_claims = table == self.claims_table;
            for row in &unprocessed.keys {
                let key = if is_claims { claim(row).map(Key::Claim) } else { place(row).map(Key::Item) };
                rest.insert(key.ok_or(UNREADABLE)?);
            }
        }
        Ok(rest)
    }
}

/// The place that a row's key names: only what we asked for is in an answer.
fn place(row: &Row) -> Option<Place> {
    Some(Place::new(get_text(row, "pk")?, ItemKey::parse(row.get("sk")?.as_s().ok()?)?))
}

fn claim(row: &Row) -> Option<ClaimKey> {
    get_text(row, "pk").map(ClaimKey::from)
}

/// The attributes of a claim that say what is left to do.
pub(super) const EFFECT_ATTRIBUTES: &str = "pk, #state, conversation, links";

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
        | ItemKey::Feed
        | ItemKey::FeedPage(_)
        | ItemKey::Identity(_)
        | ItemKey::Join
        | ItemKey::Link
        | ItemKey::Outbox
        | ItemKey::OutboxPage(_)
        | ItemKey::Reminder
        | ItemKey::Turn => "state",
    }
}

/// A stored context item. `None`: the row isn't a context item.
pub(super) fn item(row: &Row) -> Option<(Place, Item)> {
    let key = ItemKey::parse(row.get("sk")?.as_s().ok()?)?;
    let content = Content::decode(&key, row.get(attribute(&key))?.as_s().ok()?)?;
    let item = Item { version: Some(get_number(row, "version")?), content };
    Some((Place::new(get_text(row, "pk")?, key), item))
}
