//! Which source a command means: one of `infra/config/sources.yaml`, or any preset under its own name.

use crate::Failure;
use receiver::configured;
use tidings_config::provider::Provider;
use tidings_config::source::Source;
use tidings_project::did_you_mean;

/// A preset.
pub(crate) fn preset(name: &str) -> Result<Provider, Failure> {
    let providers = configured::providers();
    let near = did_you_mean(name, providers.iter().map(|provider| provider.name.as_str()));
    providers.into_iter().find(|provider| provider.name == name).ok_or_else(|| {
        Failure::new(format!("no preset {name:?}{near}"))
            .hint("tidings providers list shows them; another scheme can be configured: docs/configuration.md")
    })
}

/// A configured source.
pub(crate) fn configured(name: &str) -> Result<Source, Failure> {
    let sources = configured::sources();
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let near = did_you_mean(name, names.iter().copied());
    let missing = Failure::new(format!("no source {name:?} in infra/config/sources.yaml{near}"))
        .hint(format!("allowed: {}; or take any preset with --preset", names.join(", ")));
    sources.iter().find(|source| source.name == name).cloned().ok_or(missing)
}

/// A preset as a source of its own name, whose provider was given an address of a receiver at `url`.
pub(crate) fn of_preset(provider: &Provider, url: &str) -> Source {
    let public_url = Some(format!("{}/webhooks/{}", url.trim_end_matches('/'), provider.name));
    Source { public_url, ..provider.source(&provider.name) }
}

/// The configured sources; with the address of presets one of each provider too that isn't among their names.
pub(crate) fn listening(presets_at: Option<&str>) -> Vec<Source> {
    let mut sources = configured::sources();
    let Some(url) = presets_at else { return sources };
    for provider in configured::providers() {
        if sources.iter().all(|source| source.name != provider.name) {
            sources.push(of_preset(&provider, url));
        }
    }
    sources
}
