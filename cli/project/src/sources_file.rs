//! `sources.yaml` and `functions/receiver/providers/*.toml`.

use super::{Checker, Diagnostic, Report, Spanned, did_you_mean, preset, preset_names, yaml};
use serde::Deserialize;
use std::collections::BTreeMap;
use tidings_config::OneOrMany;
use tidings_config::answers::{Refusal, Success};
use tidings_config::event::EventSpec;
use tidings_config::limits::{MAX_EXPECT_EVERY, MAX_EXPECTING_SOURCES, MAX_REPLY_BYTES, MIN_EXPECT_EVERY};
use tidings_config::provider::{Provider, json_only};
use tidings_config::reconcile::Reconcile;
use tidings_config::rules::{Span, TypePattern};
use tidings_config::scheme::{Algorithm, Scheme};
use tidings_config::source::{
    BodyFormat, Duplicates, DurableBy, MAX_NAME_BYTES, OWN, SignedBody, Source, is_content_type, is_name,
};
use tidings_config::written_by::Marks;

/// Who may send events: one entry for each endpoint, `/webhooks/{source}`.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SourcesFile {
    /// The version of this format.
    #[schemars(extend("const" = super::FORMAT_VERSION))]
    version: Spanned<u32>,
    /// By name, which is part of the address: 1 to 64 of a-z, 0-9 and -.
    #[schemars(extend("propertyNames" = tidings_config::schema::source_name()))]
    sources: BTreeMap<String, Spanned<SourceEntry>>,
}

/// A preset with options, or a source with its own scheme.
#[derive(Deserialize, schemars::JsonSchema)]
#[schemars(extend("oneOf" = [{"required": ["provider"]}, {"required": ["scheme"]}]))]
#[serde(deny_unknown_fields)]
struct SourceEntry {
    /// A preset: a file of `functions/receiver/providers/`.
    provider: Option<Spanned<String>>,
    /// Instead of a preset: how requests are signed.
    scheme: Option<Spanned<Scheme>>,
    /// Where to find the fields of its events, instead of the preset's.
    event: Option<Spanned<Vec<EventSpec>>>,
    /// `type/subtype` in lower case, instead of the preset's.
    content_types: Option<Spanned<OneOrMany<String>>>,
    /// The format of a body, if its content type doesn't say it.
    body: Option<BodyFormat>,
    /// Which bytes of a body with a `Content-Encoding` are signed: the decoded bytes (`plain`), the compressed bytes
    /// (`compressed`), or `either`; instead of the preset's.
    signed_body: Option<SignedBody>,
    /// Types from low to high, which decide between events of the same time; instead of the preset's.
    rank: Option<OneOrMany<TypePattern>>,
    /// Whether the same signed bytes with another delivery id are another event (`by_delivery`, the default) or the
    /// same event (`by_content`).
    duplicates: Option<Spanned<Duplicates>>,
    /// The longest normal pause between two authentic requests, from 10m to 7d: a longer one is shown by `tidings
    /// status`, and on AWS by an alarm. Left out: silence is normal.
    expect_every: Option<Spanned<Span>>,
    /// What makes an event durable: `queue`, or `outbox` for providers that don't send a delivery again; instead of the
    /// preset's.
    durability: Option<DurableBy>,
    /// How far a signed timestamp may be from our clock, instead of the scheme's.
    #[schemars(range(min = 1, max = tidings_config::limits::MAX_TOLERANCE.as_secs()))]
    tolerance_seconds: Option<Spanned<u64>>,
    /// The text for people, if the provider shows our response to them. `async`, for other senders: a delivery is answered
    /// 202 with the URL of its status.
    #[schemars(length(min = 1, max = tidings_config::limits::MAX_REPLY_BYTES))]
    reply: Option<Spanned<String>>,
    /// `true`: the provider has many customers of yours, each with secrets of its own, which `tidings tenants` stores. The
    /// address is then `/webhooks/{source}/{tenant}`, and `public_url` is the part before `/{tenant}`.
    tenants: Option<Spanned<bool>>,
    /// The URL that is registered with the provider, for schemes that sign it.
    #[schemars(extend("pattern" = "^https://"))]
    public_url: Option<Spanned<String>>,
}

/// The `reply` that asks for a status URL.
const ASYNC: &str = "async";

/// Reads a provider's data file.
pub fn read_provider(file: &str, text: &str) -> Result<Provider, Report> {
    let at = |offset: usize, message: String| Diagnostic::at(file, text, offset, message);
    let provider: Provider = toml::from_str(text)
        .map_err(|error| Report(vec![at(error.span().map_or(0, |s| s.start), error.message().to_owned())]))?;

    let mut report = Report::default();
    // The beginning of a table: the nearest position for a check over several fields.
    let table = |header: &str, nth: usize| text.match_indices(header).nth(nth).map_or(0, |(offset, _)| offset);
    let stem = file.rsplit(['/', '\\']).next().and_then(|name| name.strip_suffix(".toml"));
    if stem != Some(provider.name.as_str()) || !is_name(&provider.name) || provider.name == OWN {
        report
            .0
            .push(at(table("name =", 0), format!("`name` is {:?}: a provider must have the name of its file", provider.name)));
    }
    report.0.extend(provider.scheme.problems(true).into_iter().map(|problem| at(table("[scheme]", 0), problem)));
    for also in &provider.also {
        report.0.extend(also.problems(true).into_iter().map(|problem| at(table("[[also]]", 0), problem)));
    }
    for (nth, event) in provider.events.iter().enumerate() {
        report.0.extend(event.problems().into_iter().map(|problem| at(table("[[event]]", nth), problem)));
    }
    for (nth, handshake) in provider.handshakes.iter().enumerate() {
        report.0.extend(handshake.problems().into_iter().map(|problem| at(table("[[handshake]]", nth), problem)));
    }
    let together = provider.source(&provider.name).problems();
    report.0.extend(together.into_iter().map(|problem| at(table("[[handshake]]", 0), problem)));
    if (provider.scheme.algorithm == Algorithm::Token || provider.scheme.partial) && provider.delivery.weaknesses.is_empty() {
        let problem = "only a part of the request is signed: name the rest in `delivery.weaknesses`".to_owned();
        report.0.push(at(table("[delivery]", 0), problem));
    }
    let answers = provider.success.0.iter().flat_map(Success::problems);
    report.0.extend(answers.map(|problem| at(table("[success]", 0).max(table("[[success]]", 0)), problem)));
    let refusal = provider.refusal.iter().flat_map(Refusal::problems);
    report.0.extend(refusal.map(|problem| at(table("[refusal]", 0), problem)));
    report.0.extend(provider.retry_problems().into_iter().map(|problem| at(table("[delivery]", 0), problem)));
    let reconcile = provider.reconcile.iter().flat_map(Reconcile::problems);
    report.0.extend(reconcile.map(|problem| at(table("[reconcile]", 0), problem)));
    let marks = Marks::problems(&provider.by_provider, provider.signs_types());
    report.0.extend(marks.into_iter().map(|problem| at(table("[[by_provider]]", 0), problem)));
    if provider.events.is_empty() {
        report.0.push(at(0, "the file has no [[event]]: add the places of id, type and time".to_owned()));
    }
    if provider.vectors.is_empty() {
        report.0.push(at(0, "the file has no [[vector]]: add a request that proves the scheme".to_owned()));
    }
    report.into_result(provider)
}

/// Where presets are looked up.
trait Presets {
    fn get(&self, name: &str) -> Option<&Provider>;
    fn names(&self) -> Vec<&str>;
}

/// Presets that the caller gives.
struct Given<'a>(&'a [Provider]);

impl Presets for Given<'_> {
    fn get(&self, name: &str) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.name == name)
    }

    fn names(&self) -> Vec<&str> {
        self.0.iter().map(|provider| provider.name.as_str()).collect()
    }
}

/// Presets embedded in the program.
struct Shipped;

impl Presets for Shipped {
    fn get(&self, name: &str) -> Option<&Provider> {
        preset(name)
    }

    fn names(&self) -> Vec<&str> {
        preset_names().collect()
    }
}

/// Reads `sources.yaml` and resolves its presets.
pub fn read_sources_of_presets(file: &str, text: &str) -> Result<Vec<Source>, Report> {
    read(file, text, &Shipped)
}

/// Reads `sources.yaml` and resolves its presets from `providers`.
pub fn read_sources(file: &str, text: &str, providers: &[Provider]) -> Result<Vec<Source>, Report> {
    read(file, text, &Given(providers))
}

fn read(file: &str, text: &str, presets: &dyn Presets) -> Result<Vec<Source>, Report> {
    let parsed: SourcesFile = yaml(file, text)?;
    let mut checker = Checker::new(file);
    checker.version(&parsed.version);
    let all = parsed.sources.into_iter();
    let sources: Vec<Source> = all.filter_map(|(name, entry)| source(&mut checker, name, entry, presets)).collect();
    let expecting = sources.iter().filter(|source| source.expect_every.is_some()).count();
    if expecting > MAX_EXPECTING_SOURCES {
        let problem = format!("{expecting} sources have `expect_every`, allowed: {MAX_EXPECTING_SOURCES}, with an alarm each");
        checker.problem(parsed.version.referenced, problem);
    }
    checker.report.into_result(sources)
}

/// The names of the sources, for files that refer to them. Other problems of the file are ignored here.
pub fn read_source_names(file: &str, text: &str) -> Result<Vec<String>, Report> {
    #[derive(Deserialize)]
    struct Names {
        sources: BTreeMap<String, serde::de::IgnoredAny>,
    }
    yaml::<Names>(file, text).map(|names| names.sources.into_keys().collect())
}

fn source(checker: &mut Checker<'_>, name: String, entry: Spanned<SourceEntry>, presets: &dyn Presets) -> Option<Source> {
    let Spanned { value: entry, referenced: here, .. } = entry;
    if !is_name(&name) {
        checker.problem(here, format!("source {name:?}: allowed: 1 to {MAX_NAME_BYTES} of a-z, 0-9 and -, not beginning with -"));
    }
    let public_url = entry.public_url.map(|url| {
        if !url.value.starts_with("https://") {
            checker.problem(url.referenced, format!("public_url {:?}, allowed: a URL that begins with https://", url.value));
        }
        url.value
    });
    let (mut source, scheme_at) = match (entry.provider, entry.scheme) {
        (Some(wanted), None) => {
            let Some(preset) = presets.get(&wanted.value) else {
                let names = presets.names();
                let hint = did_you_mean(&wanted.value, names.iter().copied());
                checker.problem(
                    wanted.referenced,
                    format!("unknown provider {:?}, allowed: {}{hint}", wanted.value, names.join(", ")),
                );
                return None;
            };
            (preset.source(&name), wanted.referenced)
        }
        (None, Some(scheme)) => {
            let own = Source {
                name: name.clone(),
                provider: OWN.to_owned(),
                scheme: scheme.value,
                also: Vec::new(),
                events: Vec::new(),
                handshakes: Vec::new(),
                success: OneOrMany::default(),
                reply: None,
                status_url: false,
                refusal: None,
                content_types: OneOrMany(json_only()),
                body: None,
                form_json: None,
                form_xml: None,
                public_url: None,
                signed_body: SignedBody::default(),
                duplicates: Duplicates::default(),
                durability: DurableBy::default(),
                expect_every: None,
                tenants: false,
            };
            (own, scheme.referenced)
        }
        (Some(_), Some(scheme)) => {
            checker.problem(scheme.referenced, format!("source {name:?} has a `provider` and a `scheme`, allowed: one of them"));
            return None;
        }
        (None, None) => {
            checker.problem(here, format!("source {name:?} has neither a `provider` nor a `scheme`"));
            return None;
        }
    };
    source.public_url = public_url;
    source.durability = entry.durability.unwrap_or(source.durability);
    if let Some(tolerance) = entry.tolerance_seconds {
        match &mut source.scheme.timestamp {
            Some(timestamp) => timestamp.tolerance_seconds = tolerance.value,
            None => checker.problem(tolerance.referenced, "`tolerance_seconds` is set, but the scheme signs no timestamp"),
        }
    }
    for problem in source.scheme.problems(source.public_url.is_some()) {
        checker.problem(scheme_at, problem);
    }
    if let Some(events) = entry.event {
        for problem in events.value.iter().flat_map(EventSpec::problems) {
            checker.problem(events.referenced, problem);
        }
        source.events = events.value;
    }
    if source.events.is_empty() {
        checker.problem(here, format!("source {name:?} has no `event`: add the places of id, type and time"));
    }
    if let Some(types) = entry.content_types {
        for other in types.value.0.iter().filter(|t| !is_content_type(t)) {
            let problem = format!("content type {other:?}, allowed: type/subtype in lower case, such as application/json");
            checker.problem(types.referenced, problem);
        }
        source.content_types = types.value;
    }
    if let Some(rank) = entry.rank {
        source.events.iter_mut().for_each(|event| event.rank = rank.clone());
    }
    if let Some(duplicates) = entry.duplicates {
        if source.events.iter().all(|event| event.delivery_id.is_empty()) {
            checker.problem(duplicates.referenced, "`duplicates` is set, but none of its events has a `delivery_id`");
        }
        source.duplicates = duplicates.value;
    }
    if let Some(tenants) = entry.tenants.filter(|tenants| tenants.value) {
        source.tenants = true;
        if source.captures() {
            let why = format!(
                "`tenants` is set, but {} sends its secret in a handshake, which has no place for a tenant's",
                source.provider
            );
            checker.problem(tenants.referenced, why);
        }
    }
    if let Some(reply) = entry.reply {
        let most = MAX_REPLY_BYTES;
        if reply.value == ASYNC {
            source.status_url = true;
            if source.takes_reply() {
                let why = format!("`reply: {ASYNC}` asks for a status URL, but {} shows the reply to people", source.provider);
                checker.problem(reply.referenced, why);
            }
        } else if !source.takes_reply() {
            let who = if source.provider == OWN { "a sender with its own scheme" } else { source.provider.as_str() };
            checker.problem(
                reply.referenced,
                format!("`reply` is set, but {who} doesn't show responses to people; allowed: {ASYNC}"),
            );
        } else if !(1..=most).contains(&reply.value.len()) {
            checker.problem(reply.referenced, format!("`reply` has {} bytes, allowed: 1 to {most}", reply.value.len()));
        }
        source.reply = Some(reply.value).filter(|reply| reply != ASYNC);
    }
    if let Some(every) = entry.expect_every {
        if !(MIN_EXPECT_EVERY..=MAX_EXPECT_EVERY).contains(&every.value.duration()) {
            let (least, most) = (Span::new(MIN_EXPECT_EVERY), Span::new(MAX_EXPECT_EVERY));
            checker.problem(every.referenced, format!("`expect_every` is {}, allowed: {least} to {most}", every.value));
        }
        source.expect_every = Some(every.value);
    }
    source.body = entry.body.or(source.body);
    source.signed_body = entry.signed_body.unwrap_or(source.signed_body);
    for problem in source.problems() {
        checker.problem(here, problem);
    }
    Some(source)
}
