//! The readers read the vendors' own examples as their documentation shows them.

use crate::read::discord::discord;
use crate::read::html::html;
use crate::read::signs::{Client, Reading, signs};
use crate::read::telegram::telegram;
use crate::read::{Seen, Shown};

/// The text with its styles and links in square brackets, followed by everything else.
pub(crate) fn told(shown: &Shown) -> String {
    let mut told = String::new();
    let mut before = Seen::default();
    for seen in shown.seen.iter().chain([&Seen::default()]) {
        let marks = |seen: &Seen| {
            let styles = [(seen.strong, "strong"), (seen.emphasis, "emphasis"), (seen.code, "code"), (seen.other, "other")];
            let mut marks: Vec<String> = styles.into_iter().filter(|(is, _)| *is).map(|(_, name)| name.to_owned()).collect();
            marks.extend(seen.link.clone());
            marks.join(" ")
        };
        if marks(seen) != marks(&before) {
            if !marks(&before).is_empty() {
                told.push_str(&format!("[/{}]", marks(&before)));
            }
            if !marks(seen).is_empty() {
                told.push_str(&format!("[{}]", marks(seen)));
            }
        }
        before = seen.clone();
        if seen.c != '\0' {
            told.push(seen.c);
        }
    }
    for other in &shown.others {
        told.push_str(&format!(" +{other}"));
    }
    told
}

#[test]
fn the_telegram_reader_reads_its_documented_examples() {
    for (written, read) in [
        ("*bold \\*text*", "[strong]bold *text[/strong]"),
        ("_italic \\*text_", "[emphasis]italic *text[/emphasis]"),
        (
            "__underline__ ~strikethrough~ ||spoiler||",
            "[other]underline[/other] [other]strikethrough[/other] [other]spoiler[/other]",
        ),
        (
            "*bold _italic bold_ bold*",
            "[strong]bold [/strong][strong emphasis]italic bold[/strong emphasis][strong] bold[/strong]",
        ),
        ("[inline URL](http://www.example.com/)", "[http://www.example.com/]inline URL[/http://www.example.com/]"),
        ("`inline fixed\\-width code`", "[code]inline fixed-width code[/code]"),
        ("\\(1\\-2 days\\)\\!", "(1-2 days)!"),
        (">a quote", "a quote +quote"),
    ] {
        assert_eq!(told(&telegram(written).unwrap()), read);
    }
    for refused in ["(1-2 days)!", "a.b", "*a", "_a*b_c*", "1+1", "a-b", "{x}"] {
        assert!(telegram(refused).is_err(), "{refused}");
    }
}

#[test]
fn the_discord_reader_reads_its_documented_examples() {
    for (written, read) in [
        ("*italics* _italics_", "[emphasis]italics[/emphasis] [emphasis]italics[/emphasis]"),
        ("**bold** ***bold italics***", "[strong]bold[/strong] [strong emphasis]bold italics[/strong emphasis]"),
        ("__underline__ ~~strike~~ ||spoiler||", "[other]underline[/other] [other]strike[/other] [other]spoiler[/other]"),
        ("a_b_c a*b*c", "a_b_c a[emphasis]b[/emphasis]c"),
        ("\\*not\\* \\_\\_not\\_\\_", "*not* __not__"),
        ("[text](https://example.com)", "[https://example.com]text[/https://example.com]"),
        ("[https://a.example](https://b.example)", "[https://a.example](https://b.example)"),
        ("https://example.com.", "[https://example.com]https://example.com[/https://example.com]."),
        ("<https://example.com.>", "[https://example.com.]https://example.com.[/https://example.com.]"),
        ("`code`", "[code]code[/code]"),
        ("# a", "# a +block # a"),
        ("-# a", "-# a +block -# a"),
        ("> a", "> a +block > a"),
        ("1. a", "1. a +block 1. a"),
        ("<@80351110224678912>", "<@80351110224678912> +<@80351110224678912> +<@…>"),
        ("\\<@1>", "<@1> +<@…>"),
        ("@everyone", "@everyone +@everyone"),
    ] {
        assert_eq!(told(&discord(written)), read, "{written}");
    }
}

#[test]
fn the_marker_readers_read_their_documented_examples() {
    for reading in [Reading::JoinsWords, Reading::FillsInside] {
        for client in [Client::Slack, Client::Whatsapp, Client::Messenger] {
            for (written, read) in [
                (
                    "*bold* _italic_ ~strike~ `code`",
                    "[strong]bold[/strong] [emphasis]italic[/emphasis] [other]strike[/other] [code]code[/code]",
                ),
                ("This is *bold*.", "This is [strong]bold[/strong]."),
                ("My name is*Rafael* * My Name*", "My name is*Rafael* * My Name*"),
                ("order_1042_a 2*3*4 *", "order_1042_a 2*3*4 *"),
                ("*_both_*", "[strong emphasis]both[/strong emphasis]"),
                ("```a\n*b*```", "[code]a\n*b*[/code]"),
            ] {
                assert_eq!(told(&signs(written, client, reading)), read, "{client:?} {reading:?} {written}");
            }
        }
        for (written, read) in [
            (
                "<http://www.example.com|This *is* a link>",
                "[http://www.example.com]This [/http://www.example.com][strong http://www.example.com]is[/strong http://www.example.com][http://www.example.com] a link[/http://www.example.com]",
            ),
            ("Hey <@U012AB3CD>, <!here>", "Hey ,  +<@U012AB3CD> +<!here>"),
            ("Hello &amp; &lt;world&gt; :smile:", "Hello & <world> :smile: +:smile:"),
            ("&gt; This is a quote", "> This is a quote +block > This is a quote"),
            ("See foo.com", "See [foo.com]foo.com[/foo.com]"),
        ] {
            assert_eq!(told(&signs(written, Client::Slack, reading)), read, "{written}");
        }
        for block in ["- a", "* a", "1. a", "> a"] {
            assert_eq!(told(&signs(block, Client::Whatsapp, reading)), format!("{block} +block {block}"));
        }
    }
}

#[test]
fn the_html_reader_reads_html() {
    let read = html("<strong>a &amp; b</strong>  c<br> <a href=\"https://x/?a&amp;b\" rel=\"noopener nofollow\">d</a>").unwrap();
    assert_eq!(told(&read), "[strong]a & b[/strong] c\n[https://x/?a&b]d[/https://x/?a&b]");
    for refused in ["<script>", "<strong>a", "<em><strong></em></strong>", "a & b"] {
        assert!(html(refused).is_err(), "{refused}");
    }
}
