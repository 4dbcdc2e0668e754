//! The texts of a notification: one text, or texts by channel and language.

use super::facts::Kinds;
use super::parse;
use crate::limits::MAX_TEXTS_BYTES;
use crate::{Checker, Spanned, did_you_mean};
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer};
use serde_saphyr::Location;
use std::collections::BTreeMap;
use tidings_config::limits::MAX_TEXT_CHARS;
use tidings_config::rules::{Channel, Chosen, Source, Text, Texts, language_tag};
use tidings_config::schema::Either;
use tidings_expressions::Scope;

/// One text, or `{ default: …, telegram: …, de: … }`.
#[derive(schemars::JsonSchema)]
#[schemars(with = "Either<Text, ByChannelOrLanguage>")]
pub(super) enum TextsEntry {
    One(String),
    Many(BTreeMap<String, Spanned<ForOne>>),
}

/// For one channel or language: a text; for a channel also `{ default: …, de: … }`.
pub(super) enum ForOne {
    One(String),
    ByLanguage(BTreeMap<String, Spanned<String>>),
}

/// Texts by channel and language. A channel's texts may depend on the language as well.
#[derive(schemars::JsonSchema)]
#[schemars(extend("propertyNames" = tidings_config::schema::text_key()))]
#[expect(dead_code, reason = "only its schema is used")]
struct ByChannelOrLanguage {
    /// The text if no other fits the channel and the language.
    default: Text,
    discord: Option<OfChannel>,
    email: Option<OfChannel>,
    messenger: Option<OfChannel>,
    slack: Option<OfChannel>,
    sms: Option<OfChannel>,
    telegram: Option<OfChannel>,
    web: Option<OfChannel>,
    whatsapp: Option<OfChannel>,
    #[schemars(flatten)]
    languages: BTreeMap<String, Text>,
}

type OfChannel = Either<Text, BTreeMap<String, Text>>;

/// The key of the text that is used if no other fits.
const DEFAULT: &str = "default";

macro_rules! one_or_map {
    ($name:ident, $map:ident, $expecting:literal) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;

                impl<'de> serde::de::Visitor<'de> for Visitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($expecting)
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        Ok($name::One(text.to_owned()))
                    }

                    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<$name, E> {
                        self.visit_str(&value.to_string())
                    }

                    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<$name, E> {
                        self.visit_str(&value.to_string())
                    }

                    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<$name, E> {
                        self.visit_str(&value.to_string())
                    }

                    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<$name, E> {
                        self.visit_str(&value.to_string())
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<$name, A::Error> {
                        BTreeMap::deserialize(MapAccessDeserializer::new(map)).map($name::$map)
                    }
                }

                deserializer.deserialize_any(Visitor)
            }
        }
    };
}

one_or_map!(TextsEntry, Many, "a text, or { default: …, telegram: …, de: … }");
one_or_map!(ForOne, ByLanguage, "a text, or { default: …, de: … }");

/// Reads the texts. If one has a problem, it is reported, and an incomplete result is never used.
pub(super) fn texts(checker: &mut Checker<'_>, entry: Spanned<TextsEntry>, scope: Scope, kinds: &mut Kinds) -> Texts {
    read(checker, entry, scope, kinds).unwrap_or_else(|| Text::unread().into())
}

fn read(checker: &mut Checker<'_>, entry: Spanned<TextsEntry>, scope: Scope, kinds: &mut Kinds) -> Option<Texts> {
    let here = entry.referenced;
    let mut of = |checker: &mut Checker<'_>, at: Location, text: &str| self::text(checker, at, text, scope, kinds);
    let texts = match entry.value {
        TextsEntry::One(written) => of(checker, here, &written).map(Texts::from),
        TextsEntry::Many(many) => {
            let (mut default, mut chosen) = (None, Vec::new());
            if !many.contains_key(DEFAULT) {
                checker.problem(here, "texts need a `default`, which is used if no other fits the channel and the language");
            }
            for (key, Spanned { value, referenced: at }) in many {
                let (channel, language) = match key.as_str() {
                    DEFAULT => (None, None),
                    key => match (Channel::parse(key), language_tag(key)) {
                        (Some(channel), _) => (Some(channel), None),
                        (None, Some(language)) => (None, Some(language)),
                        (None, None) => {
                            let channels = Channel::ALL.iter().map(|channel| channel.as_str());
                            let hint = did_you_mean(key, channels.chain([DEFAULT]));
                            let what =
                                format!("{key:?} is neither a channel nor a language; examples: telegram, de, pt-BR{hint}");
                            checker.problem(at, what);
                            continue;
                        }
                    },
                };
                match (value, channel) {
                    (ForOne::One(written), channel) => match of(checker, at, &written) {
                        Some(text) if key == DEFAULT => default = Some(text),
                        Some(text) => chosen.push(Chosen { channel, language, text }),
                        None => {}
                    },
                    (ForOne::ByLanguage(texts), Some(channel)) => {
                        by_language(checker, channel, texts, &mut chosen, &mut of);
                    }
                    (ForOne::ByLanguage(_), None) => {
                        checker.problem(at, format!("{key:?} must be one text; only a channel can have texts by language"));
                    }
                }
            }
            once(checker, here, &chosen);
            default.map(|default| Texts { chosen, ..Texts::from(default) })
        }
    }?;
    let bytes = texts.stored_bytes();
    if bytes > MAX_TEXTS_BYTES {
        checker.problem(here, format!("the texts of one notification take {bytes} bytes, allowed: {MAX_TEXTS_BYTES}"));
    }
    Some(texts)
}

fn by_language(
    checker: &mut Checker<'_>,
    channel: Channel,
    texts: BTreeMap<String, Spanned<String>>,
    chosen: &mut Vec<Chosen>,
    of: &mut impl FnMut(&mut Checker<'_>, Location, &str) -> Option<Text>,
) {
    for (key, Spanned { value, referenced: at }) in texts {
        let language = (key != DEFAULT).then(|| language_tag(&key));
        if language == Some(None) {
            checker.problem(at, format!("{key:?} isn't a language; examples: de, pt-BR"));
        }
        if let Some(text) = of(checker, at, &value) {
            chosen.push(Chosen { channel: Some(channel), language: language.flatten(), text });
        }
    }
}

/// Refuses two texts for one language: `de-at` and `de_AT` are the same.
fn once(checker: &mut Checker<'_>, here: Location, chosen: &[Chosen]) {
    for (n, one) in chosen.iter().enumerate() {
        if chosen[..n].iter().any(|before| (before.channel, &before.language) == (one.channel, &one.language)) {
            let language = one.language.as_deref().unwrap_or_default();
            checker.problem(here, format!("two texts for the language {language:?}; upper and lower case don't matter"));
        }
    }
}

fn text(checker: &mut Checker<'_>, at: Location, written: &str, scope: Scope, kinds: &mut Kinds) -> Option<Text> {
    let chars = written.chars().count();
    if chars > MAX_TEXT_CHARS {
        checker.problem(at, format!("the text has {chars} characters, allowed: {MAX_TEXT_CHARS}"));
    }
    let text: Text = match written.parse() {
        Ok(text) => text,
        Err(what) => {
            checker.problem(at, what);
            return None;
        }
    };
    for (source, _) in text.sources() {
        match source {
            Source::Expression(expression) => parse(checker, at, expression, scope),
            Source::Fact(name) => kinds.told(at, name),
        }
    }
    Some(text)
}
