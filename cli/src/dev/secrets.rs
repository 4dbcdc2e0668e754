//! The secrets of `dev`: those of `--secrets`, and public demo secrets for sources that the file doesn't include.
//! Secrets that are still missing are reported at the start, before the first request is refused.

use super::local_apis::LocalApi;
use super::sending::ChannelsTo;
use crate::Failure;
use crate::files::document;
use crate::limits::MAX_TENANT_ROTATION;
use std::path::PathBuf;
use tidings_config::OneOrMany;
use tidings_config::limits::MAX_SECRET_DOCUMENT_BYTES;
use tidings_config::rules::Rules;
use tidings_config::source::Source;
use tidings_config::time::Timestamp;
use tidings_core::secrets::parse;
use tidings_core::tenant::{TenantKey, TenantRecord, TenantSecret};
use tidings_outgoing::ConfiguredChannel;
use tidings_project::channel;

/// The secret sent to an API of `--api` without a secret. A local API doesn't check it.
const LOCAL: &str = "local";

/// The paths of the files. They are read again with each configuration.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    pub(crate) sources: Option<PathBuf>,
    pub(crate) apis: Option<PathBuf>,
    pub(crate) channels: Option<PathBuf>,
}

/// Names of sources and APIs without a secret.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) sources: Vec<String>,
    pub(crate) apis: Vec<String>,
}

/// The documents for the embedded Secrets Manager.
#[derive(Debug)]
pub(crate) struct Documents {
    pub(crate) sources: String,
    pub(crate) apis: String,
    pub(crate) missing: Missing,
}

impl Secrets {
    pub(crate) fn documents(&self, sources: &[Source], rules: &Rules, local: &[LocalApi]) -> Result<Documents, Failure> {
        let read = |path: &Option<PathBuf>| path.as_deref().map_or_else(|| Ok("{}".to_owned()), document);
        let over_demo = merged(&tidings_events::demo_secrets(sources), &read(&self.sources)?)?;
        let placeholders = local.iter().map(|api| (api.name.clone(), LOCAL.into())).collect::<serde_json::Map<_, _>>();
        let apis = merged(&serde_json::Value::from(placeholders).to_string(), &read(&self.apis)?)?;
        let missing = Missing {
            // A secret that a provider sends in a handshake comes with that handshake.
            sources: lacking(
                &over_demo,
                sources.iter().filter(|source| !source.captures() && !source.tenants).map(|source| &source.name),
            )?,
            apis: lacking(&apis, rules.apis.iter().filter(|(_, api)| api.secret.is_some()).map(|(name, _)| name))?,
        };
        Ok(Documents { sources: over_demo, apis, missing })
    }

    /// The channels' document: that of the file, and for mocks the made-up secrets of the channels' vectors.
    pub(crate) fn of_channels(&self, channels: &[ConfiguredChannel], to: ChannelsTo) -> Result<String, Failure> {
        let made_up = |configured: &ConfiguredChannel| {
            let vectors = &channel(&configured.channel.name)?.vectors;
            Some((configured.secret.clone(), vectors.iter().find_map(|vector| vector.secret.clone())?))
        };
        let mut all: serde_json::Map<String, serde_json::Value> = match to {
            ChannelsTo::Mock => channels.iter().filter_map(made_up).collect(),
            ChannelsTo::Real => serde_json::Map::new(),
        };
        if let Some(path) = &self.channels {
            let text = crate::files::regular(path, MAX_SECRET_DOCUMENT_BYTES)?;
            let own: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).map_err(|error| {
                Failure::new(format!("{}:{}: not a JSON object from a name to a secret", path.display(), error.line()))
            })?;
            all.extend(own);
        }
        Ok(serde_json::Value::Object(all).to_string())
    }
}

/// The tenants that a document of secrets names, as `{source}/{tenant}`, with their secrets: the newest first, and one more
/// at most. Errors: the document can't be read.
pub(crate) fn tenants(document: &str, sources: &[Source], now: Timestamp) -> Result<Vec<(TenantKey, TenantRecord)>, Failure> {
    let all = parse(document).map_err(|error| Failure::new(error.to_string()))?;
    let is_its = |key: &TenantKey| sources.iter().any(|source| source.tenants && source.name == key.source);
    let named = all.iter().filter_map(|(name, secrets)| Some((TenantKey::stored(name).filter(is_its)?, &secrets.0)));
    let record = |secrets: &Vec<String>| {
        let (newest, older) = (TenantSecret::from(secrets.first()?.as_str()), secrets.get(1));
        Some(match older {
            None => TenantRecord::new(newest, now),
            Some(older) => TenantRecord::new(TenantSecret::from(older.as_str()), now).rotated(newest, MAX_TENANT_ROTATION, now),
        })
    };
    Ok(named.filter_map(|(key, secrets)| Some((key, record(secrets)?))).collect())
}

/// Merges two documents of secrets. `above` takes precedence.
fn merged(below: &str, above: &str) -> Result<String, Failure> {
    let read = |text: &str| parse(text).map_err(|error| Failure::new(error.to_string()));
    let mut all = read(below)?;
    all.extend(read(above)?);
    serde_json::to_string(&all).map_err(|error| Failure::new(error.to_string()))
}

fn lacking<'n>(document: &str, names: impl Iterator<Item = &'n String>) -> Result<Vec<String>, Failure> {
    let all = parse(document).map_err(|error| Failure::new(error.to_string()))?;
    let has = |name: &String| all.get(name).is_some_and(|OneOrMany(secrets)| secrets.iter().any(|secret| !secret.is_empty()));
    Ok(names.filter(|name| !has(name)).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_secrets_overrides_the_demo_secrets_that_it_names() {
        let document = merged(r#"{"stripe": "demo", "slack": ["a", "b"]}"#, r#"{"stripe": ["mine"], "kitchen": "k"}"#).unwrap();
        let all = parse(&document).unwrap();
        let of = |name: &str| all[name].0.clone();
        assert_eq!(
            (of("stripe"), of("slack"), of("kitchen")),
            (vec!["mine".into()], vec!["a".into(), "b".into()], vec!["k".into()])
        );
    }

    #[test]
    fn a_name_without_a_secret_and_one_with_an_empty_secret_are_missing() {
        let names = ["stripe", "kitchen", "empty"].map(str::to_owned);
        let missing = lacking(r#"{"stripe": "demo", "empty": ""}"#, names.iter()).unwrap();
        assert_eq!(missing, ["kitchen", "empty"]);
    }
}
