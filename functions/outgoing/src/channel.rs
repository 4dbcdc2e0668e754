//! A channel: how its provider is called, and what it answers. Each channel has one data file in
//! `functions/sender/channels/`.

use crate::answer::{Answer, Matching, Statuses};
use crate::api::Api;
use crate::host::{Host, HostError};
use crate::key::KeyForm;
use crate::limits::MAX_REQUEST_BYTES;
use crate::place::{Place, Selector};
use crate::render::{Unrenderable, text};
use crate::request::{Method, Request};
use crate::template::Template;
use crate::token::Token;
use crate::values::{ROOTS, Values};
use crate::vector::Vector;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tidings_config::rules::Channel as Word;
use tidings_config::status::SourceStatus;
use tidings_config::text::Format;
use tidings_config::{JsonPath, OneOrMany};

pub use crate::recipient::{Name, Recipient};
pub use tidings_config::provider::Evidence;
pub use tidings_config::status::StatusWord;

/// A channel's data file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelFile {
    /// Its name in `channels.yaml`.
    pub name: String,
    /// Its name for people.
    pub title: String,
    pub docs: String,
    /// What its secret is, and where it is found. Absent: it needs none.
    #[serde(default)]
    pub secret: Option<String>,
    #[serde(default)]
    pub setup: Vec<String>,
    pub channel: Word,
    /// The formats of texts that its API takes.
    pub formats: Vec<Format>,
    pub conversation: Vec<Name>,
    pub hosts: Vec<HostTemplate>,
    #[serde(default)]
    pub settings: BTreeMap<String, Setting>,
    pub evidence: Evidence,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub idempotency: Option<Idempotency>,
    #[serde(default)]
    pub token: Option<Token>,
    #[serde(rename = "request")]
    pub requests: Vec<Request>,
    #[serde(default, rename = "answer")]
    pub answers: Vec<Answer>,
    #[serde(default, rename = "status")]
    pub statuses: Vec<Status>,
    /// Whose ids its messages have. Channels of one provider share it. Default: `name`.
    #[serde(default)]
    pub namespace: Option<String>,
    #[serde(rename = "vector")]
    pub vectors: Vec<Vector>,
}

/// What the sender takes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    pub name: String,
    pub channel: Word,
    /// Whether it needs a secret.
    pub has_secret: bool,
    pub conversation: Vec<Name>,
    pub hosts: Vec<HostTemplate>,
    pub limits: Limits,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    pub requests: Vec<Request>,
    pub answers: Vec<Answer>,
    /// Whose ids its messages have, if its provider's events say what became of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// A channel of `channels.yaml`, with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfiguredChannel {
    /// Its name in `channels.yaml`, which `data.channel` may say.
    pub name: String,
    /// The name of its secret in the document.
    pub secret: String,
    pub settings: BTreeMap<String, String>,
    pub channel: Channel,
}

/// A value that `channels.yaml` gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    pub about: String,
    /// What it must look like: a regular expression for the whole value.
    pub pattern: String,
    #[serde(default)]
    pub required: Option<bool>,
    #[serde(default)]
    pub default: Option<String>,
}

impl Setting {
    /// Whether `channels.yaml` must give it.
    pub fn is_required(&self) -> bool {
        self.default.is_none() && self.required.unwrap_or(true)
    }
}

/// What the provider documents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_recipient: Option<Rate>,
    /// Characters of a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<usize>,
    /// Bytes of a message's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_bytes: Option<usize>,
    /// Bytes of a message as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
}

/// So many messages in so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    pub messages: u32,
    pub seconds: u32,
}

/// By what a provider recognises a request that it has had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Idempotency {
    /// The header of the key. One of the three.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The field of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The parameter of the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    pub form: KeyForm,
    /// How long the provider remembers a key.
    pub seconds: u64,
    /// How it answers a repeat, if not with the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeated: Option<Repeated>,
}

/// The answer to a repeated request, which counts as sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeated {
    pub status: Statuses,
    #[serde(default)]
    pub when: Matching,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Selector>,
}

impl Idempotency {
    pub fn header(&self, id: &str) -> Option<(String, String)> {
        Some((self.header.clone()?, self.form.of(id)))
    }

    pub fn field(&self, id: &str) -> Option<(String, String)> {
        Some((self.field.clone()?, self.form.of(id)))
    }

    pub fn query(&self, id: &str) -> Option<(String, String)> {
        Some((self.query.clone()?, self.form.of(id)))
    }

    pub fn remembered(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// An event of the provider's webhooks that says more of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// The preset of the webhooks.
    pub provider: String,
    #[serde(rename = "type")]
    pub event_type: OneOrMany<String>,
    /// Where the event's data has the provider's id of the message, or a list of such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Place>,
    /// Where the event's data has the action's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Place>,
    pub is: StatusWord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Place>,
}

impl Status {
    /// Of this source's events, for the processor. Errors: a place that is no part of the event's data.
    fn of_source(&self, source: &str, namespace: &str) -> Result<SourceStatus, String> {
        Ok(SourceStatus {
            source: source.to_owned(),
            types: self.event_type.0.clone(),
            namespace: namespace.to_owned(),
            message: self.message.as_ref().map(in_data).transpose()?,
            id: self.id.as_ref().map(in_data).transpose()?,
            is: self.is,
            reason: self.reason.as_ref().map(in_data).transpose()?,
        })
    }
}

/// A place's path in the event's data.
fn in_data(place: &Place) -> Result<JsonPath, String> {
    let whole = place.to_string();
    let path =
        whole.strip_prefix("data.").ok_or_else(|| format!("a [[status]] has {whole:?}, which isn't in the event's data"))?;
    path.parse().map_err(|error: tidings_config::WordError| error.to_string())
}

/// A host that may have settings: `email.{region}.amazonaws.com`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostTemplate(Template);

impl TryFrom<String> for HostTemplate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let template = Template::parse(&text).map_err(|error| error.to_string())?;
        let filled = template.to_string();
        let filled = template.places().fold(filled, |filled, place| filled.replace(&format!("{{{place}}}"), "x"));
        Host::try_from(filled)?;
        Ok(Self(template))
    }
}

impl From<HostTemplate> for String {
    fn from(host: HostTemplate) -> Self {
        host.0.to_string()
    }
}

impl HostTemplate {
    /// The host with the values of its places.
    pub(crate) fn filled(&self, values: &Values<'_>) -> Result<Host, Unrenderable> {
        let Self(template) = self;
        let filled = text(template, values)?.map(|text| text.to_string()).unwrap_or_default();
        // A value can't add a label that stands for any.
        let is_plain = filled.matches('*').count() == template.to_string().matches('*').count();
        Host::try_from(filled).ok().filter(|_| is_plain).ok_or(Unrenderable::Host(HostError::NoHost))
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.places()
    }
}

impl Channel {
    /// How it is called.
    pub fn api(&self) -> Api<'_> {
        Api {
            hosts: &self.hosts,
            idempotency: self.idempotency.as_ref(),
            requests: &self.requests,
            answers: &self.answers,
            bytes: MAX_REQUEST_BYTES,
        }
    }

    /// Whom a conversation's name stands for. `None`: it has none of the forms of this channel.
    pub fn recipient(&self, conversation: &str) -> Option<Recipient> {
        self.conversation.iter().find_map(|name| name.recipient(conversation))
    }
}

/// The channel that an action takes: the one that it names, by its own name before a channel's word; else one with a form of the
/// conversation's name, before others the one that has the name of its file. `None`: none of these. A form that takes any name
/// counts for an action that names its channel.
pub fn route<'c>(channels: &'c [ConfiguredChannel], named: Option<&str>, conversation: &str) -> Option<&'c ConfiguredChannel> {
    let knows = |configured: &&ConfiguredChannel| {
        let mut names = configured.channel.conversation.iter().filter(|name| !name.takes_any());
        names.any(|name| name.recipient(conversation).is_some())
    };
    let is_default = |configured: &&ConfiguredChannel| configured.name == configured.channel.name;
    let best = |all: Vec<&'c ConfiguredChannel>| {
        let known: Vec<_> = all.iter().copied().filter(knows).collect();
        let all = if known.is_empty() { all } else { known };
        all.iter().copied().find(is_default).or_else(|| all.first().copied())
    };
    match named {
        Some(named) => channels
            .iter()
            .find(|configured| configured.name == named)
            .or_else(|| best(channels.iter().filter(|configured| configured.channel.channel.as_str() == named).collect())),
        None => best(channels.iter().filter(knows).collect()),
    }
}

impl ChannelFile {
    /// Its part for the sender.
    pub fn channel(&self) -> Channel {
        Channel {
            name: self.name.clone(),
            channel: self.channel,
            has_secret: self.secret.is_some(),
            conversation: self.conversation.clone(),
            hosts: self.hosts.clone(),
            limits: self.limits.clone(),
            idempotency: self.idempotency.clone(),
            token: self.token.clone(),
            requests: self.requests.clone(),
            answers: self.answers.clone(),
            namespace: (!self.statuses.is_empty()).then(|| self.namespace().to_owned()),
        }
    }

    fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or(&self.name)
    }

    /// The events of a source of this provider that say the status of its messages.
    pub fn statuses_of(&self, source: &str, provider: &str) -> Vec<SourceStatus> {
        let its = self.statuses.iter().filter(|status| status.provider == provider);
        its.filter_map(|status| status.of_source(source, self.namespace()).ok()).collect()
    }

    /// Its settings where `channels.yaml` gives none.
    pub fn defaults(&self) -> BTreeMap<String, String> {
        self.settings.iter().filter_map(|(name, setting)| Some((name.clone(), setting.default.clone()?))).collect()
    }

    /// What is wrong with the file, one sentence each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.requests.iter().flat_map(Request::problems).collect();
        for name in self.settings.keys() {
            if ROOTS.contains(&name.as_str()) {
                problems.push(format!("the setting {name:?} has the name of another value"));
            }
        }
        for place in self.requests.iter().flat_map(Request::places) {
            if let Some(problem) = self.place_problem(place) {
                problems.push(problem);
            }
        }
        if let Some(idempotency) = &self.idempotency
            && [&idempotency.header, &idempotency.field, &idempotency.query].iter().filter(|at| at.is_some()).count() != 1
        {
            problems.push("`idempotency` has one of `header`, `field` and `query`".to_owned());
        }
        if self.requests.is_empty() {
            problems.push("the file has no [[request]]".to_owned());
        }
        if self.requests.iter().any(|request| request.method == Method::Get) {
            problems.push("a message is sent by POST, PUT or PATCH".to_owned());
        }
        if self.conversation.is_empty() {
            problems.push("`conversation` has no form: add one, as in [\"telegram:{chat}\"]".to_owned());
        }
        let names: BTreeSet<&str> = self.requests.iter().map(|request| request.name.as_str()).collect();
        if names.len() != self.requests.len() {
            problems.push("two requests have one name".to_owned());
        }
        for vector in &self.vectors {
            if let Some(request) = vector.request.as_deref().filter(|request| !names.contains(request)) {
                problems.push(format!("a vector is of the request {request:?}, which doesn't exist"));
            }
        }
        for status in &self.statuses {
            if status.message.is_none() && status.id.is_none() {
                problems.push("a [[status]] has `message` or `id`".to_owned());
            }
            problems.extend(status.of_source("", "").err());
        }
        problems
    }

    fn place_problem(&self, place: &Place) -> Option<String> {
        let known = match place.root.as_str() {
            "to" => match place.single() {
                None => place.is_root(),
                Some(part) => self.conversation.iter().any(|name| name.has(part)),
            },
            "secret" => self.secret.is_some(),
            "token" => self.token.is_some() && place.is_root(),
            "jwt" => false,
            "data" | "action" => true,
            "id" | "uuid" | "id32" | "id24" => place.is_root(),
            setting => place.is_root() && self.settings.contains_key(setting),
        };
        (!known).then(|| format!("{{{place}}} is nothing that a request has: allowed are to, secret, token, id, uuid, id24, data, action and the settings"))
    }
}
