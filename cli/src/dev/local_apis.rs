//! Local replacements for APIs that rules fetch from: `--api NAME=http://127.0.0.1:9000` or `--api NAME=file:DIR`. Only
//! `dev` has them. The address in rules.yaml stays the deployed one, which must begin with `https://`. Other APIs are
//! fetched from their own address.

use crate::Failure;
use crate::clients::https;
use crate::dev_client::token::is_here;
use async_trait::async_trait;
use http::Uri;
use percent_encoding::percent_decode_str;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use tidings_config::rules::Rules;
use tidings_core::aws::Https;
use tidings_core::ports::{Get, GetError, HttpsGet};

const FORM: &str = "allowed: NAME=http://127.0.0.1:PORT, NAME=http://localhost:PORT, NAME=file:PATH";

/// An API and its local place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalApi {
    pub(crate) name: String,
    at: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// The start of a loopback address, without a trailing slash.
    Address(String),
    /// A file or a folder of files.
    File(PathBuf),
}

impl FromStr for LocalApi {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, place) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or(FORM)?;
        let at = match place.strip_prefix("file:").filter(|path| !path.is_empty()) {
            Some(path) => Place::File(PathBuf::from(path.strip_prefix("//").unwrap_or(path))),
            None => {
                let uri: Uri = place.parse().map_err(|_| format!("{place:?} isn't an address; {FORM}"))?;
                let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
                if !is_http || !uri.host().is_some_and(is_here) {
                    return Err(format!("{place:?} isn't an address of this machine; {FORM}"));
                }
                Place::Address(place.trim_end_matches('/').to_owned())
            }
        };
        Ok(Self { name: name.to_owned(), at })
    }
}

/// [`HttpsGet`] that serves some APIs locally, and the others from their own address.
#[derive(Debug)]
pub(crate) struct LocalApis {
    /// The URL prefix of each API, the longest first.
    places: Vec<(String, Place)>,
    elsewhere: Https,
}

impl LocalApis {
    /// Errors: the rules don't have an API of this name.
    pub(crate) fn of(local: &[LocalApi], rules: &Rules) -> Result<Self, Failure> {
        let mut places = Vec::new();
        for api in local {
            let Some(known) = rules.apis.get(&api.name) else {
                let names: Vec<&str> = rules.apis.keys().map(String::as_str).collect();
                let allowed = if names.is_empty() { "rules.yaml has none".to_owned() } else { names.join(", ") };
                return Err(Failure::new(format!("--api {}: no such API in rules.yaml, allowed: {allowed}", api.name)).status(2));
            };
            places.push((known.url.clone(), api.at.clone()));
        }
        places.sort_by_key(|(start, _)| std::cmp::Reverse(start.len()));
        Ok(Self { places, elsewhere: https() })
    }
}

#[async_trait]
impl HttpsGet for LocalApis {
    async fn get(&self, get: &Get<'_>) -> Result<Vec<u8>, GetError> {
        let found = self.places.iter().find_map(|(start, place)| Some((place, get.url.strip_prefix(start.as_str())?)));
        match found {
            None => self.elsewhere.get(get).await,
            Some((Place::File(path), rest)) => read(path, rest, get.at_most),
            Some((Place::Address(address), rest)) => {
                let url = format!("{address}/{}", rest.trim_start_matches('/'));
                let header = get.header.map(|(name, value)| (name.to_owned(), value.clone()));
                let (at_most, within) = (get.at_most, get.within);
                let fetched = tokio::task::spawn_blocking(move || {
                    let agent = ureq::Agent::config_builder().timeout_global(Some(within)).max_redirects(0);
                    let agent: ureq::Agent = agent.http_status_as_error(false).build().into();
                    let mut request = agent.get(url);
                    if let Some((name, value)) = &header {
                        request = request.header(name, value.0.as_str());
                    }
                    let mut response = request.call().map_err(|error| GetError::NoAnswer(error.to_string()))?;
                    if !response.status().is_success() {
                        return Err(GetError::Status(response.status().as_u16()));
                    }
                    let body = response.body_mut().with_config().limit(at_most as u64).read_to_vec();
                    body.map_err(|error| GetError::NoAnswer(error.to_string()))
                });
                fetched.await.unwrap_or_else(|error| Err(GetError::NoAnswer(error.to_string())))
            }
        }
    }
}

/// A file as an API's response. In a folder: the file named by the path, with or without `.json`; 404 if it doesn't
/// exist.
fn read(place: &Path, rest: &str, at_most: usize) -> Result<Vec<u8>, GetError> {
    let none = GetError::Status(404);
    let path = if place.is_dir() {
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        let mut file = place.to_owned();
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            let segment = percent_decode_str(segment).decode_utf8().map_err(|_| GetError::Status(404))?;
            // A rule's value is one path segment. It can't name another folder.
            if segment.contains(['/', '\\', '\0']) || segment.chars().all(|c| c == '.') {
                return Err(none);
            }
            file.push(segment.as_ref());
        }
        let json = PathBuf::from(format!("{}.json", file.display()));
        [file, json].into_iter().find(|file| file.is_file()).ok_or(none)?
    } else {
        place.to_owned()
    };
    match std::fs::read(&path) {
        Ok(bytes) if bytes.len() > at_most => {
            Err(GetError::NoAnswer(format!("{} has more than {at_most} bytes", path.display())))
        }
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(GetError::Status(404)),
        Err(error) => Err(GetError::NoAnswer(format!("{}: {error}", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_can_be_on_this_machine_and_on_no_other() {
        for valid in ["orders=http://127.0.0.1:9000", "orders=http://localhost:9000/v1/", "o=https://[::1]:9", "o=file:tests/api"]
        {
            assert!(valid.parse::<LocalApi>().is_ok(), "{valid}");
        }
        let refused = [
            "",
            "orders",
            "=http://127.0.0.1",
            "orders=http://10.0.0.7:9000",
            "orders=https://api.example/",
            "orders=ftp://127.0.0.1",
            "orders=file:",
            "orders=127.0.0.1:9000",
            "orders=http://localhost.evil.example/",
        ];
        for bad in refused {
            assert!(bad.parse::<LocalApi>().unwrap_err().contains("allowed"), "{bad}");
        }
    }

    #[test]
    fn a_folder_answers_with_the_file_of_the_path_and_with_nothing_outside_of_it() {
        let folder = std::env::temp_dir().join(format!("tidings-apis-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("api/orders")).unwrap();
        std::fs::write(folder.join("secret"), "outside").unwrap();
        std::fs::write(folder.join("api/orders/A 1.json"), "{\"n\":1}").unwrap();
        let api = folder.join("api");
        assert_eq!(read(&api, "orders/A%201?expand=x", 100).unwrap(), b"{\"n\":1}");
        assert_eq!(read(&api.join("orders/A 1.json"), "anything", 100).unwrap(), b"{\"n\":1}", "a file is every answer");
        for (outside, why) in [("../secret", "dots"), ("%2e%2e/secret", "dots"), ("..%2fsecret", "a slash"), ("orders/B", "none")]
        {
            assert!(matches!(read(&api, outside, 100), Err(GetError::Status(404))), "{why}");
        }
        assert!(matches!(read(&api, "orders/A%201", 3), Err(GetError::NoAnswer(_))), "too long");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
