//! The sources' secrets, and those that providers told.

use super::cause;
use crate::ports::{CapturedSecrets, SecretStore, Unavailable};
use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use zeroize::Zeroizing;

/// A document as it was read.
#[derive(Debug)]
pub struct Versioned {
    pub document: Zeroizing<String>,
    pub version: String,
}

/// What became of a document that was to take the place of one that was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Replaced {
    /// It did.
    Yes,
    /// Nothing was written: another version had taken its place.
    Changed,
    /// It was written, and in the moment before somebody else had written another, which is now the version before.
    Raced { lost: String },
    /// It was written, and whether somebody else wrote in the moment before couldn't be asked.
    Unsure { cause: String },
}

/// The stage of the version that the newest took the place of.
const PREVIOUS: &str = "AWSPREVIOUS";

/// [`SecretStore`] and [`CapturedSecrets`] on Secrets Manager, for one secret.
#[derive(Clone, Debug)]
pub struct SecretsManager {
    client: Client,
    id: String,
}

impl SecretsManager {
    /// `id` is the secret's ARN or name.
    pub fn new(client: Client, id: String) -> Self {
        Self { client, id }
    }

    /// The document and its version.
    pub async fn versioned(&self) -> Result<Versioned, Unavailable> {
        let answer = self.client.get_secret_value().secret_id(&self.id).send().await;
        let answer = answer.map_err(|error| Unavailable { call: GET, cause: cause(&error) })?;
        let version = answer.version_id.unwrap_or_default();
        let document = answer.secret_string.map(Zeroizing::new).ok_or_else(binary)?;
        Ok(Versioned { document, version })
    }

    /// Writes the document in the place of the version that was read. Secrets Manager has no condition: the version is read
    /// again before, and the one before is looked at afterwards, so that a race is told where it can't be kept from happening.
    /// For operators. An error: it isn't known whether it was written.
    pub async fn replace(&self, document: &str, seen: &str) -> Result<Replaced, Unavailable> {
        if self.versioned().await?.version != seen {
            return Ok(Replaced::Changed);
        }
        self.put(document).await?;
        let previous = self.client.get_secret_value().secret_id(&self.id).version_stage(PREVIOUS).send().await;
        Ok(match previous.map(|answer| answer.version_id.unwrap_or_default()) {
            Ok(version) if version == seen => Replaced::Yes,
            Ok(lost) => Replaced::Raced { lost },
            Err(error) => Replaced::Unsure { cause: cause(&error) },
        })
    }

    async fn get(&self) -> Result<Zeroizing<String>, Unavailable> {
        self.versioned().await.map(|versioned| versioned.document)
    }
}

const GET: &str = "secretsmanager:GetSecretValue";

fn binary() -> Unavailable {
    Unavailable { call: GET, cause: "the secret is binary; it must be text".to_owned() }
}

#[async_trait]
impl SecretStore for SecretsManager {
    async fn fetch(&self) -> Result<Zeroizing<String>, Unavailable> {
        self.get().await
    }
}

#[async_trait]
impl CapturedSecrets for SecretsManager {
    async fn fetch(&self) -> Result<Zeroizing<String>, Unavailable> {
        self.get().await
    }

    async fn put(&self, document: &str) -> Result<(), Unavailable> {
        let put = self.client.put_secret_value().secret_id(&self.id).secret_string(document).send().await;
        put.map(|_| ()).map_err(|error| Unavailable { call: "secretsmanager:PutSecretValue", cause: cause(&error) })
    }
}
