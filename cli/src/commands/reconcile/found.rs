//! What the listed events are: known, missing, or undecided. Only what is missing is kept.

use super::exact::{compact, proven, raw_at};
use super::list::{Entry, Lister};
use crate::Failure;
use crate::limits::{MAX_MISSING, MAX_MISSING_BYTES};
use crate::stack::Reader;
use crate::target::{Place, unreadable};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tidings_config::reconcile::{KnownBy, Reconcile};
use tidings_config::rules::TypePattern;
use tidings_config::source::Source;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;
use tidings_events::Sample;

/// An event of the list, for people and programs.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Listed {
    pub(super) key: ClaimKey,
    #[serde(rename = "type")]
    pub(super) event_type: String,
    pub(super) id: String,
    /// The time that the list says.
    pub(super) time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
}

/// A delivery with at least one event that has no claim.
#[derive(Clone, Debug)]
pub(super) struct Missing {
    pub(super) sample: Sample,
    pub(super) events: Vec<Listed>,
}

/// What was found. All lists are in the provider's order.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Events that were compared, of the wanted types.
    pub(super) listed: usize,
    pub(super) known: usize,
    pub(super) missing: Vec<Missing>,
    /// The provider may still send them.
    pub(super) pending: Vec<Listed>,
    /// Deliveries whose bytes can't be made again: nothing says whether they are known.
    pub(super) unproven: Vec<Unproven>,
    /// Missing events that weren't kept, because there are too many.
    pub(super) left: usize,
    bytes: usize,
}

/// A delivery that can't be compared.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Unproven {
    pub(super) time: Timestamp,
    /// The headers by which people find it at the provider.
    pub(super) headers: BTreeMap<String, String>,
}

impl Found {
    pub(super) fn missing_events(&self) -> usize {
        self.missing.iter().map(|delivery| delivery.events.len()).sum::<usize>() + self.left
    }
}

/// What is compared with what.
pub(super) struct Comparison<'c> {
    pub(super) source: &'c Source,
    pub(super) secrets: &'c [String],
    pub(super) list: &'c Reconcile,
    pub(super) types: &'c [TypePattern],
    pub(super) at: &'c Place,
    pub(super) reader: Reader,
    pub(super) now: Timestamp,
    /// The newest receipt of each subject, if events are known by it.
    pub(super) subjects: BTreeMap<String, Timestamp>,
}

/// A delivery that was made of an entry.
struct Made {
    sample: Sample,
    events: Vec<Listed>,
}

impl Comparison<'_> {
    /// Compares a page. Known deliveries are dropped.
    pub(super) async fn page(&self, lister: &mut Lister<'_>, entries: Vec<Entry>, found: &mut Found) -> Result<(), Failure> {
        let mut all = Vec::new();
        for entry in entries {
            let text = lister.details(&entry).await?;
            match self.made(&entry, &text)? {
                Some(made) => all.push(made),
                None => {
                    let headers = entry.sent(self.list).map(|(name, value)| (name.to_owned(), value)).collect();
                    found.unproven.push(Unproven { time: entry.time, headers });
                }
            }
        }
        let known = self.known(&all).await?;
        for made in all {
            self.sort(made, &known, found);
        }
        Ok(())
    }

    /// The delivery of an entry. `None`: its bytes can't be made again.
    fn made(&self, entry: &Entry, text: &str) -> Result<Option<Made>, Failure> {
        let failed = |error: tidings_events::RequestError| Failure::new(error.to_string());
        let body = match &self.list.body {
            None => Some(text),
            Some(place) => raw_at(text, place),
        };
        let Some(body) = body else { return Ok(None) };
        let mut sample = Sample::of_body(self.source, compact(body).into_bytes());
        for (name, value) in entry.sent(self.list) {
            sample.set_header(name, &value).map_err(failed)?;
        }
        if let Some(place) = &self.list.proof {
            let sent = raw_at(text, place).and_then(|sent| serde_json::from_str::<BTreeMap<String, String>>(sent).ok());
            match sent.and_then(|sent| proven(self.source, self.secrets, &sample, &sent, body, self.now)) {
                Some(exact) => sample = exact,
                None => return Ok(None),
            }
        }
        let secret = self.secrets.first().map_or("", String::as_str);
        let signed = sample.sign(self.source, secret, self.now, None).map_err(failed)?;
        let events: Vec<Listed> = signed
            .events(self.source, secret, self.now)
            .into_iter()
            .map(|event| Listed {
                key: event.claimkey,
                event_type: event.event_type,
                id: event.id,
                time: entry.time,
                subject: event.subject,
            })
            .collect();
        Ok((!events.is_empty()).then_some(Made { sample, events }))
    }

    async fn known(&self, all: &[Made]) -> Result<BTreeSet<ClaimKey>, Failure> {
        let events = all.iter().flat_map(|made| &made.events).filter(|event| self.is_wanted(event));
        // A delivery that was sent by this command has a key, whatever the list is known by.
        let keys: BTreeSet<ClaimKey> = events.map(|event| event.key.clone()).collect();
        let claims = self.reader.claims(&keys).await.map_err(|error| unreadable(self.at, &error))?;
        Ok(claims.into_iter().map(|claim| claim.key).collect())
    }

    fn is_wanted(&self, event: &Listed) -> bool {
        self.types.is_empty() || self.types.iter().any(|pattern| pattern.matches(&event.event_type))
    }

    fn is_known(&self, event: &Listed, known: &BTreeSet<ClaimKey>) -> bool {
        let by_subject = || {
            let received = self.subjects.get(event.subject.as_deref()?)?;
            Some(*received >= event.time)
        };
        known.contains(&event.key)
            || match self.list.known_by {
                KnownBy::Key => false,
                KnownBy::Subject => by_subject().unwrap_or(false),
            }
    }

    fn sort(&self, made: Made, known: &BTreeSet<ClaimKey>, found: &mut Found) {
        let Made { sample, events } = made;
        let wanted: Vec<Listed> = events.into_iter().filter(|event| self.is_wanted(event)).collect();
        found.listed += wanted.len();
        let (there, missing): (Vec<Listed>, Vec<Listed>) = wanted.into_iter().partition(|event| self.is_known(event, known));
        found.known += there.len();
        if missing.is_empty() {
            return;
        }
        let settled = Duration::from_secs(self.list.settled_after_seconds);
        if missing.iter().any(|event| self.now.since(event.time) < settled) {
            found.pending.extend(missing);
            return;
        }
        let bytes = found.bytes + sample.body.len();
        if found.missing.len() >= MAX_MISSING || bytes > MAX_MISSING_BYTES {
            found.left += missing.len();
            return;
        }
        found.bytes = bytes;
        found.missing.push(Missing { sample, events: missing });
    }
}
