//! A person's preferences, as facts of [`crate::context::PREFERENCES`]. A preference that exists and can't be read
//! withholds notifications, since it may have been a refusal.

use super::quiet::Window;
use crate::context::Facts;
use serde_json::Value;
use tidings_config::rules::{Channel, ClockEnd, ClockTime, Policy};
use tidings_config::time::{Timestamp, Zone};
use tidings_config::words;

words! {
    /// A preference, by the name of its fact.
    Preference {
        OptIn = "opt_in",
        Channels = "channels",
        Zone = "zone",
        QuietFrom = "quiet_from",
        QuietTo = "quiet_to",
    }
}

/// A preference as read. `Default`: it isn't set, or it is deleted or expired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chosen<T> {
    #[default]
    Nothing,
    This(T),
    /// It exists, and its value has none of the allowed forms.
    Unreadable,
}

impl<T> Chosen<T> {
    fn of(value: Option<&Value>, read: impl FnOnce(&Value) -> Option<T>) -> Self {
        value.map_or(Self::Nothing, |value| read(value).map_or(Self::Unreadable, Self::This))
    }

    fn as_ref(&self) -> Chosen<&T> {
        match self {
            Self::Nothing => Chosen::Nothing,
            Self::This(this) => Chosen::This(this),
            Self::Unreadable => Chosen::Unreadable,
        }
    }

    /// `Err`: the preference that can't be read.
    pub fn get(&self, preference: Preference) -> Result<Option<&T>, Preference> {
        match self.as_ref() {
            Chosen::Nothing => Ok(None),
            Chosen::This(this) => Ok(Some(this)),
            Chosen::Unreadable => Err(preference),
        }
    }
}

/// A person's preferences.
#[derive(Clone, Debug, Default)]
pub struct Preferences {
    pub opt_in: Chosen<bool>,
    /// Best first. Unknown names are skipped.
    pub channels: Chosen<Vec<Channel>>,
    pub zone: Chosen<Zone>,
    pub quiet_from: Chosen<ClockTime>,
    pub quiet_to: Chosen<ClockEnd>,
}

impl Preferences {
    /// Reads them from the facts of [`crate::context::PREFERENCES`].
    pub fn read(facts: Option<&Facts>, now: Timestamp) -> Self {
        let value = |preference: Preference| {
            facts.and_then(|f| f.get(preference.as_str())).filter(|fact| fact.is_known(now)).map(|fact| &fact.value)
        };
        Self {
            opt_in: Chosen::of(value(Preference::OptIn), Value::as_bool),
            channels: Chosen::of(value(Preference::Channels), channels),
            zone: Chosen::of(value(Preference::Zone), |value| Zone::named(value.as_str()?)),
            quiet_from: Chosen::of(value(Preference::QuietFrom), |value| value.as_str()?.parse().ok()),
            quiet_to: Chosen::of(value(Preference::QuietTo), |value| value.as_str()?.parse().ok()),
        }
    }

    /// The preferences that exist and can't be read, for people.
    pub fn unreadable(&self) -> Vec<Preference> {
        let Self { opt_in, channels, zone, quiet_from, quiet_to } = self;
        let all = [
            opt_in.get(Preference::OptIn).err(),
            channels.get(Preference::Channels).err(),
            zone.get(Preference::Zone).err(),
            quiet_from.get(Preference::QuietFrom).err(),
            quiet_to.get(Preference::QuietTo).err(),
        ];
        all.into_iter().flatten().collect()
    }

    /// The quiet windows of this person. The person's own window replaces the policy's; one end of a window replaces
    /// that end of the policy's window, if the policy has exactly one. `Err`: the preference that can't be read.
    pub fn windows(&self, policy: &Policy) -> Result<Vec<Window>, Preference> {
        let zone = self.zone.get(Preference::Zone)?;
        let from = self.quiet_from.get(Preference::QuietFrom)?;
        let to = self.quiet_to.get(Preference::QuietTo)?;
        let (from, to, days, configured) = match (from, to, policy.quiet_hours.as_slice()) {
            (None, None, windows) => {
                return Ok(windows.iter().filter_map(|quiet| Window::configured(quiet, zone)).collect());
            }
            (Some(from), Some(to), windows) => (*from, *to, &[][..], windows.first()),
            (Some(from), None, [one]) => (*from, one.to, one.days.as_slice(), Some(one)),
            (None, Some(to), [one]) => (one.from, *to, one.days.as_slice(), Some(one)),
            (Some(_), None, _) => return Err(Preference::QuietFrom),
            (None, Some(_), _) => return Err(Preference::QuietTo),
        };
        let zone = zone.cloned().or_else(|| Zone::named(&configured?.zone)).or_else(|| Zone::named("UTC"));
        Ok(zone.map(|zone| Window::new(from, to, days, zone)).into_iter().collect())
    }
}

/// Parses a list of texts.
fn channels(value: &Value) -> Option<Vec<Channel>> {
    let texts: Option<Vec<&str>> = value.as_array()?.iter().map(Value::as_str).collect();
    Some(texts?.into_iter().filter_map(Channel::parse).collect())
}
