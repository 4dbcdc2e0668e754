//! The values that fill the places of a request.

use crate::channel::Recipient;
use crate::key::KeyForm;
use crate::place::Place;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// The values of one request. Its `Debug` shows none, since they contain secrets and what people wrote.
#[derive(Clone)]
pub struct Values<'a> {
    /// The action: `type`, `conversation`, `data` and its other fields.
    pub action: &'a Value,
    /// What the provider knows the send by.
    pub id: &'a str,
    pub to: Option<&'a Recipient>,
    pub secret: Option<&'a Value>,
    pub settings: &'a BTreeMap<String, String>,
    pub token: Option<&'a str>,
    pub jwt: Option<&'a str>,
    /// Of a sink: the event in the forms that requests name. [`SinkEvent::values`](crate::SinkEvent::values) makes it.
    pub event: Option<&'a Value>,
}

impl fmt::Debug for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The roots that aren't settings. A setting can't have one of these names.
pub(crate) const ROOTS: [&str; 13] =
    ["to", "secret", "token", "jwt", "id", "uuid", "id32", "id24", "data", "action", "event", "has", "lacks"];

impl Values<'_> {
    /// The value at a place. `None`: there is none, or it is null.
    pub(crate) fn get(&self, place: &Place) -> Option<Cow<'_, Value>> {
        let text = |text: String| Some(Cow::Owned(Value::String(text))).filter(|_| place.is_root());
        match place.root.as_str() {
            "data" => place.find(self.action.get("data")?).map(Cow::Borrowed),
            "action" => place.find(self.action).map(Cow::Borrowed),
            "secret" => place.find(self.secret?).map(Cow::Borrowed),
            "to" => {
                let to = self.to?;
                match place.single() {
                    None => text(to.first.clone()),
                    Some(part) => Some(Cow::Owned(Value::String(to.parts.get(part)?.clone()))),
                }
            }
            "id" => text(self.id.to_owned()),
            "id32" => text(KeyForm::Id32.of(self.id)),
            "id24" => text(KeyForm::Id24.of(self.id)),
            "uuid" => text(KeyForm::Uuid.of(self.id)),
            "token" => text(self.token?.to_owned()),
            "jwt" => text(self.jwt?.to_owned()),
            "event" => place.find(self.event?).map(Cow::Borrowed),
            setting if place.is_root() => text(self.settings.get(setting)?.clone()),
            // A named part of a setting: `bus.region`.
            _ => Some(Cow::Owned(Value::String(self.settings.get(&place.to_string())?.clone()))),
        }
    }
}
