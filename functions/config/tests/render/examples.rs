//! Texts of rules, rendered for each channel.

use crate::documented::told;
use crate::read::discord::discord;
use crate::read::html::html;
use crate::read::signs::{Client, Reading, signs};
use crate::read::telegram::telegram;
use tidings_config::rules::Channel;
use tidings_config::text::{Format, Span, Style, ValueKind, render};

fn words(text: &str) -> Span {
    Span::Words(text.to_owned())
}

fn data(text: &str) -> Span {
    Span::Value { text: text.to_owned(), kind: ValueKind::Data }
}

fn prose(text: &str) -> Span {
    Span::Value { text: text.to_owned(), kind: ValueKind::Prose }
}

fn link(label: &str, to: &str) -> Span {
    Span::Link { label: vec![words(label)], to: to.to_owned() }
}

fn strong(inner: Vec<Span>) -> Vec<Span> {
    [vec![Span::Open(Style::Strong)], inner, vec![Span::Close(Style::Strong)]].concat()
}

fn written(spans: &[Span], channel: Channel) -> String {
    render(spans, Some(channel)).text
}

const ALL: [Channel; 8] = [
    Channel::Discord,
    Channel::Email,
    Channel::Messenger,
    Channel::Slack,
    Channel::Sms,
    Channel::Telegram,
    Channel::Web,
    Channel::Whatsapp,
];

/// B12
#[test]
fn links_addresses_and_ids_arrive_unchanged_without_escapes() {
    for value in [
        "https://pay.example/a_b*c~d?x=1_2",
        "https://en.wikipedia.example/wiki/Sarah_Jessica_Parker",
        "https://pay.example/?a=1&b=%2F#c",
        "order_1042_a",
        "PO*77",
        "~5",
        "a_b_c",
        "12 St.James's Sq., 2*b",
        "+49 30 1234567",
        "a_b@shop.example",
        "€1,999.00",
        "shop.example/x_y_z",
    ] {
        for channel in [Channel::Whatsapp, Channel::Messenger, Channel::Sms] {
            assert_eq!(written(&[words("Here: "), data(value), words(".")], channel), format!("Here: {value}."), "{channel:?}");
        }
        assert_eq!(render(&[data(value)], None).text, value);
    }
}

#[test]
fn data_that_would_be_markup_is_broken_invisibly() {
    for channel in [Channel::Whatsapp, Channel::Messenger, Channel::Slack] {
        let text = written(&[words("Code "), data("_abc_"), words(" ok")], channel);
        assert_eq!(text, "Code \u{2060}_\u{2060}abc\u{2060}_\u{2060} ok");
        // A single sign isn't markup.
        assert_eq!(written(&[data("*7"), words(" and "), data("5*")], channel), "\u{2060}*\u{2060}7 and 5\u{2060}*\u{2060}");
        assert_eq!(written(&[data("5*"), words(" and "), data("*7")], channel), "5* and *7");
    }
}

#[test]
fn a_url_is_written_as_each_channel_writes_links() {
    let spans = [words("Pay at "), data("https://pay.example/a_b?x=1&y=(2)"), words(" now")];
    for (channel, expected) in [
        (Channel::Slack, "Pay at <https://pay.example/a_b?x=1&amp;y=(2)> now"),
        (Channel::Discord, "Pay at <https://pay.example/a_b?x=1&y=(2)> now"),
        (Channel::Telegram, "Pay at [https://pay\\.example/a\\_b?x\\=1&y\\=\\(2\\)](https://pay.example/a_b?x=1&y=(2\\)) now"),
        (Channel::Whatsapp, "Pay at https://pay.example/a_b?x=1&y=(2) now"),
        (
            Channel::Web,
            "Pay at <a href=\"https://pay.example/a_b?x=1&amp;y=(2)\" rel=\"noopener nofollow\">https://pay.example/a_b?x=1&amp;y=(2)</a> now",
        ),
    ] {
        assert_eq!(written(&spans, channel), expected);
    }
    assert_eq!(
        written(&[data("https://pay.example/a_b?x=1"), words(". Thanks")], Channel::Discord),
        "https://pay.example/a_b?x=1. Thanks"
    );
}

#[test]
fn an_authors_address_continues_into_the_data_after_it() {
    let spans = [words("Track: https://shop.example/t/"), data("a_b-7"), words(". Bye")];
    assert_eq!(written(&spans, Channel::Slack), "Track: <https://shop.example/t/a_b-7>. Bye");
    assert_eq!(written(&spans, Channel::Whatsapp), "Track: https://shop.example/t/a_b-7. Bye");
    // If prose chooses the host, it isn't a link.
    let spans = [words("See https://"), prose("evil.example/x")];
    assert_eq!(written(&spans, Channel::Slack), "See https:\u{2060}//evil.\u{2060}example/x");
    let spans = [data("https://pay.example"), prose(".evil.example")];
    assert_eq!(written(&spans, Channel::Whatsapp), "https://pay.example\u{200B}.\u{2060}evil.\u{2060}example");
}

/// B13
#[test]
fn the_authors_signs_are_visible_on_every_channel() {
    let spans = [words("Ships soon (1-2 days)! 5 * 3 = 15, a_b #1 {x} [y] > z")];
    assert_eq!(
        written(&spans, Channel::Telegram),
        "Ships soon \\(1\\-2 days\\)\\! 5 \\* 3 \\= 15, a\\_b \\#1 \\{x\\} \\[y\\] \\> z"
    );
    assert_eq!(written(&spans, Channel::Slack), "Ships soon (1-2 days)! 5 * 3 = 15, a_b #1 {x} [y] &gt; z");
    for channel in [Channel::Whatsapp, Channel::Messenger, Channel::Sms] {
        assert_eq!(written(&spans, channel), "Ships soon (1-2 days)! 5 * 3 = 15, a_b #1 {x} [y] > z");
    }
}

#[test]
fn styles_and_labels_use_each_channels_syntax() {
    let mut spans = strong(vec![words("Order "), data("1042")]);
    spans.extend([words(" "), Span::Open(Style::Emphasis), words("shipped"), Span::Close(Style::Emphasis), words(": ")]);
    spans.extend([
        Span::Open(Style::Code),
        data("A-1"),
        Span::Close(Style::Code),
        words(", "),
        link("track it", "https://t.example/x"),
        words("."),
    ]);
    for (channel, expected) in [
        (Channel::Slack, "*Order 1042* _shipped_: `A-1`, <https://t.example/x|track it>."),
        (Channel::Whatsapp, "*Order 1042* _shipped_: `A-1`, track it (https://t.example/x)."),
        (Channel::Messenger, "*Order 1042* _shipped_: `A-1`, track it (https://t.example/x)."),
        (Channel::Telegram, "*Order 1042* _shipped_: `A-1`, [track it](https://t.example/x)\\."),
        (Channel::Discord, "**Order 1042** *shipped*: `A-1`, [track it](https://t.example/x)."),
        (Channel::Sms, "Order 1042 shipped: A-1, track it (https://t.example/x)."),
        (
            Channel::Email,
            "<strong>Order 1042</strong> <em>shipped</em>: <code>A-1</code>, <a href=\"https://t.example/x\" rel=\"noopener nofollow\">track it</a>.",
        ),
    ] {
        assert_eq!(written(&spans, channel), expected);
    }
    assert_eq!(render(&spans, None).text, "Order 1042 shipped: A-1, track it (https://t.example/x).");
}

#[test]
fn a_style_that_a_channel_cannot_show_is_dropped_and_the_text_stays() {
    let in_a_word = [vec![words("un")], strong(vec![words("believ")]), vec![words("able")]].concat();
    assert_eq!(written(&in_a_word, Channel::Whatsapp), "unbelievable");
    assert_eq!(written(&in_a_word, Channel::Telegram), "un*believ*able");
    let spaced = [vec![words("a")], strong(vec![words(" b ")]), vec![words("c")]].concat();
    assert_eq!(written(&spaced, Channel::Whatsapp), "a *b* c");
    assert_eq!(written(&spaced, Channel::Web), "a <strong>b</strong> c");
    assert_eq!(written(&strong(vec![words("  ")]), Channel::Slack), "  ");
    assert_eq!(written(&strong(vec![]), Channel::Discord), "");
    let nested = strong(strong(vec![words("b")]));
    assert_eq!(written(&nested, Channel::Telegram), "*b*");
    assert_eq!(written(&strong(vec![words("one\ntwo")]), Channel::Whatsapp), "*one*\n*two*");
    assert_eq!(written(&strong(vec![words("a* b")]), Channel::Whatsapp), "a* b");
    let code = [Span::Open(Style::Code), words("a`b"), Span::Close(Style::Code)];
    assert_eq!(written(&code, Channel::Telegram), "`a\\`b`");
    assert_eq!(written(&code, Channel::Discord), "a\\`b");
}

#[test]
fn prose_is_plain_text() {
    let spans = |text: &str| [words("Hi "), prose(text), words("!")];
    for (channel, text, expected) in [
        (Channel::Slack, "<!channel> @here *b*", "Hi &lt;!channel&gt; @\u{2060}here \u{2060}*\u{2060}b\u{2060}*\u{2060}!"),
        (Channel::Slack, ":smile: 10:30:45", "Hi :\u{2060}smile: 10:30:45!"),
        (
            Channel::Discord,
            "@everyone <@1> :smile:",
            "Hi @\u{2060}everyone \\<\u{2060}@1\\> \\:smile:!".replace("<\u{2060}@1", "<@\u{2060}1").as_str(),
        ),
        (Channel::Telegram, "@user /start", "Hi @\u{2060}user /\u{2060}start\\!"),
        (Channel::Sms, "evil.example", "Hi evil.\u{2060}example!"),
        (Channel::Email, "www.evil.example", "Hi www.\u{2060}evil.\u{2060}example!"),
        (Channel::Web, "<b>&lt;", "Hi &lt;b&gt;&amp;lt;!"),
        (Channel::Whatsapp, "a\u{202E}b\u{7}c\td", "Hi abc d!"),
    ] {
        assert_eq!(written(&spans(text), channel), expected);
    }
    // Nothing is added if the channel wouldn't change the text.
    for channel in ALL {
        let text = written(&spans("Zoë O'Neil-Smith, 1.5 kg @ 3 pm, z.B. 10:30, $5, #1042"), channel);
        assert!(!text.contains(['\u{2060}', '\u{200B}']), "{channel:?}: {text:?}");
    }
    // Pieces of one mention from two spans.
    assert_eq!(written(&[words("@"), prose("everyone")], Channel::Discord), "@\u{2060}everyone");
}

#[test]
fn lines_start_as_lines() {
    assert_eq!(
        written(&[words("a\n"), data("- b"), words("\n1. c\n# d")], Channel::Whatsapp),
        "a\n\u{2060}- b\n\u{2060}1. c\n# d"
    );
    assert_eq!(written(&[words("a\n"), data("> b"), words("\n1. c\n# d")], Channel::Discord), "a\n\\> b\n1\\. c\n\\# d");
    assert_eq!(written(&[data("> b")], Channel::Slack), "\u{2060}&gt; b");
}

#[test]
fn a_label_without_link_syntax_is_written_out() {
    assert_eq!(written(&[link("a [b]", "https://x.example/(y)")], Channel::Discord), "a \\[b\\] (<https://x.example/(y)>)");
    assert_eq!(written(&[link("a] (b)", "https://x.example/(y)")], Channel::Telegram), "[a\\] \\(b\\)](https://x.example/(y\\))");
    assert_eq!(written(&[link("a|b>\nc", "https://x.example/|")], Channel::Slack), "<https://x.example/%7C|a|b&gt; c>");
    assert_eq!(written(&[link("mail us", "mailto:a@x.example?subject=b")], Channel::Telegram), "mail us \\(a@x\\.example\\)");
    assert_eq!(written(&[link("a@x.example", "mailto:a@x.example")], Channel::Whatsapp), "a@x.example");
    assert_eq!(written(&[link("call", "tel:+4930")], Channel::Slack), "<tel:+4930|call>");
    assert_eq!(written(&[link(" ", "https://x.example/")], Channel::Whatsapp), " https://x.example/");
    assert_eq!(written(&[link("x", "javascript:alert(1)")], Channel::Web), "x");
}

#[test]
fn formats_are_the_values_of_the_channels_api() {
    let formats = ALL.map(|channel| render(&[], Some(channel)).format.as_str());
    assert_eq!(formats, ["markdown", "html", "messenger", "mrkdwn", "plain", "MarkdownV2", "html", "whatsapp"]);
    assert_eq!(render(&[], None).format, Format::Plain);
}

#[test]
fn an_sms_is_counted_as_the_network_counts() {
    for (text, segments) in [
        (String::new(), 1),
        ("a".repeat(160), 1),
        ("a".repeat(161), 2),
        ("a".repeat(306), 2),
        ("a".repeat(307), 3),
        ("€".repeat(80), 1),
        ("€".repeat(81), 2),
        // An escape and its character aren't separated: 76 in each part.
        ("€".repeat(153), 3),
        ("ж".repeat(70), 1),
        ("ж".repeat(71), 2),
        ("ж".repeat(134), 2),
        ("ж".repeat(135), 3),
        ("🙂".repeat(35), 1),
        ("🙂".repeat(36), 2),
        // A surrogate pair isn't separated either: 33 in each part.
        ("🙂".repeat(67), 3),
        (format!("{}’", "a".repeat(152)), 3),
        ("ä{}[]~\\^|\n£".to_owned(), 1),
    ] {
        assert_eq!(render(&[data(&text)], Some(Channel::Sms)).segments, Some(segments), "{text}");
    }
    assert_eq!(render(&[], Some(Channel::Slack)).segments, None);
}

#[test]
fn a_long_text_is_cut_at_a_word_with_a_mark() {
    let long = "word ".repeat(2_000);
    for channel in ALL {
        let rendered = render(&[prose(&long)], Some(channel));
        let mark = if channel == Channel::Sms { "word..." } else { "word…" };
        let shown = rendered.text.replace("\\.", ".");
        assert!(rendered.cut && shown.ends_with(mark), "{channel:?}: {}", &shown[shown.len() - 20..]);
    }
    for (channel, limit) in [
        (Channel::Slack, 4_000),
        (Channel::Whatsapp, 4_096),
        (Channel::Telegram, 4_096),
        (Channel::Discord, 2_000),
        (Channel::Messenger, 2_000),
        (Channel::Sms, 1_600),
        (Channel::Web, 4_096),
        (Channel::Email, 4_096),
    ] {
        for letter in ["x", "ж", "語"] {
            let whole = render(&[prose(&letter.repeat(limit))], Some(channel));
            assert!(!whole.cut, "{channel:?}");
            let cut = render(&[prose(&letter.repeat(limit + 1))], Some(channel));
            assert!(cut.cut && cut.text.chars().count() == limit, "{channel:?}: {}", cut.text.chars().count());
        }
        // Signs only: escapes and joiners count if they are sent.
        let signs = render(&[prose(&"*".repeat(4_096))], Some(channel));
        assert!(signs.text.len() <= 24_576);
    }
    assert!(!render(&[prose(&"🙂".repeat(4_096))], None).cut);
}

#[test]
fn neither_a_link_nor_data_nor_a_character_is_cut_in_two() {
    let url = format!("https://pay.example/{}", "a".repeat(300));
    for (channel, limit) in
        [(Channel::Whatsapp, 4_096), (Channel::Discord, 2_000), (Channel::Sms, 1_600), (Channel::Telegram, 4_096)]
    {
        for room in [0, 10, 150, 299, 320] {
            let before = "x ".repeat((limit - room) / 2);
            for end in [data(&url), link("the label of it", &url), data("12 34 56 78 90 12 34 56 78 90 12 34 56 78 90")] {
                let rendered = render(
                    &[words(&before), end.clone(), words(" and more of it, much more of it than there is room for")],
                    Some(channel),
                );
                let shown = rendered.text.replace('\\', "");
                let (Span::Value { text: whole, .. } | Span::Link { to: whole, .. }) = &end else { unreachable!() };
                let part: String = whole.chars().take(5).collect();
                assert!(
                    shown.contains(whole.as_str()) || !shown.contains(&part),
                    "{channel:?} {room} {}",
                    &shown[shown.len() - 60..]
                );
            }
        }
        let family = "👩\u{200D}👩\u{200D}👧e\u{301}\u{302}";
        let rendered = render(&[prose(&family.repeat(1_000))], Some(channel));
        let text = rendered.text.trim_end_matches('…');
        assert!(rendered.cut && (text.ends_with(family) || text.ends_with("👩\u{200D}👩\u{200D}👧")), "{channel:?}");
    }
    // Open markup is closed.
    let bold = render(&strong(vec![prose(&"word ".repeat(2_000))]), Some(Channel::Telegram));
    assert!(bold.text.starts_with('*') && bold.text.ends_with("word*…"));
    // A long value that somebody wrote is cut, whatever its field is called.
    for (text, least) in [("lorem ipsum ".repeat(500), 3_980), ("語".repeat(5_000), 3_999), ("слово ".repeat(1_000), 3_980)]
    {
        for spans in [vec![words("Message: "), data(&text)], strong(vec![data(&text)])] {
            let rendered = render(&spans, Some(Channel::Slack));
            assert!(rendered.cut && rendered.text.chars().count() >= least, "{}", rendered.text);
        }
    }
    let short = |chars: usize| render(&[data(&"a b ".repeat(chars / 4)), words(&"x".repeat(3_900))], Some(Channel::Slack)).text;
    assert!(short(200).starts_with("a b a b"), "what fits is shown");
    let ends = |chars: usize| render(&[words(&"x ".repeat(1_950)), data(&"a b ".repeat(chars / 4))], Some(Channel::Slack)).text;
    assert!(!ends(200).contains('a'), "a value of 200 characters is exact");
    assert!(ends(204).contains("a b a"), "a longer one is prose");
    // A single value that can't be cut.
    assert_eq!(render(&[data(&"7".repeat(5_000))], Some(Channel::Slack)).text, "…");
}

#[test]
fn plain_words_have_their_styles_everywhere() {
    let mut spans = vec![words("one ")];
    spans.extend(strong(vec![
        words("two "),
        Span::Open(Style::Emphasis),
        prose("three"),
        Span::Close(Style::Emphasis),
        words(" four"),
    ]));
    spans.extend([words(" "), Span::Open(Style::Emphasis), words("five"), Span::Close(Style::Emphasis), words(".")]);
    let read =
        "one [strong]two [/strong][strong emphasis]three[/strong emphasis][strong] four[/strong] [emphasis]five[/emphasis].";
    for client in
        [(Client::Slack, Channel::Slack), (Client::Whatsapp, Channel::Whatsapp), (Client::Messenger, Channel::Messenger)]
    {
        for reading in [Reading::JoinsWords, Reading::FillsInside] {
            assert_eq!(told(&signs(&written(&spans, client.1), client.0, reading)), read);
        }
    }
    assert_eq!(told(&telegram(&written(&spans, Channel::Telegram)).unwrap()), read);
    assert_eq!(told(&discord(&written(&spans, Channel::Discord))), read);
    assert_eq!(told(&html(&written(&spans, Channel::Email)).unwrap()), read);
}

/// Rendering time never grows with the square of the text's length.
#[test]
fn a_text_of_signs_only_is_rendered_in_linear_time() {
    let started = std::time::Instant::now();
    for piece in ["*", "`", ")", ":a:", "a.b", "\n1. "] {
        let text = piece.repeat(60_000 / piece.len());
        for channel in [Channel::Discord, Channel::Slack, Channel::Whatsapp] {
            let spans = strong(vec![data("https://x.example/"), prose(&text), words(&text)]);
            assert!(render(&spans, Some(channel)).cut);
        }
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(60), "{:?}", started.elapsed());
}
