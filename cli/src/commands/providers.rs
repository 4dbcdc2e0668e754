//! `tidings providers`: what is known of each, and what it rests on.

use crate::Failure;
use crate::arguments::{ProvidersList, ProvidersShow};
use crate::sources;
use crate::style::{FAINT, NAME, STRONG, WARN, data, paint, say};
use receiver::verify::can_sign;
use serde_json::Value;
use std::process::ExitCode;
use tidings_core::config::provider::Provider;

pub(crate) fn list(options: ProvidersList) -> Result<ExitCode, Failure> {
    let providers = receiver::configured::providers();
    if options.json {
        let providers: Vec<Value> = providers.iter().map(to_json).collect::<Result<_, Failure>>()?;
        data(&Value::Array(providers));
        return Ok(ExitCode::SUCCESS);
    }
    let width = providers.iter().map(|p| p.name.len()).max().unwrap_or(0);
    for provider in &providers {
        let scheme = format!("{:<12}", provider.scheme.algorithm.as_str());
        let handshake = if provider.handshakes.is_empty() { "" } else { "handshake" };
        let level = format!("{:?}", provider.evidence.level);
        let send = if can_sign(&provider.scheme) { "send" } else { "" };
        say!("{:<width$}  {level}  {scheme}  {send:<4}  {handshake:<9}  {}", provider.name, paint(FAINT, &provider.title));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn show(options: ProvidersShow) -> Result<ExitCode, Failure> {
    let provider = sources::preset(&options.provider)?;
    if options.json {
        data(&to_json(&provider)?);
        return Ok(ExitCode::SUCCESS);
    }
    print(&provider);
    Ok(ExitCode::SUCCESS)
}

/// Its file as JSON, and `can_send`: whether `tidings send` can sign as it does.
fn to_json(provider: &Provider) -> Result<Value, Failure> {
    let mut json = serde_json::to_value(provider).map_err(|error| Failure::new(error.to_string()))?;
    json["can_send"] = can_sign(&provider.scheme).into();
    Ok(json)
}

fn print(provider: &Provider) {
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
        row("timestamp", format!("{}, {} s either way", timestamp.from, timestamp.tolerance_seconds));
    }
    let ids: Vec<String> =
        provider.ids().map(|(id, signed)| format!("{id} ({})", if signed { "signed" } else { "not signed" })).collect();
    row("event key", if ids.is_empty() { "the SHA-256 of what is signed".to_owned() } else { ids.join(", ") });
    row("retries", provider.delivery.retries.clone());
    provider.setup.iter().for_each(|step| row("set up", step.clone()));
    for handshake in &provider.handshakes {
        row("handshake", format!("{}{}", handshake.method, if handshake.signed { ", verified first" } else { "" }));
    }
    row("evidence", format!("{:?}: {}", provider.evidence.level, provider.evidence.sources.join("; ")));
    provider.evidence.unverified.iter().for_each(|what| row("unverified", what.clone()));
    for weakness in provider.weaknesses() {
        row("weakness", paint(WARN, weakness));
    }
    provider.delivery.pitfalls.iter().for_each(|pitfall| row("mind", pitfall.clone()));
}
