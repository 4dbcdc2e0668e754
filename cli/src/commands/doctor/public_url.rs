//! Checks that the URL that a provider was given leads to a source. Providers that sign the URL sign exactly this text.

use super::check::Check;
use crate::Failure;
use crate::delivery::{Reply, post};
use http::HeaderMap;
use tidings_config::source::Source;
use tidings_events::SignedRequest;

const NAME: &str = "public url";

/// Requests each URL without a signature. The endpoint must refuse the request.
pub(super) fn check(sources: &[Source]) -> Check {
    let public: Vec<(&str, &str)> =
        sources.iter().filter_map(|source| Some((source.name.as_str(), source.public_url.as_deref()?))).collect();
    let problems: Vec<String> = public.iter().filter_map(|(name, url)| problem(name, url, asked(name, url))).collect();
    match (public.len(), problems.len()) {
        (0, _) => Check::skipped(NAME, "no source has a public_url, because no provider here signs its URL"),
        (all, 0) => Check::good(NAME, format!("{all} of {all} lead to a source")),
        (all, bad) => Check::bad_each(NAME, format!("{bad} of {all} don't lead to a source"), problems),
    }
}

fn asked(name: &str, url: &str) -> Result<Reply, Failure> {
    let host = url.find("://").map_or(0, |scheme| scheme + "://".len());
    let (origin, path) = url.split_at(url[host..].find('/').map_or(url.len(), |path| host + path));
    let (source, path) = (name.to_owned(), path.to_owned());
    post(origin, &SignedRequest { source, method: "POST", path, headers: HeaderMap::new(), body: b"{}".to_vec() })
}

fn problem(name: &str, url: &str, asked: Result<Reply, Failure>) -> Option<String> {
    let next = "public_url in sources.yaml must be exactly the URL that is configured at the provider";
    match asked {
        // Any of these answers comes from one of our sources; other checks report what is missing there.
        Ok(reply) if ["unauthentic", "unsupported_media_type", "try_again"].contains(&reply.word()) => None,
        Ok(reply) => Some(format!("{name}: {url} answers {} {}. {next}", reply.status, reply.word())),
        Err(failure) => Some(format!("{name}: {}. {next}", failure.message)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// Answers one request with this status and body.
    fn endpoint(status: &'static str, body: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/hooks/twilio", listener.local_addr().expect("its address"));
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a caller");
            let mut request = [0; 4_096];
            let read = stream.read(&mut request).expect("a request");
            assert!(request[..read].starts_with(b"POST /hooks/twilio HTTP/1.1\r\n"), "exactly the URL");
            let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        });
        url
    }

    #[test]
    fn a_public_url_is_good_if_it_leads_to_a_source() {
        let twilio = tidings_project::preset("twilio").expect("a preset");
        let at = |url: Option<String>| [Source { public_url: url, ..twilio.source("twilio") }];
        for (status, body, good) in [
            ("401 Unauthorized", r#"{"error":"unauthentic"}"#, true),
            ("415 Unsupported Media Type", r#"{"error":"unsupported_media_type"}"#, true),
            ("503 Service Unavailable", r#"{"error":"try_again"}"#, true),
            ("404 Not Found", r#"{"error":"not_found"}"#, false),
            ("403 Forbidden", r#"{"message":"Forbidden"}"#, false),
            ("200 OK", "a page of another site", false),
        ] {
            let check = check(&at(Some(endpoint(status, body))));
            assert_eq!(check.status == Status::Good, good, "{status}: {}", check.said);
            assert_eq!(check.next.join("\n").contains(&format!("answers {}", &status[..3])), !good, "{status}");
        }
        assert_eq!(check(&at(None)).status, Status::Skipped);
        let nobody = check(&at(Some("http://127.0.0.1:9/hooks/twilio".to_owned())));
        assert!(nobody.status == Status::Bad && nobody.next.join("\n").contains("exactly the URL"));
    }
}
