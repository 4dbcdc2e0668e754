//! `tidings verify`: prints whether a captured request verifies, what the receiver would answer, and which events it
//! contains. If something fails, it prints why. It never prints a secret. Of the request it prints only the
//! identification of its events.
//!
//! Exit status: 0 it verifies and is accepted, 1 it was checked and is refused or unreadable, 2 it couldn't be checked.
//! A script that asks whether a request is forged must not take a missing file for an answer.

pub(crate) mod answer;
mod attempt;
mod capture;
mod clock;
mod diagnose;
mod events;
mod http_message;
mod keys;
mod mistakes;
pub(crate) mod owner;
pub(crate) mod said;
mod token;

use crate::clients::https;
use crate::files;
use crate::limits::MAX_REQUEST_FILE_BYTES;
use crate::{Failure, sources};
use answer::Answer;
use attempt::Attempt;
use clap::Args;
use diagnose::Finding;
use owner::Conversations;
use receiver::delivery::Delivery;
use receiver::verify::{PublicKeys, signed_message};
use said::Verdict;
use serde_json::Value;
use std::path::PathBuf;
use std::process::ExitCode;
use tidings_config::limits::{MAX_BODY_BYTES, MAX_FETCHED_BYTES};
use tidings_config::source::Source;
use tidings_config::tenant::TenantName;
use tidings_config::time::{Clock, SystemClock, Timestamp};
use tidings_core::envelope::Envelope;
use tidings_core::ports::HttpsGet;
use tidings_events::tenant_of;

#[derive(Debug, Args)]
#[command(
    after_help = "The request is a file: a raw HTTP request (headers, an empty line, the body), a HAR, a curl command (as \
        browsers copy it for bash), an API Gateway event, or what `tidings send --dry-run` prints. Of the request only its \
        events' names are printed, and never a secret. The answer comes from the receiver's own code, with stores in memory.\n\
        Exit status: 0 it verifies, is answered with a 2xx, and its events can be read; 1 it is refused or unreadable; 2 it \
        couldn't be checked: invalid arguments, no such file or source, not a request, no secret, or the provider's key is \
        needed and wasn't given.\n\nExamples:\n  \
        tidings verify stripe request.txt --secrets secrets.json\n  \
        tidings send stripe --dry-run --json > request.json && \\\n      tidings verify stripe request.json\n  \
        tidings verify github --preset captured.har --entry 3 \\\n      --secrets secrets.json --at 2026-11-20T10:00:00Z\n  \
        tidings verify twilio --preset request.txt --secrets secrets.json \\\n      --public-url https://hooks.example/webhooks/twilio\n  \
        tidings verify aws-sns --preset request.txt --secrets secrets.json \\\n      --fetch-keys"
)]
pub struct VerifyOptions {
    /// A source of the project, or with --preset any provider
    pub source: String,
    /// The captured request; standard input if it is -
    pub request: PathBuf,
    /// Which entry of a HAR, counted from 1; its first POST if left out
    #[arg(long, value_name = "NUMBER")]
    pub entry: Option<usize>,
    /// Take the provider's preset instead of a configured source
    #[arg(long)]
    pub preset: bool,
    /// The tenant, for a source with tenants. Its secret is SOURCE/TENANT in the file of secrets
    #[arg(long, value_name = "NAME", conflicts_with = "preset")]
    pub tenant: Option<TenantName>,
    /// Webhook secrets: a JSON object from source to a secret or a list of secrets; the public demo secrets if left out
    #[arg(long, value_name = "FILE", env = "TIDINGS_SECRETS")]
    pub secrets: Option<PathBuf>,
    /// The receiver's clock at the time, RFC 3339; now if left out
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// The URL that the provider was given, for schemes that sign it
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// The provider's certificate (PEM) or key set (JSON), for schemes whose key is published
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Show what the scheme signs of this request, byte for byte, to compare it with what was signed
    #[arg(long)]
    pub show_signed: bool,
    /// Fetch the key from where the provider publishes it
    #[arg(long, conflicts_with = "key")]
    pub fetch_keys: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The exit status of an error: the request wasn't checked, so nothing is known about it.
const NOT_LOOKED: u8 = 2;

pub(crate) async fn run(options: VerifyOptions) -> Result<ExitCode, Failure> {
    looked(options).await.map_err(|failure| failure.status(NOT_LOOKED))
}

async fn looked(options: VerifyOptions) -> Result<ExitCode, Failure> {
    let source = source(&options)?;
    sources::expect_tenant(&source, options.tenant.as_ref())?;
    let captured = capture::read(&files::read_or_stdin(&options.request, MAX_REQUEST_FILE_BYTES)?, options.entry)?;
    let document = files::secrets_document(options.secrets.as_deref(), std::slice::from_ref(&source))?;
    let tenant = options.tenant.clone();
    let secrets = files::secrets(&document, &source, tenant.as_ref())?;
    let now = match &options.at {
        None => SystemClock.now(),
        Some(text) => Timestamp::parse_rfc3339(text)
            .ok_or_else(|| Failure::new(format!("--at {text:?}, allowed: RFC 3339, such as 2026-11-20T10:00:00Z")))?,
    };
    let (delivery, url) = (captured.delivery.clone(), captured.url.clone());
    let attempt = Attempt { source, tenant, secrets, public: PublicKeys::default(), delivery, url, now };
    let key = options.key.as_deref().map(|path| files::read(path, MAX_FETCHED_BYTES)).transpose()?;
    let fetch = https();
    let keys = Keys { file: key.as_deref(), fetch: options.fetch_keys.then_some(&fetch as &dyn HttpsGet) };
    let conversations = (!options.preset).then(Conversations::here);
    let Examined { attempt, finding, answer } = examine(attempt, &document, keys, options.preset, conversations.as_ref()).await?;
    let signed = options.show_signed.then(|| signed(&attempt));
    let (source, answer, signed) = (&attempt.source, answer.as_ref(), signed.as_deref());
    let verdict = Verdict { captured: &captured, source, finding: &finding, answer, signed };
    if options.json {
        verdict.print_json()
    } else {
        verdict.print()
    }
    Ok(match (verdict.is_good(), finding.undecided) {
        (true, _) => ExitCode::SUCCESS,
        (false, false) => ExitCode::FAILURE,
        (false, true) => ExitCode::from(NOT_LOOKED),
    })
}

/// A request, what is wrong with its signature, and what the receiver would answer.
struct Examined {
    attempt: Attempt,
    finding: Finding,
    /// `None`: it depends on a key that is missing.
    answer: Option<Answer>,
}

/// Where the keys of providers come from that publish them.
#[derive(Default)]
struct Keys<'a> {
    file: Option<&'a [u8]>,
    fetch: Option<&'a dyn HttpsGet>,
}

async fn examine(
    mut attempt: Attempt,
    document: &str,
    keys: Keys<'_>,
    is_preset: bool,
    conversations: Option<&Conversations>,
) -> Result<Examined, Failure> {
    let length = attempt.delivery.body.len();
    let mut finding = Finding::default();
    let mut published = None;
    if length > MAX_BODY_BYTES {
        finding.why = Some(format!("the body has {length} bytes, allowed: {MAX_BODY_BYTES}"));
    } else {
        published = keys::add(&mut attempt, keys.file, keys.fetch).await?;
        finding = diagnose::diagnose(&attempt, document);
    }
    let path = answer::path(&attempt.source, attempt.tenant.as_ref(), is_preset, &attempt.url);
    let answer = match finding.undecided {
        true => None,
        false => {
            let Attempt { source, delivery, now, .. } = &attempt;
            Some(Answer::of(source, delivery, *now, document, published, &path, conversations).await)
        }
    };
    // A request that the receiver accepts as an event is authentic: it may have been signed before it was compressed.
    if answer.as_ref().is_some_and(|answer| answer.is_accepted() && !answer.events.is_empty()) && finding.why.is_some() {
        finding = Finding::default();
    }
    Ok(Examined { attempt, finding, answer })
}

/// A request that this program received: what `--json` prints of it, and the events in it. No key is fetched.
pub(crate) async fn received(
    source: Source,
    delivery: Delivery,
    path: String,
    document: &str,
    now: Timestamp,
    conversations: &Conversations,
) -> Result<(Value, Vec<Envelope>), Failure> {
    let tenant = tenant_of(&path);
    let secrets = files::secrets(document, &source, tenant.as_ref())?;
    let attempt = Attempt { source, tenant, secrets, public: PublicKeys::default(), delivery, url: path, now };
    let examined = examine(attempt, document, Keys::default(), false, Some(conversations)).await?;
    let events = examined.answer.as_ref().map(|answer| answer.envelopes.clone()).unwrap_or_default();
    Ok((said::json(&examined.attempt.source, &examined.finding, examined.answer.as_ref(), None), events))
}

/// The message that the scheme signs, without the source's secrets.
fn signed(attempt: &Attempt) -> String {
    match signed_message(&attempt.source, &attempt.delivery) {
        None => "nothing: the request has a shared token or a JSON Web Token".to_owned(),
        Some(Ok(bytes)) => answer::without(&attempt.secrets, &String::from_utf8_lossy(&bytes)),
        Some(Err(missing)) => format!("can't be built: {missing}"),
    }
}

fn source(options: &VerifyOptions) -> Result<Source, Failure> {
    let name = &options.source;
    let mut source = if options.preset { sources::preset(name)?.source(name) } else { sources::configured(name)? };
    source.public_url = options.public_url.clone().or(source.public_url);
    Ok(source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz;
    use serde_json::json;

    /// Runs all steps of `verify` on a captured request.
    fn look(preset: &str, bytes: &[u8]) {
        let Ok(captured) = capture::read(bytes, None) else { return };
        let source = sources::preset(preset).unwrap().source(preset);
        let (delivery, url) = (captured.delivery.clone(), captured.url.clone());
        let secrets = vec!["secret".to_owned(), "whsec_c2VjcmV0".to_owned()];
        let now = Timestamp::from_unix_ms(1_795_168_800_000);
        let attempt = Attempt { source, tenant: None, secrets, public: PublicKeys::default(), delivery, url, now };
        let _ = diagnose::diagnose(&attempt, r#"{"other": "secret"}"#);
    }

    #[test]
    fn no_captured_request_makes_a_command_panic() {
        let curl = br#"curl -sSXPOST 'https://hooks.example/webhooks/x?a=b&c=d' -H 'X-Hub-Signature-256: sha256=00' -H $'a: \x41' --data-raw $'{"a":[1,{}],"b":"\u00e9"}' -d x"#;
        let raw = b"POST /webhooks/x?a=b HTTP/1.1\r\nhost: hooks.example:443\r\nX-Twilio-Signature: aGk=\r\nx-forwarded-prefix: /prod\r\n\r\n{\"a\":[1,{\"b\":null}],\"c\":\"\\u00e9\"}";
        let pseudo =
            b":method: POST\n:path: /a\n:authority: x\nauthorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.aGk\n\na=b&c=%2F";
        let har = br#"{"log":{"entries":[{"request":{"method":"POST","url":"https://x/y?z","headers":[{"name":"a","value":"b"}],"postData":{"text":"eyJhIjoxfQ==","encoding":"base64","params":[{"name":"a","value":"b"}]}}}]}}"#;
        let lambda = br#"{"headers":{"stripe-signature":"t=1795168800,v1=00"},"rawPath":"/webhooks/stripe","rawQueryString":"a=b","body":"eyJhIjoxfQ==","isBase64Encoded":true,"requestContext":{"http":{"method":"POST"}}}"#;
        let ours = br#"{"method":"POST","path":"/webhooks/x?y=z","headers":{"content-type":"application/json"},"body_base64":"eyJhIjoxfQ=="}"#;
        for preset in ["github", "twilio", "stripe", "adyen-standard", "slack-slash", "kinde"] {
            fuzz::never_panics(&[curl, raw, pseudo, har, lambda, ours], |bytes| look(preset, bytes));
        }
    }

    #[test]
    fn bytes_that_once_caused_a_panic_are_an_error_or_a_request() {
        for bytes in [
            &b"curl $'-\\xff'"[..],
            b"curl $'-s\\xff'",
            b"curl $'-\\xc3\\xa9' x",
            b"curl -d$'\\xff' https://x",
            "curl -é x".as_bytes(),
        ] {
            look("github", bytes);
        }
        assert!(capture::read(b"curl $'-\\xff'", None).unwrap_err().to_string().contains("is an unknown option"));
        let attached = capture::read(b"curl -d$'\\xff' https://x", None).unwrap();
        assert_eq!(attached.delivery.body.as_slice(), b"\xff");
    }

    #[test]
    fn the_number_of_headers_and_the_length_of_the_head_are_limited() {
        use crate::limits::MAX_REQUEST_HEAD_BYTES;
        use tidings_config::limits::MAX_REQUEST_HEADERS;
        let many = |n: usize| "a: b\n".repeat(n);
        let long = |bytes: usize| format!("a:{}\n", "b".repeat(bytes - 2));
        for (head, fits) in [
            (many(MAX_REQUEST_HEADERS), true),
            (many(MAX_REQUEST_HEADERS + 1), false),
            (many(32_769), false),
            (long(MAX_REQUEST_HEAD_BYTES), true),
            (long(MAX_REQUEST_HEAD_BYTES + 1), false),
        ] {
            let raw = capture::read(format!("{head}\nbody").as_bytes(), None);
            let curl: String = head.lines().map(|line| format!(" -H '{line}'")).collect();
            let curl = capture::read(format!("curl{curl}").as_bytes(), None);
            let headers: Vec<_> = head.lines().map(|line| line.split_once(':').unwrap()).collect();
            let headers: Vec<_> = headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
            let har = json!({ "log": { "entries": [{ "request": { "method": "POST", "url": "", "headers": headers } }] } });
            let har = capture::read(har.to_string().as_bytes(), None);
            for read in [raw, curl, har] {
                assert_eq!(
                    read.as_ref().map(|_| ()).map_err(|error| error.to_string().contains("allowed: 500 and 16384")),
                    if fits { Ok(()) } else { Err(true) }
                );
            }
        }
    }
}
