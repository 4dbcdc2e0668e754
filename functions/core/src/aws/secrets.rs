//! The sources' secrets, and those that providers told.

use super::cause;
use crate::ports::{CapturedSecrets, SecretStore, Unavailable};
use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use zeroize::Zeroizing;

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

    async fn get(&self) -> Result<Zeroizing<String>, Unavailable> {
        const CALL: &str = "secretsmanager:GetSecretValue";
        let answer = self.client.get_secret_value().secret_id(&self.id).send().await;
        let answer = answer.map_err(|error| Unavailable { call: CALL, cause: cause(&error) })?;
        let binary = || Unavailable { call: CALL, cause: "the secret is binary; it must be text".to_owned() };
        answer.secret_string.map(Zeroizing::new).ok_or_else(binary)
    }
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
