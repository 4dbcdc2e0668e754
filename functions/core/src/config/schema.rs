//! What a derived JSON Schema can't know of the little words: they are texts to `serde`, and patterns to an editor.
//!
//! A pattern allows all that the parser allows, and refuses most of what it refuses. The parser has the last word.

use schemars::JsonSchema;
use serde_json::{Value, json};

/// One of two forms, for types that read both by hand.
#[derive(JsonSchema)]
#[schemars(untagged, inline)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Either<A, B> {
    One(A),
    Other(B),
}

macro_rules! json_path {
    () => {
        r"(?:[^.\[{}]+(?:\[(?:\*|[0-9]+)\])*|(?:\[(?:\*|[0-9]+)\])+)(?:\.[^.\[{}]+(?:\[(?:\*|[0-9]+)\])*)*"
    };
}

macro_rules! reference {
    () => {
        concat!(
            r"(?:body|url|method|form|crc32|secret|(?:header|query|sig|jwt|form):[^{}]+|json:",
            json_path!(),
            r"\??|canonical:(?:aws-sns|contentful|vonage-form))"
        )
    };
}

pub(super) const JSON_PATH: &str = concat!("^", json_path!(), "$");
pub(super) const REFERENCE: &str = concat!("^", reference!(), "$");
pub(super) const TEMPLATE: &str = concat!(r"^(?:[^{}]|\{\{|\}\}|\{", reference!(), r"\})+$");
pub(super) const ADDRESS: &str =
    r"^https://[a-z0-9.-]*(?:\{secret:[0-9]+\}[a-z0-9.-]*)*\.[a-z0-9-]+/(?:[^{}]|\{(?:hex|word|secret|secret:[0-9]+)\})*$";
pub(super) const HOST_NAME: &str = r"^[a-z0-9.-]*(?:\{secret:[0-9]+\}[a-z0-9.-]*)*\.[a-z0-9-]+$";
pub(super) const TYPE_PATTERN: &str = r"^(?:\*|[^.* {}]+)(?:\.(?:\*|[^.* {}]+))*$";
/// A place in a text: what is in quotes may be anything, and maps stand in maps.
macro_rules! place {
    () => {
        r#"\{(?:'[^']*'|"[^"]*"|[^{}]|\{(?:'[^']*'|"[^"]*"|[^{}]|\{[^{}]*\})*\})+\}"#
    };
}

pub(super) const TEXT: &str = concat!(r"^(?:[^{}]|\\[{}]|\{\{|\}\}|", place!(), r")+$");
pub(super) const LANGUAGE: &str = "^[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*$";
pub(super) const NAME: &str = "^[A-Za-z_][A-Za-z0-9_.-]{0,63}$";
pub(super) const ACTION_TYPE: &str = r"^(?!tidings\.)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$";

/// What names rules, facts, nodes and values.
pub(super) fn name() -> Value {
    json!({ "pattern": NAME })
}

/// What chooses a text: a channel, a language, or neither.
pub(super) fn text_key() -> Value {
    let channels = crate::rules::Channel::ALL.iter().map(|channel| channel.as_str()).collect::<Vec<_>>().join("|");
    json!({ "pattern": format!("^(?:default|{channels}|{})$", LANGUAGE.trim_matches(['^', '$'])) })
}

pub(super) fn source_name() -> Value {
    json!({ "pattern": "^[a-z0-9][a-z0-9-]{0,63}$" })
}
