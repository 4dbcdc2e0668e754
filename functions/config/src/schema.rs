//! JSON Schema patterns for values with a notation of their own, which `serde` sees as plain texts.
//!
//! A pattern allows everything that the parser allows, and refuses most of what it refuses. The parser decides.

use schemars::JsonSchema;
use serde_json::{Value, json};

/// One of two forms, for types whose parser is written by hand.
#[derive(Debug, JsonSchema)]
#[schemars(untagged, inline)]
pub enum Either<A, B> {
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
            r"\??|canonical:(?:aws-sns|contentful|vonage-form|http-message))"
        )
    };
}

pub const JSON_PATH: &str = concat!("^", json_path!(), "$");
pub const REFERENCE: &str = concat!("^", reference!(), "$");
pub const TEMPLATE: &str = concat!(r"^(?:[^{}]|\{\{|\}\}|\{", reference!(), r"\})+$");
pub const COMPONENT: &str = r"^(?:@(?:method|target-uri|authority|scheme|request-target|path|query)|[a-z0-9!#$%&'*+.^_`|~-]+)$";
pub const ADDRESS: &str =
    r"^https://[a-z0-9.-]*(?:\{secret:[0-9]+\}[a-z0-9.-]*)*\.[a-z0-9-]+/(?:[^{}]|\{(?:hex|word|secret|secret:[0-9]+)\})*$";
pub const HOST_NAME: &str = r"^[a-z0-9.-]*(?:\{secret:[0-9]+\}[a-z0-9.-]*)*\.[a-z0-9-]+$";
pub const TYPE_PATTERN: &str = r"^(?:\*|[^.* {}]+)(?:\.(?:\*|[^.* {}]+))*$";
/// A placeholder in a text: quoted text may contain anything, and maps may be nested.
macro_rules! place {
    () => {
        r#"\{(?:'[^']*'|"[^"]*"|[^{}]|\{(?:'[^']*'|"[^"]*"|[^{}]|\{[^{}]*\})*\})+\}"#
    };
}

pub const TEXT: &str = concat!(r"^(?:[^{}]|\\[{}]|\{\{|\}\}|", place!(), r")+$");
pub const LANGUAGE: &str = "^[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*$";
pub const NAME: &str = "^[A-Za-z_][A-Za-z0-9_.-]{0,63}$";
pub const ACTION_TYPE: &str = r"^(?!tidings\.(?!result$|send$))[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$";

/// Names of rules, facts, nodes and values.
pub fn name() -> Value {
    json!({ "pattern": NAME })
}

/// The key of a text: a channel, a language, or neither.
pub fn text_key() -> Value {
    let channels = crate::rules::Channel::ALL.iter().map(|channel| channel.as_str()).collect::<Vec<_>>().join("|");
    json!({ "pattern": format!("^(?:default|{channels}|{})$", LANGUAGE.trim_matches(['^', '$'])) })
}

pub fn source_name() -> Value {
    json!({ "pattern": "^[a-z0-9][a-z0-9-]{0,63}$" })
}
