//! `tidings providers`: what is known of each provider and the evidence for it, the events that it sends, and what a
//! rule sees of them.

use crate::Failure;
use crate::sources;
use crate::style::{FAINT, NAME, STRONG, WARN, data, paint, pretty, say, short};
use crate::subcommands::subcommands;
use clap::Args;
use receiver::verify::can_sign;
use serde_json::{Value, json};
use std::process::ExitCode;
use tidings_config::provider::Provider;
use tidings_config::written_by::Marks;
use tidings_events::Identity;
use tidings_events::samples::{self, Kind};
use tidings_events::signable::Signable;
use tidings_project::did_you_mean;

subcommands! {
    pub enum ProvidersCommand {
        /// List the providers, a line each: name, evidence, scheme, number of event types
        List(options: ProvidersList) => list(options),
        /// Show a provider: how it signs, how its events are identified, their types, and what rules see of one
        Show(options: ProvidersShow) => show(options),
    }
}

#[derive(Debug, Args)]
pub struct ProvidersList {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidings providers show stripe\n  tidings providers show whatsapp --type message.image\n  \
        tidings providers show line --json")]
pub struct ProvidersShow {
    /// The provider's name, as in sources.yaml
    pub provider: String,
    /// Show the data of this event type instead of the first one
    #[arg(long = "type", value_name = "TYPE")]
    pub event_type: Option<String>,
    /// Print JSON, with the data of every type
    #[arg(long)]
    pub json: bool,
}

pub(crate) fn list(options: ProvidersList) -> Result<ExitCode, Failure> {
    let providers = tidings_project::presets();
    if options.json {
        data(&all_json()?);
        return Ok(ExitCode::SUCCESS);
    }
    let width = providers.iter().map(|p| p.name.len()).max().unwrap_or(0);
    for provider in &providers {
        let scheme = format!("{:<12}", provider.scheme.algorithm.as_str());
        let handshake = if provider.handshakes.is_empty() { "" } else { "handshake" };
        let level = format!("{:?}", provider.evidence.level);
        let send = if can_sign(&provider.scheme) { "send" } else { "" };
        let (name, title) = (&provider.name, paint(FAINT, &provider.title));
        let types = match samples::kinds(&samples::of_preset(name)).len() {
            0 => String::new(),
            1 => "1 type".to_owned(),
            types => format!("{types} types"),
        };
        say!("{name:<width$}  {level}  {scheme}  {send:<4}  {handshake:<9}  {types:<9}  {title}");
    }
    Ok(ExitCode::SUCCESS)
}

/// What `list --json` prints.
fn all_json() -> Result<Value, Failure> {
    tidings_project::presets().iter().map(to_json).collect::<Result<Vec<_>, Failure>>().map(Value::Array)
}

/// The names of all, and what each is called.
pub(crate) fn names_json() -> Value {
    tidings_project::presets().iter().map(|preset| json!({"name": preset.name, "title": preset.title})).collect()
}

/// What `show --json` prints.
pub(crate) fn shown_json(options: &ProvidersShow) -> Result<Value, Failure> {
    let provider = sources::preset(&options.provider)?;
    let samples = samples::of_preset(&provider.name);
    let kinds = samples::kinds(&samples);
    if let Some(name) = &options.event_type {
        of_type(&kinds, name, &provider)?;
    }
    let mut json = to_json(&provider)?;
    let wanted = kinds.iter().filter(|kind| options.event_type.as_ref().is_none_or(|name| *name == kind.event.event_type));
    let signable = Signable::of(provider);
    json["types"] = wanted.map(|kind| type_to_json(kind, &signable)).collect::<Result<_, Failure>>()?;
    Ok(json)
}

pub(crate) fn show(options: ProvidersShow) -> Result<ExitCode, Failure> {
    if options.json {
        data(&shown_json(&options)?);
        return Ok(ExitCode::SUCCESS);
    }
    let provider = sources::preset(&options.provider)?;
    let samples = samples::of_preset(&provider.name);
    let kinds = samples::kinds(&samples);
    let chosen = match &options.event_type {
        Some(name) => Some(of_type(&kinds, name, &provider)?),
        None => kinds.first(),
    };
    if options.event_type.is_none() {
        print(&provider, &Identity::of(&provider, &samples));
        print_types(&kinds);
    }
    if let Some(kind) = chosen {
        print_data(kind, &Signable::of(provider));
    }
    Ok(ExitCode::SUCCESS)
}

/// The event type of this name in the samples.
fn of_type<'k, 's>(kinds: &'k [Kind<'s>], name: &str, provider: &Provider) -> Result<&'k Kind<'s>, Failure> {
    kinds.iter().find(|kind| kind.event.event_type == name).ok_or_else(|| {
        let near = did_you_mean(name, kinds.iter().map(|kind| kind.event.event_type.as_str()));
        Failure::new(format!("no sample of {} is of type {name:?}{near}", provider.name))
            .hint(format!("`tidings providers show {}` lists the types that have samples", provider.name))
    })
}

/// The provider's file as JSON, with `can_send`: whether `tidings send` can sign for it; `identity`: how its events are
/// identified; and `types`.
fn to_json(provider: &Provider) -> Result<Value, Failure> {
    let mut json = value(provider)?;
    let samples = samples::of_preset(&provider.name);
    json["can_send"] = can_sign(&provider.scheme).into();
    json["identity"] = value(Identity::of(provider, &samples))?;
    json["types"] = samples::kinds(&samples).iter().map(|kind| Value::from(kind.event.event_type.as_str())).collect();
    Ok(json)
}

fn type_to_json(kind: &Kind<'_>, preset: &Signable) -> Result<Value, Failure> {
    let mut json = value(kind.event)?;
    json["sample"] = kind.sample.name.as_str().into();
    json["data"] = kind.data(preset).map_or(Ok(Value::Null), value)?;
    Ok(json)
}

fn value(of: impl serde::Serialize) -> Result<Value, Failure> {
    serde_json::to_value(of).map_err(|error| Failure::new(error.to_string()))
}

/// Longer field values are cut in the middle. An event type is never cut, because rules name it.
const FIELD: usize = 34;

fn print_types(kinds: &[Kind<'_>]) {
    if kinds.is_empty() {
        return;
    }
    let field = |text: &Option<String>| short(text.as_deref().unwrap_or_default(), FIELD);
    let row = |Kind { event, .. }: &Kind<'_>| {
        [event.event_type.clone(), field(&event.subject), field(&event.conversation), short(&event.key.to_string(), FIELD)]
    };
    let heads = ["TYPE", "SUBJECT", "CONVERSATION", "KEY"];
    let rows: Vec<[String; 4]> = kinds.iter().map(row).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([heads[column].len()]).max().unwrap_or(0)
    };
    let (types, subjects, conversations) = (width(0), width(1), width(2));
    let [event_type, subject, conversation, key] = heads;
    say!("");
    say!("{}", paint(FAINT, format!("{event_type:<types$}  {subject:<subjects$}  {conversation:<conversations$}  {key}")));
    for [event_type, subject, conversation, key] in rows {
        let event_type = paint(NAME, format!("{event_type:<types$}"));
        say!("{event_type}  {subject:<subjects$}  {conversation:<conversations$}  {key}");
    }
}

fn print_data(kind: &Kind<'_>, preset: &Signable) {
    let (event_type, sample) = (&kind.event.event_type, &kind.sample.name);
    say!("");
    match kind.data(preset).and_then(|data| serde_json::from_str::<Value>(data.get()).ok()) {
        Some(data) => {
            say!("{}", paint(FAINT, format!("data of {event_type}, as rules see it (sample {sample})")));
            pretty(&data);
        }
        None => say!("{}", paint(FAINT, format!("{event_type} has no data that rules could read (sample {sample})"))),
    }
}

fn print(provider: &Provider, identity: &Identity) {
    say!("{}  {}  {}", paint(STRONG, &provider.title), paint(NAME, &provider.name), paint(FAINT, &provider.docs));
    let row = |name: &str, value: String| say!("  {name:<11} {value}");
    row("scheme", provider.scheme.algorithm.as_str().to_owned());
    row("secret", provider.secret.clone());
    let name = &provider.name;
    row(
        "send",
        if can_sign(&provider.scheme) {
            format!("tidings send {name} --preset")
        } else {
            "only the provider can sign: it keeps the private key".to_owned()
        },
    );
    row("signature", provider.scheme.signature.places());
    if let Some(message) = &provider.scheme.message {
        row("message", message.to_string());
    }
    for also in &provider.also {
        row("or", format!("{} in {} of {}", also.algorithm.as_str(), also.signature.places(), also.signed()));
    }
    if let Some(timestamp) = &provider.scheme.timestamp {
        row("timestamp", format!("{}, up to {} s old or ahead", timestamp.from, timestamp.tolerance_seconds));
    }
    let plain = |texts: &[String]| texts.join("; ").replace('`', "");
    row("event key", plain(&identity.known_by));
    row("a retry has", plain(&identity.retried));
    row("merged", plain(&identity.merged));
    if !identity.repeated.is_empty() {
        row("repetitions", identity.repeated.join("; "));
    }
    row("retries", provider.delivery.retries.clone());
    provider.setup.iter().for_each(|step| row("set-up", step.clone()));
    for handshake in &provider.handshakes {
        row("handshake", format!("{}{}", handshake.method, if handshake.signed { ", verified first" } else { "" }));
    }
    for Marks { on, at, .. } in &provider.by_provider {
        let all = |texts: Vec<String>| texts.join(" ");
        let on = all(on.0.iter().map(ToString::to_string).collect());
        row("by provider", format!("{on}: {}", all(at.iter().map(ToString::to_string).collect())));
    }
    row("evidence", format!("{:?}: {}", provider.evidence.level, provider.evidence.sources.join("; ")));
    provider.evidence.unverified.iter().for_each(|what| row("unverified", what.clone()));
    for weakness in provider.weaknesses() {
        row("weakness", paint(WARN, weakness));
    }
    provider.delivery.pitfalls.iter().for_each(|pitfall| row("mind", pitfall.clone()));
}
