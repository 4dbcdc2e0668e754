//! Properties of arbitrary spans, with many characters that channels interpret.

use crate::expected::{Wanted, expected};
use crate::read::discord::discord;
use crate::read::found::found;
use crate::read::html::html;
use crate::read::signs::{Client, Reading, signs};
use crate::read::telegram::telegram;
use crate::read::{Seen, Shown};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use tidings_config::limits::MAX_RENDERED_BYTES;
use tidings_config::rules::Channel;
use tidings_config::text::{Span, Style, ValueKind, render};

const PIECES: &[&str] = &[
    "a",
    "Bo",
    "7",
    " ",
    " ",
    "  ",
    "\n",
    "*",
    "_",
    "~",
    "`",
    "```",
    "**",
    "__",
    "||",
    "\\",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    "&",
    "|",
    "!",
    ".",
    "#",
    "-",
    "+",
    "=",
    "{",
    "}",
    ":",
    "@",
    "/",
    "'",
    "\"",
    "$",
    "·",
    "é",
    "e\u{301}",
    "مرحبا",
    "🙂",
    "👩\u{200D}🚀",
    "\u{202E}",
    "\u{7}",
    "\t",
    "\u{200B}",
    "\u{2060}",
    "-# ",
    "> ",
    ">>> ",
    "# ",
    "- ",
    "* ",
    "1. ",
    "12. ",
    "&amp;",
    "&lt;b&gt;",
    "<b>",
    "</strong>",
    "<br>",
    "](",
    "](http://evil.example)",
    "_x_",
    "*y*",
    "~z~",
    "`c`",
    "a_b_c",
    "PO*77",
    "~5",
    "**x**",
    "__u__",
    ":smile:",
    ":+1:",
    "10:30:45",
    "¯\\_(ツ)_/¯",
];

const HOSTILE: &[&str] = &[
    "@here",
    "@everyone",
    "@user_1",
    "<@U1>",
    "<@!1>",
    "<@&1>",
    "<#1>",
    "<!channel>",
    "<!here|x>",
    "<t:1>",
    "<a:b:1>",
    "</start:1>",
    "evil.example/x",
    "https://evil.example/a_b",
    "http://evil",
    "HTTPS://EVIL.example",
    "www.evil.example",
    "mailto:a@evil.example",
    "a@evil.example",
    "tel:+4930",
    "[a](https://evil.example)",
    "<https://evil.example|x>",
    "<a href=\"https://evil.example\">",
    "/start",
    "#tag",
    "1.2.3.4/x",
    "x.y.evil.example",
    "ftp://evil.example",
];

const DATA: &[&str] = &[
    "order_1042_a",
    "PO*77",
    "~5",
    "a_b_c",
    "_abc_",
    "*x*",
    "€ 19.99",
    "1,999.00",
    "+49 30 1234567",
    "https://pay.example/a_b*c~d?x=1_2",
    "https://x.example/",
    "https://pay.example/?a=1&b=2#c",
    "http://pay.example/(x)/_y_",
    "https://pay.example/a)b",
    "https://pay.example/~x/a|b",
    "https://pay.example/a*b*c",
    "10:30:45",
    "#1042",
    "1. x",
    "- 5",
    "> 3",
    "<id>",
    "@here",
    "a`b`c",
    "§ 5",
    "https://évil.example/ü",
    "",
];

fn pieces(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(of), 0..6).prop_map(|pieces| pieces.concat())
}

fn prose() -> impl Strategy<Value = Span> {
    let hostile = prop::collection::vec(prop_oneof![3 => prop::sample::select(PIECES), 2 => prop::sample::select(HOSTILE)], 0..6);
    prop_oneof![hostile.prop_map(|pieces| pieces.concat()), any::<String>()]
        .prop_map(|text| Span::Value { text, kind: ValueKind::Prose })
}

fn words() -> impl Strategy<Value = Span> {
    prop_oneof![
        // Texts that aren't addresses, alone or with their neighbours.
        6 => pieces(PIECES).prop_filter("no address", |text| !text.contains("evil")).prop_map(Span::Words),
        1 => Just(Span::Words(" see https://ours.example/a_b*c ok ".to_owned())),
    ]
}

fn text() -> impl Strategy<Value = Span> {
    let data = prop::sample::select(DATA).prop_map(|text| Span::Value { text: text.to_owned(), kind: ValueKind::Data });
    prop_oneof![3 => words(), 3 => prose(), 2 => data]
}

fn styled(inner: Vec<Span>, style: Option<Style>) -> Vec<Span> {
    match style {
        Some(style) => std::iter::once(Span::Open(style)).chain(inner).chain([Span::Close(style)]).collect(),
        None => inner,
    }
}

fn style() -> impl Strategy<Value = Option<Style>> {
    prop::option::of(prop::sample::select(&[Style::Strong, Style::Emphasis, Style::Code][..]))
}

fn spans() -> impl Strategy<Value = Vec<Span>> {
    let group = move || (prop::collection::vec(text(), 0..3), style()).prop_map(|(inner, style)| styled(inner, style)).boxed();
    let label = (group(), group()).prop_map(|(a, b)| [a, b].concat());
    let to = prop::sample::select(&["https://l.example/x", "https://l.example/(a)?b=_c_&d=*e*", "http://l.example/a|b"][..]);
    let link = (label, to).prop_map(|(label, to)| vec![Span::Link { label, to: to.to_owned() }]);
    let part = prop_oneof![4 => group(), 1 => link];
    let parts = (prop::collection::vec(part, 0..4), style()).prop_map(|(parts, style)| styled(parts.concat(), style));
    prop::collection::vec(parts, 0..3)
        .prop_map(|parts| parts.concat())
        .prop_filter("few links", |spans| spans.iter().filter(|span| matches!(span, Span::Link { .. })).count() < 4)
}

/// Text, links and what isn't to be there; styles nowhere else than where the author put them.
fn check(channel: Channel, wanted: &[Wanted], shown: &Shown, written: &str) -> Result<(), String> {
    let bare = takes_no_labels(channel);
    let text: String = wanted.iter().map(|wanted| wanted.c).collect();
    if shown.text() != text {
        return Err(format!("{channel:?}: {:?} isn't {text:?}\n{written:?}", shown.text()));
    }
    if !shown.others.is_empty() {
        return Err(format!("{channel:?}: {:?}\n{written:?}", shown.others));
    }
    for (at, (seen, wanted)) in shown.seen.iter().zip(wanted).enumerate() {
        let is_space = seen.c.is_whitespace();
        if !is_space
            && ((seen.strong && !wanted.strong)
                || (seen.emphasis && !wanted.emphasis)
                || (seen.code && !wanted.code)
                || seen.other)
        {
            return Err(format!("{channel:?}: a style on {:?} ({at})\n{written:?}", seen.c));
        }
        let matches = match (&seen.link, &wanted.link) {
            (Some(seen), Some(wanted)) => seen == wanted || bare && wanted.starts_with(seen.as_str()),
            // A client may link addresses in the author's words and in data.
            (Some(_), None) => !wanted.is_prose && (channel != Channel::Discord || wanted.code),
            // A sentence's punctuation at an address's end.
            (None, Some(_)) => bare && ".,:;!?')]}|".contains(seen.c),
            (None, None) => true,
        };
        if !matches {
            return Err(format!(
                "{channel:?}: the link of {:?} ({at}) is {:?} and not {:?}\n{written:?}",
                seen.c, seen.link, wanted.link
            ));
        }
    }
    Ok(())
}

fn normal(shown: Shown, lines: bool) -> Shown {
    let mut shown = shown.visible();
    if lines {
        for seen in &mut shown.seen {
            seen.c = if seen.c == '\u{A0}' { ' ' } else { seen.c };
        }
        let text: Vec<char> = shown.seen.iter().map(|seen| seen.c).collect();
        let mut at = 0;
        shown.seen.retain(|seen| {
            at += 1;
            let rest = &text[at..];
            !(seen.c == ' ' && rest.iter().find(|c| **c != ' ').is_none_or(|c| *c == '\n'))
        });
    }
    shown
}

fn lined(mut wanted: Vec<Wanted>) -> Vec<Wanted> {
    for wanted in &mut wanted {
        wanted.c = if wanted.c == '\u{A0}' { ' ' } else { wanted.c };
    }
    let text: Vec<char> = wanted.iter().map(|wanted| wanted.c).collect();
    let is_kept = |at: usize| !(text[at] == ' ' && text[at + 1..].iter().find(|c| **c != ' ').is_none_or(|c| *c == '\n'));
    wanted.into_iter().enumerate().filter(|(at, _)| is_kept(*at)).map(|(_, wanted)| wanted).collect()
}

fn plain(text: &str) -> Shown {
    let chars: Vec<char> = text.chars().collect();
    let mut seen: Vec<Seen> = chars.iter().map(|c| Seen { c: *c, ..Seen::default() }).collect();
    for found in found(&chars) {
        for seen in &mut seen[found.from..found.to] {
            seen.link = Some(found.text.clone());
        }
    }
    Shown { seen, others: vec![] }
}

/// What the channel's readers see, or why they can't parse it.
fn readings(written: &str, channel: Channel) -> Result<Vec<Shown>, TestCaseError> {
    Ok(match channel {
        Channel::Telegram => vec![telegram(written).map_err(TestCaseError::fail)?],
        Channel::Web => vec![html(written).map_err(TestCaseError::fail)?],
        Channel::Email => vec![email(html(written).map_err(TestCaseError::fail)?)],
        Channel::Discord => vec![discord(written)],
        Channel::Sms | Channel::Instagram | Channel::Line | Channel::Teams => vec![plain(written)],
        Channel::Slack => both(written, Client::Slack),
        Channel::Whatsapp | Channel::Viber | Channel::GoogleChat => both(written, Client::Whatsapp),
        Channel::Messenger => both(written, Client::Messenger),
    })
}

/// The clients drop spaces at a line's end.
fn reads_lines(channel: Channel) -> bool {
    matches!(channel, Channel::Discord | Channel::Web | Channel::Email)
}

fn holds(spans: &[Span], channel: Channel) -> Result<(), TestCaseError> {
    let rendered = render(spans, Some(channel));
    let written = &rendered.text;
    prop_assert!(!rendered.cut);
    // Which labels are links: Discord takes some, and each way of writing them is right.
    let labels: Vec<u32> = if channel == Channel::Discord {
        (0..8).collect()
    } else if takes_no_labels(channel) {
        vec![0]
    } else {
        vec![u32::MAX]
    };
    for shown in readings(written, channel)? {
        let shown = normal(shown, reads_lines(channel));
        let results: Vec<_> = labels
            .iter()
            .map(|labels| {
                let wanted = expected(spans, *labels);
                check(channel, &if reads_lines(channel) { lined(wanted) } else { wanted }, &shown, written)
            })
            .collect();
        if results.iter().all(Result::is_err) {
            return Err(TestCaseError::fail(results.into_iter().next().unwrap().unwrap_err()));
        }
    }
    Ok(())
}

/// Channels that write a label's address out.
fn takes_no_labels(channel: Channel) -> bool {
    match channel {
        Channel::Whatsapp
        | Channel::Messenger
        | Channel::Sms
        | Channel::Instagram
        | Channel::Line
        | Channel::Teams
        | Channel::Viber
        | Channel::GoogleChat => true,
        Channel::Slack | Channel::Telegram | Channel::Web | Channel::Email | Channel::Discord => false,
    }
}

/// A text that is too long is shown as its beginning.
fn is_cut_well(spans: &[Span], channel: Channel) -> Result<(), TestCaseError> {
    let rendered = render(spans, Some(channel));
    prop_assert!(rendered.cut && rendered.text.len() <= MAX_RENDERED_BYTES);
    let wanted = expected(spans, 0);
    let wanted: String = if reads_lines(channel) { lined(wanted) } else { wanted }.iter().map(|wanted| wanted.c).collect();
    for shown in readings(&rendered.text, channel)? {
        let shown = normal(shown, reads_lines(channel));
        let text = shown.text();
        let kept = text.strip_suffix('…').or_else(|| text.strip_suffix("...")).map(str::trim_end);
        prop_assert!(kept.is_some_and(|kept| wanted.starts_with(kept)), "{channel:?}: {text:?}");
        prop_assert!(shown.others.is_empty(), "{channel:?}: {:?}", shown.others);
    }
    Ok(())
}

fn both(written: &str, client: Client) -> Vec<Shown> {
    [Reading::JoinsWords, Reading::FillsInside].into_iter().map(|reading| signs(written, client, reading)).collect()
}

/// A mail client links addresses.
fn email(mut shown: Shown) -> Shown {
    let chars: Vec<char> = shown.seen.iter().map(|seen| seen.c).collect();
    for found in found(&chars) {
        if shown.seen[found.from..found.to].iter().all(|seen| seen.link.is_none() && !seen.code) {
            for seen in &mut shown.seen[found.from..found.to] {
                seen.link = Some(found.text.clone());
            }
        }
    }
    shown
}

macro_rules! channels {
    ($($name:ident: $channel:ident),+) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 20_000, failure_persistence: None, rng_seed: seed(), ..ProptestConfig::default() })]
            $(#[test]
            fn $name(spans in spans()) {
                holds(&spans, Channel::$channel)?;
            })+
        }
    };
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases() / 20, max_shrink_iters: 200, failure_persistence: None, rng_seed: seed(), ..ProptestConfig::default() })]
    #[test]
    fn a_too_long_text_is_read_as_its_beginning(spans in prop::collection::vec(text(), 1..8), style in style()) {
        let once = styled(spans, style);
        let seen = expected(&once, 0).len();
        prop_assume!(seen > 2);
        let spans: Vec<Span> = once.iter().cloned().cycle().take(once.len() * (4_200 / seen + 1)).collect();
        for channel in Channel::ALL {
            is_cut_well(&spans, *channel)?;
        }
    }
}

/// The same texts in each run, so that a change is blamed for its own failures; other texts with `RENDER_CASES`.
fn seed() -> RngSeed {
    if std::env::var("RENDER_CASES").is_ok() { RngSeed::Random } else { RngSeed::Fixed(20_261_130) }
}

/// `RENDER_CASES=60000` runs more cases.
fn cases() -> u32 {
    std::env::var("RENDER_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300)
}

channels! {
    line_shows_what_the_spans_say: Line,
    viber_shows_what_the_spans_say: Viber,
    discord_shows_what_the_spans_say: Discord,
    mail_shows_what_the_spans_say: Email,
    messenger_shows_what_the_spans_say: Messenger,
    slack_shows_what_the_spans_say: Slack,
    sms_shows_what_the_spans_say: Sms,
    telegram_shows_what_the_spans_say: Telegram,
    the_web_shows_what_the_spans_say: Web,
    whatsapp_shows_what_the_spans_say: Whatsapp
}
