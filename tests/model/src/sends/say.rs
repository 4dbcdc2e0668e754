//! The sender's steps for one action. Each is one call, so a crash may come between any two.

use super::state::{Beginning, Doing, Kind, Letter, Send, State, Work};
use super::{Fate, REMEMBERED, Sends, TIMES, at};
use crate::broken::Broken;
use sender::decide::{Begin, Conclusion, Left, conclude, left};
use tidings_config::limits::SENDING_LEASE;
use tidings_outgoing::{Blame, Outcome};

/// The result of a conditional write.
enum Wrote {
    Yes,
    Other(Option<Send>),
    NoAnswer,
}

impl Sends {
    pub(super) fn step(&self, state: &mut State, work: Work, fate: Fate) -> Work {
        let action = usize::try_from(work.batch.trailing_zeros()).unwrap_or(0);
        let go = |step| Work { step, ..work };
        match work.step {
            Doing::Idle => work,
            Doing::Begin { begin, seen } => self.begin(state, work, action, (begin, seen), fate),
            Doing::Request { begin, version } => {
                let conclusion = self.request(state, action, begin, fate);
                go(self.conclude(state, action, begin, version, &conclusion))
            }
            Doing::Record { record, bury } => match self.put(state, action, record, fate) {
                Wrote::Yes if bury => self.over(state, work, record),
                Wrote::Yes | Wrote::Other(_) | Wrote::NoAnswer => self.held(state, work),
            },
            Doing::RecordSent { record } => match self.put(state, action, record, fate) {
                Wrote::Other(Some(stored)) if stored.kind != Kind::Sent => {
                    let record = Send { version: stored.version + 1, dead: stored.dead, ..record };
                    go(Doing::RecordSent { record })
                }
                Wrote::Yes | Wrote::Other(_) | Wrote::NoAnswer => go(Doing::Delete),
            },
            Doing::Bury { record } => {
                if fate != Fate::NoAnswer {
                    state.dead[action] = Some(Letter { dead: record.dead });
                }
                if fate != Fate::Answered {
                    return self.held(state, work);
                }
                go(Doing::List { record: Send { version: record.version + 1, is_dead_lettered: true, ..record } })
            }
            Doing::List { record } => {
                let _ = self.put(state, action, record, fate);
                go(Doing::Delete)
            }
            Doing::Delete => {
                let bit = 1 << action;
                if !work.is_late {
                    state.taken &= !bit;
                }
                self.first(state, &Work { batch: work.batch & !bit, ..work })
            }
        }
    }

    /// The rest of the batch stays in the queue, with this action.
    fn held(&self, state: &mut State, work: Work) -> Work {
        if self.is(Broken::WaitingHoldsNothing) {
            let bit = work.batch & work.batch.wrapping_neg();
            if !work.is_late {
                state.taken &= !bit;
                state.queued |= bit;
            }
            return self.first(state, &Work { batch: work.batch & !bit, ..work });
        }
        Self::give_back(state, &work);
        Work::default()
    }

    /// Dead-letters what is over.
    fn over(&self, state: &mut State, work: Work, record: Send) -> Work {
        if self.is(Broken::DeleteBeforeDeadLetter) && !work.is_late {
            state.taken &= !(work.batch & work.batch.wrapping_neg());
        }
        Work { step: Doing::Bury { record }, ..work }
    }

    fn begin(&self, state: &mut State, work: Work, action: usize, (begin, seen): (Beginning, Option<Send>), fate: Fate) -> Work {
        let record = Send {
            version: seen.map_or(1, |seen| seen.version + 1),
            kind: Kind::Sending,
            begin,
            at: state.time,
            dead: seen.map_or(0, |seen| seen.dead),
            is_dead_lettered: false,
        };
        let go = |step| Work { step, ..work };
        let found = match self.put(state, action, record, fate) {
            Wrote::Yes => return go(Doing::Request { begin, version: record.version }),
            Wrote::NoAnswer => return self.held(state, work),
            Wrote::Other(found) => found,
        };
        let Some(found) = found else {
            return go(Doing::Begin { begin: Begin::first(at(state.time)).into(), seen: None });
        };
        let mut now = at(state.time);
        if self.is(Broken::NoLease) {
            now = now.plus(SENDING_LEASE);
        }
        match left(&found.stored(), state.redriven[action].into(), self.remembered(), now) {
            Left::Done => go(Doing::Delete),
            Left::DeadLetter => self.over(state, work, found),
            Left::Wait(_) => self.held(state, work),
            Left::Begin(begin) => go(Doing::Begin { begin: begin.into(), seen: Some(found) }),
            Left::GiveUp(_) => {
                let begin = Beginning { may_be_sent: true, ..found.begin };
                go(self.end(state, (begin, found.version, found.dead), Kind::Uncertain))
            }
        }
    }

    /// Makes the request: what the provider does, and what the sender learns.
    fn request(&self, state: &mut State, action: usize, begin: Beginning, fate: Fate) -> Conclusion {
        let key = if self.is(Broken::KeyForEachTry) { begin.tries + 8 * begin.key } else { begin.key };
        if matches!(fate, Fate::Answered | Fate::Lost) {
            let now = TIMES[usize::from(state.time)];
            let known = state.keys[action]
                .is_some_and(|(known, since)| known == key && now.saturating_sub(TIMES[usize::from(since)]) < REMEMBERED);
            if !(self.setup.keys && known) {
                if state.said[action] == 0 && state.redriven[action] == 0 {
                    let place = u8::try_from(action).unwrap_or(u8::MAX) + 1;
                    state.disordered |= state.newest > place;
                    state.newest = state.newest.max(place);
                }
                state.said[action] += 1;
                state.keys[action] = Some((key, state.time));
            }
        }
        let reason = String::new;
        let outcome = match fate {
            Fate::Answered => Outcome::Sent { message: None },
            Fate::Lost | Fate::NoAnswer if self.is(Broken::LostRequestIsSent) => Outcome::Sent { message: None },
            Fate::Lost | Fate::NoAnswer => Outcome::Unsure { reason: reason() },
            Fate::Later => Outcome::Retry { after: None, reason: reason(), hint: None, blame: None },
            Fate::Refused => Outcome::Refused { reason: reason(), hint: None, blame: Blame::Message },
        };
        let mut begin = Begin::from(begin);
        if self.is(Broken::RefusedAfterUncertain) && fate == Fate::Refused {
            begin.may_be_sent = false;
        }
        // The action came into the queue at the first moment.
        conclude(outcome, begin, self.remembered(), TIMES[usize::from(state.time)], at(state.time))
    }

    fn conclude(&self, state: &State, action: usize, begin: Beginning, version: u8, conclusion: &Conclusion) -> Doing {
        let dead = state.records[action].map_or(0, |record| record.dead);
        let record = |kind, begin| Send { version: version + 1, kind, begin, at: state.time, dead, is_dead_lettered: false };
        match conclusion {
            Conclusion::Sent { .. } => Doing::RecordSent { record: record(Kind::Sent, begin) },
            Conclusion::Waiting { may_be_sent, .. } => {
                let begin = Beginning { may_be_sent: *may_be_sent, ..begin };
                Doing::Record { record: record(Kind::Waiting, begin), bury: false }
            }
            Conclusion::Refused { .. } => self.end(state, (begin, version, dead), Kind::Refused),
            Conclusion::Uncertain { .. } => self.end(state, (begin, version, dead), Kind::Uncertain),
        }
    }

    /// A send that is over.
    fn end(&self, state: &State, (begin, version, dead): (Beginning, u8, u8), kind: Kind) -> Doing {
        let record = Send { version: version + 1, kind, begin, at: state.time, dead: dead + 1, is_dead_lettered: false };
        Doing::Record { record, bury: true }
    }

    /// `PutItem` if the stored version is the one before. A write without an answer was made twice: none had one.
    fn put(&self, state: &mut State, action: usize, record: Send, fate: Fate) -> Wrote {
        let stored = &mut state.records[action];
        let seen = record.version - 1;
        let fits = stored.map_or(0, |stored| stored.version) == seen || self.is(Broken::RecordWithoutVersion);
        let found = *stored;
        if fits && fate != Fate::NoAnswer {
            *stored = Some(record);
        }
        match fate {
            Fate::Answered if fits => Wrote::Yes,
            Fate::Answered => Wrote::Other(found),
            Fate::Lost | Fate::NoAnswer | Fate::Later | Fate::Refused => Wrote::NoAnswer,
        }
    }
}
