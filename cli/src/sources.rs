//! Finds the source for a command: one of the project's, or any preset by its name.

use crate::Failure;
use crate::project;
use tidings_config::provider::Provider;
use tidings_config::source::Source;
use tidings_config::tenant::TenantName;
use tidings_project::{did_you_mean, preset_names, presets};

/// A preset.
pub(crate) fn preset(name: &str) -> Result<Provider, Failure> {
    tidings_project::preset(name).cloned().ok_or_else(|| {
        Failure::new(format!("no preset {name:?}{}", did_you_mean(name, preset_names())))
            .hint("`tidings providers list` lists the presets; other schemes can be configured: docs/configuration.md")
    })
}

/// A configured source.
pub(crate) fn configured(name: &str) -> Result<Source, Failure> {
    project::source(name)
}

/// Whether a tenant is named exactly if the source has tenants.
pub(crate) fn expect_tenant(source: &Source, tenant: Option<&TenantName>) -> Result<(), Failure> {
    let name = &source.name;
    match (source.tenants, tenant) {
        (true, Some(_)) | (false, None) => Ok(()),
        (true, None) => Err(Failure::new(format!("source {name} has tenants")).hint("name one with --tenant").status(2)),
        (false, Some(_)) => Err(Failure::new(format!("source {name} has no tenants"))
            .hint("set `tenants: true` in sources.yaml, or leave --tenant out: docs/tenants.md")
            .status(2)),
    }
}

/// A preset as a source of the same name. Its provider sends to a receiver at `url`.
pub(crate) fn of_preset(provider: &Provider, url: &str) -> Source {
    let public_url = Some(format!("{}/webhooks/{}", url.trim_end_matches('/'), provider.name));
    Source { public_url, ..provider.source(&provider.name) }
}

/// These sources. With an address for presets, also one source for each preset whose name isn't among theirs.
pub(crate) fn with_presets(mut sources: Vec<Source>, presets_at: Option<&str>) -> Vec<Source> {
    let Some(url) = presets_at else { return sources };
    for provider in presets() {
        if sources.iter().all(|source| source.name != provider.name) {
            sources.push(of_preset(&provider, url));
        }
    }
    sources
}
