//! The functions' configuration for AWS clients: what Lambda sets as environment variables, and nothing else. Profiles,
//! container and instance metadata, web identities and the STS client aren't linked: a function has credentials in its
//! environment or none. They are those of its execution environment, which Lambda ends before they expire.

use super::{ATTEMPT_TIMEOUT, CONNECT_TIMEOUT, Http, OPERATION_TIMEOUT};
use crate::settings::Lookup;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, IdentityCache, Region, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::default_async_sleep;
use aws_types::SdkConfig;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use std::time::Duration;

/// The timeouts of every call: one that hangs must end while its function still has time to respond.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}

/// The attempts of every call. The SDK's default first backoff is one second, which is the whole time of a call.
pub fn attempts() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50))
}

/// The services whose endpoints can be named, by the names that the SDK has for them.
const SERVICES: [&str; 3] = ["DynamoDB", "SQS", "Secrets Manager"];

/// The configuration of a function, from its environment: `AWS_REGION`, the credentials, and, where somebody has set them,
/// `AWS_ENDPOINT_URL` (or that of a service), `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT`.
pub fn config(http: &Http, lookup: Lookup<'_>) -> SdkConfig {
    let variable = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
    let is_set = |name| variable(name).map(|value| value.eq_ignore_ascii_case("true"));
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http.clone())
        .region(variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).map(Region::new))
        .identity_cache(IdentityCache::lazy().build())
        .timeout_config(timeouts())
        .retry_config(attempts())
        .service_config(Endpoints::named(&variable));
    let credentials = || {
        let (id, secret) = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
        Some(Credentials::new(id, secret, variable("AWS_SESSION_TOKEN"), None, "environment"))
    };
    config.set_credentials_provider(credentials().map(SharedCredentialsProvider::new));
    config.set_sleep_impl(default_async_sleep());
    config.set_use_fips(is_set("AWS_USE_FIPS_ENDPOINT"));
    config.set_use_dual_stack(is_set("AWS_USE_DUALSTACK_ENDPOINT"));
    config.build()
}

/// The endpoints that the environment names: one of a service (`AWS_ENDPOINT_URL_DYNAMODB`) before one of all.
#[derive(Debug)]
struct Endpoints {
    of_services: [(&'static str, Option<String>); SERVICES.len()],
    of_all: Option<String>,
}

const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";

impl Endpoints {
    fn named(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let of = |service: &'static str| {
            let name = service.to_uppercase().replace(' ', "_");
            (service, variable(&format!("{ENDPOINT_URL}_{name}")))
        };
        Self { of_services: SERVICES.map(of), of_all: variable(ENDPOINT_URL) }
    }
}

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        if key.env() != ENDPOINT_URL {
            return None;
        }
        let own = self.of_services.iter().find(|(service, _)| *service == key.service_id());
        own.and_then(|(_, url)| url.clone()).or_else(|| self.of_all.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &'static [(&str, &str)]) -> SdkConfig {
        let found = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        config(&Http::default(), &found)
    }

    fn endpoint(config: &SdkConfig, service: &str) -> Option<String> {
        let key = ServiceConfigKey::builder().service_id(service).env(ENDPOINT_URL).profile("endpoint_url").build();
        config.service_config().expect("ours").load_config(key.expect("a key"))
    }

    #[test]
    fn a_service_endpoint_precedes_the_endpoint_of_all() {
        let config = with(&[("AWS_ENDPOINT_URL", "http://all"), ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://secrets")]);
        assert_eq!(endpoint(&config, "Secrets Manager").as_deref(), Some("http://secrets"));
        assert_eq!(endpoint(&config, "SQS").as_deref(), Some("http://all"));
        assert_eq!(endpoint(&with(&[("AWS_ENDPOINT_URL", " ")]), "DynamoDB"), None, "AWS's own");
    }

    #[test]
    fn the_environment_names_the_region_and_the_kind_of_endpoint() {
        let config = with(&[("AWS_DEFAULT_REGION", "eu-west-1"), ("AWS_USE_FIPS_ENDPOINT", "true")]);
        assert_eq!(config.region().map(Region::as_ref), Some("eu-west-1"));
        assert_eq!((config.use_fips(), config.use_dual_stack()), (Some(true), None));
        let config = with(&[("AWS_DEFAULT_REGION", "eu-west-1"), ("AWS_REGION", "us-gov-west-1")]);
        assert_eq!(config.region().map(Region::as_ref), Some("us-gov-west-1"), "Lambda's own precedes");
    }

    #[test]
    fn credentials_are_those_of_the_environment_or_none() {
        let keys = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "key"), ("AWS_SESSION_TOKEN", "token")];
        assert!(
            config(&Http::default(), &|name| keys.iter().find(|key| key.0 == name).map(|key| key.1.to_owned()))
                .credentials_provider()
                .is_some()
        );
        assert!(with(&[("AWS_ACCESS_KEY_ID", "id")]).credentials_provider().is_none());
    }

    #[test]
    fn every_call_has_timeouts_and_attempts() {
        let config = with(&[]);
        assert!(config.sleep_impl().is_some(), "without it no timeout ends");
        assert_eq!(config.timeout_config().and_then(TimeoutConfig::operation_timeout), Some(OPERATION_TIMEOUT));
        assert_eq!(config.retry_config().map(RetryConfig::max_attempts), Some(3));
    }
}
