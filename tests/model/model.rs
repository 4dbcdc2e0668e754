//! Every small configuration holds, every protection is needed, and the limits that `docs/proof.md` states are real.

use tidings_model::broken::Broken;
use tidings_model::check::{Explored, explore};
use tidings_model::configurations::{
    BATCH, BUSY_LINKS, CRASHES, ERASURE, FACTS, FAULTS, FORGERY, LATE, LINKS, ORDER, OVERTAKEN, RULES, SENDS, SMALL, TIME,
    WITH_KEYS, WITHOUT_KEYS,
};
use tidings_model::events::properties::{
    CAUSE, DURABLE, ENDS, ERASED, FORGERY as FORGED, ONCE, ORDER as IN_ORDER, REASON, STORED,
};
use tidings_model::events::{Events, Setup};
use tidings_model::sends::properties::{HONEST, KEPT, ONCE as SAID_ONCE, ORDER as SAID_IN_ORDER};
use tidings_model::sends::{self, Sends};

/// What is off, where that is found, and what then fails.
const EVENTS: &[(Broken, &Setup, &str)] = &[
    (Broken::ClaimWithoutCondition, &FORGERY, ONCE),
    (Broken::ReceivedIsDuplicate, &CRASHES, DURABLE),
    (Broken::DeadIsDuplicate, &FAULTS, DURABLE),
    (Broken::MarkBeforeAnswer, &BATCH, DURABLE),
    (Broken::MarkAnyState, &BATCH, ONCE),
    (Broken::LostSendIsSuccess, &BATCH, DURABLE),
    (Broken::PartIsWhole, &BATCH, DURABLE),
    (Broken::ReplyBeforeQueue, &CRASHES, DURABLE),
    (Broken::ForgedIsAccepted, &FORGERY, FORGED),
    (Broken::CommitWithoutClaim, &CRASHES, ONCE),
    (Broken::CommitWithoutCondition, &CRASHES, ONCE),
    (Broken::MissingClaimIsProcessed, &FAULTS, DURABLE),
    (Broken::CommitWithoutVersions, &ORDER, STORED),
    (Broken::UnknownIsDone, &FAULTS, DURABLE),
    (Broken::ClaimBeforeFacts, &FACTS, STORED),
    (Broken::FactsWithoutClaim, &ERASURE, ERASED),
    (Broken::IdentityWithoutAbsence, &LINKS, ENDS),
    (Broken::DeleteBeforeCommit, &CRASHES, DURABLE),
    (Broken::DeleteOnLastReceive, &FAULTS, DURABLE),
    (Broken::DeadWithoutReason, &FAULTS, REASON),
    (Broken::DeadReplacesProcessed, &FAULTS, ONCE),
    (Broken::DeleteBeforeCopy, &ORDER, DURABLE),
    (Broken::NoHorizon, &TIME, ONCE),
    (Broken::FinishIsNothing, &CRASHES, ENDS),
    (Broken::RecoveryPlansAgain, &RULES, ENDS),
    (Broken::EmptyBeforeSend, &CRASHES, ENDS),
    (Broken::OwnActionsOnly, &ORDER, IN_ORDER),
    (Broken::SendBeforeCommit, &CRASHES, CAUSE),
    (Broken::MoveWithoutVersions, &BUSY_LINKS, STORED),
    (Broken::MoveByTwoWrites, &LINKS, ONCE),
    (Broken::EraseClaims, &ERASURE, ERASED),
    (Broken::EraseFactsOnly, &ERASURE, ERASED),
];

const SAYS: &[(Broken, &sends::Setup, &str)] = &[
    (Broken::RequestBeforeRecord, &WITHOUT_KEYS, SAID_ONCE),
    (Broken::RecordWithoutVersion, &WITHOUT_KEYS, SAID_ONCE),
    (Broken::NoLease, &WITHOUT_KEYS, SAID_IN_ORDER),
    (Broken::RepeatUncertain, &WITHOUT_KEYS, SAID_ONCE),
    (Broken::KeyForEachTry, &WITH_KEYS, SAID_ONCE),
    (Broken::RepeatAfterForgotten, &WITH_KEYS, SAID_ONCE),
    (Broken::WaitingHoldsNothing, &WITHOUT_KEYS, SAID_IN_ORDER),
    (Broken::DeleteBeforeDeadLetter, &WITHOUT_KEYS, KEPT),
    (Broken::RefusedAfterUncertain, &WITH_KEYS, HONEST),
    (Broken::LostRequestIsSent, &WITHOUT_KEYS, HONEST),
];

fn fails(explored: &Explored, property: &str) -> bool {
    explored.failed.iter().any(|(failed, _)| *failed == property)
}

fn holds(explored: &Explored) {
    let failed: Vec<String> = explored.failed.iter().map(|(property, steps)| format!("{property}:\n{steps}")).collect();
    assert!(failed.is_empty(), "{}: {}", explored.name, failed.join("\n"));
}

#[test]
fn every_small_configuration_holds() {
    for setup in SMALL {
        holds(&explore(setup.name, Events { setup: (*setup).clone(), broken: None }, None));
    }
    for setup in SENDS {
        holds(&explore(setup.name, Sends { setup: (*setup).clone(), broken: None }, None));
    }
}

#[test]
fn without_any_one_protection_its_property_fails() {
    let events = EVENTS.iter().map(|(broken, setup, property)| {
        let model = Events { setup: (*setup).clone(), broken: Some(*broken) };
        (broken, property, explore(setup.name, model, Some(property)))
    });
    let sends = SAYS.iter().map(|(broken, setup, property)| {
        let model = Sends { setup: (*setup).clone(), broken: Some(*broken) };
        (broken, property, explore(setup.name, model, Some(property)))
    });
    let missed: Vec<String> = events
        .chain(sends)
        .filter(|(_, property, explored)| !fails(explored, property))
        .map(|(broken, property, explored)| {
            format!("{broken:?}: {property:?} holds in {:?}; failed: {:?}", explored.name, explored.failed)
        })
        .collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn the_stated_limits_are_found() {
    for (setup, property) in [(&OVERTAKEN, ERASED), (&LATE, ONCE)] {
        let explored = explore(setup.name, Events { setup: setup.clone(), broken: None }, Some(property));
        assert!(fails(&explored, property), "{:?} isn't a limit any more: mend docs/proof.md", setup.name);
    }
}
