//! Selects the alarms that report a problem, the worst first. Pure.

use super::runbook::{Commands, PAGING, cant_wait, headings, is_sign, link};
use super::seen::{Seen, State};
use serde::Serialize;
use tidings_config::time::Timestamp;

/// A composite of two alarms that mean nothing alone. A stack without an alarm topic lacks the composite, but its
/// processor may also be stopped.
pub(super) const STOPPED: &str = "ProcessorStoppedAlarm";
pub(super) const STOPPED_SIGNS: [&str; 2] = ["ProcessorIdleAlarm", "EventsWaitingAlarm"];

/// A stack has this alarm if somebody watches its alarms: a topic, or the dashboard.
const OF_WATCHED_STACKS: &str = "DeadLetterAlarm";

#[derive(Debug, Serialize)]
pub(super) struct Alarms {
    pub(super) watched: usize,
    /// Why the stack has so few alarms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<&'static str>,
    /// Number of listed alarms that report a problem.
    pub(super) firing: usize,
    /// All alarms that aren't in state OK, the worst first.
    pub(super) listed: Vec<Alarm>,
}

#[derive(Debug, Serialize)]
pub(super) struct Alarm {
    pub(super) alarm: String,
    pub(super) state: State,
    /// False for an alarm that is normal at times, and for one that repeats others.
    pub(super) counts: bool,
    pub(super) since: Option<Timestamp>,
    pub(super) reason: String,
    pub(super) runbook: String,
    pub(super) next: String,
}

impl Alarms {
    pub(super) fn judge(mut seen: Vec<Seen>, commands: &Commands) -> Self {
        let watched = seen.len();
        let note = match watched {
            _ if seen.iter().any(|one| one.alarm == OF_WATCHED_STACKS) => None,
            0 => Some("the stack has no alarms: AlarmTopicArn is not set (docs/deploy.md#3-topics-for-alarms)"),
            _ => {
                Some("only the alarms that roll back a deployment: AlarmTopicArn is not set (docs/deploy.md#3-topics-for-alarms)")
            }
        };
        seen.extend(stopped(&seen));
        let fires = |one: &Seen| one.state == State::Alarm && !is_sign(&one.alarm);
        let others = seen.iter().any(|one| fires(one) && one.alarm != PAGING);
        let urgent = cant_wait();
        let known: Vec<&str> = headings().collect();
        let place = |list: &[&str], name: &str| list.iter().position(|one| *one == name).unwrap_or(list.len());
        let mut listed: Vec<Alarm> = seen
            .into_iter()
            .filter(|one| one.state != State::Ok)
            .map(|one| Alarm {
                counts: fires(&one) && !(one.alarm == PAGING && others),
                runbook: link(&one.alarm),
                next: commands.of_alarm(&one.alarm),
                alarm: one.alarm,
                state: one.state,
                since: one.since,
                reason: one.reason,
            })
            .collect();
        listed.sort_by_key(|one| (!one.counts, one.state, place(&urgent, &one.alarm), place(&known, &one.alarm)));
        Self { watched, note, firing: listed.iter().filter(|one| one.counts).count(), listed }
    }

    pub(super) fn fires(&self, alarm: &str) -> bool {
        self.listed.iter().any(|one| one.counts && one.alarm == alarm)
    }
}

/// The state of the composite alarm, computed for a stack that lacks it.
fn stopped(seen: &[Seen]) -> Option<Seen> {
    if seen.iter().any(|one| one.alarm == STOPPED) {
        return None;
    }
    let sign = |name: &str| seen.iter().find(|one| one.alarm == name && one.state == State::Alarm);
    let signs: Vec<&Seen> = STOPPED_SIGNS.iter().filter_map(|name| sign(name)).collect();
    (signs.len() == STOPPED_SIGNS.len()).then(|| Seen {
        alarm: STOPPED.to_owned(),
        state: State::Alarm,
        since: signs.iter().filter_map(|one| one.since).max(),
        reason: STOPPED_SIGNS.join(" and "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(alarm: &str, state: State) -> Seen {
        Seen { alarm: alarm.to_owned(), state, since: Some(Timestamp::from_unix_ms(7)), reason: String::new() }
    }

    fn judged(seen: Vec<Seen>) -> (Vec<(String, bool)>, usize) {
        let alarms = Alarms::judge(seen, &Commands::default());
        (alarms.listed.into_iter().map(|one| (one.alarm, one.counts)).collect(), alarms.firing)
    }

    #[test]
    fn the_worst_alarms_come_first_and_alarms_in_state_ok_are_left_out() {
        let (listed, firing) = judged(vec![
            seen("OldSecretAlarm", State::Alarm),
            seen("SlowReceiverAlarm", State::InsufficientData),
            seen("EnqueueAlarm", State::Ok),
            seen("SomebodysAlarm", State::Alarm),
            seen("DeadLetterAlarm", State::Alarm),
            seen("ReceiverAlarm", State::Alarm),
            seen("ClaimsAlarm", State::Missing),
        ]);
        let names: Vec<&str> = listed.iter().map(|(name, _)| name.as_str()).collect();
        let expected =
            ["ReceiverAlarm", "DeadLetterAlarm", "OldSecretAlarm", "SomebodysAlarm", "SlowReceiverAlarm", "ClaimsAlarm"];
        assert_eq!((names.as_slice(), firing), (expected.as_slice(), 4));
    }

    #[test]
    fn signs_are_nothing_alone_and_together_a_stopped_processor() {
        let idle = || seen("ProcessorIdleAlarm", State::Alarm);
        let waiting = |state| seen("EventsWaitingAlarm", state);
        assert_eq!(judged(vec![idle(), waiting(State::Ok)]), (vec![("ProcessorIdleAlarm".to_owned(), false)], 0));
        let (listed, firing) = judged(vec![idle(), waiting(State::Alarm)]);
        assert_eq!((listed[0].0.as_str(), listed.len(), firing), (STOPPED, 3, 1));
        // If the composite exists, only it reports a stopped processor.
        let (listed, firing) = judged(vec![idle(), waiting(State::Alarm), seen(STOPPED, State::Ok)]);
        assert_eq!((listed.len(), firing), (2, 0));
    }

    #[test]
    fn a_note_says_that_a_stack_notifies_nobody() {
        let note = |alarms: &[&str]| {
            let seen = alarms.iter().map(|alarm| seen(alarm, State::Ok)).collect();
            Alarms::judge(seen, &Commands::default()).note
        };
        assert!(note(&[]).is_some_and(|note| note.starts_with("the stack has no alarms: AlarmTopicArn is not set")));
        assert!(note(&["EnqueueAlarm", "LateFastAlarm"]).is_some_and(|note| note.contains("roll back a deployment")));
        assert_eq!(note(&["EnqueueAlarm", "DeadLetterAlarm"]), None);
    }

    #[test]
    fn the_paging_alarm_repeats_others() {
        let paging = || seen(PAGING, State::Alarm);
        assert_eq!(judged(vec![paging(), seen("ReceiverAlarm", State::Alarm)]).1, 1);
        assert_eq!(judged(vec![paging()]).1, 1, "it has ended for the alarms below it, or they were changed");
    }
}
