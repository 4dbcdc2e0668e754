//! A function that dies at a call: it never gets the answer, and nothing after it is done.

use std::future::pending;
use std::sync::Mutex;

/// On which side of a call's effect it dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Before,
    After,
}

/// How many calls it still makes, and on which side of the next one it dies. `None`: it lives.
#[derive(Debug, Default)]
pub struct Life(Mutex<Option<(u32, Side)>>);

impl Life {
    pub fn ends_at(&self, call: u32, side: Side) {
        *self.state() = Some((call, side));
    }

    /// It lives on. Returns whether it would have died later.
    pub fn goes_on(&self) -> bool {
        self.state().take().is_some()
    }

    /// Makes a call, if it lives. If it dies at this call, the call never answers.
    pub async fn makes<R>(&self, call: impl Future<Output = R>) -> R {
        match self.next() {
            None => call.await,
            Some(Side::Before) => pending().await,
            Some(Side::After) => {
                call.await;
                pending().await
            }
        }
    }

    fn next(&self) -> Option<Side> {
        let mut life = self.state();
        match &mut *life {
            None => None,
            Some((0, side)) => {
                let side = *side;
                *life = None;
                Some(side)
            }
            Some((calls, _)) => {
                *calls -= 1;
                None
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Option<(u32, Side)>> {
        self.0.lock().expect("nothing panics while it holds this")
    }
}
