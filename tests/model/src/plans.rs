//! Which writes the processor chooses for each kind of effect, by its own code.

use crate::events::Kind;
use std::collections::BTreeMap;
use tidings_config::time::Timestamp;
use tidings_core::claim::{ClaimKey, Outcome, TimelineKey};
use tidings_core::commit_plan::{CommitPlan, Merging};
use tidings_core::context::{Content, Facts, Item, ItemKey, Place};
use tidings_core::ports::Commit;

/// The writes of an event of this kind.
pub(crate) fn plan_of(kind: Kind) -> CommitPlan {
    let mut commit = nothing();
    let place = Place::new(&commit.conversation, ItemKey::Entity("order/1".to_owned()));
    let facts = || Item::new(Content::Facts(Facts::default()));
    match kind {
        Kind::Nothing => {}
        Kind::Facts => {
            commit.items = BTreeMap::from([(place, facts())]);
            commit.merging = Merging::Repeatable;
        }
        Kind::Counts | Kind::Acts => commit.items = BTreeMap::from([(place, facts())]),
    }
    CommitPlan::of(&commit)
}

fn nothing() -> Commit {
    let (at, key) = (Timestamp::from_unix_ms(0), ClaimKey::new("source", "event"));
    Commit {
        occurred: TimelineKey::new(at, &key),
        key,
        source: "source".to_owned(),
        event_id: "event".to_owned(),
        event_type: "order.paid".to_owned(),
        subject: None,
        received: at,
        processed: at,
        conversation: "conversation".to_owned(),
        outcome: Outcome::Applied,
        rules: Vec::new(),
        overtaken: Vec::new(),
        off_schema: None,
        actions: Vec::new(),
        trace_id: None,
        joins: Vec::new(),
        manual: None,
        event: None,
        result: None,
        links: Vec::new(),
        items: BTreeMap::new(),
        deletes: BTreeMap::new(),
        absent: None,
        merging: Merging::Once,
        node: None,
    }
}
