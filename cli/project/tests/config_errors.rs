//! The exact text of configuration errors: file, line, column, what was seen and what is allowed.
//!
//! Each case is a file and, after `=>`, the report. A change of a message is a change of this table.

use tidings_config::provider::Provider;
use tidings_project::{
    Report, read_channels, read_endpoints, read_event_schema, read_provider, read_rules, read_sinks, read_sources,
};

const PROVIDER: &str = r#"
name = "acme"
title = "Acme"
docs = "https://acme.example"
secret = "the signing secret"
[evidence]
level = "A"
sources = ["none"]
[delivery]
retried_for_seconds = 0
retries = "none"
[scheme]
algorithm = "hmac-sha256"
message = "{header:X-Time}.{body}"
signature = { from = "header:X-Signature", encoding = "hex" }
timestamp = { from = "header:X-Time" }
[[event]]
type = "{json:type}"
[[vector]]
name = "one"
source = "none"
secret = "s"
body = "{}"
headers = {}
"#;

fn acme() -> Provider {
    read_provider("acme.toml", PROVIDER).expect("the preset above is right")
}

fn github() -> Provider {
    let text = PROVIDER.replace("acme", "github").replace("timestamp = { from = \"header:X-Time\" }\n", "");
    read_provider("github.toml", &text).expect("the preset above is right")
}

/// `UPDATE=1` writes the reports anew, to be looked at as a difference.
fn check<T>(name: &str, read: impl Fn(&str) -> Result<T, Report>) {
    let path = format!("{}/tests/config_errors/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let cases = std::fs::read_to_string(&path).expect("the cases");
    let mut seen = String::new();
    for case in cases.trim_matches('\n').split("\n---\n") {
        let (file, _) = case.split_once("\n=>\n").expect("a file and its report");
        let report = read(file).err().unwrap_or_else(|| panic!("a file without a problem:\n{file}"));
        seen.push_str(&format!("{}{file}\n=>\n{report}", if seen.is_empty() { "" } else { "\n---\n" }));
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, format!("{seen}\n")).expect("the cases");
    }
    assert!(seen == cases.trim_matches('\n'), "the reports are now:\n{seen}");
}

#[test]
fn what_is_wrong_with_the_endpoints_is_told_with_its_place() {
    check("endpoints", |file| read_endpoints("endpoints.yaml", file));
}

#[test]
fn what_is_wrong_with_the_sources_is_told_with_its_place() {
    check("sources", |text| read_sources("sources.yaml", text, &[acme(), github()]));
}

#[test]
fn what_is_wrong_with_a_provider_is_told_with_its_place() {
    // A provider's file is long: a case is a change of the good one, as `what` and `with`.
    check("providers", |change| {
        let (what, with) = change.split_once("\n->\n").expect("what and with what");
        assert!(PROVIDER.contains(what), "{what}");
        read_provider("acme.toml", &PROVIDER.trim_start().replacen(what, with, 1))
    });
}

#[test]
fn what_is_wrong_with_the_rules_is_told_with_its_place() {
    let sources = ["orders".to_owned(), "github".to_owned()];
    check("rules", |text| read_rules("rules.yaml", text, &sources));
}

#[test]
fn what_is_wrong_with_the_channels_is_told_with_its_place() {
    check("channels", |text| read_channels("channels.yaml", text));
}

#[test]
fn what_is_wrong_with_a_sink_is_told_with_its_place() {
    check("sinks", |text| read_sinks("sinks.yaml", text));
}

#[test]
fn what_is_wrong_with_a_schema_is_told_with_its_place() {
    // The first line of a case is the file's path.
    let sources = ["orders".to_owned(), "github".to_owned()];
    check("schemas", |case| {
        let (path, text) = case.split_once('\n').expect("a path and a file");
        read_event_schema(path, text, &sources)
    });
}
