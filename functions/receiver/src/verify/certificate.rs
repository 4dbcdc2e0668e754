//! An X.509 certificate as a provider publishes it: its key, its validity, and its hosts.
//!
//! The document must be PEM only: text before, between or after the blocks is refused. The issuer isn't checked: the
//! document comes over TLS from the provider's own host.

use super::PublicKey;
use tidings_config::time::Timestamp;
use x509_cert::TbsCertificate;
use x509_cert::der::DecodePem;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::time::Time;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The used parts of a certificate.
pub(super) struct Certificate {
    pub key: PublicKey,
    /// The first and the last moment of its validity.
    pub validity: (Timestamp, Timestamp),
    pub names: Vec<String>,
}

impl Certificate {
    /// The only certificate of a document, or the first of a chain. `None`: the document is something else.
    pub(super) fn read(document: &[u8], chain: bool) -> Option<Self> {
        let text = std::str::from_utf8(document).ok()?.trim_ascii();
        let blocks = blocks(text)?;
        let first = blocks.first().filter(|_| chain || blocks.len() == 1)?;
        let certificate = x509_cert::Certificate::from_pem(format!("{first}\n")).ok()?;
        let body = certificate.tbs_certificate();
        let time = |time: Time| Timestamp::from_unix_s(time.to_unix_duration().as_secs().try_into().ok()?);
        let validity = body.validity();
        Some(Self {
            key: PublicKey::rsa_of(body.subject_public_key_info())?,
            validity: time(validity.not_before).zip(time(validity.not_after))?,
            names: names(body)?,
        })
    }
}

/// The PEM blocks of a text that contains nothing else except white space.
fn blocks(text: &str) -> Option<Vec<&str>> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(END).filter(|_| rest.starts_with(BEGIN))? + END.len();
        let (block, after) = rest.split_at(end);
        blocks.push(block);
        rest = after.trim_ascii_start();
    }
    Some(blocks)
}

/// The hosts of its alternative names and its common name. `None`: they can't be read.
fn names(body: &TbsCertificate) -> Option<Vec<String>> {
    let common = body.subject().common_name().ok()?.map(|name| name.value().into_owned());
    let alternative = body.get_extension::<SubjectAltName>().ok()?.map(|(_, names)| names.0).unwrap_or_default();
    let hosts = alternative.into_iter().filter_map(|name| match name {
        GeneralName::DnsName(host) => Some(host.as_str().to_owned()),
        GeneralName::OtherName(_)
        | GeneralName::Rfc822Name(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EdiPartyName(_)
        | GeneralName::UniformResourceIdentifier(_)
        | GeneralName::IpAddress(_)
        | GeneralName::RegisteredId(_) => None,
    });
    Some(hosts.chain(common).collect())
}
