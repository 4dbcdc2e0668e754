//! Keys that providers publish: from a file, or fetched as the receiver fetches them, once everything else is right.

use super::attempt::Attempt;
use crate::Failure;
use receiver::verify::{KeySet, NeededKey, Rejection};
use tidings_core::ports::{Get, HttpsGet};

/// A document with keys, and the URL that it is published at.
#[derive(Debug)]
pub(crate) struct Published {
    pub url: String,
    pub document: Vec<u8>,
}

/// Adds the key that the request needs, if it needs one and a source for it is given.
pub(super) async fn add(
    attempt: &mut Attempt,
    file: Option<&[u8]>,
    fetch: Option<&dyn HttpsGet>,
) -> Result<Option<Published>, Failure> {
    let Some(needed) = needed(attempt) else { return Ok(None) };
    let document = match (file, fetch) {
        (Some(bytes), _) => bytes.to_vec(),
        (None, Some(https)) => https.get(&Get::public(&needed.url)).await.map_err(|_| {
            Failure::new("the provider's key couldn't be fetched")
                .hint("give it with --key FILE; without --fetch-keys this command prints its address")
        })?,
        (None, None) => return Ok(None),
    };
    let set =
        KeySet::of(needed.kind, &document, attempt.now).map_err(|error| Failure::new(format!("the provider's key: {error}")))?;
    attempt.public.insert(needed.url.clone(), set);
    Ok(Some(Published { url: needed.url, document }))
}

/// The key that the request needs, without a check of the time: an old request's key is needed, too.
fn needed(attempt: &Attempt) -> Option<NeededKey> {
    if let Err(Rejection::KeyNeeded(needed)) = attempt.timeless().verify() { Some(needed) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use receiver::delivery::Delivery;
    use receiver::verify::PublicKeys;
    use std::sync::Arc;
    use tidings_config::time::Timestamp;
    use tidings_core::memory::{Call, Fault, Faults, MemoryHttps};

    /// The test vector of Google Chat, as it was captured.
    fn captured() -> (Attempt, String, String) {
        let provider = crate::sources::preset("google-chat").unwrap();
        let vector = &provider.vectors[0];
        let headers =
            vector.headers.iter().map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()));
        let body = vector.body.clone().into_bytes();
        let delivery =
            Delivery { method: "POST".to_owned(), query: String::new(), headers: headers.collect(), body: body.into() };
        let attempt = Attempt {
            source: provider.source("google-chat"),
            tenant: None,
            secrets: vec![vector.secret.clone()],
            public: PublicKeys::default(),
            delivery,
            url: String::new(),
            now: Timestamp::parse_rfc3339(vector.at.as_deref().unwrap()).unwrap(),
        };
        let (url, document) = vector.fetched.first_key_value().unwrap();
        (attempt, url.clone(), document.clone())
    }

    #[tokio::test]
    async fn a_key_is_fetched_only_if_it_is_requested_and_needed() {
        let https = MemoryHttps::new(Arc::new(Faults::default()));
        let (mut attempt, url, document) = captured();
        https.put(&url, document);
        add(&mut attempt, None, None).await.unwrap();
        assert_eq!((attempt.verify().is_ok(), https.asked().len()), (false, 0));
        let mut forged = attempt.with(|a| a.secrets = vec!["another".to_owned()]);
        add(&mut forged, None, Some(&https)).await.unwrap();
        assert_eq!(https.asked().len(), 0, "no key is fetched for a request that is invalid anyway");
        add(&mut attempt, None, Some(&https)).await.unwrap();
        assert_eq!((attempt.verify(), https.asked()), (Ok(0), vec![url]));
    }

    #[tokio::test]
    async fn an_old_request_s_key_is_fetched_too() {
        let https = MemoryHttps::new(Arc::new(Faults::default()));
        let (attempt, url, document) = captured();
        https.put(&url, document);
        let mut old = attempt.with(|a| a.now = a.now.plus(std::time::Duration::from_secs(86_400)));
        add(&mut old, None, Some(&https)).await.unwrap();
        assert!(matches!(old.verify(), Err(Rejection::TooOld { .. })) && old.verifies_ever());
    }

    #[tokio::test]
    async fn a_fetched_document_must_be_a_key() {
        let faults = Arc::new(Faults::default());
        let https = MemoryHttps::new(Arc::clone(&faults));
        let (mut attempt, url, _) = captured();
        https.put(&url, "<html>");
        let said = add(&mut attempt, None, Some(&https)).await.unwrap_err().to_string();
        assert!(said.contains("not a JSON Web Key Set"), "{said}");
        faults.fail(Call::Get, Fault::Refuse, 1);
        let said = add(&mut attempt, None, Some(&https)).await.unwrap_err().to_string();
        assert!(said.contains("couldn't be fetched"), "{said}");
    }
}
