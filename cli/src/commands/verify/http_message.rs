//! Explains a refused HTTP message signature (RFC 9421): which component, which digest. What the request says is shown
//! as text of a known form, never raw.

use super::attempt::Attempt;
use receiver::verify::{ComponentFault, DigestFault, listed_components};
use tidings_config::Component;
use tidings_config::source::OWN;

/// A component that the source requires, and no signature of the request covers.
pub(super) fn not_covered(attempt: &Attempt, required: &Component) -> String {
    let listed: Vec<String> = listed_components(&attempt.source, &attempt.delivery).iter().map(|one| listed(one)).collect();
    let what_to_do = if attempt.source.provider == OWN {
        format!("sign {required} too, or take it out of `http_message.components` if the sender never signs it")
    } else {
        format!("sign {required} too: what isn't covered could be changed by anybody")
    };
    format!("signature-input covers {}: {what_to_do}", listed.join("; another signature covers "))
}

fn listed(components: &[String]) -> String {
    if components.is_empty() { "nothing".to_owned() } else { components.join(", ") }
}

/// A component that can't be computed for this request.
pub(super) fn component(name: &str, fault: ComponentFault) -> String {
    match fault {
        ComponentFault::Unknown => {
            format!("{name} isn't one of a request's: the signature may be a response's, or of a newer standard")
        }
        ComponentFault::Parameter => {
            format!(
                "{name} has a parameter that isn't used here: allowed are sf, bs and key of a header, and name of @query-param"
            )
        }
        ComponentFault::Repeated => format!("{name} is listed twice, which RFC 9421 forbids"),
        ComponentFault::Unreadable => {
            format!(
                "the value of {name} isn't a structured field of a known kind, or isn't ASCII: sign the header without parameters, or with bs"
            )
        }
        ComponentFault::Ambiguous => format!("{name} stands for two values of the query: sign @query instead"),
        ComponentFault::TooLong => "the headers that are signed are too long: sign fewer".to_owned(),
    }
}

/// The label that the source names, and the request hasn't got.
pub(super) fn no_label(attempt: &Attempt, label: &str) -> String {
    let labels = attempt.delivery.headers.get_all("signature-input").iter().filter_map(|value| value.to_str().ok());
    let seen: Vec<String> = labels.flat_map(|text| text.split(',')).filter_map(name_before).collect();
    let seen = if seen.is_empty() { "none".to_owned() } else { seen.join(", ") };
    format!("`http_message.label` is {label}, and the request's signatures have: {seen}")
}

/// A member's name, if the text begins with one.
fn name_before(text: &str) -> Option<String> {
    let (name, rest) = text.trim().split_once('=')?;
    let is_name = !name.is_empty() && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.*".contains(&b));
    (is_name && rest.starts_with('(')).then(|| name.to_owned())
}

/// The digest that isn't the body's. The signature itself is right.
pub(super) fn content_digest(attempt: &Attempt, fault: DigestFault) -> String {
    let bytes = attempt.delivery.body.len();
    match fault {
        DigestFault::Sha256 | DigestFault::Sha512 => format!(
            "the signature is right, and these {bytes} bytes aren't the body that was signed: it was changed, decompressed or \
             written again on the way"
        ),
        DigestFault::NoneKnown => {
            "the signature is right, and proves no body: the sender must send sha-256 or sha-512".to_owned()
        }
        DigestFault::Malformed => "the signature is right; a digest is written as sha-256=:BASE64:".to_owned(),
    }
}

/// The parameter `alg` names another algorithm than the source's.
pub(super) fn other_algorithm(attempt: &Attempt) -> String {
    let expected = attempt.source.scheme.algorithm.http_name().unwrap_or_default();
    format!("`alg` in signature-input isn't {expected}, which the source's scheme and secret are for")
}
