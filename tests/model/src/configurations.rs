//! The configurations that are explored: each turns some dimensions of the environment on.

use crate::events::Setup;
use crate::events::decided::Kind;
use crate::events::state::Budget;
use crate::sends;

const NONE: Budget = Budget {
    crashes: 0,
    faults: 0,
    conflicts: 0,
    copies: 0,
    retries: 0,
    repeats: 0,
    redrives: 0,
    drops: 0,
    erasures: 0,
    rule_changes: 0,
    months: 0,
};

const fn setup(name: &'static str, kinds: [Kind; 3], requests: &'static [u8], left: Budget) -> Setup {
    Setup {
        name,
        kinds,
        requests,
        forged: false,
        receivers: 2,
        processors: 2,
        max_receives: 2,
        left,
        skews: &[(0, 0)],
        overtakes: false,
        late_requests: false,
    }
}

use Kind::{Action, Facts, Link, Noted, OfIdentity};

/// Two deliveries of one event, two crashes, and a message that is delivered twice.
pub const CRASHES: Setup =
    setup("crashes", [Action, Noted, Noted], &[0b01, 0b01], Budget { crashes: 2, copies: 1, retries: 1, ..NONE });
/// Two events in one request: a part of a batch that SQS doesn't take, and marks.
pub const BATCH: Setup =
    setup("batch", [Action, Noted, Noted], &[0b11], Budget { crashes: 1, faults: 1, copies: 1, retries: 1, ..NONE });
/// Calls without an answer, on the way to the dead-letter queue and back.
pub const FAULTS: Setup = setup(
    "faults",
    [Action, Noted, Noted],
    &[0b01],
    Budget { faults: 2, retries: 1, repeats: 1, redrives: 1, drops: 1, copies: 1, ..NONE },
);
/// Two events of one conversation: versions, order, outboxes; and conflicts of transactions.
pub const ORDER: Setup =
    setup("order", [Action, Action, Noted], &[0b01, 0b10], Budget { crashes: 1, faults: 1, conflicts: 1, ..NONE });
/// Facts that are written before their claim.
pub const FACTS: Setup =
    setup("facts", [Facts, Facts, Noted], &[0b01, 0b10], Budget { crashes: 1, faults: 1, copies: 1, ..NONE });
/// An identity, its link, and the move of its items.
pub const LINKS: Setup =
    setup("links", [OfIdentity, Link, Noted], &[0b01, 0b10], Budget { crashes: 1, faults: 1, copies: 1, ..NONE });
/// The same, beside an event of the conversation.
pub const BUSY_LINKS: Setup =
    setup("links beside an event", [OfIdentity, Link, Action], &[0b001, 0b010, 0b100], Budget { crashes: 1, ..NONE });
/// Rules that change between two receives.
pub const RULES: Setup =
    setup("rules", [Action, Link, Noted], &[0b01, 0b10], Budget { crashes: 1, copies: 1, rule_changes: 1, ..NONE });
/// An erasure, and copies that come after it.
pub const ERASURE: Setup =
    setup("erasure", [Action, Facts, Noted], &[0b01, 0b10], Budget { crashes: 1, copies: 1, erasures: 1, ..NONE });
/// A month: the horizon of events, TTL, and clocks that differ by up to twelve hours in both directions.
pub const TIME: Setup = Setup {
    skews: &[(0, 0), (12, -12), (-12, 12)],
    ..setup(
        "time",
        [Action, Noted, Noted],
        &[0b01, 0b01],
        Budget { crashes: 1, faults: 1, copies: 1, retries: 1, redrives: 1, months: 2, ..NONE },
    )
};
/// A forged request beside a genuine one.
pub const FORGERY: Setup = Setup {
    forged: true,
    ..setup(
        "forgery",
        [Action, Noted, Action],
        &[0b01],
        Budget { crashes: 1, faults: 1, copies: 1, retries: 1, repeats: 1, ..NONE },
    )
};

pub const SMALL: &[&Setup] = &[&CRASHES, &BATCH, &FAULTS, &ORDER, &FACTS, &LINKS, &BUSY_LINKS, &RULES, &ERASURE, &TIME, &FORGERY];

/// A channel whose provider takes no key.
pub const WITHOUT_KEYS: sends::Setup = sends::Setup {
    name: "sends without keys",
    keys: false,
    senders: 2,
    left: sends::Budget { crashes: 1, faults: 1, failures: 2, timeouts: 1, redrives: 1, times: 1 },
};
/// A channel whose provider takes keys, and forgets them.
pub const WITH_KEYS: sends::Setup = sends::Setup {
    name: "sends with keys",
    keys: true,
    senders: 2,
    left: sends::Budget { crashes: 1, faults: 1, failures: 2, timeouts: 1, redrives: 1, times: 2 },
};
pub const SENDS: &[&sends::Setup] = &[&WITHOUT_KEYS, &WITH_KEYS];

/// An erasure that overtakes an invocation that began before it: a limit that `docs/proof.md` states.
pub const OVERTAKEN: Setup = Setup { name: "an erasure is overtaken", overtakes: true, ..ERASURE };
/// A provider that sends an event again after the lifetime of its claim: another one.
pub const LATE: Setup = Setup {
    late_requests: true,
    ..setup("an event comes again after a month", [Action, Noted, Noted], &[0b01, 0b01], Budget { months: 2, ..NONE })
};

const fn larger(name: &'static str, setup: Setup, left: Budget) -> Setup {
    Setup { name, left, ..setup }
}

/// What takes minutes: the dimensions of the small ones, with more faults at a time.
pub const LARGE: &[Setup] = &[
    Setup { requests: &[0b11, 0b11], ..larger("two deliveries of two events", ORDER, Budget { crashes: 2, retries: 1, ..NONE }) },
    larger(
        "two deliveries, crashes and faults",
        CRASHES,
        Budget { crashes: 2, faults: 2, copies: 1, retries: 1, redrives: 1, ..NONE },
    ),
    larger("batch, more faults", BATCH, Budget { crashes: 1, faults: 2, copies: 1, retries: 1, ..NONE }),
    larger("order, more faults", ORDER, Budget { crashes: 2, faults: 1, conflicts: 1, copies: 1, ..NONE }),
    larger("facts, more faults", FACTS, Budget { crashes: 2, faults: 2, copies: 1, ..NONE }),
    larger("links, more faults", LINKS, Budget { crashes: 2, faults: 2, copies: 1, ..NONE }),
    larger("links beside an event, more faults", BUSY_LINKS, Budget { crashes: 1, faults: 1, ..NONE }),
    larger("rules, more faults", RULES, Budget { crashes: 2, faults: 1, copies: 1, rule_changes: 1, ..NONE }),
    larger("erasure, more faults", ERASURE, Budget { crashes: 1, faults: 1, copies: 1, erasures: 2, ..NONE }),
    larger("time, more faults", TIME, Budget { crashes: 1, faults: 2, copies: 1, retries: 1, redrives: 1, months: 2, ..NONE }),
];
