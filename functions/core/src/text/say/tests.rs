use super::*;
use crate::claim::ClaimKey;
use crate::context::{Fact, Facts, Order};
use serde_json::json;
use tidings_config::rules::{Policy, QuietHours};
use tidings_config::text::{Format, Style, render};

fn facts(facts: Value) -> Facts {
    let order = Order::at(Timestamp::from_unix_ms(1), ClaimKey::new("s", "e"));
    let facts = facts.as_object().unwrap().clone();
    facts.into_iter().map(|(name, value)| (name, Fact::register(value, order.clone()))).collect()
}

const NOW: Timestamp = Timestamp::from_unix_ms(1_795_168_800_000);

/// What a person with these preferences reads, without a channel.
fn read(parts: &[Part], preferences: Value, known: Value, policy: &Policy) -> String {
    let (preferences, known) = (facts(preferences), facts(known));
    let said = say(parts, &[], None, &Reader::new(Some(&preferences), Some(&known), policy, NOW));
    render(&said.spans, None).text
}

fn is(text: &str) -> Argument {
    Argument::Is(text.to_owned())
}

fn written(form: Form<Argument, Vec<Part>>, fallback: Option<&str>, preferences: Value) -> String {
    read(&[Part::Form { form, fallback: fallback.map(str::to_owned) }], preferences, json!({}), &Policy::default())
}

fn money(amount: &str, currency: &str) -> Form<Argument, Vec<Part>> {
    Form::Money { amount: is(amount), currency: is(currency) }
}

fn minor(amount: &str, currency: &str) -> Form<Argument, Vec<Part>> {
    Form::Minor { amount: is(amount), currency: is(currency) }
}

#[test]
fn amounts_keep_their_digits_in_every_language() {
    let german = || json!({"language": "de-AT"});
    for (form, preferences, expected) in [
        (money("19.9", "eur"), json!({}), "€19.90"),
        (money("1234567.5", "EUR"), json!({}), "€1,234,567.50"),
        (minor("1999", "eur"), json!({}), "€19.99"),
        (minor("1999.0", "eur"), json!({}), "€19.99"),
        (minor("-5", "usd"), json!({}), "-$0.05"),
        (minor("1999", "jpy"), json!({}), "¥1,999"),
        (minor("9007199254740993", "eur"), json!({}), "€90,071,992,547,409.93"),
    ] {
        let text = written(form, None, preferences).replace("$-", "-$");
        assert_eq!(text, expected);
    }
    assert_eq!(written(minor("123456", "eur"), None, json!({"language": "fr"})).chars().filter(char::is_ascii_digit).count(), 6);
    assert!(
        written(minor("123456", "eur"), None, german()).contains("1.234,56")
            || written(minor("123456", "eur"), None, german()).contains("1234,56")
    );
}

#[test]
fn a_value_that_cannot_be_formatted_is_its_fallback_or_itself() {
    for (form, expected) in [
        (money("free", "eur"), "free eur"),
        (money("19.90", "credits"), "19.90 credits"),
        (minor("", "eur"), "eur"),
        (money("5", ""), "5"),
        (Form::Number(is("many")), "many"),
        (Form::Date { at: is("tomorrow"), style: DateStyle::Short, zone: None }, "tomorrow"),
        (Form::Plural { number: is("some"), forms: vec![(PluralCategory::Other, vec![Part::Count])] }, "some"),
    ] {
        assert_eq!(written(form.clone(), None, json!({})), expected);
        assert_eq!(written(form, Some("soon"), json!({})), "soon");
    }
}

#[test]
fn dates_use_the_readers_zone() {
    let date = |at: &str, style, zone: Option<&str>| Form::Date { at: is(at), style, zone: zone.map(is) };
    let late = "2026-11-20T23:30:00Z";
    for (form, preferences, expected) in [
        (date(late, DateStyle::Medium, None), json!({}), "Nov 20, 2026"),
        (date(late, DateStyle::Medium, None), json!({"zone": "Europe/Berlin"}), "Nov 21, 2026"),
        (date(late, DateStyle::Medium, Some("America/New_York")), json!({"zone": "Europe/Berlin"}), "Nov 20, 2026"),
        (date("1795217400", DateStyle::Medium, None), json!({"zone": "Europe/Berlin"}), "Nov 21, 2026"),
        (date("1795217400000", DateStyle::Medium, None), json!({"zone": "Europe/Berlin"}), "Nov 21, 2026"),
        (date("1795217400.123456", DateStyle::Medium, None), json!({}), "Nov 20, 2026"),
        (date("2026-11-20", DateStyle::Long, None), json!({"zone": "America/New_York"}), "November 20, 2026"),
        (date("2026-11-20", DateStyle::Time, None), json!({}), "2026-11-20"),
        (date(late, DateStyle::Medium, None), json!({"language": "de"}), "20.11.2026"),
        (date(late, DateStyle::Medium, None), json!({"language": "xx", "zone": "Mars/Base"}), "Nov 20, 2026"),
    ] {
        assert_eq!(written(form, None, preferences.clone()), expected, "{preferences}");
    }
    let at = [Part::Form { form: date(late, DateStyle::Medium, None), fallback: None }];
    let time = |text: &str| text.parse().unwrap();
    let quiet = QuietHours { from: time("22:00"), to: time("07:00").into(), zone: "Europe/Berlin".into(), days: vec![] };
    let quiet = Policy { quiet_hours: vec![quiet], ..Policy::default() };
    let both = Policy { zone: Some("America/New_York".into()), ..quiet.clone() };
    assert_eq!(read(&at, json!({}), json!({}), &quiet), "Nov 21, 2026", "the zone of the quiet hours applies");
    assert_eq!(read(&at, json!({}), json!({}), &both), "Nov 20, 2026");
    let german = Policy { language: Some("de".into()), ..Policy::default() };
    assert_eq!(read(&at, json!({}), json!({}), &german), "20.11.2026");
    assert_eq!(read(&at, json!({"language": "en"}), json!({}), &german), "Nov 20, 2026");
}

#[test]
fn a_plural_has_its_number_and_facts_in_its_form() {
    let forms = || {
        let text =
            |text: &str| vec![Part::Open(Style::Strong), Part::Count, Part::Close(Style::Strong), Part::Words(text.to_owned())];
        vec![(PluralCategory::One, text(" parcel")), (PluralCategory::Other, text(" parcels"))]
    };
    let plural = |number| [Part::Form { form: Form::Plural { number, forms: forms() }, fallback: Some("none".to_owned()) }];
    let policy = Policy::default();
    for (number, expected) in [(is("1"), "1 parcel"), (is("0"), "0 parcels"), (is("1200"), "1,200 parcels")] {
        assert_eq!(read(&plural(number), json!({}), json!({}), &policy), expected);
    }
    let fact = || plural(Argument::Fact("parcels".to_owned()));
    assert_eq!(read(&fact(), json!({}), json!({"parcels": 2}), &policy), "2 parcels");
    assert_eq!(read(&fact(), json!({}), json!({}), &policy), "none");
}

#[test]
fn a_text_uses_the_facts_known_when_it_is_sent() {
    let text = [Part::Fact { name: "carrier".into(), fallback: "our _carrier_".into(), kind: ValueKind::Data }];
    let policy = Policy::default();
    let spans = |known: Option<&Facts>| say(&text, &[], None, &Reader::new(None, known, &policy, NOW)).spans;
    let value = Span::Value { text: "D_H_L".into(), kind: ValueKind::Data };
    assert_eq!(spans(Some(&facts(json!({"carrier": "D_H_L"})))), [value]);
    for unknown in [json!(null), json!(["DHL"]), json!(""), json!({"a": 1})] {
        assert_eq!(spans(Some(&facts(json!({"carrier": unknown})))), [Span::Words("our _carrier_".into())]);
    }
    let mut expired = facts(json!({"carrier": "DHL"}));
    expired.get_mut("carrier").unwrap().expires = Some(NOW);
    assert_eq!(spans(Some(&expired)), [Span::Words("our _carrier_".into())]);
    assert_eq!(spans(None), [Span::Words("our _carrier_".into())]);
}

#[test]
fn a_link_always_has_a_valid_address() {
    let link = |to: Vec<Part>| [Part::Link { label: vec![Part::Words("Pay now".into())], to }];
    let spans = |to: Vec<Part>| say(&link(to), &[], None, &Reader::new(None, None, &Policy::default(), NOW)).spans;
    let words = |words: &str| Span::Words(words.to_owned());
    let whole = |to: &str| [Span::Link { label: vec![words("Pay now")], to: to.to_owned() }];
    let data = |text: &str| Part::Data(text.to_owned());
    assert_eq!(spans(vec![data("https://a.example/x_y*z?a=b&c=d#e")]), whole("https://a.example/x_y*z?a=b&c=d#e"));
    let inside = vec![Part::Words("https://a.example/?q=".into()), Part::Value("a b&c=d/50%".into())];
    assert_eq!(spans(inside), whole("https://a.example/?q=a%20b%26c%3Dd/50%25"), "a value stays in its place");
    for none in ["pay/7", "javascript:alert(1)", "https://a.example/a b", "tomorrow"] {
        let prose = Span::Value { text: none.to_owned(), kind: ValueKind::Prose };
        assert_eq!(spans(vec![data(none)]), [words("Pay now"), words(" "), prose]);
    }
    assert_eq!(spans(vec![data("")]), [words("Pay now")]);
}

#[test]
fn the_text_is_for_channel_and_language_then_language_then_channel() {
    let text = |text: &str| vec![Part::Words(text.to_owned())];
    let variant = |channel, language: Option<&str>, words: &str| Variant {
        channel,
        language: language.map(str::to_owned),
        text: text(words),
    };
    let variants = [
        variant(Some(Channel::Telegram), None, "telegram"),
        variant(Some(Channel::Telegram), Some("de"), "telegram de"),
        variant(Some(Channel::Sms), None, "sms"),
        variant(None, Some("de"), "de"),
        variant(None, Some("pt-BR"), "pt-BR"),
    ];
    let german = Policy { language: Some("de".into()), ..Policy::default() };
    for (channel, language, policy, expected) in [
        (None, json!(null), &Policy::default(), "default"),
        (Some(Channel::Telegram), json!("de-AT"), &Policy::default(), "telegram de"),
        (Some(Channel::Telegram), json!("DE_at"), &Policy::default(), "telegram de"),
        (Some(Channel::Telegram), json!("fr"), &Policy::default(), "telegram"),
        (Some(Channel::Sms), json!("de-Latn-CH"), &Policy::default(), "de"),
        (Some(Channel::Sms), json!("en"), &Policy::default(), "sms"),
        (Some(Channel::Slack), json!("pt-BR"), &Policy::default(), "pt-BR"),
        (Some(Channel::Slack), json!("pt"), &Policy::default(), "default"),
        (Some(Channel::Slack), json!(null), &german, "de"),
        (Some(Channel::Slack), json!(7), &german, "de"),
        (Some(Channel::Slack), json!("en"), &german, "default"),
    ] {
        let preferences = facts(json!({"language": language}));
        let said = say(&text("default"), &variants, channel, &Reader::new(Some(&preferences), None, policy, NOW));
        assert_eq!(said.spans, [Span::Words(expected.to_owned())], "{channel:?} {language}");
    }
}

#[test]
fn values_are_bounded_and_a_cut_is_marked() {
    let known = facts(json!({"a": "x".repeat(40_000), "b": "y".repeat(40_000)}));
    let fact = |name: &str| Part::Fact { name: name.to_owned(), fallback: "none".to_owned(), kind: ValueKind::Data };
    let policy = Policy::default();
    let said = say(&[fact("a"), fact("b"), Part::Words("end".into())], &[], None, &Reader::new(None, Some(&known), &policy, NOW));
    let chars: usize = said.spans.iter().map(|span| if let Span::Value { text, .. } = span { text.len() } else { 0 }).sum();
    assert_eq!((chars, said.cut, said.spans.last()), (MAX_TEXT_CHARS, true, Some(&Span::Words("end".into()))));
    assert_eq!(render(&said.spans, Some(Channel::Web)).format, Format::Html);
}
