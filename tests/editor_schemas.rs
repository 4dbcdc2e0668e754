//! The schemas for editors are generated from the types that read the files, and accept the same files.

use jsonschema::Validator;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;
use std::fmt::Display;
use std::str::FromStr;
use tidings_config::rules::{Again, ClockTime, Span, Text, TypePattern};
use tidings_config::{JsonPath, Reference, Template};
use tidings_project::{channels_schema, endpoints_schema, provider_schema, rules_schema, sinks_schema, sources_schema};
use tidings_tests::golden::{check, root};

/// The demo's project, and the projects for beginners.
const PROJECTS: [&str; 5] = ["events/project", "examples/shop", "examples/devops", "examples/turns", "examples/reminders"];

fn validator(schema: &Value) -> Validator {
    jsonschema::draft7::new(schema).expect("a schema")
}

fn sources() -> Value {
    sources_schema(&tidings_project::presets())
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    for (name, schema) in [
        ("sources", sources()),
        ("rules", rules_schema()),
        ("channels", channels_schema()),
        ("provider", provider_schema()),
        ("endpoints", endpoints_schema()),
        ("sinks", sinks_schema()),
    ] {
        assert!(jsonschema::draft7::meta::is_valid(&schema), "{name}");
        check(&format!("infra/editor/{name}.schema.json"), &format!("{schema:#}\n"));
    }
}

fn yaml(path: &str) -> Value {
    let text = std::fs::read_to_string(root().join(path)).expect("a file");
    serde_saphyr::from_str(&text).expect("YAML")
}

/// The places that an editor would underline, and the reasons.
fn problems(validator: &Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_shipped_files_are_valid() {
    for project in PROJECTS {
        assert_eq!(problems(&validator(&sources()), &yaml(&format!("{project}/sources.yaml"))), [""; 0], "{project}");
        assert_eq!(problems(&validator(&rules_schema()), &yaml(&format!("{project}/rules.yaml"))), [""; 0], "{project}");
    }
    let provider = validator(&provider_schema());
    let folder = std::fs::read_dir(root().join("functions/receiver/providers")).expect("the presets");
    for path in folder.map(|file| file.expect("a file").path()).filter(|path| path.extension().is_some_and(|e| e == "toml")) {
        let text = std::fs::read_to_string(&path).expect("a file");
        let value: Value = toml::from_str(&text).expect("TOML");
        assert_eq!(problems(&provider, &value), [""; 0], "{}", path.display());
    }
}

/// The comment by which an editor finds the schema of a file.
#[test]
fn the_files_name_their_schemas() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("a file");
    for name in ["sources", "rules"] {
        let line = format!("# yaml-language-server: $schema=../../infra/editor/{name}.schema.json\n");
        for project in PROJECTS {
            assert!(read(&format!("{project}/{name}.yaml")).starts_with(&line), "{project}/{name}.yaml");
        }
    }
    let taplo: toml::Table = read(".taplo.toml").parse().expect("TOML");
    let rule = &taplo["rule"][0];
    assert_eq!(rule["include"][0].as_str(), Some("functions/receiver/providers/*.toml"));
    assert!(root().join(rule["schema"]["path"].as_str().expect("a path")).exists());
}

/// Also the examples of the documentation.
#[test]
fn the_documented_examples_are_valid() {
    let text = ["docs/configuration.md", "docs/start.md"].map(|page| std::fs::read_to_string(root().join(page)).expect("a page"));
    let blocks = text.iter().flat_map(|text| text.split("```yaml\n").skip(1)).filter_map(|rest| rest.split("```").next());
    let (mut seen, sources, rules) = (0, validator(&sources()), validator(&rules_schema()));
    for block in blocks.filter(|block| block.starts_with("version: 1\n") && !block.starts_with("version: 1\ntests:")) {
        let value: Value = serde_saphyr::from_str(block).expect("YAML");
        let validator = if value.get("sources").is_some() { &sources } else { &rules };
        assert_eq!(problems(validator, &value), [""; 0], "{block}");
        seen += 1;
    }
    assert!(seen >= 4, "the examples of both files and pages");
}

#[test]
fn a_typing_error_is_found() {
    let (sources, rules) = (validator(&sources()), validator(&rules_schema()));
    for (validator, slip) in [
        (&sources, "version: 2\nsources: {}"),
        (&sources, "version: 1\nsources: { stripe: { provider: strpe } }"),
        (&sources, "version: 1\nsources: { Stripe: { provider: stripe } }"),
        (&sources, "version: 1\nsources: { stripe: { provider: stripe, tolerance_secs: 60 } }"),
        (&sources, "version: 1\nsources: { stripe: { provider: stripe, tolerance_seconds: 604801 } }"),
        (&sources, "version: 1\nsources: { stripe: { provider: stripe, public_url: 'http://a.example' } }"),
        (&sources, "version: 1\nsources: { a: { content_types: text/xml } }"),
        (&sources, "version: 1\nsources: { a: { scheme: { algorithm: hmac-sha257, signature: { from: 'header:X' } } } }"),
        (&sources, "version: 1\nsources: { a: { scheme: { algorithm: token, signature: { from: 'headr:X' } } } }"),
        (&rules, "version: 1\nrules: [{ name: r, on: order.ship*, goto: x }]"),
        (&rules, "version: 1\nrules: [{ name: r, on: a, gotto: x }]"),
        (&rules, "version: 1\nrules: [{ name: 1st, on: a, goto: x }]"),
        (&rules, "version: 1\nrules: [{ on: a, goto: x }]"),
        (&rules, "version: 1\nrules: [{ name: r, on: a, set: { '1st': data.x } }]"),
        (&rules, "version: 1\nrules: [{ name: r, on: a, set: { x: [1] } }]"),
        (&rules, "version: 1\nrules: [{ name: r, on: a, set: { x: { value: data.x, tll: 1h } } }]"),
        (&rules, "version: 1\nrules: [{ name: r, on: a, set: { x: { value: data.x, ladder: [a] } } }]"),
        (&rules, "version: 1\nrules: [{ name: r, on: a, set: { x: { value: data.x, ladder: [a, [b]] } } }]"),
        (&rules, "version: 1\nrules: [{ name: r, on: a, notify: { text: 'an { open end' } }]"),
        (&rules, "version: 1\nrules: [{ name: r, on: a, notify: { text: hello, channels: whatsap } }]"),
        (&rules, "version: 1\nrules: [{ name: r, on: a, notify: { text: { de: hallo } } }]"),
        (&rules, "version: 1\nrules: [{ name: r, on: a, notify: { text: { default: hello, telegramm: hallo } } }]"),
        (&rules, "version: 1\nrules: [{ name: r, on: a, notify: { text: { default: hello, de: { default: hallo } } } }]"),
        (&rules, "version: 1\npolicy: { language: german }"),
        (&rules, "version: 1\nrules: [{ name: r, on: a, emit: { type: tidings.order } }]"),
        (&rules, "version: 1\nrules: [{ name: r, on: a, emit: { type: t, debounce: { quiet: 1s } } }]"),
        (&rules, "version: 1\nrules: [{ name: r, on: a, emit: { type: t, debounce: { quiet: 1s, at_most: 2s, collect: 1 } } }]"),
        (&rules, "version: 1\nrules: [{ name: r, on: a, notify: { text: soon, at: data.at, before: 1 day } }]"),
        (&rules, "version: 1\nrules: [{ name: r, on: a, notify: { text: soon, at: data.at, unless: 'a b' } }]"),
        (&rules, "version: 1\nconversations: [{ on: '*' }]"),
        (&rules, "version: 1\nconversations: [{ on: '*', conversation: data.a, identity: data.b }]"),
        (&rules, "version: 1\njoins: [{ name: j, all: [a], by: data.id, within: 1h, then: { goto: x } }]"),
        (&rules, "version: 1\njoins: [{ name: j, all: [a, b], by: data.id, within: 1 day, then: { goto: x } }]"),
        (
            &rules,
            "version: 1\njoins: [{ name: j, all: [a, b], by: data.id, within: 1h, again: after a week, then: { goto: x } }]",
        ),
        (&rules, "version: 1\npolicy: { cap: { at_most: 0, within: 1d } }"),
        (&rules, "version: 1\npolicy: { quiet_hours: { from: '10pm', to: '07:00', zone: UTC } }"),
    ] {
        let value: Value = serde_saphyr::from_str(slip).expect("YAML");
        assert!(!validator.is_valid(&value), "{slip}");
    }
}

/// A pattern must allow everything that the parser allows, and refuse clear errors.
fn agree<T: JsonSchema + FromStr<Err: Display>>(good: &[&str], bad: &[&str]) {
    let schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<T>();
    let validator = validator(schema.as_value());
    for (text, expected) in good.iter().map(|text| (text, true)).chain(bad.iter().map(|text| (text, false))) {
        assert_eq!(text.parse::<T>().is_ok(), expected, "{} reads {text:?}", T::schema_name());
        assert_eq!(validator.is_valid(&Value::from(*text)), expected, "an editor reads {} {text:?}", T::schema_name());
    }
}

#[test]
fn the_patterns_of_scalars_agree_with_the_parser() {
    agree::<Reference>(
        &["body", "header:X-Signature", "json:data.object.id", "json:a[0].b?", "json:[*].id", "canonical:aws-sns", "sig:t"],
        &["boddy", "header:", "cookie:a", "json:", "json:a..b", "json:a[x]", "canonical:sns", ""],
    );
    agree::<JsonPath>(&["id", "a.b", "a[0][*].b", "[0]"], &["", "a.", "a..b", "a[", "a[x]", ".a"]);
    agree::<Template>(&["v0:{header:X-Time}:{body}", "{{{json:a[0].b}}}", "plain"], &["", "{body", "a}b", "{boddy}", "{}"]);
    agree::<TypePattern>(&["order.shipped", "order.*", "*", "*.created"], &["", "order.", "order.ship*", "a b"]);
    agree::<Span>(&["90s", "10m", "24h", "7d"], &["", "0s", "1 day", "h", "1.5h", "-1h"]);
    agree::<Again>(&["each", "after 90s", "after 7d"], &["", "never", "after", "after 0s", "after 1 day", "7d", "eachh"]);
    agree::<ClockTime>(&["00:00", "22:00", "23:59"], &["24:00", "7:00", "10pm", "12:60"]);
    agree::<Text>(
        &[
            "Order {data.id} is with {facts.carrier|us}",
            "{{now}}",
            "{plural(data.n, {'one': '# of {data.all}', 'other': '# parcels'})|none}",
            "{data.a == '}' ? \"{\" : 'x'}",
            "a \\{ b",
            "**{data.id}** [Pay]({data.url})",
        ],
        &["", "a {b", "a } b", "{}"],
    );
}
