//! A text as one channel writes it.

mod escape;

use super::span::Span;
use crate::claim::words;
use crate::config::rules::Channel;
use crate::limits::MAX_TEXT_CHARS;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is sent, ready for the channel's API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub text: String,
    pub format: Format,
    /// How many messages it is. Of SMS alone.
    pub segments: Option<u32>,
    /// It was cut at a word, with a mark.
    pub cut: bool,
}

words! {
    /// What a sender must say to the channel's API about a text.
    Format {
        Plain = "plain",
        /// Slack.
        Mrkdwn = "mrkdwn",
        /// Telegram.
        MarkdownV2 = "MarkdownV2",
        /// Discord.
        Markdown = "markdown",
        /// Web and e-mail.
        Html = "html",
        Whatsapp = "whatsapp",
        Messenger = "messenger",
    }
}

/// `None`: plain.
pub fn render(spans: &[Span], channel: Option<Channel>) -> Rendered {
    let format = match channel {
        None | Some(Channel::Sms) => Format::Plain,
        Some(Channel::Slack) => Format::Mrkdwn,
        Some(Channel::Telegram) => Format::MarkdownV2,
        Some(Channel::Discord) => Format::Markdown,
        Some(Channel::Web | Channel::Email) => Format::Html,
        Some(Channel::Whatsapp) => Format::Whatsapp,
        Some(Channel::Messenger) => Format::Messenger,
    };
    let mut text = String::new();
    write(spans, &mut text);
    let cut = text.chars().count() > MAX_TEXT_CHARS;
    if cut {
        text = text.chars().take(MAX_TEXT_CHARS - 1).chain(['…']).collect();
    }
    let text = escape::escape(&text, channel);
    Rendered { text, format, segments: (channel == Some(Channel::Sms)).then_some(1), cut }
}

fn write(spans: &[Span], text: &mut String) {
    for span in spans {
        match span {
            Span::Words(words) => text.push_str(words),
            Span::Value { text: value, .. } => text.push_str(value),
            Span::Open(_) | Span::Close(_) => {}
            Span::Link { label, to } => {
                write(label, text);
                text.push_str(": ");
                text.push_str(to);
            }
        }
    }
}
