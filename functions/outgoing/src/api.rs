//! How an API is called and what it answers: the parts that a channel's file and a sink's file have in common.

use crate::answer::Answer;
use crate::channel::{HostTemplate, Idempotency};
use crate::host::Host;
use crate::render::Unrenderable;
use crate::request::Request;
use crate::values::Values;

/// The parts of a data file by which requests are rendered and answers are classified.
#[derive(Clone, Copy, Debug)]
pub struct Api<'a> {
    pub hosts: &'a [HostTemplate],
    pub idempotency: Option<&'a Idempotency>,
    pub requests: &'a [Request],
    pub answers: &'a [Answer],
    /// The largest body of a request.
    pub bytes: usize,
}

impl Api<'_> {
    /// The hosts that a request may call.
    pub(crate) fn hosts_of(&self, values: &Values<'_>) -> Result<Vec<Host>, Unrenderable> {
        self.hosts.iter().map(|host| host.filled(values)).collect()
    }
}
