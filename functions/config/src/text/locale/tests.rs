//! Compares the output with Node's ICU (`golden.tsv`) and with the data itself.

use super::*;
use crate::time::{Timestamp, Zone};
use proptest::prelude::*;
use std::collections::BTreeSet;

static GOLDEN: &str = include_str!("golden.tsv");

fn named(tag: &str) -> Locale {
    Locale::named(tag).unwrap_or_else(|| panic!("{tag} is known"))
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap_or_else(|| panic!("{text} is a number"))
}

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn date(locale: Locale, input: &str, style: DateStyle) -> String {
    let (at, zone) = input.split_once(' ').unwrap();
    locale.date(Timestamp::parse_rfc3339(at).unwrap(), &Zone::named(zone).unwrap(), style)
}

/// Rows in which our data is newer than Node's: CLDR 48.2 changed the group separator of Swiss French and the Korean
/// day periods.
const NEWER: [(&str, &str); 4] = [("fr-CH", "money"), ("fr-CH", "number"), ("ko", "datetime"), ("ko", "time")];

/// Our output for one input of a golden row.
fn printed(locale: Locale, kind: &str, input: &str) -> String {
    match kind {
        "number" => locale.number(&decimal(input)),
        "money" | "symbols" => {
            let (amount, code) = input.split_once(' ').unwrap();
            locale.money(&decimal(amount), currency(code))
        }
        "plural" => locale.plural(&decimal(input)).to_string(),
        // V8 prints a space where CLDR has a narrow no-break space in times.
        style => date(locale, input, DateStyle::parse(style).unwrap()).replace('\u{202f}', " "),
    }
}

#[test]
fn numbers_money_dates_and_plurals_are_what_icu_prints() {
    let rows = || GOLDEN.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let inputs = |kind: &str| rows().find(|row| row[0] == "!" && row[1] == kind).unwrap_or_else(|| panic!("inputs of {kind}"));
    let (mut compared, mut newer, mut wrong) = (0, BTreeSet::new(), Vec::new());
    for row in rows().filter(|row| row[0] != "!" && !row[0].starts_with('#')) {
        let (tag, kind) = (row[0], row[1]);
        let inputs = inputs(kind);
        assert_eq!(inputs.len(), row.len(), "{row:?}");
        for (input, expected) in inputs.iter().zip(&row).skip(2) {
            compared += 1;
            let seen = printed(named(tag), kind, input);
            if seen == *expected {
                continue;
            }
            if NEWER.contains(&(tag, kind)) {
                newer.insert((tag, kind));
            } else {
                wrong.push(format!("{tag} {kind} {input}: {seen:?}, ICU has {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 4_000, "{compared}");
    assert_eq!(newer, BTreeSet::from(NEWER), "Node's data was updated: remove the rows without a difference");
}

#[test]
fn decimals_of_currencies_are_those_of_iso_4217() {
    let row = GOLDEN.lines().find_map(|line| line.strip_prefix("!\tminor\t")).unwrap();
    for (code, minor) in row.split('\t').map(|cell| cell.split_once(' ').unwrap()) {
        assert_eq!(currency(code).minor().to_string(), minor, "{code}");
    }
    for none in ["", "EU", "EURO", "€", "E1R", "eu ", "ÄÖ"] {
        assert_eq!(Currency::parse(none), None, "{none}");
    }
    assert_eq!(currency("eur").code(), "EUR");
}

#[test]
fn a_language_is_found_by_the_names_that_platforms_use() {
    for (name, tag) in [
        ("de", "de"),
        ("de-DE", "de"),
        ("de_AT", "de-AT"),
        ("DE-at", "de-AT"),
        ("en-US", "en"),
        ("en_US.UTF-8", "en"),
        ("en-AU", "en-AU"),
        ("en-CY", "en-001"),
        ("es-AR", "es-AR"),
        ("es-ES", "es"),
        ("es_LA", "es-419"), // Facebook's Latin America
        ("pt-br", "pt"),
        ("pt-PT", "pt-PT"),
        ("no", "nb"),
        ("nn-NO", "nb"),
        ("iw", "he"),
        ("in-ID", "id"),
        ("zh-CN", "zh"),
        ("zh-hans", "zh"),
        ("zh-Hans-HK", "zh"),
        ("zh-TW", "zh-Hant"),
        ("zh_HK", "zh-Hant-HK"),
        ("zh-Hant-SG", "zh-Hant"),
        ("sr-ME", "sr-Latn-ME"),
        ("sr-Cyrl-ME", "sr"),
        ("fr-x-twain", "fr"),
        ("de-DE-u-co-phonebk", "de"),
        ("ca-ES-valencia", "ca"),
    ] {
        assert_eq!(Locale::named(name).map(Locale::tag), Some(tag), "{name}");
    }
    for unknown in ["", "-", "d", "deutsch", "German", "tlh", "x-klingon", "ru-Latn", "de.", "12", "日本語", "ht"] {
        let found = Locale::named(unknown).map(Locale::tag);
        assert_eq!(found, (unknown == "de.").then_some("de"), "{unknown}");
    }
}

#[test]
fn every_language_has_every_line_that_is_read() {
    assert!(Locale::all().count() > 200);
    for locale in Locale::all() {
        assert_eq!(Locale::named(locale.tag()), Some(locale));
        for (key, count) in
            [("script", 1), ("decimal", 1), ("group", 1), ("minus", 1), ("months", 12), ("days", 7), ("datetime", 1)]
        {
            let line = locale.line(key);
            assert!(line.split('\t').filter(|name| !name.is_empty()).count() == count, "{}: {key} {line:?}", locale.tag());
        }
        for key in ["number", "money"] {
            assert!(locale.line(key).contains("##0."), "{}: {key}", locale.tag());
        }
        assert!(matches!(locale.line("min-grouping"), "1" | "2" | "3"), "{}", locale.tag());
        assert_ne!(locale.line("decimal"), locale.line("group"), "{}", locale.tag());
        assert_ne!(locale.line("money-decimal"), locale.line("money-group"), "{}", locale.tag());
        for style in DateStyle::ALL {
            // A month or day without a name would leave a trailing or doubled space.
            let text = date(locale, "2026-09-17T10:05:00Z Europe/Berlin", *style);
            assert!(
                !text.is_empty() && text.trim() == text && !text.contains("  ") && !text.contains(['{', '}', '\'']),
                "{}: {text}",
                locale.tag()
            );
        }
    }
}

#[test]
fn every_plural_rule_is_understood() {
    for locale in Locale::all() {
        for category in locale.plurals().filter(|category| *category != PluralCategory::Other) {
            let rule = locale.line(&format!("plural-{category}"));
            for relation in rule.split(" or ").flat_map(|all| all.split(" and ")) {
                assert!(plural::holds(relation, decimal("1.5")).is_some(), "{}: {relation}", locale.tag());
            }
        }
    }
    let of = |tag: &str| named(tag).plurals().map(PluralCategory::as_str).collect::<Vec<_>>().join(" ");
    assert_eq!(of("en"), "one other");
    assert_eq!(of("pl"), "one few many other");
    assert_eq!(of("ar"), "zero one two few many other");
    assert_eq!(of("ja"), "other");
}

#[test]
fn an_amount_shows_the_currencys_decimals_and_its_own() {
    let de = named("de");
    for (amount, code, text) in [
        ("19.9", "EUR", "19,90\u{a0}€"),
        ("20", "eur", "20,00\u{a0}€"),
        ("19.9000", "EUR", "19,90\u{a0}€"),
        ("0.0035", "EUR", "0,0035\u{a0}€"),
        ("1999.00", "JPY", "1.999\u{a0}¥"),
        ("10.5", "JPY", "10,5\u{a0}¥"),
        ("1", "KWD", "1,000\u{a0}KWD"),
        ("-0.00", "EUR", "0,00\u{a0}€"),
        ("5", "CVE", "5,00\u{a0}CVE"),
        ("1e-10", "ZZZ", "0,0000000001\u{a0}ZZZ"),
        ("12345678901234567890123456789012345678", "EUR", "12.345.678.901.234.567.890.123.456.789.012.345.678,00\u{a0}€"),
    ] {
        assert_eq!(de.money(&decimal(amount), currency(code)), text, "{amount} {code}");
    }
    assert_eq!(named("de-AT").money(&decimal("-1234.5"), currency("EUR")), "-€\u{a0}1.234,50");
    assert_eq!(named("de-CH").money(&decimal("-1234.5"), currency("CHF")), "CHF-1'234.50");
    assert_eq!(named("en").money(&decimal("-5"), currency("CHF")), "-CHF\u{a0}5.00");
}

#[test]
fn a_date_is_that_of_the_zone_on_both_sides_of_a_clock_change() {
    let de = named("de");
    for (at, text) in [
        ("2026-10-25T00:30:00Z Europe/Berlin", "25.10.2026, 02:30"),
        ("2026-10-25T01:30:00Z Europe/Berlin", "25.10.2026, 02:30"),
        ("2026-03-29T00:59:59Z Europe/Berlin", "29.03.2026, 01:59"),
        ("2026-03-29T01:00:00Z Europe/Berlin", "29.03.2026, 03:00"),
        ("2026-12-31T23:30:00Z Europe/Berlin", "01.01.2027, 00:30"),
        ("2026-12-31T23:30:00Z Asia/Kolkata", "01.01.2027, 05:00"),
    ] {
        assert_eq!(date(de, at, DateStyle::Datetime), text, "{at}");
    }
    let en = |at| date(named("en"), at, DateStyle::Time);
    assert_eq!(en("2026-05-01T00:00:00Z UTC"), "12:00\u{202f}AM");
    assert_eq!(en("2026-05-01T12:00:00Z UTC"), "12:00\u{202f}PM");
    assert_eq!(en("2026-05-01T23:59:00Z UTC"), "11:59\u{202f}PM");
}

#[test]
fn a_time_outside_the_calendar_is_still_printed() {
    let utc = Zone::named("UTC").unwrap();
    for ms in [i64::MIN, i64::MAX] {
        let at = Timestamp::from_unix_ms(ms);
        assert_eq!(named("de").date(at, &utc, DateStyle::Full), at.to_string());
    }
}

/// Parses with the language's separators alone. Anything else except digits is a symbol, a space or a word.
fn read_back(text: &str, decimal: &str, group: &str, minus: &str) -> String {
    let sign = if text.contains(minus) { "-" } else { "" };
    // A symbol may have a dot that isn't between digits.
    let start = text.find(|c: char| c.is_ascii_digit()).unwrap();
    let end = text.rfind(|c: char| c.is_ascii_digit()).unwrap() + 1;
    format!("{sign}{}", text[start..end].replace(group, "").replace(decimal, "."))
}

fn locales() -> impl Strategy<Value = Locale> {
    proptest::sample::select(Locale::all().collect::<Vec<_>>())
}

/// A number's text without leading zeros.
fn numbers() -> impl Strategy<Value = String> {
    ("-?", "0|[1-9][0-9]{0,24}", "(\\.[0-9]{0,12}[1-9])?").prop_map(|(sign, whole, fraction)| format!("{sign}{whole}{fraction}"))
}

proptest! {
    #[test]
    fn a_printed_number_parses_back_to_the_same_digits(locale in locales(), text in numbers(), code in "[A-Z]{3}|EUR|USD|JPY|KWD") {
        let value = decimal(&text);
        let minus = locale.line("minus");
        let number = read_back(&locale.number(&value), locale.line("decimal"), locale.line("group"), minus);
        prop_assert_eq!(number, value.to_string());

        let money = locale.money(&value, currency(&code));
        let read = decimal(&read_back(&money, locale.line("money-decimal"), locale.line("money-group"), minus));
        let least = currency(&code).minor();
        let (shown, sent) = (read.fraction_digits(), value.fraction_digits());
        prop_assert_eq!((read.whole(), read.is_negative()), (value.whole(), value.is_negative()), "{}", money);
        prop_assert_eq!(shown.trim_end_matches('0'), sent.as_str(), "{}", money);
        prop_assert_eq!(shown.len(), sent.len().max(usize::try_from(least).unwrap()), "{}", money);
    }

    #[test]
    fn no_tag_number_or_time_panics(
        locale in locales(), text in ".{0,40}", number in "[-+0-9.eE]{0,50}", ms in any::<i64>(), decimals in any::<u32>()
    ) {
        let _ = Locale::named(&text);
        let _ = Currency::parse(&text);
        if let Some(value) = Decimal::parse(&number) {
            for value in [value, value.rounded(decimals), value.rounded(2)] {
                let _ = (locale.number(&value), locale.plural(&value), locale.money(&value, currency("EUR")));
            }
        }
        for style in DateStyle::ALL {
            let _ = locale.date(Timestamp::from_unix_ms(ms), &Zone::named("Asia/Tokyo").unwrap(), *style);
        }
    }
}
