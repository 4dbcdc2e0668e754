//! A search for events, and the newest matches in bounded memory. Pure.

use std::collections::BTreeMap;
use tidings_config::rules::TypePattern;
use tidings_config::tenant::TenantName;
use tidings_config::time::Timestamp;
use tidings_core::claim::{Claim, ClaimKey, ClaimState};

/// The criteria of a search. An absent criterion matches every event.
#[derive(Clone, Debug, Default)]
pub struct Search {
    pub key: Option<ClaimKey>,
    pub source: Option<String>,
    pub tenant: Option<TenantName>,
    pub event_type: Option<TypePattern>,
    pub state: Option<ClaimState>,
    /// A part of any text of the claim, in lower case.
    pub text: Option<String>,
    /// The earliest time, included.
    pub since: Option<Timestamp>,
    /// The latest time, included.
    pub until: Option<Timestamp>,
}

impl Search {
    /// Whether a claim matches. `at` is the relevant time: the event's own in a timeline, elsewhere its receipt.
    pub fn matches(&self, claim: &Claim, at: Timestamp) -> bool {
        self.key.as_ref().is_none_or(|key| *key == claim.key)
            && self.source.as_ref().is_none_or(|source| *source == claim.source)
            && self.tenant.as_ref().is_none_or(|tenant| claim.key.tenant() == Some(tenant.as_str()))
            && self.event_type.as_ref().is_none_or(|pattern| pattern.matches(&claim.event_type))
            && self.state.is_none_or(|state| state == claim.state)
            && self.text.as_ref().is_none_or(|part| Self::contains(claim, part))
            && self.since.is_none_or(|since| since <= at)
            && self.until.is_none_or(|until| at <= until)
    }

    /// Whether a text of the claim contains this part: its key, id, type, subject, conversation, rules, node, facts that
    /// were overtaken, actions, links, reason or trace. The part is in lower case; the claim's texts are in any case.
    fn contains(claim: &Claim, part: &str) -> bool {
        let Claim { key, event_id, event_type, subject, conversation, node, reason, off_schema, trace_id, .. } = claim;
        let optional = [event_id, subject, conversation, node, reason, off_schema, trace_id];
        let lists = [&claim.rules, &claim.overtaken, &claim.links, &claim.joins];
        let has = |text: &str| text.to_lowercase().contains(part);
        has(key.as_str())
            || has(event_type)
            || optional.into_iter().flatten().any(|text| has(text))
            || lists.into_iter().flatten().any(|text| has(text))
            || claim.actions.iter().any(|action| has(&action.to_string()))
    }
}

/// The newest of any number of claims.
#[derive(Debug)]
pub struct Newest<K> {
    limit: usize,
    kept: BTreeMap<K, Claim>,
}

impl<K: Ord> Newest<K> {
    pub fn new(limit: usize) -> Self {
        Self { limit, kept: BTreeMap::new() }
    }

    /// A greater `order` is newer. It must be unique.
    pub fn add(&mut self, order: K, claim: Claim) {
        self.kept.insert(order, claim);
        if self.kept.len() > self.limit {
            self.kept.pop_first();
        }
    }

    /// Newest first.
    pub fn into_claims(self) -> Vec<Claim> {
        self.kept.into_values().rev().collect()
    }
}

/// The matches, newest first, and the cost.
#[derive(Debug)]
pub struct Found {
    pub claims: Vec<Claim>,
    /// Rows that were read.
    pub read: usize,
    /// Rows that this version can't read as claims.
    pub unknown: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(n: i64) -> Claim {
        Claim {
            source: "orders".to_owned(),
            event_type: "order.shipped".to_owned(),
            received: Some(Timestamp::from_unix_ms(n)),
            state: ClaimState::Processed,
            ..Claim::new(ClaimKey::new("orders", &n.to_string()))
        }
    }

    #[test]
    fn a_tenants_events_are_found_by_its_name_and_those_of_no_other() {
        let of = |tenant: &str| Search { tenant: Some(tenant.parse().unwrap()), ..Search::default() };
        let at = Timestamp::from_unix_ms(1);
        let event = |sender: &str| Claim::new(ClaimKey::new(sender, "acme#1"));
        assert!(of("acme").matches(&event("shops/acme"), at));
        for other in ["shops/acme-2", "shops", "acme"] {
            assert!(!of("acme").matches(&event(other), at), "{other}");
        }
    }

    #[test]
    fn an_event_must_match_all_criteria() {
        let at = Timestamp::from_unix_ms;
        let event = claim(5);
        for (search, expected) in [
            (Search::default(), true),
            (Search { key: Some(event.key.clone()), ..Search::default() }, true),
            (Search { key: Some(claim(6).key), ..Search::default() }, false),
            (Search { source: Some("orders".into()), ..Search::default() }, true),
            (Search { source: Some("order".into()), ..Search::default() }, false),
            (Search { event_type: Some("order.*".parse().unwrap()), ..Search::default() }, true),
            (Search { event_type: Some("order".parse().unwrap()), ..Search::default() }, false),
            (Search { state: Some(ClaimState::Processed), ..Search::default() }, true),
            (Search { state: Some(ClaimState::Dead), ..Search::default() }, false),
            (Search { since: Some(at(5)), until: Some(at(5)), ..Search::default() }, true),
            (Search { since: Some(at(6)), ..Search::default() }, false),
            (Search { until: Some(at(4)), ..Search::default() }, false),
            (Search { source: Some("orders".into()), state: Some(ClaimState::Dead), ..Search::default() }, false),
            (Search { text: Some("shipped".into()), ..Search::default() }, true),
            (Search { text: Some("orders#5".into()), ..Search::default() }, true),
            (Search { text: Some("whatsapp:49".into()), ..Search::default() }, false),
        ] {
            assert_eq!(search.matches(&event, at(5)), expected, "{search:?}");
        }
    }

    #[test]
    fn a_text_is_found_in_every_text_of_an_event_in_upper_or_lower_case() {
        let text = || Some("A Needle".to_owned());
        let claims = [
            Claim { event_id: text(), ..claim(1) },
            Claim { subject: text(), ..claim(1) },
            Claim { conversation: text(), ..claim(1) },
            Claim { node: text(), ..claim(1) },
            Claim { reason: text(), ..claim(1) },
            Claim { off_schema: text(), ..claim(1) },
            Claim { trace_id: text(), ..claim(1) },
            Claim { rules: text().into_iter().collect(), ..claim(1) },
            Claim { overtaken: text().into_iter().collect(), ..claim(1) },
            Claim { links: text().into_iter().collect(), ..claim(1) },
            Claim { joins: text().into_iter().collect(), ..claim(1) },
        ];
        let search = Search { text: Some("a needle".to_owned()), ..Search::default() };
        for claim in claims {
            assert!(search.matches(&claim, Timestamp::from_unix_ms(1)), "{claim:?}");
        }
        assert!(!search.matches(&claim(1), Timestamp::from_unix_ms(1)));
    }

    #[test]
    fn the_newest_are_kept_in_whatever_order_they_come() {
        let mut newest = Newest::new(3);
        for n in [4, 9, 1, 7, 8, 2] {
            newest.add(n, claim(n));
            assert!(newest.kept.len() <= 3);
        }
        let kept: Vec<_> = newest.into_claims().into_iter().map(|claim| claim.key.to_string()).collect();
        assert_eq!(kept, ["orders#9", "orders#8", "orders#7"]);
        let mut none = Newest::new(0);
        none.add(1, claim(1));
        assert!(none.into_claims().is_empty());
    }
}
