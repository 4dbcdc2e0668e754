//! `channels.yaml`: the channels by which the sender sends, with their settings.

use super::channels::{channel, channel_names};
use super::{Checker, Report, Spanned, did_you_mean, yaml};
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Location;
use std::collections::BTreeMap;
use tidings_config::source::{MAX_NAME_BYTES, is_name};
use tidings_outgoing::{ChannelFile, ConfiguredChannel};

/// By what actions are sent to people: one entry for each channel.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChannelsFile {
    /// The version of this format.
    #[schemars(extend("const" = super::FORMAT_VERSION))]
    version: Spanned<u32>,
    /// By name: that of a channel, or one of your own with `channel`.
    #[schemars(extend("propertyNames" = tidings_config::schema::source_name()))]
    #[schemars(with = "BTreeMap<String, Option<BTreeMap<String, String>>>")]
    channels: BTreeMap<String, Spanned<Option<ChannelEntry>>>,
}

/// The settings of a channel; and `channel`, which one it is, and `secret`, the name of its secret. Both are the entry's name
/// where they are left out.
type ChannelEntry = BTreeMap<String, Spanned<Value>>;

/// A setting's pattern, for the whole value.
pub(super) fn pattern(text: &str) -> Result<Regex, String> {
    Regex::new(&format!("^(?:{text})$")).map_err(|_| format!("{text:?} isn't a regular expression"))
}

/// Reads `channels.yaml`, with each channel resolved.
pub fn read_channels(file: &str, text: &str) -> Result<Vec<ConfiguredChannel>, Report> {
    let parsed: ChannelsFile = yaml(file, text)?;
    let mut checker = Checker::new(file);
    checker.version(&parsed.version);
    let channels = parsed.channels.into_iter().filter_map(|(name, entry)| configured(&mut checker, name, entry)).collect();
    checker.report.into_result(channels)
}

fn configured(checker: &mut Checker<'_>, name: String, entry: Spanned<Option<ChannelEntry>>) -> Option<ConfiguredChannel> {
    let Spanned { value, referenced: here } = entry;
    let mut given = texts(checker, &name, value.unwrap_or_default());
    if !is_name(&name) {
        checker
            .problem(here, format!("channel {name:?}: allowed: 1 to {MAX_NAME_BYTES} of a-z, 0-9 and -, not beginning with -"));
    }
    let wanted = given.remove("channel").unwrap_or_else(|| Spanned { value: name.clone(), referenced: here });
    let secret = given.remove("secret").unwrap_or_else(|| Spanned { value: name.clone(), referenced: here });
    if !is_name(&secret.value) && secret.value != name {
        let problem =
            format!("secret {:?}, allowed: the name of a secret, 1 to {MAX_NAME_BYTES} of a-z, 0-9 and -", secret.value);
        checker.problem(secret.referenced, problem);
    }
    let Some(file) = channel(&wanted.value) else {
        let hint = did_you_mean(&wanted.value, channel_names());
        let names = channel_names().collect::<Vec<_>>().join(", ");
        checker.problem(wanted.referenced, format!("unknown channel {:?}, allowed: {names}{hint}", wanted.value));
        return None;
    };
    let settings = checked(checker, &name, file, given, here);
    Some(ConfiguredChannel { name, secret: secret.value, settings, channel: file.channel() })
}

/// The fields that are texts. Problems: the others.
fn texts(checker: &mut Checker<'_>, name: &str, entry: ChannelEntry) -> BTreeMap<String, Spanned<String>> {
    let text = |(field, Spanned { value, referenced }): (String, Spanned<Value>)| match value {
        Value::String(value) => Some((field, Spanned { value, referenced })),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            checker.problem(referenced, format!("channel {name:?}: {field} is {other}, allowed: a text, in quotes"));
            None
        }
    };
    entry.into_iter().filter_map(text).collect()
}

/// The settings with their defaults. Problems: an unknown one, a missing one, one that doesn't match its pattern.
fn checked(
    checker: &mut Checker<'_>,
    name: &str,
    file: &ChannelFile,
    given: BTreeMap<String, Spanned<String>>,
    here: Location,
) -> BTreeMap<String, String> {
    for (setting, known) in file.settings.iter().filter(|(setting, known)| known.is_required() && !given.contains_key(*setting)) {
        checker.problem(here, format!("channel {name:?} lacks {setting}: {}", known.about));
    }
    let mut settings = file.defaults();
    for (setting, Spanned { value, referenced }) in given {
        let Some(known) = file.settings.get(&setting) else {
            let names = || file.settings.keys().map(String::as_str).chain(["channel", "secret"]);
            let (hint, names) = (did_you_mean(&setting, names()), names().collect::<Vec<_>>().join(", "));
            checker.problem(referenced, format!("channel {name:?}: unknown setting {setting:?}, allowed: {names}{hint}"));
            continue;
        };
        if pattern(&known.pattern).is_ok_and(|pattern| pattern.is_match(&value)) {
            settings.insert(setting, value);
        } else {
            let (pattern, about) = (&known.pattern, &known.about);
            checker.problem(
                referenced,
                format!("channel {name:?}: {setting} is {value:?}, allowed: what matches {pattern} ({about})"),
            );
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_has_its_settings_and_the_name_of_its_secret() {
        let text = "version: 1\nchannels:\n  telegram:\n  meta: { channel: whatsapp, phone_number_id: \"106540352242922\", secret: cloud }\n";
        let channels = read_channels("channels.yaml", text).unwrap();
        let said: Vec<_> = channels.iter().map(|c| (c.name.as_str(), c.channel.name.as_str(), c.secret.as_str())).collect();
        assert_eq!(said, [("meta", "whatsapp", "cloud"), ("telegram", "telegram", "telegram")]);
        assert_eq!(channels[0].settings["phone_number_id"], "106540352242922");
        let json = serde_json::to_string(&channels).unwrap();
        assert_eq!(serde_json::from_str::<Vec<ConfiguredChannel>>(&json).unwrap(), channels, "as the sender reads it");
        assert!(!json.contains("vector") && !json.contains("evidence"), "nothing that it doesn't use");
    }
}
