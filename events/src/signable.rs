//! Presets as sources whose requests can be made here, for samples.

use receiver::verify::can_sign;
use tidings_core::config::provider::Provider;
use tidings_core::config::scheme::{Algorithm, Encoding, JwtAlgorithm};
use tidings_core::config::source::Source;

/// The source and a secret of its. Where only the provider can sign, it is one that signs the same message with a secret of ours: what
/// a signature covers, and what becomes of the body, follow from the message and not from the key.
pub fn source(provider: &Provider) -> (Source, String) {
    let public_url = Some(format!("https://hooks.example/webhooks/{}", provider.name));
    let mut source = Source { public_url, ..provider.source(&provider.name) };
    let scheme = &mut source.scheme;
    if can_sign(scheme) {
        let secret = provider.vectors.first().map_or_else(String::new, |vector| vector.secret.clone());
        return (source, secret);
    }
    if scheme.algorithm == Algorithm::Jwt {
        scheme.jwt.iter_mut().for_each(|jwt| jwt.algorithms = vec![JwtAlgorithm::Hs256]);
    } else {
        scheme.algorithm = Algorithm::HmacSha256;
        if scheme.signature.encoding == Encoding::Text {
            scheme.signature.encoding = Encoding::Hex;
        }
    }
    scheme.remote_key = None;
    scheme.key = Default::default();
    scheme.expect.clear();
    (source, "a secret of our own for samples".to_owned())
}
