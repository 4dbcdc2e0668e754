//! `tidings providers`: what is known of each, and what it rests on.

use crate::Failure;
use crate::arguments::{ProvidersList, ProvidersShow};
use crate::style::{FAINT, NAME, STRONG, WARN, paint, say};
use std::process::ExitCode;
use tidings_core::config::provider::Provider;

pub(crate) fn list(options: ProvidersList) -> Result<ExitCode, Failure> {
    let providers = receiver::configured::providers();
    if options.json {
        say!("{}", to_json(&providers)?);
        return Ok(ExitCode::SUCCESS);
    }
    let width = providers.iter().map(|p| p.name.len()).max().unwrap_or(0);
    for provider in &providers {
        let scheme = format!("{:<12}", provider.scheme.algorithm.as_str());
        let handshake = if provider.handshakes.is_empty() { "" } else { "handshake" };
        let level = format!("{:?}", provider.evidence.level);
        say!("{:<width$}  {level}  {scheme}  {handshake:<9}  {}", provider.name, paint(FAINT, &provider.title));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn show(options: ProvidersShow) -> Result<ExitCode, Failure> {
    let providers = receiver::configured::providers();
    let found = providers.iter().find(|p| p.name == options.provider);
    let provider = found.ok_or_else(|| {
        Failure::new(format!("no preset {:?}", options.provider))
            .hint("tidings providers list shows them; another scheme can be configured: docs/configuration.md")
    })?;
    if options.json {
        say!("{}", to_json(provider)?);
        return Ok(ExitCode::SUCCESS);
    }
    print(provider);
    Ok(ExitCode::SUCCESS)
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::new(error.to_string()))
}

fn print(provider: &Provider) {
    say!("{}  {}  {}", paint(STRONG, &provider.title), paint(NAME, &provider.name), paint(FAINT, &provider.docs));
    let row = |name: &str, value: String| say!("  {name:<11} {value}");
    row("scheme", provider.scheme.algorithm.as_str().to_owned());
    row("secret", provider.secret.clone());
    row("signature", provider.scheme.signature.places());
    if let Some(message) = &provider.scheme.message {
        row("message", message.to_string());
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
