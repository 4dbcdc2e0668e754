//! `GET /ready`: whether the endpoint would accept an event now.
//!
//! Promises: a result is cached for [`READINESS_KEPT`], so that no caller can cause costs. The checks use the grants
//! that events need, and change nothing. Never: a cause in the response, or the names of sources without a secret.

use crate::reply::Reply;
use crate::secrets::SecretBook;
use lambda_http::{Body, Response};
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex};
use tidings_config::limits::READINESS_KEPT;
use tidings_config::source::Source;
use tidings_config::time::Timestamp;
use tidings_core::ports::Probe;

/// The receiver's facts about itself, by name.
pub(crate) type About = Vec<(&'static str, Value)>;

/// The dependencies to check, and the last result.
#[derive(Debug, Default)]
pub struct Readiness {
    probes: Vec<Arc<dyn Probe>>,
    last: Mutex<Option<(Timestamp, Checks)>>,
}

/// One word for each dependency: `ok`, or the problem.
#[derive(Clone, Debug)]
struct Checks {
    words: Vec<(&'static str, &'static str)>,
    without_secret: usize,
}

impl Readiness {
    pub(crate) fn of(probes: Vec<Arc<dyn Probe>>) -> Self {
        Self { probes, last: Mutex::default() }
    }

    pub(crate) async fn answer(&self, secrets: &SecretBook, sources: &[Source], about: About, now: Timestamp) -> Response<Body> {
        let kept = self.last.lock().expect("nothing panics while it holds this").clone();
        let checks = match kept.filter(|(asked, _)| now.since(*asked) < READINESS_KEPT) {
            Some((_, checks)) => checks,
            None => {
                let checks = self.ask(secrets, sources, now).await;
                *self.last.lock().expect("nothing panics while it holds this") = Some((now, checks.clone()));
                checks
            }
        };
        checks.into_response(about)
    }

    async fn ask(&self, secrets: &SecretBook, sources: &[Source], now: Timestamp) -> Checks {
        let without_secret = secrets.missing(sources).await;
        let with_own = sources.iter().filter(|source| !source.tenants).count();
        let mut words = vec![("secret", if without_secret < with_own || with_own == 0 { "ok" } else { "missing" })];
        for probe in &self.probes {
            let word = match probe.probe(now).await {
                Ok(()) => "ok",
                Err(error) => {
                    tracing::warn!(check = probe.name(), cause = %error, "not ready");
                    "no_answer"
                }
            };
            words.push((probe.name(), word));
        }
        Checks { words, without_secret }
    }
}

impl Checks {
    fn into_response(self, mut about: About) -> Response<Body> {
        let reply = if self.words.iter().all(|(_, word)| *word == "ok") { Reply::Ready } else { Reply::NotReady };
        let words: Map<String, Value> = self.words.into_iter().map(|(name, word)| (name.to_owned(), json!(word))).collect();
        about.extend([("checks", Value::Object(words)), ("sources_without_secret", json!(self.without_secret))]);
        reply.with(&about)
    }
}
