//! `tidings send`: signs a realistic event and posts it.

mod options;
mod said;

pub(crate) use options::SendOptions;

use crate::Failure;
use crate::captures::Recorded;
use crate::commands::verify::answer::{Answer, own_path};
use crate::commands::verify::owner::Conversations;
use crate::delivery::post;
use crate::dev_client::about::now_at;
use crate::files;
use crate::limits::MAX_REQUEST_FILE_BYTES;
use crate::sources;
use crate::style::{FAINT, data, paint, pretty, say, short};
use receiver::verify::can_sign;
use ring::rand::{SecureRandom, SystemRandom};
use said::Sent;
use serde_json::{Value, json};
use std::process::ExitCode;
use tidings_config::source::{OWN, Source};
use tidings_config::time::{Clock, SystemClock, Timestamp};
use tidings_config::{JsonPath, WordError};
use tidings_events::{Case, Renewed, RequestError, Sample, SignedRequest, Tamper, api_gateway_event, corpus};
use tidings_project::did_you_mean;

pub(crate) async fn run(options: SendOptions) -> Result<ExitCode, Failure> {
    if options.list {
        list(options.json);
        return Ok(ExitCode::SUCCESS);
    }
    let Signed { source, request, document, at, renewed } = signed(&options).await?;
    if options.lambda {
        pretty(&api_gateway_event(&request, SystemClock.now()));
        return Ok(ExitCode::SUCCESS);
    }
    let is_configured = !options.preset && options.capture.is_none();
    let conversations = is_configured.then(Conversations::here);
    let (delivery, path) = (request.delivery(), own_path(&source, options.tenant.as_ref()));
    let answer = Answer::of(&source, &delivery, at, &document, None, &path, conversations.as_ref()).await;
    let sent = Sent { source: &source, request: &request, answer: &answer, renewed };
    if options.dry_run {
        sent.print_dry(options.json);
        return Ok(ExitCode::SUCCESS);
    }
    let keys = request.claim_keys(&source, &files::secrets(&document, &source, options.tenant.as_ref())?[0], at);
    let reply = post(&options.url, &request)?;
    if options.json {
        sent.print_json(&reply, &keys);
    } else {
        sent.print(&reply, &keys, &options).await;
    }
    Ok(if reply.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A request, and the secrets that it was signed with.
struct Signed {
    source: Source,
    request: SignedRequest,
    document: String,
    at: Timestamp,
    /// `None`: the named request is sent without changes.
    renewed: Option<Renewed>,
}

async fn signed(options: &SendOptions) -> Result<Signed, Failure> {
    let Requested { source, mut sample, tamper, is_fixed } = wanted(options)?;
    let document = files::secrets_document(options.secrets.as_deref(), std::slice::from_ref(&source))?;
    let secret = &files::secrets(&document, &source, options.tenant.as_ref())?[0];
    // The receiver's time: the clock of a `tidings dev` may be ahead.
    let at = now_at(&options.url).await;
    let is_new = options.new || !(options.same || is_fixed);
    let renewed = is_new.then(|| sample.renew(&source, secret, at, &mut random_byte())).transpose().map_err(unsigned)?;
    for setting in &options.set {
        let (path, value) = setting.split_once('=').ok_or_else(|| bad_setting(setting, "no ="))?;
        let path: JsonPath = path.parse().map_err(|error: WordError| bad_setting(setting, &error.to_string()))?;
        sample.set(&path, value).map_err(unsigned)?;
    }
    let request = sample
        .sign_for(&source, options.tenant.as_ref(), secret, at, options.tamper.map(Tamper::from).or(tamper))
        .map_err(unsigned)?;
    Ok(Signed { source, request, document, at, renewed })
}

fn bad_setting(setting: &str, why: &str) -> Failure {
    Failure::new(format!("--set {setting:?}: {why}")).hint(
        "allowed: PATH=VALUE, such as data.object.amount=5 or \
        items[0].name=Tea",
    )
}

/// Unpredictable bytes. If the system has none, bytes of the clock: they are different enough for an id.
fn random_byte() -> impl FnMut() -> u8 {
    let chance = SystemRandom::new();
    move || {
        let mut byte = [0];
        match chance.fill(&mut byte) {
            Ok(()) => byte[0],
            Err(_) => std::time::Instant::now().elapsed().subsec_nanos().to_le_bytes()[0],
        }
    }
}

/// What to send.
struct Requested {
    source: Source,
    sample: Sample,
    /// The tampering that the case requires.
    tamper: Option<Tamper>,
    /// A case, a file or a capture was named; it is sent without changes.
    is_fixed: bool,
}

fn wanted(options: &SendOptions) -> Result<Requested, Failure> {
    if let Some(path) = &options.capture {
        let recorded = Recorded::read(path)?;
        let (source, mut sample) = (recorded.source(&options.url)?, recorded.sample()?);
        headers(options, &mut sample)?;
        return Ok(Requested { source, sample, tamper: None, is_fixed: true });
    }
    let case = match &options.case {
        None => None,
        Some(name) => Some(corpus().case(name).ok_or_else(|| {
            let near = did_you_mean(name, corpus().cases.iter().map(|case| case.name.as_str()));
            Failure::new(format!("the corpus has no case {name:?}{near}")).hint("`tidings send --list` lists the cases")
        })?),
    };
    let name = case.map(|case| &case.source).or(options.provider.as_ref());
    let name = name.ok_or_else(|| Failure::new("neither a source nor a case is given"))?;
    let source =
        if options.preset { sources::of_preset(&sources::preset(name)?, &options.url) } else { sources::configured(name)? };
    if !can_sign(&source.scheme) {
        return Err(only_the_provider(&source));
    }
    sources::expect_tenant(&source, options.tenant.as_ref())?;
    let own = options.file.as_deref().map(|path| files::read(path, MAX_REQUEST_FILE_BYTES)).transpose()?;
    let typical = case.or_else(|| corpus().typical(name).filter(|_| !options.preset));
    let sample = match (typical, &own) {
        (Some(case), _) => Sample::of_case(case, &source),
        (None, Some(body)) if source.provider == OWN => Ok(Sample::of_body(&source, body.clone())),
        (None, None) if source.provider == OWN => {
            return Err(Failure::new(format!("no event of {name} is known")).hint("give a body with --file"));
        }
        (None, _) => Sample::of_preset(&sources::preset(&source.provider)?),
    };
    let mut sample = sample.map_err(unsigned)?;
    let is_fixed = own.is_some() || case.is_some();
    sample.body = own.unwrap_or(sample.body);
    headers(options, &mut sample)?;
    Ok(Requested { source, sample, tamper: case.and_then(|case| case.tamper), is_fixed })
}

/// Adds the headers of `--header`.
fn headers(options: &SendOptions, sample: &mut Sample) -> Result<(), Failure> {
    for header in &options.headers {
        let (name, value) =
            header.split_once('=').ok_or_else(|| Failure::new(format!("--header {header:?}, allowed: NAME=VALUE")))?;
        sample.set_header(name, value).map_err(unsigned)?;
    }
    Ok(())
}

/// The error for a source whose requests only the provider can sign.
pub(crate) fn only_the_provider(source: &Source) -> Failure {
    let (name, algorithm) = (&source.name, source.scheme.algorithm.as_str());
    Failure::new(format!("requests of {name} can't be signed here: only the provider has the private key ({algorithm})")).hint(
        format!(
            "let the provider send one to a public address of `tidings dev --presets`; check a captured one with `tidings verify \
         {name} FILE --preset`"
        ),
    )
}

fn unsigned(error: RequestError) -> Failure {
    Failure::new(error.to_string())
}

fn list(json: bool) {
    if json {
        let cases: Vec<Value> = corpus().cases.iter().map(listed).collect();
        data(&json!(cases));
        return;
    }
    for case in &corpus().cases {
        let reply = format!("{} {}", case.expect.status, case.expect.reply);
        say!("{:<28} {:<10} {:<18} {}", short(&case.name, 28), case.source, reply, paint(FAINT, &case.about));
    }
}

fn listed(case: &Case) -> Value {
    let events: Vec<Value> = case
        .expect
        .events
        .iter()
        .map(|e| json!({ "key": e.key, "type": e.event_type, "conversation": e.conversation, "outcome": e.outcome, "dead": e.dead }))
        .collect();
    json!({
        "name": case.name,
        "about": case.about,
        "source": case.source,
        "expect": { "status": case.expect.status, "reply": case.expect.reply, "events": events }
    })
}
