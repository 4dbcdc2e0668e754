//! Configurations that are explored whole, and the one in which each missing protection is noticed.

use crate::broken::Broken;
use crate::events::{Configuration, Kind};

const NOTHING: (Kind, Kind) = (Kind::Nothing, Kind::Nothing);
const FACTS: (Kind, Kind) = (Kind::Facts, Kind::Facts);
const COUNTS: (Kind, Kind) = (Kind::Counts, Kind::Counts);
const ACTS: (Kind, Kind) = (Kind::Acts, Kind::Acts);

fn calm(name: &'static str, kinds: Vec<(Kind, Kind)>, deliveries: Vec<Vec<usize>>) -> Configuration {
    Configuration {
        name,
        kinds,
        deliveries,
        sends: 2,
        repeats: true,
        receivers: 2,
        processors: 2,
        crashes: 0,
        faults: 0,
        copies: 0,
        redrives: 0,
        rules_change: false,
        weeks: false,
        max_receives: 2,
    }
}

fn one(kind: (Kind, Kind), name: &'static str) -> Configuration {
    calm(name, vec![kind], vec![vec![0]])
}

/// One event that counts, sent twice, with crashes, faults, a copy and a redrive.
fn counter() -> Configuration {
    Configuration { crashes: 1, faults: 1, copies: 1, redrives: 1, ..one(COUNTS, "a counter, sent twice") }
}

fn action() -> Configuration {
    Configuration { crashes: 1, faults: 1, copies: 1, redrives: 1, ..one(ACTS, "an action, sent twice") }
}

fn facts() -> Configuration {
    Configuration { crashes: 1, faults: 1, copies: 1, redrives: 1, ..one(FACTS, "facts, sent twice") }
}

fn two() -> Configuration {
    let two = calm("a counter and an action of one conversation", vec![COUNTS, ACTS], vec![vec![0], vec![1]]);
    Configuration { sends: 1, crashes: 1, faults: 1, ..two }
}

fn batch() -> Configuration {
    let batch = calm("a delivery of two events", vec![COUNTS, NOTHING], vec![vec![0, 1]]);
    Configuration { repeats: false, receivers: 1, processors: 1, crashes: 1, faults: 1, copies: 1, ..batch }
}

fn rules() -> Configuration {
    let acts = (Kind::Acts, Kind::Nothing);
    Configuration { sends: 1, crashes: 1, faults: 1, copies: 1, rules_change: true, ..one(acts, "rules that change") }
}

fn weeks() -> Configuration {
    Configuration { sends: 1, faults: 1, copies: 1, redrives: 1, weeks: true, ..one(COUNTS, "weeks that pass") }
}

/// Explored in every run of the tests.
pub fn small() -> Vec<Configuration> {
    vec![counter(), action(), facts(), two(), batch(), rules(), weeks()]
}

/// Explored by `tests/model/run`.
pub fn large() -> Vec<Configuration> {
    vec![
        Configuration { name: "a counter, sent three times", sends: 3, crashes: 2, faults: 2, copies: 2, ..counter() },
        Configuration { name: "an action, sent three times", sends: 3, crashes: 2, faults: 2, copies: 2, ..action() },
        Configuration { name: "facts, sent three times", sends: 3, crashes: 2, faults: 2, copies: 2, ..facts() },
        Configuration {
            name: "two deliveries, two receivers, two processors, two crashes",
            sends: 1,
            crashes: 2,
            faults: 1,
            copies: 1,
            ..two()
        },
        Configuration { name: "two deliveries, sent twice, two crashes", sends: 2, crashes: 2, faults: 0, ..two() },
        Configuration { name: "a delivery of two events, two receivers", repeats: true, receivers: 2, processors: 2, ..batch() },
        Configuration { name: "rules that change, two crashes", sends: 2, crashes: 2, redrives: 1, ..rules() },
        Configuration { name: "weeks that pass, two crashes", sends: 2, crashes: 2, ..weeks() },
    ]
}

/// A configuration in which the missing protection is noticed.
pub fn of(broken: Broken) -> Configuration {
    match broken {
        Broken::ClaimWithoutCondition
        | Broken::ReceivedIsDuplicate
        | Broken::UnknownClaimIsDuplicate
        | Broken::MarkBeforeSend
        | Broken::UnknownSendIsSent
        | Broken::CommitWithoutMarker
        | Broken::CounterBeforeClaim
        | Broken::DeleteBeforeCommit
        | Broken::UnknownCommitIsDone
        | Broken::FailureNotReported
        | Broken::ContentionIsDead
        | Broken::DeadWithoutCondition
        | Broken::DeadIsDeleted => counter(),
        Broken::RequeueDeletesFirst => Configuration { crashes: 2, ..counter() },
        Broken::MarkUnsent | Broken::MarkWithoutCondition | Broken::OneQueuedIsEnough => batch(),
        Broken::CommitWithoutVersion => two(),
        Broken::SendBeforeCommit | Broken::RecoveryForgets | Broken::EmptyBeforeSend => action(),
        Broken::RecoveryPlansAgain => rules(),
        Broken::NoHorizon | Broken::ShortLivedClaims => weeks(),
    }
}
