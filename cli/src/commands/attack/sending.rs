//! Sends an attempt, and judges the answer.

use crate::Failure;
use crate::delivery::no_response;
use crate::limits::{ATTACK_TIMEOUT, MAX_ATTACK_ANSWER_BYTES, MAX_THROTTLED_TRIES};
use http::{Method, Request};
use std::time::Duration;
use tidings_config::source::Source;
use tidings_events::attack::{Attempt, Made};

/// An attempt and its answer.
#[derive(Debug)]
pub(super) struct Outcome<'a> {
    pub(super) source: String,
    pub(super) attack: &'a str,
    /// `attack/number`
    pub(super) name: String,
    pub(super) shown: String,
    pub(super) right: String,
    pub(super) answer: Answer,
    pub(super) is_right: bool,
    /// The receiver refused it as it refuses every stranger, so its words must be those of every other refusal.
    pub(super) is_refusal: bool,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Status {
        status: u16,
        /// What a stranger could tell two refusals apart by.
        told: String,
    },
    /// No answer, and why.
    None(String),
    /// The genuine request that this one repeats was refused with this status, so nothing can be said.
    NotGenuine(u16),
}

pub(super) struct Agent {
    agent: ureq::Agent,
    url: String,
}

impl Agent {
    pub(super) fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .timeout_global(Some(ATTACK_TIMEOUT));
        Self { agent: config.build().into(), url: url.trim_end_matches('/').to_owned() }
    }

    /// Errors: nothing listens there.
    pub(super) fn send<'a>(&self, source: &Source, attempt: &Attempt<'a>, made: Made) -> Result<Outcome<'a>, Failure> {
        let first = made.first.map(|first| self.ask(first)).transpose()?;
        let answer = match first {
            Some(Answer::Status { status, .. }) if !(200..300).contains(&status) => Answer::NotGenuine(status),
            Some(Answer::Status { .. } | Answer::None(_) | Answer::NotGenuine(_)) | None => self.ask(made.request)?,
        };
        let attack = attempt.attack;
        let is_right = match &answer {
            // A handshake that nobody signs is answered. The tests show that no event comes of one.
            Answer::Status { status, .. } => {
                attack.right.allows(*status)
                    || attack.front.contains(status)
                    || (200..300).contains(status) && !source.handshakes.is_empty() && !attack.needs_secret()
            }
            Answer::None(_) | Answer::NotGenuine(_) => false,
        };
        let is_refusal = attack.right.allows(401) && matches!(answer, Answer::Status { status: 401, .. });
        Ok(Outcome {
            source: source.name.clone(),
            attack: &attack.name,
            name: attempt.name(),
            shown: attempt.shown(),
            right: attack.right.shown(),
            answer,
            is_right,
            is_refusal,
        })
    }

    /// A throttled request is sent again: what throttles isn't the receiver.
    fn ask(&self, request: Request<Vec<u8>>) -> Result<Answer, Failure> {
        for tries in 0.. {
            let answer = self.once(request.clone())?;
            match answer {
                Answer::Status { status: 429, .. } if tries < MAX_THROTTLED_TRIES => {
                    std::thread::sleep(Duration::from_secs(1 << tries));
                }
                Answer::Status { .. } | Answer::None(_) | Answer::NotGenuine(_) => return Ok(answer),
            }
        }
        Ok(Answer::None("throttled".to_owned()))
    }

    fn once(&self, request: Request<Vec<u8>>) -> Result<Answer, Failure> {
        let (mut parts, body) = request.into_parts();
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let address = format!("{}{target}", self.url);
        parts.uri = match address.parse() {
            Ok(uri) => uri,
            Err(error) => return Ok(Answer::None(error.to_string())),
        };
        let has_body = [Method::POST, Method::PUT, Method::PATCH].contains(&parts.method);
        let sent = if has_body {
            self.agent.run(Request::from_parts(parts, body))
        } else {
            self.agent.run(Request::from_parts(parts, ()))
        };
        match sent {
            Ok(mut response) => {
                let status = response.status().as_u16();
                let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("");
                let content_type = content_type.to_owned();
                let body = response.body_mut().with_config().limit(MAX_ATTACK_ANSWER_BYTES).read_to_string();
                let told = format!("{content_type} {}", body.unwrap_or_else(|error| error.to_string()));
                Ok(Answer::Status { status, told })
            }
            Err(error) if is_silent(&error) => Err(no_response(&self.url, &error)),
            Err(error) => Ok(Answer::None(error.to_string())),
        }
    }
}

/// Whether nothing listens there at all.
fn is_silent(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::ConnectionFailed | ureq::Error::HostNotFound)
        || matches!(error, ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused)
}
