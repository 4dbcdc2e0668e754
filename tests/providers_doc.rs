//! `docs/providers.md` is generated from the providers' files.

use std::fmt::Write as _;
use tidings_config::answers::Success;
use tidings_config::limits::MAX_SIGNED_AHEAD;
use tidings_config::provider::Provider;
use tidings_config::scheme::{Scheme, SignedTimestamp};
use tidings_events::Identity;
use tidings_events::samples::{self, PresetSample};
use tidings_tests::golden::{check_between, root};

const BEGIN: &str = "<!-- made by tests/providers_doc.rs -->";
const END: &str = "<!-- end -->";

#[test]
fn the_providers_page_agrees_with_their_files() {
    let providers = tidings_project::presets();
    let mut page = String::from("| provider | source | evidence | scheme | event key | handshake |\n|---|---|---|---|---|---|\n");
    for provider in &providers {
        let handshake = if provider.handshakes.is_empty() { "" } else { "yes" };
        let level = provider.evidence.level;
        let has_delivery = provider.events.iter().any(|event| !event.delivery_id.is_empty());
        let key = match provider.ids().any(|(_, signed)| signed) {
            true => "its id",
            false if has_delivery => "hash and delivery",
            false => "hash",
        };
        let (title, name) = (&provider.title, &provider.name);
        let scheme = provider.scheme.algorithm.as_str();
        writeln!(page, "| [{title}](#{name}) | `{name}` | {level:?} | {scheme} | {key} | {handshake} |").expect("a string");
    }
    page.push_str(IDENTITIES);
    for provider in &providers {
        identity(&mut page, provider);
    }
    for provider in &providers {
        section(&mut page, provider);
    }
    check_between("docs/providers.md", BEGIN, END, &page);

    let readme = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    assert!(
        readme.contains(&format!("[{}](docs/providers.md)", providers.len())),
        "README.md: there are {} providers",
        providers.len()
    );
}

const IDENTITIES: &str = "
<a id=\"identity\"></a>

### How events and retries are recognised

| source | event key | recognised as a retry | merged into one event |
|---|---|---|---|
";

/// Further entries of one kind are in the preset's section.
const LISTED: usize = 3;

fn identity(page: &mut String, provider: &Provider) {
    let Identity { known_by, retried, merged, .. } = Identity::of(provider, &samples::of_preset(&provider.name));
    let some = |texts: &[String]| {
        let more = (texts.len() > LISTED).then(|| format!("[{} more](#{})", texts.len() - LISTED, provider.name));
        cell(&texts.iter().take(LISTED).cloned().chain(more).collect::<Vec<_>>().join("<br>"))
    };
    let (known_by, retried, merged) = (some(&known_by), some(&retried), some(&merged));
    writeln!(page, "| [`{0}`](#{0}) | {known_by} | {retried} | {merged} |", provider.name).expect("a string");
}

/// Escapes text for a table cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// Each type, from its first sample.
fn types(page: &mut String, samples: &[PresetSample]) {
    let kinds = samples::kinds(samples);
    if kinds.is_empty() {
        return;
    }
    let counted = if kinds.len() == 1 { "1 type".to_owned() } else { format!("{} types", kinds.len()) };
    let head = "| type | subject | conversation | key |\n|---|---|---|---|";
    write!(page, "\n<details><summary>{counted} of events</summary>\n\n{head}\n").expect("a string");
    let code = |text: Option<&str>| text.map_or_else(String::new, |text| format!("`{}`", cell(text)));
    for kind in kinds {
        let event = kind.event;
        let (subject, conversation) = (code(event.subject.as_deref()), code(event.conversation.as_deref()));
        let (event_type, key) = (&event.event_type, code(Some(&event.key.to_string())));
        writeln!(page, "| `{event_type}` | {subject} | {conversation} | {key} |").expect("a string");
    }
    page.push_str("\n</details>\n");
}

fn section(page: &mut String, provider: &Provider) {
    let scheme = &provider.scheme;
    let code = |text: &str| format!("`{text}`");
    let list = |texts: &[String]| texts.join("; ");
    let samples = samples::of_preset(&provider.name);
    let identity = Identity::of(provider, &samples);
    let lines = |texts: &[String]| texts.join("<br>");
    let handshakes: Vec<String> =
        provider.handshakes.iter().map(|h| format!("{}{}", h.method, if h.signed { ", verified first" } else { "" })).collect();
    let url = if scheme.problems(false).len() > scheme.problems(true).len() { ", public_url: \"https://…\"" } else { "" };
    let source = format!("`{0}: {{ provider: {0}{url} }}`", provider.name);
    let steps: Vec<String> = provider.setup.iter().enumerate().map(|(n, step)| format!("{}. {step}", n + 1)).collect();
    let rows = [
        ("source", source),
        ("secret", provider.secret.clone()),
        ("set-up", steps.join("<br>")),
        ("signature", format!("{} in {}", scheme.algorithm.as_str(), code(&scheme.signature.places()))),
        ("signed", scheme.signed()),
        ("alternative", ways(provider)),
        ("key", scheme.key_from()),
        ("required", scheme.expected()),
        ("timestamp", scheme.timestamp.as_ref().map_or(String::new(), timestamp)),
        ("event key", lines(&identity.known_by)),
        ("a retry has", lines(&identity.retried)),
        ("repetitions", list(&identity.repeated)),
        ("merged", lines(&identity.merged)),
        ("handshake", handshakes.join(", ")),
        ("respond within", provider.delivery.ack_deadline_seconds.map_or(String::new(), |s| format!("{s} s"))),
        ("retries", format!("{}{}", provider.delivery.retries, retries(provider))),
        (
            "durability",
            if provider.delivery.never_retried { "`outbox`, unless the source says `queue`".to_owned() } else { String::new() },
        ),
        ("response", answers(provider)),
        ("weaknesses", list(&provider.weaknesses())),
        ("pitfalls", list(&provider.delivery.pitfalls)),
        ("evidence", format!("{:?}: {}", provider.evidence.level, list(&provider.evidence.sources))),
        ("unverified", list(&provider.evidence.unverified)),
        ("vectors", provider.vectors.len().to_string()),
        ("documentation", format!("<{}>", provider.docs)),
    ];
    write!(page, "\n<a id=\"{}\"></a>\n\n### {}\n\n| | |\n|---|---|\n", provider.name, provider.title).expect("a string");
    for (name, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(page, "| {name} | {} |", cell(&value)).expect("a string");
    }
    types(page, &samples);
}

/// The provider's other signing methods.
fn ways(provider: &Provider) -> String {
    let way = |scheme: &Scheme| {
        let said = [("key", scheme.key_from()), ("required", scheme.expected())];
        let more = said.into_iter().filter(|(_, said)| !said.is_empty()).map(|(what, said)| format!("; {what}: {said}"));
        let (algorithm, places) = (scheme.algorithm.as_str(), scheme.signature.places());
        format!("{algorithm} in `{places}` of {}{}", scheme.signed(), more.collect::<String>())
    };
    provider.also.iter().map(way).collect::<Vec<_>>().join("<br>")
}

fn timestamp(spec: &SignedTimestamp) -> String {
    let (late, early) = (spec.tolerance_seconds, spec.tolerance_seconds.min(MAX_SIGNED_AHEAD.as_secs()));
    match late == early {
        true => format!("`{}`, up to {late} s old or ahead", spec.from),
        false => format!("`{}`, up to {late} s old, or {early} s ahead", spec.from),
    }
}

/// How long a retry with the first signature is accepted, if the time is signed.
fn retries(provider: &Provider) -> String {
    match (provider.delivery.resigned, provider.delivery.retried_for_seconds) {
        (true, _) => "; signed again".to_owned(),
        (false, Some(seconds)) if seconds > 0 => format!("; accepted with the first signature for {seconds} s"),
        (false, Some(_) | None) => String::new(),
    }
}

/// The provider's response, if it differs from the default.
fn answers(provider: &Provider) -> String {
    let one = |success: &Success| {
        let body = match success.body.as_deref() {
            None => "with the default JSON".to_owned(),
            Some("") => "without a body".to_owned(),
            Some(body) => format!("with `{body}`"),
        };
        let when = success.when.iter().map(|(place, wanted)| format!("`{place}` is {}", wanted.0.join(" or ")));
        let when: Vec<String> = when.collect();
        let when = if when.is_empty() { String::new() } else { format!(" if {}", when.join(", ")) };
        format!("{} {body}{when}", success.status)
    };
    let refused = provider.refusal.as_ref().map(|refusal| {
        let status = refusal.unauthentic.map_or(String::new(), |status| format!("{status} "));
        format!("refusals {status}{}", if refusal.empty { "without a body" } else { "" }).trim_end().to_owned()
    });
    provider.success.0.iter().map(one).chain(refused).collect::<Vec<_>>().join("; ")
}
