//! What a seed decides before the first step: what is sent, and what may go wrong. Each kind of fault is on in some
//! simulations and off in others, so that rare combinations meet.

use crate::load::{Preset, preset, presets};
use fastrand::Rng;
use tidings_core::memory::{Call, Fault};

/// The most presets of a simulation.
const MAX_PRESETS: usize = 3;

/// A delivery that its provider sends.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) preset: usize,
    pub(crate) request: usize,
    pub(crate) is_forged: bool,
    pub(crate) is_acknowledged: bool,
    pub(crate) attempts: u32,
    pub(crate) in_flight: u32,
    pub(crate) was_refused: bool,
}

/// A seed's choices.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) presets: Vec<&'static Preset>,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) max_receives: u32,
    pub(crate) steps: u32,
    /// In thousands of all chances.
    pub(crate) refuse: u32,
    pub(crate) lose: u32,
    pub(crate) conflict: u32,
    pub(crate) part: u32,
    pub(crate) kill: u32,
    pub(crate) stall: u32,
    pub(crate) copies: bool,
    pub(crate) changes_rules: bool,
    pub(crate) erases: bool,
    pub(crate) expires: bool,
    pub(crate) skews: bool,
    pub(crate) redrives: bool,
    /// The events queue refuses everything, until the provider gives up or a sweep helps.
    pub(crate) queue_outage: bool,
}

impl Plan {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let mut chosen: Vec<&'static Preset> = Vec::new();
        let wanted = rng.usize(1..=MAX_PRESETS);
        while chosen.len() < wanted {
            let Some(one) = preset(rng.usize(..presets())) else { continue };
            if chosen.iter().all(|known| known.signable.source.name != one.signable.source.name) {
                chosen.push(one);
            }
        }
        let mut plan = Self {
            presets: chosen,
            deliveries: Vec::new(),
            max_receives: *rng.choice(&[2, 3, 5]).unwrap_or(&5),
            steps: rng.u32(60..280),
            refuse: rate(rng, 150),
            lose: rate(rng, 150),
            conflict: rate(rng, 150),
            part: rate(rng, 200),
            kill: rate(rng, 80),
            stall: rate(rng, 60),
            copies: rng.bool(),
            changes_rules: rng.u32(..4) == 0,
            erases: rng.u32(..12) == 0,
            expires: rng.u32(..16) == 0,
            skews: rng.u32(..4) == 0,
            redrives: rng.bool(),
            queue_outage: rng.u32(..16) == 0,
        };
        plan.choose_deliveries(rng);
        plan
    }

    /// Neighbours among the samples often are versions of one event, or of one entity.
    fn choose_deliveries(&mut self, rng: &mut Rng) {
        let wanted = rng.usize(2..=7);
        let (mut at, mut place) = (0, 0);
        for nth in 0..wanted {
            if nth == 0 || rng.u32(..3) == 0 {
                at = rng.usize(..self.presets.len());
                place = self.place(at, rng);
            } else {
                place = (place + 1) % self.presets[at].requests.len();
            }
            let is_forged = nth > 0 && rng.u32(..10) == 0;
            let delivery = Delivery {
                preset: at,
                request: place,
                is_forged,
                is_acknowledged: false,
                attempts: 0,
                in_flight: 0,
                was_refused: false,
            };
            self.deliveries.push(delivery);
        }
    }

    /// A request of a preset. One of three has several events, if the preset has such a request.
    fn place(&self, at: usize, rng: &mut Rng) -> usize {
        let requests = &self.presets[at].requests;
        let place = rng.usize(..requests.len());
        if rng.u32(..3) > 0 {
            return place;
        }
        let several = (0..requests.len()).map(|nth| (place + nth) % requests.len());
        several.into_iter().find(|nth| requests[*nth].keys.len() > 1).unwrap_or(place)
    }

    /// The fault of a call, and whether only the first message of its batch meets it.
    pub(crate) fn fault(&self, call: Call, rng: &mut Rng) -> Option<(Fault, bool)> {
        let dice = rng.u32(..1_000);
        let is_batch = matches!(call, Call::Send | Call::SetTimer);
        if self.queue_outage && call == Call::Send {
            return (dice < 800).then_some((Fault::Refuse, false));
        }
        let mut below = 0;
        let mut within = |rate: u32| {
            below += rate;
            dice < below
        };
        if within(self.refuse) {
            return Some((Fault::Refuse, false));
        }
        if within(self.lose) {
            return Some((Fault::LoseAnswer, false));
        }
        if within(self.conflict) {
            return matches!(call, Call::Record | Call::Commit | Call::Rewrite).then_some((Fault::Conflict, false));
        }
        if within(self.part) && is_batch {
            return Some((if rng.bool() { Fault::Refuse } else { Fault::LoseAnswer }, true));
        }
        None
    }
}

/// Off, rare, or up to this.
fn rate(rng: &mut Rng, at_most: u32) -> u32 {
    match rng.u32(..4) {
        0 => 0,
        1 => at_most / 8,
        2 => at_most / 3,
        _ => at_most,
    }
}
