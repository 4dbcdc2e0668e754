//! A recorded delivery as a file that people can read and edit. It contains no signature: a replay signs the delivery
//! again, with demo secrets or with real ones. `docs/captures.md` describes the format.

use crate::files;
use crate::limits::{MAX_CAPTURE_FILE_BYTES, MAX_CAPTURED, MAX_CAPTURED_BYTES};
use crate::style::safe_json;
use crate::{Failure, sources};
use receiver::verify::Key;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tidings_config::source::Source;
use tidings_config::time::Timestamp;
use tidings_core::envelope::Envelope;
use tidings_events::{Sample, SignedRequest, demo_secrets, secrets_of};

/// The version of the format.
const FORMAT_VERSION: u32 = 1;

/// The secret for a source without a demo secret: valid as text, as hexadecimal and as base64.
const STAND_IN: &str = "7469646e7469646e7469646e7469646e7469646e7469646e7469646e7469646e";

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recorded {
    tidings_capture: u32,
    pub(crate) source: String,
    /// Whether the source is the preset of that name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    preset: bool,
    pub(crate) received: Timestamp,
    /// The types of its events, in order.
    pub(crate) types: Vec<String>,
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    /// A JSON body as JSON, any other body as a string.
    body: Value,
}

/// Whether this JSON is meant to be a recorded delivery.
pub(crate) fn is_one(value: &Value) -> bool {
    value.get("tidings_capture").is_some()
}

impl Recorded {
    /// `None` if the body isn't text.
    pub(crate) fn of(sample: &Sample, source: &Source, preset: bool, received: Timestamp, types: Vec<String>) -> Option<Self> {
        let text = std::str::from_utf8(&sample.body).ok()?;
        let json = serde_json::from_str(text).ok().filter(|value: &Value| value.is_object() || value.is_array());
        let query = if sample.query.is_empty() { String::new() } else { format!("?{}", sample.query) };
        let headers = sample.headers.iter().map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
        Some(Self {
            tidings_capture: FORMAT_VERSION,
            source: source.name.clone(),
            preset,
            received,
            types,
            method: "POST".to_owned(),
            path: format!("/webhooks/{}{query}", source.name),
            headers: headers.collect::<Option<_>>()?,
            body: json.unwrap_or_else(|| text.into()),
        })
    }

    pub(crate) fn to_text(&self) -> Result<String, Failure> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Failure::new(error.to_string()))?;
        Ok(safe_json(&text) + "\n")
    }

    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let bad = |what: String| {
            Failure::new(format!("{}: {what}", path.display()))
                .hint("allowed: a file that `tidings capture` wrote (docs/captures.md describes the format)")
        };
        Self::parse(&files::read(path, MAX_CAPTURE_FILE_BYTES)?).map_err(bad)
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let recorded: Self = files::json(bytes)?;
        if recorded.tidings_capture != FORMAT_VERSION {
            return Err(format!("version {} of the format, allowed: {FORMAT_VERSION}", recorded.tidings_capture));
        }
        if recorded.method != "POST" {
            return Err(format!("method {:?}, allowed: POST", recorded.method));
        }
        Ok(recorded)
    }

    /// The source of the delivery, with a receiver at `url`.
    pub(crate) fn source(&self, url: &str) -> Result<Source, Failure> {
        if self.preset {
            return Ok(sources::of_preset(&sources::preset(&self.source)?, url));
        }
        sources::configured(&self.source)
    }

    /// The request to sign.
    pub(crate) fn sample(&self) -> Result<Sample, Failure> {
        let body = self.body.as_str().map_or_else(|| self.body.to_string(), str::to_owned);
        let query = self.path.split_once('?').map_or("", |(_, query)| query).to_owned();
        let mut sample = Sample { headers: http::HeaderMap::new(), query, body: body.into_bytes() };
        for (name, value) in &self.headers {
            sample.set_header(name, value).map_err(|error| Failure::new(error.to_string()))?;
        }
        Ok(sample)
    }

    /// Signs the request at `now`.
    pub(crate) fn sign(&self, source: &Source, secret: &str, now: Timestamp) -> Result<SignedRequest, Failure> {
        self.sample()?.sign(source, secret, now, None).map_err(|error| Failure::new(error.to_string()))
    }

    /// Its events, with their original time of receipt, as if a demo secret had signed the request.
    pub(crate) fn events(&self) -> Result<Vec<Envelope>, Failure> {
        let source = self.source(HERE)?;
        let secret = demo_secret(&source)?;
        Ok(self.sign(&source, &secret, self.received)?.events(&source, &secret, self.received))
    }
}

/// The address of a receiver that only this machine can reach.
pub(crate) const HERE: &str = "http://127.0.0.1";

/// A public secret: the source's demo secret, or another that its scheme accepts.
pub(crate) fn demo_secret(source: &Source) -> Result<String, Failure> {
    let document = demo_secrets(std::slice::from_ref(source));
    let known = secrets_of(&document, &source.name).map_err(|error| Failure::new(error.to_string()))?;
    let stand_in = match &source.scheme.key.named_by {
        Some(separator) => format!("demo{separator}{STAND_IN}"),
        None => STAND_IN.to_owned(),
    };
    let secret = known.into_iter().next().unwrap_or(stand_in);
    Key::prepare(&source.scheme, &secret).map_err(|error| Failure::new(format!("{}: {error}", source.name)))?;
    Ok(secret)
}

/// Reads the recorded deliveries of files and folders, each with its file name. Files of a folder are ordered by name.
pub(crate) fn read_all(paths: &[PathBuf]) -> Result<Vec<(String, Recorded)>, Failure> {
    let mut all = Vec::new();
    let mut bytes = 0;
    for path in paths {
        let mut files = vec![path.clone()];
        if path.is_dir() {
            let failed = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
            let entries = std::fs::read_dir(path).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
            files = entries
                .iter()
                .map(std::fs::DirEntry::path)
                .filter(|path| path.extension().is_some_and(|e| e == "json") && path.is_file())
                .collect();
            files.sort();
            if files.is_empty() {
                return Err(Failure::new(format!("{}: the folder contains no .json file", path.display())));
            }
        }
        for file in files {
            bytes += std::fs::metadata(&file).map_or(0, |file| file.len());
            if all.len() == MAX_CAPTURED || bytes > MAX_CAPTURED_BYTES {
                return Err(Failure::new(format!(
                    "{} exceeds the limits of one run, allowed: {MAX_CAPTURED} deliveries and {} MiB",
                    file.display(),
                    MAX_CAPTURED_BYTES / (1 << 20)
                )));
            }
            all.push((file.display().to_string(), Recorded::read(&file)?));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_config::limits::MAX_REQUEST_HEADERS;

    fn fixture() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures/0002-stripe.json")
    }

    #[test]
    fn deliveries_of_a_replay_are_limited() {
        let most = vec![fixture(); MAX_CAPTURED];
        assert_eq!(read_all(&most).unwrap().len(), MAX_CAPTURED);
        let said = read_all(&[most, vec![fixture()]].concat()).unwrap_err().to_string();
        assert!(said.contains("allowed: 1000 deliveries and 64 MiB"), "{said}");
    }

    #[test]
    fn no_capture_file_panics_the_reader() {
        let read = |n: &str| std::fs::read(fixture().with_file_name(n)).unwrap();
        let files = ["0001-orders.json", "0002-stripe.json", "0003-whatsapp.json"].map(read);
        crate::fuzz::never_panics(&files.each_ref().map(Vec::as_slice), |bytes| {
            let Ok(recorded) = Recorded::parse(bytes) else { return };
            let _ = recorded.events();
            // A recorded delivery can be recorded again.
            let (Ok(source), Ok(sample)) = (recorded.source(HERE), recorded.sample()) else { return };
            let Sample { headers, query, body } = sample;
            let delivery = receiver::delivery::Delivery { method: "POST".to_owned(), query, headers, body: body.into() };
            let mut redactor = crate::captures::Redactor::new(
                crate::captures::Vocabulary::of(None, std::slice::from_ref(&source)),
                vec!["secret".to_owned()],
                &["tea".to_owned()],
                &[],
            )
            .unwrap();
            let _ = redactor
                .redact(&delivery, &source)
                .map(|sample| Recorded::of(&sample, &source, false, recorded.received, Vec::new()));
        });
    }

    #[test]
    fn a_delivery_has_as_many_headers_as_fit() {
        let with = |headers: usize| {
            let mut recorded = Recorded::read(&fixture()).unwrap();
            recorded.headers = (0..headers).map(|n| (format!("x-{n}"), String::new())).collect();
            recorded.sample()
        };
        assert_eq!(with(MAX_REQUEST_HEADERS).unwrap().headers.len(), MAX_REQUEST_HEADERS);
        for more in [MAX_REQUEST_HEADERS + 1, 40_000] {
            assert_eq!(with(more).unwrap_err().to_string(), "more than 500 headers, allowed: 500");
        }
    }

    #[test]
    fn a_written_delivery_is_read_unchanged() {
        let recorded = Recorded::read(&fixture()).unwrap();
        let text = std::fs::read_to_string(fixture()).unwrap();
        assert_eq!(recorded.to_text().unwrap(), text);
        let source = recorded.source(HERE).unwrap();
        let again = Recorded::of(&recorded.sample().unwrap(), &source, false, recorded.received, recorded.types.clone()).unwrap();
        assert_eq!(again.to_text().unwrap(), text);
    }

    #[test]
    fn a_custom_scheme_has_a_substitute_for_a_demo_secret() {
        let mut source = sources::configured("orders").unwrap();
        source.name = "mine".to_owned();
        source.provider = tidings_config::source::OWN.to_owned();
        assert_eq!(demo_secret(&source).unwrap(), STAND_IN);
        for encoding in ["hex", "base64", "sha1", "utf8"] {
            source.scheme.key.encoding = serde_json::from_value(encoding.into()).unwrap();
            assert!(demo_secret(&source).is_ok(), "{encoding}");
        }
        source.scheme.key.named_by = Some("|".to_owned());
        assert!(demo_secret(&source).is_ok_and(|secret| secret.starts_with("demo|")));
    }
}
