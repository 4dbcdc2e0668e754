//! Renders a text for a channel, by the channel's published grammar.
//!
//! Promises: a reader sees each character of the spans and no other. Styles and links are where the author put them;
//! data that is an address as a whole is a link; nothing else is markup, a mention or a link. Never: an invisible
//! character in a text that the grammar wouldn't change without it. If a channel can't show a style or a label, the
//! text stays and the style or label is dropped.

mod address;
mod breaks;
mod chat;
mod cut;
mod discord;
mod glyphs;
mod gsm;
mod html;
mod invisible;
mod markers;
mod nested;
mod out;
mod plain;
mod telegram;

use super::span::Span;
use crate::limits::{
    MAX_DISCORD_TEXT_CHARS, MAX_INSTAGRAM_TEXT_BYTES, MAX_LINE_TEXT_CHARS, MAX_MESSENGER_TEXT_CHARS, MAX_RENDERED_BYTES,
    MAX_SLACK_TEXT_CHARS, MAX_SMS_TEXT_CHARS, MAX_TELEGRAM_TEXT_CHARS, MAX_TEXT_CHARS, MAX_VIBER_TEXT_CHARS,
    MAX_WHATSAPP_TEXT_CHARS,
};
use crate::rules::Channel;
use crate::words;
use glyphs::Glyphs;
use out::Out;

words! {
    /// The markup of a text, which a sender must state in the channel's API.
    Format {
        Plain = "plain",
        /// Slack: `mrkdwn: true`, the default.
        Mrkdwn = "mrkdwn",
        /// Telegram's `parse_mode`.
        MarkdownV2 = "MarkdownV2",
        /// Discord's.
        Markdown = "markdown",
        Html = "html",
        Whatsapp = "whatsapp",
        Messenger = "messenger",
    }
}

/// A text as a channel accepts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub text: String,
    pub format: Format,
    /// The number of messages of an SMS. `None` on other channels.
    pub segments: Option<u32>,
    /// Whether the text exceeded the channel's limit and was cut at a word, with a mark.
    pub cut: bool,
}

/// The text for a channel. Without a channel it is plain.
pub fn render(spans: &[Span], channel: Option<Channel>) -> Rendered {
    let (write, format, limit): (Write, _, _) = match channel {
        None => (plain::unknown, Format::Plain, Limit::sent(MAX_TEXT_CHARS, char_count)),
        Some(Channel::Sms) => (plain::sms, Format::Plain, Limit::sms(MAX_SMS_TEXT_CHARS, utf16_count)),
        Some(Channel::Slack) => (chat::slack, Format::Mrkdwn, Limit::sent(MAX_SLACK_TEXT_CHARS, utf16_count)),
        Some(Channel::Whatsapp) => (chat::whatsapp, Format::Whatsapp, Limit::sent(MAX_WHATSAPP_TEXT_CHARS, utf16_count)),
        Some(Channel::Messenger) => (chat::messenger, Format::Messenger, Limit::sent(MAX_MESSENGER_TEXT_CHARS, utf16_count)),
        Some(Channel::Discord) => (discord::discord, Format::Markdown, Limit::sent(MAX_DISCORD_TEXT_CHARS, utf16_count)),
        Some(Channel::Telegram) => (telegram::telegram, Format::MarkdownV2, Limit::seen(MAX_TELEGRAM_TEXT_CHARS, utf16_count)),
        Some(Channel::GoogleChat) => (chat::google_chat, Format::Plain, Limit::sent(MAX_TEXT_CHARS, utf16_count)),
        Some(Channel::Instagram) => (plain::sms, Format::Plain, Limit::sent(MAX_INSTAGRAM_TEXT_BYTES, str::len)),
        Some(Channel::Line) => (plain::sms, Format::Plain, Limit::sent(MAX_LINE_TEXT_CHARS, utf16_count)),
        Some(Channel::Teams) => (plain::sms, Format::Plain, Limit::sent(MAX_TEXT_CHARS, utf16_count)),
        Some(Channel::Viber) => (chat::whatsapp, Format::Plain, Limit::sent(MAX_VIBER_TEXT_CHARS, utf16_count)),
        Some(Channel::Web) => (html::web, Format::Html, Limit::seen(MAX_TEXT_CHARS, char_count)),
        Some(Channel::Email) => (html::email, Format::Html, Limit::seen(MAX_TEXT_CHARS, char_count)),
    };
    let (out, cut) = cut::fit(&Glyphs::of(spans), &limit, write);
    let segments = (channel == Some(Channel::Sms)).then(|| gsm::segments(&out.text));
    Rendered { text: out.text, format, segments, cut }
}

type Write = fn(&Glyphs) -> Out;

/// The limit of a text, and what counts towards it.
struct Limit {
    units: usize,
    count: fn(&str) -> usize,
    counts_markup: bool,
    /// Whether a character outside GSM's alphabet makes the whole text longer.
    alphabet_counts: bool,
}

impl Limit {
    const fn sent(units: usize, count: fn(&str) -> usize) -> Self {
        Self { units, count, counts_markup: true, alphabet_counts: false }
    }

    const fn seen(units: usize, count: fn(&str) -> usize) -> Self {
        Self { units, count, counts_markup: false, alphabet_counts: false }
    }

    const fn sms(units: usize, count: fn(&str) -> usize) -> Self {
        Self { units, count, counts_markup: true, alphabet_counts: true }
    }

    fn takes(&self, out: &Out) -> bool {
        let counted = if self.counts_markup { &out.text } else { &out.shown };
        (self.count)(counted) <= self.units && out.text.len() <= MAX_RENDERED_BYTES
    }
}

fn char_count(text: &str) -> usize {
    text.chars().count()
}

/// Channels limit "characters" and count by their own language: never more than UTF-16 code units.
fn utf16_count(text: &str) -> usize {
    text.encode_utf16().count()
}
