use super::*;
use crate::action::{ActionId, Intent, Wrote};
use crate::claim::ClaimKey;
use crate::context::Tie;
use std::time::Duration;
use tidings_config::rules::Span;

const NOW: Timestamp = Timestamp::from_unix_ms(1_000_000_000);

fn cap(at_most: u32, overflow: CapOverflow) -> Cap {
    Cap { at_most, within: Span::new(Duration::from_secs(3_600)), overflow }
}

fn policy(cap: Cap) -> Policy {
    Policy { cap: Some(cap), ..Policy::default() }
}

fn proposal(n: usize, rule: &str, own: Option<Cap>, priority: Priority) -> PlannedAction {
    let cause = ClaimKey::new("s", &n.to_string());
    PlannedAction {
        id: ActionId::new(&cause, rule, "notify"),
        rule: rule.into(),
        entity: None,
        time: None,
        tie: Tie::default(),
        nth: 0,
        wrote: Wrote::default(),
        overflow: own.map(|cap| cap.overflow).unwrap_or_default(),
        since: NOW,
        cause,
        priority,
        traceparent: None,
        by_provider: Vec::new(),
        intent: Intent::Notify { text: vec![], variants: vec![], channels: vec![], cap: own },
    }
}

fn sent(scope: &str, cap: Cap, times: usize) -> Outbox {
    let mut outbox = Outbox::default();
    (0..times).for_each(|_| outbox.count(scope, cap, NOW));
    outbox
}

fn look(proposals: &[PlannedAction], policy: &Policy, outbox: &Outbox, left: u64) -> Capped {
    let open: Vec<Open<'_>> = proposals.iter().map(|proposal| Open { proposal, channel: None }).collect();
    let left = if left == 0 { BTreeMap::new() } else { BTreeMap::from([(String::new(), left)]) };
    capped(&open, policy, outbox, &left, NOW)
}

fn said(capped: &Capped) -> Vec<Vec<usize>> {
    capped.say.iter().map(|message| message.members.clone()).collect()
}

fn normal(count: usize) -> Vec<PlannedAction> {
    (0..count).map(|n| proposal(n, "r", None, Priority::Normal)).collect()
}

#[test]
fn the_newest_stay_and_are_sent_in_order_as_there_is_room() {
    let three = cap(3, CapOverflow::Newest);
    for (waiting, sent_before, say, wait, over) in [
        (2, 0, 0..2, 2..2, 0..0),
        (5, 0, 2..5, 5..5, 0..2),
        (3, 1, 0..2, 2..3, 0..0),
        (5, 1, 2..4, 4..5, 0..2),
        (5, 3, 2..2, 2..5, 0..2),
    ] {
        let capped = look(&normal(waiting), &policy(three), &sent("", three, sent_before), 0);
        assert_eq!(said(&capped), say.map(|n| vec![n]).collect::<Vec<_>>(), "{waiting} {sent_before}");
        assert_eq!((capped.wait, capped.over), (wait.collect(), over.collect()), "{waiting} {sent_before}");
    }
}

#[test]
fn a_digest_contains_all_if_they_exceed_the_room() {
    let three = cap(3, CapOverflow::Digest);
    for (waiting, sent_before, left, say) in [
        (3, 0, 0, vec![vec![0], vec![1], vec![2]]),
        (4, 0, 0, vec![vec![0, 1, 2, 3]]),
        (2, 2, 0, vec![vec![0, 1]]),
        (1, 2, 0, vec![vec![0]]),
        (1, 2, 7, vec![vec![0]]),
        (2, 3, 9, vec![]),
    ] {
        let capped = look(&normal(waiting), &policy(three), &sent("", three, sent_before), left);
        assert_eq!(said(&capped), say, "{waiting} {sent_before} {left}");
        let is_digest = capped.say.iter().any(Message::is_digest);
        assert_eq!(
            is_digest,
            !say.is_empty() && (waiting + usize::try_from(left).unwrap()) > 3 - sent_before,
            "{waiting} {left}"
        );
        assert_eq!(capped.wait.len(), if sent_before == 3 { waiting } else { 0 });
        assert_eq!(capped.say.iter().map(|message| message.left_of.len()).sum::<usize>(), usize::from(left == 7));
    }
}

#[test]
fn a_message_uses_one_channel() {
    let two = cap(2, CapOverflow::Digest);
    let proposals = normal(5);
    let channels = [Channel::Sms, Channel::Email, Channel::Sms, Channel::Email, Channel::Sms];
    let open: Vec<Open<'_>> =
        proposals.iter().zip(channels).map(|(proposal, channel)| Open { proposal, channel: Some(channel) }).collect();
    let capped = capped(&open, &policy(two), &Outbox::default(), &BTreeMap::new(), NOW);
    assert_eq!(said(&capped), [vec![1, 3], vec![0, 2, 4]]);
}

#[test]
fn a_dropping_cap_withholds_what_exceeds_it() {
    let two = cap(2, CapOverflow::Drop);
    let capped = look(&normal(5), &policy(two), &sent("", two, 1), 0);
    assert_eq!((said(&capped), capped.over, capped.wait), (vec![vec![0]], (1..5).collect(), BTreeSet::new()));
}

#[test]
fn a_full_rule_blocks_no_other_and_urgent_ones_pass_and_count() {
    let (own, all) = (cap(1, CapOverflow::Newest), cap(2, CapOverflow::Newest));
    let proposals = [
        proposal(0, "tip", Some(own), Priority::Normal),
        proposal(1, "other", None, Priority::Normal),
        proposal(2, "fire", None, Priority::Urgent),
        proposal(3, "other", None, Priority::Normal),
    ];
    let capped = look(&proposals, &policy(all), &sent("tip", own, 1), 0);
    assert_eq!((said(&capped), capped.wait), (vec![vec![1], vec![2]], BTreeSet::from([0, 3])));
}

#[test]
fn a_digest_of_a_rule_counts_once_for_the_policy() {
    let (own, all) = (cap(1, CapOverflow::Digest), cap(2, CapOverflow::Newest));
    let tips = (0..4).map(|n| proposal(n, "tip", Some(own), Priority::Normal));
    let mut proposals: Vec<PlannedAction> = tips.collect();
    proposals.extend((4..6).map(|n| proposal(n, "other", None, Priority::Normal)));
    let capped = look(&proposals, &policy(all), &Outbox::default(), 0);
    assert_eq!((said(&capped), capped.over), (vec![vec![4], vec![5]], (0..4).collect()), "the newest two messages");
    let capped = look(&proposals[..5], &policy(all), &Outbox::default(), 0);
    assert_eq!(said(&capped), [vec![0, 1, 2, 3], vec![4]]);
}
