//! Checks that a stack has the ways out that the project's files ask for, and the secrets of its channels.

use super::check::Check;
use crate::Failure;
use crate::project::{CHANNELS, ENDPOINTS, Location, refused};
use crate::target::{Place, config, output, outputs, unreadable};
use serde_json::{Map, Value};
use tidings_core::aws::SecretsManager;
use tidings_core::ports::SecretStore;
use tidings_outgoing::ConfiguredChannel;

const NAMES: [&str; 2] = ["channels", "endpoints"];

/// A check for each of `channels.yaml` and `endpoints.yaml` that the project here has.
pub(super) async fn checks(at: &Place, stack: &str) -> Vec<Check> {
    let [channels, _] = NAMES;
    match asked_for() {
        Err(failure) => vec![Check::failed(channels, failure)],
        Ok((None, false)) => Vec::new(),
        Ok((configured, has_endpoints)) => {
            let outputs = match outputs(&config(at).await, stack).await {
                Ok(outputs) => outputs,
                Err(failure) => return vec![Check::failed(channels, failure)],
            };
            let mut checks = Vec::new();
            if let Some(configured) = configured {
                checks.push(channels_of(at, stack, &configured, &outputs).await);
            }
            if has_endpoints {
                checks.push(endpoints_of(stack, &outputs));
            }
            checks
        }
    }
}

/// The channels of the project here, if it has the file, and whether it has endpoints.
fn asked_for() -> Result<(Option<Vec<ConfiguredChannel>>, bool), Failure> {
    let Some(location) = Location::find()? else { return Ok((None, false)) };
    let channels = location.optional(CHANNELS)?.map(|file| tidings_project::read_channels(&file.shown, &file.text));
    Ok((channels.transpose().map_err(|report| refused(&report))?, location.optional(ENDPOINTS)?.is_some()))
}

async fn channels_of(at: &Place, stack: &str, channels: &[ConfiguredChannel], outputs: &[(String, String)]) -> Check {
    let [name, _] = NAMES;
    let Ok(arn) = output(outputs, stack, "ChannelSecretsArn") else {
        return Check::bad(
            name,
            format!("the project has {CHANNELS}, but stack {stack} has no sender: nothing is said"),
            "deploy with Sender=true: docs/channels.md",
        );
    };
    let store = SecretsManager::new(aws_sdk_secretsmanager::Client::new(&config(at).await), arn);
    match store.fetch().await {
        Err(error) => Check::failed(name, unreadable(at, &error)),
        Ok(document) => secrets_of(channels, &document),
    }
}

/// Whether the document has an entry for each channel that needs a secret.
fn secrets_of(channels: &[ConfiguredChannel], document: &str) -> Check {
    let [name, _] = NAMES;
    let next = "write the secret of the output ChannelSecretsArn: docs/channels.md. Until then their actions wait, for 24 hours";
    let Ok(all) = serde_json::from_str::<Map<String, Value>>(document) else {
        return Check::bad(name, "the channels' secrets aren't a JSON object", next);
    };
    let is_there = |secret: &String| match all.get(secret) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(fields)) => !fields.is_empty(),
        Some(Value::Bool(_) | Value::Number(_)) => false,
    };
    let needed = channels.iter().filter(|one| one.channel.has_secret);
    let mut missing: Vec<&str> = needed.map(|one| &one.secret).filter(|secret| !is_there(secret)).map(String::as_str).collect();
    missing.dedup();
    if missing.is_empty() {
        return Check::good(name, format!("{} with what they need", channels.len()));
    }
    Check::bad(name, format!("no secret for {}", missing.join(", ")), next)
}

fn endpoints_of(stack: &str, outputs: &[(String, String)]) -> Check {
    let [_, name] = NAMES;
    match output(outputs, stack, "EndpointsTableName") {
        Ok(_) => Check::good(name, "the stack has a publisher"),
        Err(_) => Check::bad(
            name,
            format!("the project has {ENDPOINTS}, but stack {stack} has no publisher: nothing is sent to them"),
            "deploy with Publisher=true: docs/webhooks-out.md",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    fn channels() -> Vec<ConfiguredChannel> {
        let yaml = "version: 1\nchannels: { telegram: {}, orders-slack: { channel: slack, secret: slack-orders } }\n";
        tidings_project::read_channels("channels.yaml", yaml).unwrap()
    }

    #[test]
    fn a_channel_without_its_secret_is_named_and_no_secret_is() {
        for (document, status, said) in [
            (r#"{"telegram": "hunter2", "slack-orders": ["hunter2"]}"#, Status::Good, "2 with"),
            (r#"{"telegram": "hunter2", "slack-orders": {"token": "hunter2"}}"#, Status::Good, "2 with"),
            (r#"{"telegram": "hunter2"}"#, Status::Bad, "no secret for slack-orders"),
            (r#"{"telegram": "", "slack-orders": []}"#, Status::Bad, "slack-orders, telegram"),
            (r#"{"telegram": "", "slack-orders": null}"#, Status::Bad, "slack-orders, telegram"),
            ("[]", Status::Bad, "aren't a JSON object"),
        ] {
            let check = secrets_of(&channels(), document);
            assert_eq!(check.status, status, "{document}: {}", check.said);
            assert!(check.said.contains(said) && !check.said.contains("hunter2"), "{document}: {}", check.said);
        }
    }

    #[test]
    fn a_stack_without_what_the_project_asks_for_is_bad() {
        let with = [("EndpointsTableName".to_owned(), "t".to_owned())];
        assert_eq!(endpoints_of("shop", &with).status, Status::Good);
        let without = endpoints_of("shop", &[]);
        assert_eq!(without.status, Status::Bad);
        assert!(without.next[0].contains("Publisher=true"));
    }

    #[tokio::test]
    async fn a_stack_without_a_sender_is_bad_for_a_project_with_channels() {
        let check = channels_of(&Place::default(), "shop", &channels(), &[]).await;
        assert_eq!(check.status, Status::Bad);
        assert!(check.said.contains("no sender") && check.next[0].contains("Sender=true"), "{}", check.said);
    }
}
