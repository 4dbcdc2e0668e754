//! When and how notifications may be sent. A person's own choices are facts in the context; this policy is the
//! default for everybody.

use super::Span;
use crate::words;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    pub opt_in: OptIn,
    /// The channels, best first. Default: the conversation's own channel.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
    /// One or more windows. Windows that touch form one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quiet_hours: Vec<QuietHours>,
    /// A cap for each conversation, over all rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap: Option<Cap>,
    /// Low-priority actions are withheld (shed) if their event waited longer than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shed_after: Option<Span>,
    /// The language of texts: a BCP 47 tag. Default: English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The IANA time zone of dates in texts. Default: the zone of the quiet hours, else UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// Who receives notifications.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptIn {
    /// Everybody who hasn't opted out.
    #[default]
    Assumed,
    /// Everybody who has opted in.
    Required,
}

words! {
    /// A channel that delivers a text. It decides how values in a text are escaped.
    Channel {
        Discord = "discord",
        Email = "email",
        GoogleChat = "googlechat",
        Instagram = "instagram",
        Line = "line",
        Messenger = "messenger",
        Slack = "slack",
        Sms = "sms",
        Teams = "teams",
        Telegram = "telegram",
        Viber = "viber",
        Web = "web",
        Whatsapp = "whatsapp",
    }
}

/// Quiet hours: between these times, by the person's clock, only urgent notifications are sent; others wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    pub from: ClockTime,
    /// The end, on the next day if it isn't after `from`.
    pub to: ClockEnd,
    /// The IANA time zone of persons without a zone of their own.
    pub zone: String,
    /// The days on which the window begins, by the person's calendar. Empty: every day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
}

words! {
    /// A day of the week.
    Day {
        Monday = "mon",
        Tuesday = "tue",
        Wednesday = "wed",
        Thursday = "thu",
        Friday = "fri",
        Saturday = "sat",
        Sunday = "sun",
    }
}

/// The most notifications in any period of this length; further ones wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    pub at_most: u32,
    pub within: Span,
    #[serde(default, skip_serializing_if = "CapOverflow::is_default")]
    pub overflow: CapOverflow,
}

/// What happens to notifications that exceed a cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CapOverflow {
    /// They wait. Only the newest wait: as many as the cap allows.
    #[default]
    Newest,
    /// All that wait are sent as one message when the cap has room.
    Digest,
    /// They are withheld.
    Drop,
}

impl CapOverflow {
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A time of day: `22:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(extend("pattern" = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
#[serde(try_from = "String", into = "String")]
pub struct ClockTime {
    pub hour: i8,
    pub minute: i8,
}

impl FromStr for ClockTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = |s: &str| (s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit())).then(|| s.parse::<i8>().ok()).flatten();
        let parsed = text.split_once(':').and_then(|(hour, minute)| Some((digits(hour)?, digits(minute)?)));
        match parsed {
            Some((hour, minute)) if hour < 24 && minute < 60 => Ok(Self { hour, minute }),
            Some(_) | None => Err(format!("{text:?} isn't a time of day; write it as \"22:00\"")),
        }
    }
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

impl TryFrom<String> for ClockTime {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ClockTime> for String {
    fn from(time: ClockTime) -> Self {
        time.to_string()
    }
}

impl ClockTime {
    /// Minutes since midnight.
    pub fn minute_of_day(self) -> i16 {
        i16::from(self.hour) * 60 + i16::from(self.minute)
    }
}

/// The end of a window: a time of day, or `24:00`, the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(extend("pattern" = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"))]
#[serde(try_from = "String", into = "String")]
pub struct ClockEnd(ClockTime);

/// `24:00`.
const END_OF_DAY: ClockTime = ClockTime { hour: 24, minute: 0 };

impl ClockEnd {
    /// Minutes since midnight, 0 to 1,440.
    pub fn minute_of_day(self) -> i16 {
        self.0.minute_of_day()
    }
}

impl From<ClockTime> for ClockEnd {
    fn from(time: ClockTime) -> Self {
        Self(time)
    }
}

impl FromStr for ClockEnd {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "24:00" { Ok(Self(END_OF_DAY)) } else { text.parse().map(Self) }
    }
}

impl fmt::Display for ClockEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for ClockEnd {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ClockEnd> for String {
    fn from(time: ClockEnd) -> Self {
        time.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_are_parsed_as_they_are_written() {
        for good in ["00:00", "07:30", "23:59"] {
            assert_eq!(good.parse::<ClockTime>().unwrap().to_string(), good);
        }
        for bad in ["", "7:30", "24:00", "12:60", "12", "12:3x", "+1:00"] {
            assert!(bad.parse::<ClockTime>().unwrap_err().contains("as \"22:00\""), "{bad}");
        }
        let end: ClockEnd = "24:00".parse().unwrap();
        assert_eq!((end.to_string().as_str(), end.minute_of_day()), ("24:00", 1_440));
        assert!("24:01".parse::<ClockEnd>().is_err() && "25:00".parse::<ClockEnd>().is_err());
    }
}
