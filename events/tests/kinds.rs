//! Tests the samples of every preset: signs, verifies and reads them as the receiver does.
//!
//! `TIDINGS_TREE` names another checkout whose presets and samples are read, `TIDINGS_PRESETS` some of them.

use receiver::extract::VerifiedEvent;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;
use tidings_config::Reference;
use tidings_config::rules::TypePattern;
use tidings_config::time::Timestamp;
use tidings_events::SignedRequest;
use tidings_events::samples::{self, PresetSample, SampleEvent, SampleKey};
use tidings_events::signable::{Refusal, Signable};
use tidings_project::read_provider;

const NOW: Timestamp = Timestamp::from_unix_ms(1_795_975_400_000);

/// Bytes of each body that are changed, one at a time: evenly over it.
const BYTES_CHANGED: usize = 6;

/// The allowed time between the first try and a retry.
const LATER: Duration = Duration::from_secs(60);

fn root() -> PathBuf {
    std::env::var_os("TIDINGS_TREE").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".."), PathBuf::from)
}

/// A preset with its samples, and their problems.
struct Preset {
    signable: Signable,
    samples: Vec<PresetSample>,
    problems: String,
}

impl Preset {
    fn read(name: &str) -> Self {
        let path = root().join("functions/receiver/providers").join(format!("{name}.toml"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let provider = read_provider(&format!("{name}.toml"), &text).unwrap_or_else(|report| panic!("{report}"));
        let file = root().join("events/samples").join(format!("{name}.toml"));
        let mut problems = String::new();
        let samples = match std::fs::read_to_string(&file).map_err(|error| error.to_string()) {
            Ok(text) => samples::read(&text).map_err(|error| error.to_string()),
            Err(error) => Err(error),
        };
        let samples = samples.unwrap_or_else(|error| {
            writeln!(problems, "{name}: events/samples/{name}.toml: {error}").unwrap();
            Vec::new()
        });
        Self { signable: Signable::of(provider), samples, problems }
    }

    fn say(&mut self, problem: impl std::fmt::Display) {
        writeln!(self.problems, "{}: {problem}", self.signable.provider.name).unwrap();
    }

    fn signed(&self, sample: &PresetSample, at: Timestamp) -> Result<SignedRequest, Refusal> {
        Ok(self.signable.sign(sample, at)?)
    }

    fn events(&self, request: &SignedRequest, at: Timestamp) -> Result<Vec<VerifiedEvent>, Refusal> {
        self.signable.events(request, at)
    }

    fn claims(&self, sample: &PresetSample) -> Result<BTreeSet<String>, Refusal> {
        Ok(keys(&self.events(&self.signed(sample, NOW)?, NOW)?))
    }

    fn check(&mut self) {
        let mut claimed: BTreeMap<String, String> = BTreeMap::new();
        for sample in self.samples.clone() {
            match self.check_one(&sample) {
                Err(problem) => self.say(format!("{}: {problem}", sample.name)),
                Ok(claims) => {
                    for claim in claims {
                        if let Some(first) = claimed.insert(claim.clone(), sample.name.clone()) {
                            self.say(format!("{} and {first} are one claim, {claim}", sample.name));
                        }
                    }
                }
            }
        }
    }

    /// Its claims, if all of it is as the sample states.
    fn check_one(&mut self, sample: &PresetSample) -> Result<BTreeSet<String>, Refusal> {
        let delivery = self.signed(sample, NOW)?;
        let events = self.events(&delivery, NOW)?;
        let (seen, expected): (Vec<String>, Vec<String>) =
            (events.iter().map(told).collect(), sample.events.iter().map(expectation).collect());
        for n in 0..seen.len().max(expected.len()) {
            let (seen, expected) = (seen.get(n), expected.get(n));
            if !seen.zip(expected).is_some_and(|(seen, expected)| same(seen, expected)) {
                let none = "nothing".to_owned();
                let (seen, expected) = (seen.unwrap_or(&none), expected.unwrap_or(&none));
                self.say(format!("{}, event {n}\n    is      {seen}\n    should  {expected}", sample.name));
            }
        }
        for event in &events {
            let event_type = &event.envelope().event_type;
            if event_type.parse::<TypePattern>().is_err() {
                self.say(format!("{}: no rule can name the type {event_type:?}", sample.name));
            }
        }
        let claims = keys(&events);
        if claims.len() != events.len() {
            self.say(format!("{}: {} events have {} claims", sample.name, events.len(), claims.len()));
        }
        let again = self.events(&delivery, NOW)?;
        if keys(&again) != claims {
            self.say(format!("{}: the same bytes are another event", sample.name));
        }
        self.check_retry(sample, &claims)?;
        for other in &sample.others {
            let changed = match self.claims(&sample.changed(other)) {
                Ok(changed) => changed,
                Err(refusal) => {
                    self.say(format!("{}: {:?}: {refusal}", sample.name, other.what));
                    continue;
                }
            };
            if other.same && changed != claims {
                self.say(format!("{}: {:?} is another event\n    {claims:?}\n    {changed:?}", sample.name, other.what));
            }
            if other.same {
                let again = self.events(&self.signed(&sample.changed(other), NOW)?, NOW)?;
                let looks_other = |event: &VerifiedEvent| {
                    let same = again.iter().find(|again| again.envelope().claimkey == event.envelope().claimkey);
                    same.is_some_and(|same| same.body_sha256() != event.body_sha256())
                };
                if events.iter().any(looks_other) {
                    self.say(format!("{}: {:?} looks like another body under a known key", sample.name, other.what));
                }
            }
            if !other.same && !changed.is_disjoint(&claims) {
                self.say(format!("{}: {:?} is the same event", sample.name, other.what));
            }
        }
        self.check_bytes(sample, &delivery, &events)?;
        Ok(claims)
    }

    /// A retry that is signed again is the same event.
    fn check_retry(&mut self, sample: &PresetSample, claims: &BTreeSet<String>) -> Result<(), Refusal> {
        let scheme = &self.signable.source.scheme;
        let signs_time =
            scheme.timestamp.as_ref().is_some_and(|timestamp| timestamp.from.json().is_none()) || scheme.jwt.is_some();
        if !signs_time {
            return Ok(());
        }
        // In another window, a coalesced event is another event.
        if self.signable.source.events.iter().any(|event| event.coalesce_seconds.is_some()) {
            return Ok(());
        }
        let later = NOW.plus(LATER);
        let retried = self.events(&self.signed(sample, later)?, later)?;
        if keys(&retried) != *claims {
            self.say(format!("{}: its retry, signed anew, is another event", sample.name));
        }
        Ok(())
    }

    /// Whatever byte of the body is another: what is known by its content is another event, and of what is known by an id the body is
    /// known to differ.
    fn check_bytes(&mut self, sample: &PresetSample, delivery: &SignedRequest, events: &[VerifiedEvent]) -> Result<(), Refusal> {
        let scheme = &self.signable.source.scheme;
        let writes_into_the_body = scheme.signature.from.0.iter().any(|place| place.json().is_some());
        if scheme.partial || scheme.each.is_some() || writes_into_the_body || sample.vector.is_some() {
            return Ok(());
        }
        let by_content = |event: &VerifiedEvent| event.envelope().claimkey.as_str().contains("#sha256:");
        let retry_fields =
            self.signable.source.events.iter().any(|event| event.retry_fields.0.iter().any(|r| r.json().is_some()));
        let body = &delivery.body;
        let step = (body.len() / BYTES_CHANGED).max(1);
        for at in (0..body.len()).step_by(step).filter(|_| !retry_fields) {
            let mut changed = sample.clone();
            let mut bytes = body.clone();
            bytes[at] = if bytes[at] == b'7' { b'8' } else { b'7' };
            let Ok(text) = String::from_utf8(bytes) else { continue };
            changed.body = text;
            let Ok(other) = self.signed(&changed, NOW).and_then(|delivery| self.events(&delivery, NOW)) else { continue };
            let others: BTreeMap<&str, &VerifiedEvent> =
                other.iter().map(|event| (event.envelope().claimkey.as_str(), event)).collect();
            for event in events {
                let Some(same) = others.get(event.envelope().claimkey.as_str()) else { continue };
                if same.envelope().data.get() == event.envelope().data.get() {
                    continue;
                }
                if by_content(event) {
                    self.say(format!("{}: with byte {at} changed it is the same event", sample.name));
                } else if same.body_sha256() == event.body_sha256() {
                    self.say(format!("{}: nobody sees that byte {at} has changed", sample.name));
                }
            }
        }
        Ok(())
    }
}

fn keys(events: &[VerifiedEvent]) -> BTreeSet<String> {
    events.iter().map(|event| event.envelope().claimkey.as_str().to_owned()).collect()
}

/// An event as the samples state it.
fn told(event: &VerifiedEvent) -> String {
    let envelope = event.envelope();
    let key = envelope.claimkey.as_str().split_once('#').map_or("", |(_, key)| key);
    let key = match key.strip_prefix("sha256:") {
        _ if envelope.unreadable().is_some() => "unreadable",
        Some(rest) if rest.contains('+') => "content+delivery",
        Some(_) => "content",
        None => key,
    };
    line(
        &envelope.event_type,
        &[
            ("subject", envelope.subject.clone()),
            ("time", envelope.time.map(|time| time.to_string())),
            ("sequence", envelope.sequence.clone()),
            ("conversation", envelope.conversation.clone()),
            ("dataschema", envelope.dataschema.clone()),
        ],
        key,
    )
}

fn expectation(event: &SampleEvent) -> String {
    let key = match &event.key {
        SampleKey::Id(id) => id.clone(),
        other @ (SampleKey::Content | SampleKey::ContentAndDelivery | SampleKey::Unreadable) => other.to_string(),
    };
    line(
        &event.event_type,
        &[
            ("subject", event.subject.clone()),
            ("time", event.time.map(|time| time.to_string())),
            ("sequence", event.sequence.map(|n| n.to_string())),
            ("conversation", event.conversation.clone()),
            ("dataschema", event.dataschema.clone()),
        ],
        &key,
    )
}

fn line(event_type: &str, fields: &[(&str, Option<String>)], key: &str) -> String {
    let fields = fields.iter().filter_map(|(name, value)| Some(format!("{name} {} · ", value.as_ref()?)));
    format!("{event_type} · {}key {key}", fields.collect::<String>())
}

/// A hashed key is an id as well.
fn same(seen: &str, expected: &str) -> bool {
    let (seen_rest, seen_key) = seen.rsplit_once("key ").unwrap_or((seen, ""));
    let (expected_rest, expected_key) = expected.rsplit_once("key ").unwrap_or((expected, ""));
    let hashed = || {
        let id = tidings_core::claim::ClaimKey::from_signed_id("s", expected_key);
        id.as_str().strip_prefix("s#") == Some(seen_key)
    };
    seen_rest == expected_rest && (seen_key == expected_key || hashed())
}

fn names() -> Vec<String> {
    let wanted = std::env::var("TIDINGS_PRESETS").unwrap_or_default();
    let wanted: BTreeSet<&str> = wanted.split_whitespace().collect();
    let folder = std::fs::read_dir(root().join("functions/receiver/providers")).expect("the presets");
    let files = folder.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = files.filter_map(|file| file.strip_suffix(".toml").map(str::to_owned)).collect();
    names.retain(|name| wanted.is_empty() || wanted.contains(name.as_str()));
    names.sort();
    names
}

#[test]
fn every_sample_of_every_preset_gives_exactly_the_expected_events() {
    let presets = names().into_iter().map(|name| {
        let mut preset = Preset::read(&name);
        preset.check();
        preset
    });
    let presets: Vec<Preset> = presets.collect();
    let problems: String = presets.iter().map(|preset| preset.problems.as_str()).collect();
    assert!(problems.is_empty(), "{} lines of problems:\n{problems}", problems.lines().count());
}

#[test]
fn retry_fields_never_distinguish_events() {
    for name in names() {
        let preset = Preset::read(&name);
        for event in &preset.signable.source.events {
            let keyed: Vec<&Reference> =
                event.id.0.iter().chain(&event.delivery_id.0).flat_map(tidings_config::Template::references).collect();
            let wrong = event.retry_fields.0.iter().find(|field| keyed.contains(field));
            assert_eq!(wrong, None, "{name}: it is in the key, and left out of it");
        }
    }
}
