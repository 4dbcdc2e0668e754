//! When a notification may be sent, and how. What a person has chosen is in the context, as facts; this is what holds for
//! everybody, and where nobody has chosen.

use super::Span;
use crate::words;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    pub opt_in: OptIn,
    /// The channels, best first; the conversation's own if it is left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
    /// One window or several; those that meet are one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quiet_hours: Vec<QuietHours>,
    /// For each conversation, over all rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap: Option<Cap>,
    /// Actions of low priority of events that waited longer than this are shed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shed_after: Option<Span>,
    /// In which texts are written: a BCP 47 tag. English if it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The IANA time zone of dates in texts; that of the quiet hours if it is left out, else UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// Whom notifications are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptIn {
    /// Whoever hasn't said no.
    #[default]
    Assumed,
    /// Whoever has said yes.
    Required,
}

words! {
    /// How a text reaches somebody, and so how what is put into it is escaped.
    Channel {
        Discord = "discord",
        Email = "email",
        Messenger = "messenger",
        Slack = "slack",
        Sms = "sms",
        Telegram = "telegram",
        Web = "web",
        Whatsapp = "whatsapp",
    }
}

/// Between these, by the person's own clock, nothing is sent that isn't urgent: it waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    pub from: ClockTime,
    /// On the next day, if it isn't after `from`.
    pub to: ClockEnd,
    /// The IANA time zone of those who have told none.
    pub zone: String,
    /// The days on which the window begins, by the person's own calendar. Empty: each day.
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

/// At most so many in any such time; more wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    pub at_most: u32,
    pub within: Span,
    #[serde(default, skip_serializing_if = "CapOverflow::is_default")]
    pub overflow: CapOverflow,
}

/// What becomes of notifications for which a cap has no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CapOverflow {
    /// As many as the cap allows wait for room: the newest.
    #[default]
    Newest,
    /// When there is room, all that wait are one message.
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
            Some(_) | None => Err(format!("{text:?} is no time of day; as in \"22:00\"")),
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

/// Where a window ends: a time of day, or `24:00`, the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(extend("pattern" = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"))]
#[serde(try_from = "String", into = "String")]
pub struct ClockEnd(ClockTime);

/// `24:00`.
const END_OF_DAY: ClockTime = ClockTime { hour: 24, minute: 0 };

impl ClockEnd {
    /// Minutes since midnight, up to 1,440.
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
    fn times_of_day_are_read_as_they_are_written() {
        for good in ["00:00", "07:30", "23:59"] {
            assert_eq!(good.parse::<ClockTime>().unwrap().to_string(), good);
        }
        for bad in ["", "7:30", "24:00", "12:60", "12", "12:3x", "+1:00"] {
            assert!(bad.parse::<ClockTime>().unwrap_err().contains("as in \"22:00\""), "{bad}");
        }
        let end: ClockEnd = "24:00".parse().unwrap();
        assert_eq!((end.to_string().as_str(), end.minute_of_day()), ("24:00", 1_440));
        assert!("24:01".parse::<ClockEnd>().is_err() && "25:00".parse::<ClockEnd>().is_err());
    }
}
