//! The reader of a text: the entity's facts, the person's language and time zone, and the policy's defaults.

use crate::context::Facts;
use serde_json::Value;
use tidings_config::rules::{Channel, Policy, language_tag};
use tidings_config::text::locale::Locale;
use tidings_config::text::{Part, Variant};
use tidings_config::time::{Timestamp, Zone};

#[derive(Clone, Debug)]
pub struct Reader<'a> {
    /// The facts of the entity that the text is about.
    facts: Option<&'a Facts>,
    /// The person's own language, as a tag.
    language: Option<String>,
    zone: Option<&'a str>,
    policy: &'a Policy,
    now: Timestamp,
}

impl<'a> Reader<'a> {
    /// `preferences` are the facts of [`crate::context::PREFERENCES`]: `language`, a BCP 47 tag, and `zone`, an IANA
    /// name. An invalid one is ignored.
    pub fn new(preferences: Option<&'a Facts>, facts: Option<&'a Facts>, policy: &'a Policy, now: Timestamp) -> Self {
        let text = |name: &str| known(preferences, name, now).and_then(Value::as_str);
        Self { facts, language: text("language").and_then(language_tag), zone: text("zone"), policy, now }
    }

    pub(super) fn fact(&self, name: &str) -> Option<&'a Value> {
        known(self.facts, name, self.now)
    }

    /// The locale of numbers, amounts and dates.
    pub(super) fn locale(&self) -> Option<Locale> {
        let configured = self.policy.language.as_deref();
        [self.language.as_deref(), configured, Some(ENGLISH)].into_iter().flatten().find_map(Locale::named)
    }

    /// The locale of a text that was selected for a language (`chosen`) or for none.
    pub(super) fn locale_of_text(&self, chosen: Option<&str>) -> Option<Locale> {
        // A stated language is used; otherwise the text is most likely in the person's language.
        let configured = self.policy.language.as_deref();
        [chosen, configured, self.language.as_deref(), Some(ENGLISH)].into_iter().flatten().find_map(Locale::named)
    }

    pub(super) fn zone(&self) -> Option<Zone> {
        let quiet_hours = self.policy.quiet_hours.first().map(|quiet| quiet.zone.as_str());
        [self.zone, self.policy.zone.as_deref(), quiet_hours, Some("UTC")].into_iter().flatten().find_map(Zone::named)
    }

    /// Selects the text for this reader, with its language: for channel and language, else for the language, else for
    /// the channel, else the default. Being understood matters more than the channel's form.
    pub(super) fn choose<'p>(
        &self,
        default: &'p [Part],
        variants: &'p [Variant],
        channel: Option<Channel>,
    ) -> (&'p [Part], Option<&'p str>) {
        let find = |channel: Option<Channel>, language: Option<&str>| {
            variants.iter().find(|variant| variant.channel == channel && variant.language.as_deref() == language)
        };
        let wanted = self.language.as_deref().or(self.policy.language.as_deref());
        let by_language = |channel| wanted.and_then(|tag| fallbacks(tag).find_map(|tag| find(channel, Some(tag))));
        let found = channel
            .and_then(|channel| by_language(Some(channel)))
            .or_else(|| by_language(None))
            .or_else(|| channel.and_then(|channel| find(Some(channel), None)));
        found.map_or((default, None), |variant| (&variant.text, variant.language.as_deref()))
    }

    /// The language of the text, if it is stated.
    pub(super) fn language_of_text(&self, chosen: Option<&str>) -> Option<String> {
        chosen.or(self.policy.language.as_deref()).map(str::to_owned)
    }
}

/// The default language.
const ENGLISH: &str = "en";

fn known<'a>(facts: Option<&'a Facts>, name: &str, now: Timestamp) -> Option<&'a Value> {
    facts.and_then(|facts| facts.get(name)).filter(|fact| fact.is_known(now)).map(|fact| &fact.value)
}

/// RFC 4647's lookup: `de-Latn-AT`, `de-Latn`, `de`.
fn fallbacks(tag: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(tag), |tag| tag.rsplit_once('-').map(|(before, _)| before))
}
