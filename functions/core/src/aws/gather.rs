//! Questions of one moment become one call: the records of a batch are processed side by side, and what they ask at the same time
//! is asked together. Each gets its own answer, and the failure of one is no other's.
//!
//! The first that asks calls for all. If its work is cut off, those that wait for it ask again: nobody waits for a call that isn't
//! made.

use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use tokio::task::yield_now;

/// A question, and where its answer goes.
pub(super) struct Asked<Q, A> {
    pub(super) question: Arc<Q>,
    answer: oneshot::Sender<A>,
}

impl<Q, A> Asked<Q, A> {
    /// Whoever asked may be gone by now.
    pub(super) fn answer(self, answer: A) {
        let _ = self.answer.send(answer);
    }
}

/// Gathers questions of one kind.
pub(super) struct Gather<Q, A> {
    waiting: Mutex<Vec<Asked<Q, A>>>,
    /// Held during a call, where there is one call at a time.
    turn: Option<tokio::sync::Mutex<()>>,
}

impl<Q, A> std::fmt::Debug for Gather<Q, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gather").finish_non_exhaustive()
    }
}

impl<Q, A> Gather<Q, A> {
    /// Of what is asked in the same moment: by all that are ready to run.
    pub(super) const fn of_a_moment() -> Self {
        Self { waiting: Mutex::new(Vec::new()), turn: None }
    }

    /// The same, and of all that is asked while the call before is under way.
    pub(super) fn of_a_turn() -> Self {
        Self { turn: Some(tokio::sync::Mutex::new(())), ..Self::of_a_moment() }
    }

    /// The answer to a question. `call` makes the call for all questions, and answers each.
    pub(super) async fn ask<C: Future<Output = ()>>(&self, question: Q, call: impl Fn(Vec<Asked<Q, A>>) -> C) -> A {
        // It is kept for the case that the first that asks is cut off.
        let question = Arc::new(question);
        loop {
            let (answer, answered) = oneshot::channel();
            if let Some(first) = self.push(Asked { question: Arc::clone(&question), answer }) {
                yield_now().await;
                let _turn = match &self.turn {
                    Some(turn) => Some(turn.lock().await),
                    None => None,
                };
                call(first.take()).await;
            }
            if let Ok(answer) = answered.await {
                return answer;
            }
        }
    }

    fn push(&self, asked: Asked<Q, A>) -> Option<First<'_, Q, A>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(asked);
        let is_first = waiting.len() == 1;
        // It locks when it is dropped.
        drop(waiting);
        is_first.then(|| First(Some(self)))
    }

    fn take(&self) -> Vec<Asked<Q, A>> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The first that asks, until it has taken what all asked. Cut off before, it leaves nobody waiting.
struct First<'g, Q, A>(Option<&'g Gather<Q, A>>);

impl<Q, A> First<'_, Q, A> {
    fn take(mut self) -> Vec<Asked<Q, A>> {
        self.0.take().map(Gather::take).unwrap_or_default()
    }
}

impl<Q, A> Drop for First<'_, Q, A> {
    fn drop(&mut self) {
        drop(self.0.take().map(Gather::take));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    /// Doubles numbers, and counts its calls.
    #[derive(Debug)]
    struct Doubler {
        gather: Gather<u32, u32>,
        calls: AtomicUsize,
    }

    impl Doubler {
        fn new(gather: Gather<u32, u32>) -> Self {
            Self { gather, calls: AtomicUsize::new(0) }
        }

        async fn double(&self, number: u32) -> u32 {
            let call = |all: Vec<Asked<u32, u32>>| async {
                self.calls.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(10)).await;
                for asked in all {
                    let doubled = *asked.question * 2;
                    asked.answer(doubled);
                }
            };
            self.gather.ask(number, call).await
        }

        fn calls(&self) -> usize {
            self.calls.load(Ordering::SeqCst)
        }
    }

    async fn all(doubler: &Doubler, numbers: std::ops::Range<u32>) -> Vec<u32> {
        futures::future::join_all(numbers.map(|number| doubler.double(number))).await
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_asked_in_one_moment_is_one_call_and_each_gets_its_own_answer() {
        for gather in [Gather::of_a_moment(), Gather::of_a_turn()] {
            let doubler = Doubler::new(gather);
            assert_eq!(all(&doubler, 0..100).await, (0..100).map(|n| n * 2).collect::<Vec<_>>());
            assert_eq!(doubler.calls(), 1);
            assert_eq!(doubler.double(7).await, 14);
            assert_eq!(doubler.calls(), 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_asked_during_a_turn_is_the_next_call() {
        let doubler = Doubler::new(Gather::of_a_turn());
        let late = |number: u32| {
            let doubler = &doubler;
            async move {
                tokio::time::sleep(Duration::from_millis(u64::from(number))).await;
                doubler.double(number).await
            }
        };
        assert_eq!(futures::future::join_all((0..10).map(late)).await, (0..10).map(|n| n * 2).collect::<Vec<_>>());
        assert_eq!(doubler.calls(), 2, "the first, and then all that came while it was under way");
    }

    /// At each point: before its call, while it waits for its turn, and during its call.
    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_first_that_was_cut_off() {
        for cut_ms in [0, 5, 12, 15] {
            for gather in [Gather::of_a_moment(), Gather::of_a_turn()] {
                let doubler = Doubler::new(gather);
                let first = tokio::time::timeout(Duration::from_millis(cut_ms), doubler.double(1));
                let rest = tokio::time::timeout(Duration::from_secs(1), all(&doubler, 2..10));
                let (_, rest) = futures::future::join(first, rest).await;
                assert_eq!(rest.expect("an answer"), (2..10).map(|n| n * 2).collect::<Vec<_>>(), "cut after {cut_ms} ms");
            }
        }
    }
}
