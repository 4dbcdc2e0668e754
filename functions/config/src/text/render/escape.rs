//! Escapes a value for its channel: a customer's name stays a name, and never becomes markup, a mention or a link
//! with another label.

use crate::rules::Channel;

pub(super) fn escape(value: &str, channel: Option<Channel>) -> String {
    // Line breaks stay. Other control characters and direction marks are removed.
    let harmless = |c: &char| *c == '\n' || !(c.is_control() || is_direction(*c));
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars().filter(harmless) {
        match channel {
            None | Some(Channel::Sms) => escaped.push(c),
            Some(Channel::Slack) => entities(&mut escaped, c, &['&', '<', '>']),
            Some(Channel::Web | Channel::Email) => entities(&mut escaped, c, &['&', '<', '>', '"', '\'']),
            // MarkdownV2: https://core.telegram.org/bots/api#markdownv2-style
            Some(Channel::Telegram) => backslash(&mut escaped, c, "\\_*[]()~`>#+-=|{}.!"),
            Some(Channel::Discord) => {
                backslash(&mut escaped, c, "\\_*[]()~`>#+-=|:<");
                // A mention needs its letters immediately after the @.
                if c == '@' {
                    escaped.push('\u{200B}');
                }
            }
            // These channels have no escapes: signs of markup are removed.
            Some(Channel::Whatsapp | Channel::Messenger) => {
                if !"*_~`".contains(c) {
                    escaped.push(c);
                }
            }
        }
    }
    escaped
}

fn entities(escaped: &mut String, c: char, which: &[char]) {
    if !which.contains(&c) {
        return escaped.push(c);
    }
    match c {
        '&' => escaped.push_str("&amp;"),
        '<' => escaped.push_str("&lt;"),
        '>' => escaped.push_str("&gt;"),
        '"' => escaped.push_str("&quot;"),
        other => escaped.push_str(&format!("&#{};", u32::from(other))),
    }
}

fn backslash(escaped: &mut String, c: char, which: &str) {
    if which.contains(c) {
        escaped.push('\\');
    }
    escaped.push(c);
}

/// Unicode's direction marks.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_never_becomes_markup() {
        let hostile = "<!channel> *b* _i_ [x](y) @here & \"q\" 'a' `c`\u{7}\u{202E}\nz";
        for (channel, expected) in [
            (None, "<!channel> *b* _i_ [x](y) @here & \"q\" 'a' `c`\nz"),
            (Some(Channel::Sms), "<!channel> *b* _i_ [x](y) @here & \"q\" 'a' `c`\nz"),
            (Some(Channel::Slack), "&lt;!channel&gt; *b* _i_ [x](y) @here &amp; \"q\" 'a' `c`\nz"),
            (Some(Channel::Web), "&lt;!channel&gt; *b* _i_ [x](y) @here &amp; &quot;q&quot; &#39;a&#39; `c`\nz"),
            (Some(Channel::Email), "&lt;!channel&gt; *b* _i_ [x](y) @here &amp; &quot;q&quot; &#39;a&#39; `c`\nz"),
            (Some(Channel::Telegram), "<\\!channel\\> \\*b\\* \\_i\\_ \\[x\\]\\(y\\) @here & \"q\" 'a' \\`c\\`\nz"),
            (Some(Channel::Discord), "\\<!channel\\> \\*b\\* \\_i\\_ \\[x\\]\\(y\\) @\u{200B}here & \"q\" 'a' \\`c\\`\nz"),
            (Some(Channel::Whatsapp), "<!channel> b i [x](y) @here & \"q\" 'a' c\nz"),
            (Some(Channel::Messenger), "<!channel> b i [x](y) @here & \"q\" 'a' c\nz"),
        ] {
            assert_eq!(escape(hostile, channel), expected, "{channel:?}");
        }
    }
}
