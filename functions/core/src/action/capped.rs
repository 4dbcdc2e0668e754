//! Decides by caps which of the actions that are ready are sent. Pure. All ready actions are decided together, so a
//! burst has the same result for every order of its events.
//!
//! Each cap has a scope: a rule, or all rules (""). First each rule's cap decides about the rule's own actions; then
//! the policy's cap decides about those that passed. Therefore a rule that has no room never blocks another rule.
//!
//! | overflow | more actions than there is room for |
//! |---|---|
//! | newest | the newest stay, as many as the cap allows, and are sent in their order as there is room; older ones
//! exceed the cap |
//! | digest | all of them form one message; they wait while there is no room at all |
//! | drop | the first get the room; the rest exceed the cap |

use super::PlannedAction;
use super::policy::caps;
use crate::context::Outbox;
use std::collections::{BTreeMap, BTreeSet};
use tidings_config::rules::{Cap, CapOverflow, Channel, Policy, Priority};
use tidings_config::time::Timestamp;

/// An action that is ready to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Open<'a> {
    pub proposal: &'a PlannedAction,
    pub channel: Option<Channel>,
}

/// The actions that are sent as one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Indices in the list, in order. More than one: a digest.
    pub members: Vec<usize>,
    /// The scopes whose dropped actions the digest counts.
    pub left_of: Vec<String>,
    is_digest: bool,
}

impl Message {
    fn of(one: usize) -> Self {
        Self { members: vec![one], left_of: Vec::new(), is_digest: false }
    }

    pub const fn is_digest(&self) -> bool {
        self.is_digest
    }

    /// The position of its newest member.
    fn newest(&self) -> usize {
        self.members.last().copied().unwrap_or(0)
    }
}

/// The decision for each action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capped {
    /// Sent, in this order.
    pub say: Vec<Message>,
    /// Waiting for room.
    pub wait: BTreeSet<usize>,
    /// Exceeding a cap.
    pub over: BTreeSet<usize>,
}

/// `open` is in the order of the events. `left`: dropped actions by scope.
pub fn capped(open: &[Open<'_>], policy: &Policy, outbox: &Outbox, left: &BTreeMap<String, u64>, now: Timestamp) -> Capped {
    let mut capped = Capped::default();
    let mut ready: Vec<Message> = (0..open.len()).map(Message::of).collect();
    let scopes: BTreeSet<&str> = open.iter().flat_map(|one| caps(one.proposal, policy)).map(|(scope, _)| scope).collect();
    // Every rule has a name, so the policy's scope would come first.
    let rules_first = scopes.iter().filter(|scope| !scope.is_empty()).chain(scopes.get(""));
    for scope in rules_first {
        let cap_of = |n: usize| caps(open[n].proposal, policy).find(|(of, _)| of == scope).map(|(_, cap)| cap);
        let (counted, rest): (Vec<Message>, Vec<Message>) =
            ready.into_iter().partition(|message| cap_of(message.newest()).is_some() && !is_urgent(open, message));
        ready = rest;
        let Some(cap) = counted.last().and_then(|newest| cap_of(newest.newest())) else { continue };
        // Urgent actions pass the cap and count towards it.
        let passes = ready.iter().filter(|message| cap_of(message.newest()).is_some()).count();
        let room = outbox.free(scope, cap, now).saturating_sub(passes);
        ready.extend(capped.settle(counted, open, (scope, cap), room, left.get(*scope).copied().unwrap_or(0)));
        ready.sort_by_key(Message::newest);
    }
    capped.say = ready;
    capped
}

fn is_urgent(open: &[Open<'_>], message: &Message) -> bool {
    open[message.newest()].proposal.priority == Priority::Urgent
}

impl Capped {
    /// Decides one scope. Returns the messages that are sent.
    fn settle(
        &mut self,
        mut counted: Vec<Message>,
        open: &[Open<'_>],
        (scope, cap): (&str, Cap),
        room: usize,
        left: u64,
    ) -> Vec<Message> {
        let has_room =
            u64::try_from(room).unwrap_or(u64::MAX) >= left && counted.len() <= room - usize::try_from(left).unwrap_or(0);
        let all = |messages: Vec<Message>| messages.into_iter().flat_map(|message| message.members);
        match cap.overflow {
            CapOverflow::Newest => {
                let surplus = counted.len().saturating_sub(cap.at_most as usize);
                self.over.extend(all(counted.drain(..surplus).collect()));
                self.wait.extend(all(counted.split_off(room.min(counted.len()))));
            }
            CapOverflow::Drop => self.over.extend(all(counted.split_off(room.min(counted.len())))),
            CapOverflow::Digest if has_room => {}
            CapOverflow::Digest if room == 0 => self.wait.extend(all(std::mem::take(&mut counted))),
            CapOverflow::Digest => {
                counted = by_channel(counted, open);
                if let Some(newest) = counted.last_mut().filter(|_| left > 0) {
                    newest.left_of.push(scope.to_owned());
                }
                self.wait.extend(all(counted.split_off(room.min(counted.len()))));
            }
        }
        counted
    }
}

/// Splits messages so that each uses one channel.
fn by_channel(messages: Vec<Message>, open: &[Open<'_>]) -> Vec<Message> {
    let mut digests: Vec<Message> = Vec::new();
    for message in messages {
        let channel = open[message.newest()].channel;
        match digests.iter_mut().find(|digest| open[digest.newest()].channel == channel) {
            Some(digest) => {
                digest.members.extend(message.members);
                digest.left_of.extend(message.left_of);
            }
            None => digests.push(Message { is_digest: true, ..message }),
        }
    }
    for digest in &mut digests {
        digest.members.sort_unstable();
    }
    digests.sort_by_key(Message::newest);
    digests
}

#[cfg(test)]
mod tests;
