//! The sources' secrets, and the handshake secrets that providers send.

use super::cause;
use crate::ports::{HandshakeSecrets, Replaced, SecretStore, Unavailable, Versioned};
use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use zeroize::Zeroizing;

/// The staging label of the version in use.
const CURRENT: &str = "AWSCURRENT";

/// Our staging label of a version that is about to be used. All writers share it: a label for each writer would keep
/// every version forever, and only about a hundred versions of a secret can have a label.
const NEXT: &str = "TIDINGS_NEXT";

const GET: &str = "secretsmanager:GetSecretValue";
const PUT: &str = "secretsmanager:PutSecretValue";
const MOVE: &str = "secretsmanager:UpdateSecretVersionStage";

/// [`SecretStore`] and [`HandshakeSecrets`] on Secrets Manager, for one secret.
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

    /// The document and its version id.
    pub async fn versioned(&self) -> Result<Versioned, Unavailable> {
        let answer = self.client.get_secret_value().secret_id(&self.id).send().await;
        let answer = answer.map_err(|error| Unavailable { call: GET, cause: cause(&error) })?;
        let version = answer.version_id.unwrap_or_default();
        let document = answer.secret_string.map(Zeroizing::new).ok_or_else(binary)?;
        Ok(Versioned { document, version })
    }

    /// Replaces the document if its version is the one that was read (compare and set). `PutSecretValue` has no
    /// condition, but moving a label has one: the document is written beside the current version, and becomes current
    /// only if the label can be moved from the version that was read. Secrets Manager deletes unlabelled versions.
    ///
    /// [`Replaced::Changed`] can also mean that the response was lost and another writer has replaced our document since.
    pub async fn replace(&self, document: &str, seen: &str) -> Result<Replaced, Unavailable> {
        // A writer that is late leaves no version behind.
        if self.versioned().await?.version != seen {
            return Ok(Replaced::Changed);
        }
        let ours = self.put_beside(document).await?;
        let request = self.client.update_secret_version_stage().secret_id(&self.id).version_stage(CURRENT);
        match request.move_to_version_id(&ours).remove_from_version_id(seen).send().await {
            Ok(_) => Ok(Replaced::Yes),
            // It was refused, or the response was lost. The current version shows which.
            Err(error) => match self.versioned().await?.version {
                current if current == ours => Ok(Replaced::Yes),
                current if current == seen => Err(Unavailable { call: MOVE, cause: cause(&error) }),
                _ => Ok(Replaced::Changed),
            },
        }
    }

    /// Writes a version that isn't current yet.
    async fn put_beside(&self, document: &str) -> Result<String, Unavailable> {
        let put = self.client.put_secret_value().secret_id(&self.id).secret_string(document).version_stages(NEXT);
        let answer = put.send().await.map_err(|error| Unavailable { call: PUT, cause: cause(&error) })?;
        answer.version_id.ok_or_else(|| Unavailable { call: PUT, cause: "the answer names no version".to_owned() })
    }
}

fn binary() -> Unavailable {
    Unavailable { call: GET, cause: "the secret is binary; it must be text".to_owned() }
}

#[async_trait]
impl SecretStore for SecretsManager {
    async fn fetch(&self) -> Result<Zeroizing<String>, Unavailable> {
        self.versioned().await.map(|versioned| versioned.document)
    }
}

#[async_trait]
impl HandshakeSecrets for SecretsManager {
    async fn fetch(&self) -> Result<Versioned, Unavailable> {
        self.versioned().await
    }

    async fn replace(&self, document: &str, seen: &str) -> Result<Replaced, Unavailable> {
        self.replace(document, seen).await
    }
}
