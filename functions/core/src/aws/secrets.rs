//! The sources' secrets, and those that providers send in a handshake.

use super::cause;
use crate::ports::{HandshakeSecrets, Replaced, SecretStore, Unavailable, Versioned};
use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use zeroize::Zeroizing;

/// The staging label of the version that counts.
const CURRENT: &str = "AWSCURRENT";

/// Ours, of a version that is about to count. There is one: a label for each writer would keep every version forever, and a
/// secret has room for about a hundred that carry a label.
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

    /// The document and its version.
    pub async fn versioned(&self) -> Result<Versioned, Unavailable> {
        let answer = self.client.get_secret_value().secret_id(&self.id).send().await;
        let answer = answer.map_err(|error| Unavailable { call: GET, cause: cause(&error) })?;
        let version = answer.version_id.unwrap_or_default();
        let document = answer.secret_string.map(Zeroizing::new).ok_or_else(binary)?;
        Ok(Versioned { document, version })
    }

    /// Writes the document in the place of the version that was read, or changes nothing. `PutSecretValue` has no condition,
    /// but moving a label has: the document is put beside the current version, and becomes it only if the label can be taken
    /// from the very version that was read. Of a version that lost Secrets Manager disposes.
    ///
    /// [`Replaced::Changed`] is also said where an answer was lost and somebody has replaced ours since.
    pub async fn replace(&self, document: &str, seen: &str) -> Result<Replaced, Unavailable> {
        // Who is late leaves no version behind.
        if self.versioned().await?.version != seen {
            return Ok(Replaced::Changed);
        }
        let ours = self.put_beside(document).await?;
        let request = self.client.update_secret_version_stage().secret_id(&self.id).version_stage(CURRENT);
        match request.move_to_version_id(&ours).remove_from_version_id(seen).send().await {
            Ok(_) => Ok(Replaced::Yes),
            // It was refused, or its answer was lost. The version that counts now tells which.
            Err(error) => match self.versioned().await?.version {
                current if current == ours => Ok(Replaced::Yes),
                current if current == seen => Err(Unavailable { call: MOVE, cause: cause(&error) }),
                _ => Ok(Replaced::Changed),
            },
        }
    }

    /// A version that doesn't count yet.
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
