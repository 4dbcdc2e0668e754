//! An intent as it is stored: as the version before reads it, with more beside that.
//!
//! Both versions run while a deployment moves on, and each reads what the other stored. The version before knows words, values and
//! facts. A text of these alone is stored as that, and `data` says which values arrive unchanged. Any other is `rich`, and the
//! version before has a plain copy, its amounts and dates in English.

use super::Intent;
use crate::text::{Part, Reader, Span, ValueKind, Variant, say};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidings_config::limits::MAX_PLAIN_COPY_BYTES;
use tidings_config::rules::{Cap, Channel, Policy};
use tidings_config::time::Timestamp;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredIntent {
    Notify {
        text: Vec<StoredPart>,
        /// Which parts of `text` are data: their places.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        data: Vec<usize>,
        /// Instead of `text`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rich: Option<Vec<Part>>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        variants: Vec<Variant>,
        channels: Vec<Channel>,
        cap: Option<Cap>,
    },
    Emit {
        action_type: String,
        data: Value,
    },
}

/// What the version before knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredPart {
    Words(String),
    Value(String),
    Fact { name: String, fallback: String },
}

impl From<Intent> for StoredIntent {
    fn from(intent: Intent) -> Self {
        match intent {
            Intent::Emit { action_type, data } => Self::Emit { action_type, data },
            Intent::Notify { text, variants, channels, cap } => match text.iter().map(plain).collect::<Option<Vec<_>>>() {
                Some(stored) => {
                    let is_data = |part: &Part| match part {
                        Part::Data(_) | Part::Fact { kind: ValueKind::Data, .. } => true,
                        Part::Fact { kind: ValueKind::Prose, .. }
                        | Part::Words(_)
                        | Part::Value(_)
                        | Part::Open(_)
                        | Part::Close(_)
                        | Part::Link { .. }
                        | Part::Form { .. }
                        | Part::Count
                        | Part::Cut => false,
                    };
                    let data = (0..text.len()).filter(|n| is_data(&text[*n])).collect();
                    Self::Notify { text: stored, data, rich: None, variants, channels, cap }
                }
                None => Self::Notify { text: copy(&text), data: Vec::new(), rich: Some(text), variants, channels, cap },
            },
        }
    }
}

impl From<StoredIntent> for Intent {
    fn from(stored: StoredIntent) -> Self {
        match stored {
            StoredIntent::Emit { action_type, data } => Self::Emit { action_type, data },
            StoredIntent::Notify { text, data, rich, variants, channels, cap } => {
                let part = |(n, part)| match (part, data.contains(&n)) {
                    (StoredPart::Words(words), _) => Part::Words(words),
                    (StoredPart::Value(text), true) => Part::Data(text),
                    (StoredPart::Value(text), false) => Part::Value(text),
                    (StoredPart::Fact { name, fallback }, is_data) => {
                        let kind = if is_data { ValueKind::Data } else { ValueKind::Prose };
                        Part::Fact { name, fallback, kind }
                    }
                };
                let text = rich.unwrap_or_else(|| text.into_iter().enumerate().map(part).collect());
                Self::Notify { text, variants, channels, cap }
            }
        }
    }
}

/// `None`: the version before doesn't know it.
fn plain(part: &Part) -> Option<StoredPart> {
    match part {
        Part::Words(words) => Some(StoredPart::Words(words.clone())),
        Part::Value(text) | Part::Data(text) => Some(StoredPart::Value(text.clone())),
        Part::Fact { name, fallback, .. } => Some(StoredPart::Fact { name: name.clone(), fallback: fallback.clone() }),
        Part::Open(_) | Part::Close(_) | Part::Link { .. } | Part::Form { .. } | Part::Count | Part::Cut => None,
    }
}

/// As much as it needs to say, without markup.
fn copy(parts: &[Part]) -> Vec<StoredPart> {
    let policy = Policy::default();
    let nobody = Reader::new(None, None, &policy, Timestamp::from_unix_ms(0));
    let mut copy = Vec::new();
    for part in parts {
        match plain(part) {
            Some(known) => copy.push(known),
            None => flatten(&say(std::slice::from_ref(part), &[], None, &nobody).spans, &mut copy),
        }
    }
    let mut bytes = 0;
    let mut fits = |part: &StoredPart| {
        bytes += serde_json::to_string(part).map_or(MAX_PLAIN_COPY_BYTES, |json| json.len() + 1);
        bytes < MAX_PLAIN_COPY_BYTES
    };
    let kept = copy.iter().take_while(|part| fits(part)).count();
    if kept < copy.len() {
        copy.truncate(kept);
        copy.push(StoredPart::Words("…".to_owned()));
    }
    copy
}

fn flatten(spans: &[Span], copy: &mut Vec<StoredPart>) {
    for span in spans {
        match span {
            Span::Words(words) => copy.push(StoredPart::Words(words.clone())),
            Span::Value { text, .. } => copy.push(StoredPart::Value(text.clone())),
            Span::Open(_) | Span::Close(_) => {}
            Span::Link { label, to } => {
                flatten(label, copy);
                copy.extend([StoredPart::Words(": ".to_owned()), StoredPart::Value(to.clone())]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Argument, Form, Style};
    use serde_json::json;

    fn notify(text: Vec<Part>) -> Intent {
        Intent::Notify { text, variants: vec![], channels: vec![], cap: None }
    }

    /// Bytes that the version before wrote.
    #[test]
    fn what_the_version_before_stored_is_read_as_it_was_meant() {
        let stored = json!({"notify": {
            "text": [{"words": "Your *order* "}, {"value": "<1042>"}, {"fact": {"name": "carrier", "fallback": "soon"}}],
            "channels": ["slack"], "cap": null,
        }});
        let fact = Part::Fact { name: "carrier".into(), fallback: "soon".into(), kind: ValueKind::Prose };
        let text = vec![Part::Words("Your *order* ".into()), Part::Value("<1042>".into()), fact];
        let intent = Intent::Notify { text, variants: vec![], channels: vec![Channel::Slack], cap: None };
        assert_eq!(serde_json::from_value::<Intent>(stored).unwrap(), intent);
    }

    #[test]
    fn what_is_stored_is_read_again_and_the_version_before_has_a_plain_copy() {
        let fact = |kind| Part::Fact { name: "f".into(), fallback: "soon".into(), kind };
        let simple =
            notify(vec![Part::Data("a_b".into()), Part::Value("Ann".into()), fact(ValueKind::Data), fact(ValueKind::Prose)]);
        let stored = serde_json::to_value(&simple).unwrap();
        assert_eq!((&stored["notify"]["text"][0], &stored["notify"]["data"]), (&json!({"value": "a_b"}), &json!([0, 2])));
        assert_eq!(stored["notify"].get("rich"), None);
        assert_eq!(serde_json::from_value::<Intent>(stored).unwrap(), simple);

        let amount = Form::Minor { amount: Argument::Is("1999".into()), currency: Argument::Is("eur".into()) };
        let rich = notify(vec![
            Part::Open(Style::Strong),
            Part::Form { form: amount, fallback: None },
            Part::Close(Style::Strong),
            fact(ValueKind::Data),
            Part::Link { label: vec![Part::Words("Pay".into())], to: vec![Part::Data("https://a.example".into())] },
        ]);
        let stored = serde_json::to_value(&rich).unwrap();
        let old = json!([
            {"value": "€19.99"}, {"fact": {"name": "f", "fallback": "soon"}}, {"words": "Pay"}, {"words": ": "},
            {"value": "https://a.example"},
        ]);
        assert_eq!(stored["notify"]["text"], old);
        assert_eq!(serde_json::from_value::<Intent>(stored).unwrap(), rich);
    }

    #[test]
    fn the_plain_copy_is_bounded() {
        let parts = vec![Part::Data("x".repeat(3_000)), Part::Data("y".repeat(3_000)), Part::Cut];
        let bytes = serde_json::to_string(&copy(&parts)).unwrap().len();
        assert!((3_000..MAX_PLAIN_COPY_BYTES + 64).contains(&bytes), "{bytes}");
    }
}
