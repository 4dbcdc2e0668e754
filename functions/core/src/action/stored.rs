//! The stored form of an intent. The previous version can read it, and this version stores additional fields.
//!
//! During a deployment both versions run, and each reads what the other stored. The previous version knows words,
//! values and facts. A text of these alone is stored in that form, and `data` marks the values that arrive unchanged.
//! Any other text is stored in `rich`, and the previous version gets a plain copy with amounts and dates in English.

use super::Intent;
use crate::text::{Reader, say};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidings_config::limits::MAX_PLAIN_COPY_BYTES;
use tidings_config::rules::{Cap, Channel, Policy};
use tidings_config::text::{Part, Span, ValueKind, Variant};
use tidings_config::time::Timestamp;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredIntent {
    Notify {
        text: Vec<StoredPart>,
        /// The indices of the parts of `text` that are data.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        data: Vec<usize>,
        /// The text if `text` can't express it.
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

/// The parts that the previous version knows.
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

/// `None`: the previous version doesn't know this part.
fn plain(part: &Part) -> Option<StoredPart> {
    match part {
        Part::Words(words) => Some(StoredPart::Words(words.clone())),
        Part::Value(text) | Part::Data(text) => Some(StoredPart::Value(text.clone())),
        Part::Fact { name, fallback, .. } => Some(StoredPart::Fact { name: name.clone(), fallback: fallback.clone() }),
        Part::Open(_) | Part::Close(_) | Part::Link { .. } | Part::Form { .. } | Part::Count | Part::Cut => None,
    }
}

/// The plain copy for the previous version, without markup.
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
    use serde_json::json;
    use tidings_config::text::{Argument, Form, Style};

    fn notify(text: Vec<Part>) -> Intent {
        Intent::Notify { text, variants: vec![], channels: vec![], cap: None }
    }

    /// Bytes that the previous version wrote.
    #[test]
    fn a_text_of_the_previous_version_is_read() {
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
    fn a_stored_text_is_read_again_and_the_previous_version_gets_a_plain_copy() {
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
