//! AWS Signature Version 4, by the SDK's own crate.

use crate::render::{Rendered, Unrenderable};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as signature};
use aws_sigv4::sign::v4;
use std::fmt;
use std::time::{Duration, SystemTime};
use tidings_config::time::Timestamp;
use zeroize::Zeroizing;

/// The function's role, as Lambda puts it into the environment.
#[derive(Clone)]
pub struct AwsIdentity {
    pub access_key_id: String,
    pub secret_access_key: Zeroizing<String>,
    pub session_token: Option<Zeroizing<String>>,
    /// The function's region.
    pub region: String,
}

impl fmt::Debug for AwsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsIdentity").field("region", &self.region).finish_non_exhaustive()
    }
}

impl AwsIdentity {
    /// The function's role, which signs requests to AWS's own APIs. `None`: the environment has no credentials.
    pub fn of_environment(lookup: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        Some(Self {
            access_key_id: lookup("AWS_ACCESS_KEY_ID")?,
            secret_access_key: Zeroizing::new(lookup("AWS_SECRET_ACCESS_KEY")?),
            session_token: lookup("AWS_SESSION_TOKEN").map(Zeroizing::new),
            region: lookup("AWS_REGION").or_else(|| lookup("AWS_DEFAULT_REGION"))?,
        })
    }
}

/// Adds the signature's headers.
pub(crate) fn sign(
    request: &mut Rendered,
    service: &str,
    region: &str,
    aws: &AwsIdentity,
    now: Timestamp,
) -> Result<(), Unrenderable> {
    let unsigned = |why: &dyn fmt::Display| Unrenderable::Unsigned(why.to_string());
    let token = aws.session_token.as_ref().map(|token| token.to_string());
    let identity = Credentials::new(&aws.access_key_id, aws.secret_access_key.as_str(), token, None, "environment").into();
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(now.unix_ms()).unwrap_or_default());
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(at)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| unsigned(&error))?
        .into();
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let signable = SignableRequest::new(request.method, &request.url, headers, SignableBody::Bytes(&request.body));
    let signed = signable.and_then(|signable| signature(signable, &parameters)).map_err(|error| unsigned(&error))?;
    let (instructions, _) = signed.into_parts();
    let added: Vec<_> = instructions.headers().map(|(name, value)| (name.to_owned(), Zeroizing::new(value.to_owned()))).collect();
    request.headers.extend(added);
    Ok(())
}
