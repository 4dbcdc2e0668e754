//! `tidings capture`: records what a source sends, for tests.
//!
//! Promises: it records only requests that the receiver verifies and accepts, and that give as many events of the same
//! types when they are signed again. It prints the reason for every other request. It never records a signature or a
//! secret, and never changes an existing file.

mod options;

pub(crate) use options::CaptureOptions;

use crate::Failure;
use crate::captures::{Recorded, Redactor, Vocabulary, demo_secret};
use crate::commands::send::only_the_provider;
use crate::dev::cloud::{Cloud, Options, listen};
use crate::dev::http::{Answered, serve_to};
use crate::dev::receiver::{VISIBILITY_TIMEOUT_SECONDS, receiver};
use crate::files::{secrets, secrets_document, write_new};
use crate::limits::MAX_CAPTURED_BYTES;
use crate::project::{Location, Project};
use crate::sources;
use crate::style::{BAD, FAINT, GOOD, NAME, STRONG, WARN, count, data, note, paint, say};
use receiver::handshake;
use receiver::verify::{Key, can_sign, verify};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tidings_config::limits::MAX_SECRETS_PER_SOURCE;
use tidings_config::source::Source;
use tidings_core::claim::ClaimKey;
use tidings_core::envelope::Envelope;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// The number of requests that may wait for their file to be written.
const WAITING: usize = 16;

pub(crate) async fn run(options: CaptureOptions) -> Result<ExitCode, Failure> {
    let listener = listen(options.port).await?;
    let address = listener.local_addr().map_err(|error| Failure::new(error.to_string()))?;
    let url = format!("http://{address}");
    let sources = wanted(&options, &url)?;
    let document = secrets_document(options.secrets.as_deref(), &sources)?;
    let mut capture = Capture::new(&options, sources.clone(), &document)?;
    let cloud = Cloud::start(Options {
        dynamodb_port: 0,
        data: None,
        secrets: &document,
        api_secrets: "{}",
        visibility_timeout_seconds: VISIBILITY_TIMEOUT_SECONDS,
    });
    let receiver = Arc::new(receiver(&cloud.await?, sources));
    receiver.warm_up().await;
    let (to, mut heard) = mpsc::channel(WAITING);
    let (stop, mut stopped) = watch::channel(false);
    let server = tokio::spawn(serve_to(listener, receiver, to, async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    }));
    banner(&options, &url);

    let until = Instant::now() + options.time.duration();
    while capture.recorded < options.count && !capture.full {
        let answered = tokio::select! {
            answered = heard.recv() => answered,
            () = sleep_until(until) => None,
            _ = tokio::signal::ctrl_c() => None,
        };
        let Some(answered) = answered else { break };
        let became = capture.take(&answered)?;
        tell(&options, &answered, &became);
    }
    drop(heard);
    let _ = stop.send(true);
    let _ = server.await;
    Ok(capture.finish(&options))
}

/// The selected sources. This program must be able to sign for each of them: otherwise their deliveries couldn't be
/// replayed.
fn wanted(options: &CaptureOptions, url: &str) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    for name in options.sources.iter().collect::<BTreeSet<_>>() {
        let source = if options.preset { sources::of_preset(&sources::preset(name)?, url) } else { sources::configured(name)? };
        if !can_sign(&source.scheme) {
            return Err(only_the_provider(&source));
        }
        let public_url = options.public_url.clone().or(source.public_url.clone());
        sources.push(Source { public_url, ..source });
    }
    Ok(sources)
}

/// The words that the project and the presets have published. If the rules can't be read, they add no words: more
/// values are replaced, and a note says so.
fn vocabulary(sources: &[Source], preset: bool) -> Result<Vocabulary, Failure> {
    let location = if preset { Location::find()? } else { Some(Location::here_or_demo()?) };
    let project = location.map(Project::open).transpose().unwrap_or_else(|failure| {
        note(&format!("the project can't be read, so values that its rules compare with are also replaced: {failure}"));
        None
    });
    Ok(Vocabulary::of(project.as_ref().map(|project| &project.configuration), sources))
}

/// The outcome of a request.
#[derive(Debug, PartialEq, Eq)]
enum CaptureResult {
    /// The file, and the types of the events in it.
    Recorded(String, Vec<String>),
    Handshake,
    /// All its events are already recorded.
    Duplicate,
    /// Refused by the receiver.
    Refused(String),
    /// Accepted by the receiver, but not written to a file.
    LeftOut(String),
}

struct Capture {
    folder: PathBuf,
    preset: bool,
    sources: Vec<Source>,
    keys: BTreeMap<String, Vec<Key>>,
    redactor: Redactor,
    known: BTreeSet<ClaimKey>,
    /// The claim keys of the written events. A replay must give the same number of keys.
    written: BTreeSet<ClaimKey>,
    recorded: usize,
    refused: usize,
    bytes: u64,
    most_bytes: u64,
    full: bool,
}

impl Capture {
    fn new(options: &CaptureOptions, sources: Vec<Source>, document: &str) -> Result<Self, Failure> {
        let (mut keys, mut all) = (BTreeMap::new(), Vec::new());
        for source in &sources {
            let secrets = secrets(document, source, None)?;
            let tried = secrets.iter().take(MAX_SECRETS_PER_SOURCE);
            keys.insert(source.name.clone(), tried.filter_map(|secret| Key::prepare(&source.scheme, secret).ok()).collect());
            let preparation = &source.scheme.key;
            let bare = |secret: &String| preparation.strip_prefix.as_ref().and_then(|p| Some(secret.strip_prefix(p)?.to_owned()));
            all.extend(secrets.iter().filter_map(bare));
            all.extend(secrets);
        }
        let redactor = Redactor::new(vocabulary(&sources, options.preset)?, all, &options.mask, &options.keep)?;
        let folder = options.into.clone();
        let parent = folder.parent().map_or(Ok(()), std::fs::create_dir_all);
        parent.and_then(|()| std::fs::create_dir(&folder)).map_err(|error| {
            Failure::new(format!("{}: {error}", folder.display()))
                .hint("each capture writes to a new folder: give a folder that doesn't exist")
        })?;
        let preset = options.preset;
        Ok(Self {
            folder,
            preset,
            sources,
            keys,
            redactor,
            known: BTreeSet::new(),
            written: BTreeSet::new(),
            recorded: 0,
            refused: 0,
            bytes: 0,
            most_bytes: MAX_CAPTURED_BYTES,
            full: false,
        })
    }

    /// Records a request, or returns why it wasn't recorded.
    fn take(&mut self, answered: &Answered) -> Result<CaptureResult, Failure> {
        let Answered { at, path, delivery, status, .. } = answered;
        let accepted = (200..300).contains(status);
        let source = self.sources.iter().find(|source| path.strip_prefix("/webhooks/") == Some(&source.name)).cloned();
        let Some(source) = source else { return Ok(self.refuse(answered, None)) };
        let shaken = [false, true].iter().any(|signed| handshake::find(&source, delivery, *signed).is_some());
        if shaken {
            return Ok(if accepted { CaptureResult::Handshake } else { self.refuse(answered, None) });
        }
        let keys = self.keys.get(&source.name).map(Vec::as_slice).unwrap_or_default();
        let verified = match verify(&source, keys, delivery, *at) {
            Ok(verified) if accepted => verified,
            Ok(_) => return Ok(self.refuse(answered, None)),
            Err(rejection) => return Ok(self.refuse(answered, Some(rejection.to_string()))),
        };
        let events = receiver::extract::events(&verified, *at).unwrap_or_default();
        if events.is_empty() {
            return Ok(CaptureResult::LeftOut("verified, but it contains no events".to_owned()));
        }
        let keys: BTreeSet<ClaimKey> = events.iter().map(|event| event.envelope().claimkey.clone()).collect();
        if keys.is_subset(&self.known) {
            return Ok(CaptureResult::Duplicate);
        }
        let sample = match self.redactor.redact(delivery, &source) {
            Ok(sample) => sample,
            Err(unfit) => return Ok(CaptureResult::LeftOut(unfit.to_string())),
        };
        let types: Vec<String> = events.iter().map(|event| event.envelope().event_type.clone()).collect();
        let Some(recorded) = Recorded::of(&sample, &source, self.preset, *at, types.clone()) else {
            return Ok(CaptureResult::LeftOut("the redacted delivery isn't valid text".to_owned()));
        };
        let played = match plays(&recorded, &source, keys.len()) {
            Ok(played) => played,
            Err(why) => return Ok(CaptureResult::LeftOut(why)),
        };
        if played.intersection(&self.written).count() != keys.intersection(&self.known).count() {
            return Ok(CaptureResult::LeftOut(
                "after redaction its events have the same keys as events that are already recorded".to_owned(),
            ));
        }
        let became = self.write(&recorded, &source, keys)?;
        if matches!(became, CaptureResult::Recorded(..)) {
            self.written.extend(played);
        }
        Ok(became)
    }

    fn refuse(&mut self, answered: &Answered, why: Option<String>) -> CaptureResult {
        self.refused += 1;
        let reply: Value = serde_json::from_slice(&answered.reply).unwrap_or_default();
        let said = reply["message"].as_str().unwrap_or("unknown path or method").to_owned();
        // The receiver's reply to a 401 contains no reason.
        CaptureResult::Refused(why.filter(|_| answered.status == 401).unwrap_or(said))
    }

    fn write(&mut self, recorded: &Recorded, source: &Source, keys: BTreeSet<ClaimKey>) -> Result<CaptureResult, Failure> {
        let text = recorded.to_text()?;
        if self.redactor.leaves_a_secret(&text) {
            return Ok(CaptureResult::LeftOut(
                "a secret of the source is in a value that isn't replaced: the event's type or time, or a field of --keep"
                    .to_owned(),
            ));
        }
        if self.bytes + text.len() as u64 > self.most_bytes {
            self.full = true;
            return Ok(CaptureResult::LeftOut(format!("the folder is full: {} MiB", self.most_bytes / (1 << 20))));
        }
        let name = format!("{:04}-{}.json", self.recorded + 1, source.name);
        write_new(&self.folder.join(&name), &text).map_err(|failure| failure.hint("an existing file is never replaced"))?;
        self.bytes += text.len() as u64;
        self.recorded += 1;
        self.known.extend(keys);
        Ok(CaptureResult::Recorded(name, recorded.types.clone()))
    }

    fn finish(self, options: &CaptureOptions) -> ExitCode {
        if self.recorded == 0 {
            // This command created the folder, and it is empty.
            let _ = std::fs::remove_dir(&self.folder);
        }
        let folder = self.folder.display();
        if options.json {
            data(
                &json!({ "recorded": self.recorded, "refused": self.refused, "full": self.full, "into": self.folder.display().to_string() }),
            );
        } else if self.recorded == 0 {
            say!("{}", paint(WARN, format!("none recorded, {} refused", self.refused)));
        } else {
            say!("{} recorded in {folder}, {} refused", paint(GOOD, self.recorded), self.refused);
            say!(
                "{}",
                paint(FAINT, format!("review the files before you commit them; replay them with: tidings replay {folder}"))
            );
        }
        if self.recorded > 0 && !self.full { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Returns the claim keys of the redacted delivery. It must still be signable, and give as many events of the same
/// types.
fn plays(recorded: &Recorded, source: &Source, keys: usize) -> Result<BTreeSet<ClaimKey>, String> {
    let secret = demo_secret(source).map_err(|failure| failure.to_string())?;
    let signed = recorded.sign(source, &secret, recorded.received).map_err(|failure| failure.to_string())?;
    let events: Vec<Envelope> = signed.events(source, &secret, recorded.received);
    let types: Vec<&String> = events.iter().map(|event| &event.event_type).collect();
    let distinct: BTreeSet<ClaimKey> = events.iter().map(|event| event.claimkey.clone()).collect();
    if types == recorded.types.iter().collect::<Vec<_>>() && distinct.len() == keys {
        return Ok(distinct);
    }
    Err(format!("redaction changes its events: {} before, {} after", recorded.types.len(), events.len()))
}

fn banner(options: &CaptureOptions, url: &str) {
    if options.json {
        let said = json!({ "listening": url, "into": options.into.display().to_string() });
        data(&said);
        return;
    }
    let names: Vec<String> = options.sources.iter().map(|name| format!("{url}/webhooks/{name}")).collect();
    say!(
        "{}  {}",
        paint(STRONG, "Capturing"),
        paint(FAINT, format!("up to {} or {}; Ctrl-C stops it", count(options.count, "delivery"), options.time))
    );
    names.iter().for_each(|name| say!("  webhooks   {}", paint(NAME, name)));
    say!("  into       {}", options.into.display());
    say!("");
}

fn tell(options: &CaptureOptions, answered: &Answered, became: &CaptureResult) {
    let source = answered.path.strip_prefix("/webhooks/").unwrap_or(&answered.path);
    let (word, style, detail) = match became {
        CaptureResult::Recorded(file, types) => ("recorded", GOOD, format!("{file}  {}", types.join(", "))),
        CaptureResult::Handshake => ("handshake", FAINT, "answered".to_owned()),
        CaptureResult::Duplicate => ("duplicate", WARN, "its events are already recorded".to_owned()),
        CaptureResult::Refused(why) => ("refused", BAD, why.clone()),
        CaptureResult::LeftOut(why) => ("skipped", WARN, why.clone()),
    };
    if options.json {
        data(&json!({ "source": source, "status": answered.status, "became": word, "detail": detail }));
    } else {
        say!("{source:<12} {} {}  {detail}", answered.status, paint(style, format!("{word:<9}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_config::time::Timestamp;
    use tidings_events::{Sample, corpus};

    const NOW: Timestamp = Timestamp::from_unix_ms(1_795_168_800_000);

    fn capture(folder: &str, name: &str, preset: bool) -> Capture {
        let into = std::env::temp_dir().join(format!("tidings-capture-{folder}-{}", std::process::id()));
        let options = CaptureOptions {
            sources: vec![name.to_owned()],
            into,
            count: 1,
            time: tidings_config::rules::Span::new(std::time::Duration::from_secs(1)),
            port: 0,
            preset,
            public_url: None,
            mask: Vec::new(),
            keep: Vec::new(),
            secrets: None,
            json: false,
        };
        let sources = wanted(&options, "http://127.0.0.1").unwrap();
        let document = secrets_document(None, &sources).unwrap();
        Capture::new(&options, sources, &document).unwrap()
    }

    /// A sample as its provider signs it, and as the receiver accepted it.
    fn answered(capture: &Capture, sample: &Sample) -> Answered {
        let source = &capture.sources[0];
        let request = sample.sign(source, &demo_secret(source).unwrap(), NOW, None).unwrap();
        let path = request.path.split('?').next().unwrap_or_default().to_owned();
        Answered { at: NOW, path, delivery: request.delivery(), status: 202, reply: Vec::new() }
    }

    #[test]
    fn a_folder_takes_deliveries_up_to_its_limit_and_not_a_byte_more() {
        let case = corpus().case("orders-shipped-late").unwrap();
        let mut capture = capture("full", "orders", false);
        let sample = Sample::of_case(case, &capture.sources[0]).unwrap();
        let shipped = answered(&capture, &sample);
        assert!(matches!(capture.take(&shipped).unwrap(), CaptureResult::Recorded(name, _) if name == "0001-orders.json"));
        assert_eq!(capture.take(&shipped).unwrap(), CaptureResult::Duplicate);
        let bytes = capture.bytes;
        for (spare, fits) in [(0, true), (-1, false)] {
            (capture.known, capture.written, capture.full) = (BTreeSet::new(), BTreeSet::new(), false);
            capture.most_bytes = capture.bytes + bytes.saturating_add_signed(spare);
            let became = capture.take(&shipped).unwrap();
            assert_eq!((matches!(became, CaptureResult::Recorded(..)), capture.full), (fits, !fits), "{became:?}");
        }
        assert_eq!(std::fs::read_dir(&capture.folder).unwrap().count(), 2);
        std::fs::remove_dir_all(&capture.folder).unwrap();
    }

    #[test]
    fn requests_that_are_refused_or_cannot_be_redacted_are_never_recorded() {
        let mut orders = capture("refused", "orders", false);
        let sample = Sample::of_case(corpus().case("orders-shipped-late").unwrap(), &orders.sources[0]).unwrap();
        let taken = answered(&orders, &sample);
        let refused = Answered { status: 503, reply: br#"{"message":"try again"}"#.to_vec(), ..taken };
        assert_eq!(orders.take(&refused).unwrap(), CaptureResult::Refused("try again".to_owned()));
        let unsigned = Answered {
            delivery: receiver::delivery::Delivery { headers: http::HeaderMap::new(), ..refused.delivery },
            ..refused
        };
        let unsigned = Answered { status: 202, ..unsigned };
        assert!(matches!(orders.take(&unsigned).unwrap(), CaptureResult::Refused(_)), "any answer");
        let mut braintree = capture("xml", "braintree", true);
        let sample = Sample::of_preset(&sources::preset("braintree").unwrap()).unwrap();
        let taken = answered(&braintree, &sample);
        assert!(matches!(braintree.take(&taken).unwrap(), CaptureResult::LeftOut(why) if why.contains("XML")));
        for capture in [orders, braintree] {
            assert_eq!(capture.recorded, 0);
            std::fs::remove_dir(&capture.folder).expect("it is empty");
        }
    }
}
