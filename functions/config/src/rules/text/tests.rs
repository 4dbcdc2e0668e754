use super::*;
use crate::text::locale::{DateStyle, PluralCategory};

fn parts(text: &str) -> Vec<TextPart> {
    text.parse::<Text>().unwrap_or_else(|what| panic!("{text}: {what}")).parts
}

fn words(words: &str) -> TextPart {
    TextPart::Words(words.to_owned())
}

fn expression(text: &str) -> Source {
    Source::Expression(text.to_owned())
}

fn value(text: &str, kind: Option<ValueKind>, fallback: Option<&str>) -> TextPart {
    TextPart::Place(TextPlace { what: What::Value { of: expression(text), kind }, fallback: fallback.map(str::to_owned) })
}

fn data(text: &str) -> TextPart {
    value(text, None, None)
}

fn fact(name: &str, fallback: &str) -> TextPart {
    let of = Source::Fact(name.to_owned());
    TextPart::Place(TextPlace { what: What::Value { of, kind: None }, fallback: Some(fallback.to_owned()) })
}

fn form(form: Form<Source, Vec<TextPart>>, fallback: Option<&str>) -> TextPart {
    TextPart::Place(TextPlace { what: What::Form(Box::new(form)), fallback: fallback.map(str::to_owned) })
}

/// As CommonMark would show it, with `<b>`, `<i>` and `<c>`.
fn shown(parts: &[TextPart]) -> String {
    let style = |style: &Style| match style {
        Style::Strong => "b",
        Style::Emphasis => "i",
        Style::Code => "c",
    };
    parts
        .iter()
        .map(|part| match part {
            TextPart::Words(words) => words.clone(),
            TextPart::Place(_) => "()".to_owned(),
            TextPart::Open(opened) => format!("<{}>", style(opened)),
            TextPart::Close(closed) => format!("</{}>", style(closed)),
            TextPart::Link { label, to } => format!("<a {}>{}</a>", shown(to), shown(label)),
            TextPart::Count => "#".to_owned(),
        })
        .collect()
}

#[test]
fn a_text_is_words_values_and_facts() {
    let text: Text = "Order {data.order.id} is with {facts.carrier|our carrier} {{for now}}.".parse().unwrap();
    let expected =
        [words("Order "), data("data.order.id"), words(" is with "), fact("carrier", "our carrier"), words(" {for now}.")];
    assert_eq!(text.parts(), expected);
    assert_eq!(text.facts().collect::<Vec<_>>(), ["carrier"]);
    assert_eq!(text.to_string().parse(), Ok(text));
}

#[test]
fn markup_follows_commonmark_and_the_rest_is_words() {
    for (text, expected) in [
        ("**bold** _italic_ `code`", "<b>bold</b> <i>italic</i> <c>code</c>"),
        ("snake_case_name and 5 * 3 ** 2", "snake_case_name and 5 * 3 ** 2"),
        ("_a_b_ and a_ b_", "<i>a_b</i> and a_ b_"),
        ("**{data.id}** of {data.x}_{data.y}", "<b>()</b> of ()_()"),
        ("_{data.id}_, in**side**", "<i>()</i>, in<b>side</b>"),
        ("**a _b_ c**", "<b>a <i>b</i> c</b>"),
        ("**a _b** c_", "<b>a _b</b> c_"),
        ("**open and _open", "**open and _open"),
        ("** no ** and _ no _", "** no ** and _ no _"),
        ("*single* and __double__ and ***three***", "*single* and __double__ and ***three***"),
        ("**a **b** c**", "<b>a b c</b>"),
        ("\\*\\*no\\*\\* \\_no\\_ \\`no\\` \\[no](x) C:\\dir \\{x\\}", "**no** _no_ `no` [no](x) C:\\dir {x}"),
        ("`a * b_c_ {data.id}` ``two ` in`` `open", "<c>a * b_c_ ()</c> <c>two ` in</c> `open"),
        ("(1-2 days)! #1 > 0", "(1-2 days)! #1 > 0"),
        ("two\nlines", "two\nlines"),
        ("https://a.example/x_y_z?a=*b* stays", "https://a.example/x_y_z?a=*b* stays"),
        ("[Pay **now**]({data.url})!", "<a ()>Pay <b>now</b></a>!"),
        ("[{data.id}](https://a.example/{data.id}?x=(1))", "<a https://a.example/()?x=(1)>()</a>"),
        ("[Mail](mailto:a@b.example) [Call](tel:+49171)", "<a mailto:a@b.example>Mail</a> <a tel:+49171>Call</a>"),
        ("[not a link] (really), [x], a[0]", "[not a link] (really), [x], a[0]"),
        ("**[a](https://a.example) b**", "<b><a https://a.example>a</a> b</b>"),
        ("_„Hallo“_ _привет_", "<i>„Hallo“</i> <i>привет</i>"),
    ] {
        assert_eq!(shown(&parts(text)), expected, "{text}");
    }
}

#[test]
fn a_placeholder_ends_at_its_own_brace_and_its_bar_is_not_cel() {
    for (text, expected) in [
        ("{data.carrier|our carrier}", value("data.carrier", None, Some("our carrier"))),
        ("{ data.carrier | the customer's }", value("data.carrier", None, Some("the customer's"))),
        ("{data.carrier|}", value("data.carrier", None, Some(""))),
        ("{data.a == 1 || data.b == 2 ? 'x|y' : '}'}", data("data.a == 1 || data.b == 2 ? 'x|y' : '}'")),
        ("{ {'a': 'one', 'b': 'two'}[data.key] |none}", value("{'a': 'one', 'b': 'two'}[data.key]", None, Some("none"))),
        ("{data.list.filter(x, x == 'a' || x == \"|\")[0]}", data("data.list.filter(x, x == 'a' || x == \"|\")[0]")),
        ("{'it\\'s }'}", data("'it\\'s }'")),
        ("{data.x|a \\} b}", value("data.x", None, Some("a } b"))),
        ("{data.customer.name}", data("data.customer.name")),
        ("{plain(data.id)}", value("data.id", Some(ValueKind::Prose), None)),
        ("{exact(data.file.name)|none}", value("data.file.name", Some(ValueKind::Data), Some("none"))),
    ] {
        assert_eq!(parts(text), [expected], "{text}");
    }
}

#[test]
fn functions_are_parsed_with_their_arguments() {
    let e = expression;
    for (text, expected) in [
        (
            "{money(data.amount, data.currency)}",
            form(Form::Money { amount: e("data.amount"), currency: e("data.currency") }, None),
        ),
        ("{minor(1999, 'eur')|free}", form(Form::Minor { amount: e("1999"), currency: e("'eur'") }, Some("free"))),
        ("{number(data.n)}", form(Form::Number(e("data.n")), None)),
        ("{date(data.at, 'short')}", form(Form::Date { at: e("data.at"), style: DateStyle::Short, zone: None }, None)),
        (
            "{date(data.at, \"datetime\", 'Europe/Berlin')}",
            form(Form::Date { at: e("data.at"), style: DateStyle::Datetime, zone: Some(e("'Europe/Berlin'")) }, None),
        ),
        (
            "{money(facts.total, facts.currency)|an amount}",
            form(
                Form::Money { amount: Source::Fact("total".into()), currency: Source::Fact("currency".into()) },
                Some("an amount"),
            ),
        ),
    ] {
        assert_eq!(parts(text), [expected], "{text}");
    }
    let plural = parts("{plural(size(data.list), {'one': '**#** parcel', 'other': '**#** of {data.n}, it\\'s'})}");
    let strong = |rest: Vec<TextPart>| {
        [vec![TextPart::Open(Style::Strong), TextPart::Count, TextPart::Close(Style::Strong)], rest].concat()
    };
    let forms = vec![
        (PluralCategory::One, strong(vec![words(" parcel")])),
        (PluralCategory::Other, strong(vec![words(" of "), data("data.n"), words(", it's")])),
    ];
    assert_eq!(plural, [form(Form::Plural { number: e("size(data.list)"), forms }, None)]);
    let all: Text = "[x]({data.url}) {plural(facts.n, {'other': '{data.n|0}'})|none}".parse().unwrap();
    let sources: Vec<(Source, bool)> = all.sources().into_iter().map(|(source, has)| (source.clone(), has)).collect();
    assert_eq!(sources, [(e("data.url"), false), (Source::Fact("n".into()), true), (e("data.n"), true)]);
}

#[test]
fn an_invalid_text_is_refused() {
    for (bad, said) in [
        ("", "an empty text"),
        ("a {b", "a { without its }"),
        ("a } b", "a } without its {"),
        ("{}", "an empty {}"),
        ("{|x}", "an empty {}"),
        ("{data.a|b", "a { without its }"),
        ("{facts.carrier}", "as {facts.carrier|soon}"),
        ("{number(facts.n)}", "as {number(facts.n)|soon}"),
        ("[Pay now](", "a link without its )"),
        ("[Pay now]()", "a link without an address"),
        ("[](https://a.example)", "a link without a label"),
        ("[Pay](www.a.example)", "begins with https://"),
        ("[Pay](javascript:alert)", "begins with https://"),
        ("[Pay](https://a.example \"title\")", "contains no space"),
        ("[Pay](/pay/{data.id})", "begins with https://"),
        ("[Pay](https://a.example/{money(data.a, 'eur')})", "takes only plain values"),
        ("{money(data.amount)}", "takes an amount and a currency; write it as {money(data.amount, data.currency)}"),
        ("{money('ten', 'eur')}", "\"ten\" isn't a number"),
        ("{money(1, 'euro')}", "\"euro\" isn't a currency"),
        ("{date(data.at)}", "takes a time, a style and optionally a zone"),
        ("{date(data.at, data.style)}", "in quotes"),
        ("{date(data.at, 'tiny')}", "unknown style \"tiny\" of a date, allowed: short, medium, long, full, time, datetime"),
        ("{date(data.at, 'short', 'Europe/Atlantis')}", "unknown time zone"),
        ("{plural(data.n, {'one': 'x'})}", "needs the form 'other'"),
        ("{plural(data.n, {'single': 'x', 'other': 'y'})}", "unknown form \"single\" of a plural, allowed: zero, one"),
        ("{plural(data.n, {'other': 'x', 'other': 'y'})}", "twice"),
        ("{plural(data.n, 'x')}", "a map of texts in quotes"),
        ("{plural(data.n, {'other': '{plural(data.n, {\"other\": \"x\"})}'})}", "a plural inside a form of a plural"),
        ("{plain(data.a, data.b)}", "takes one value"),
        ("{'for ' + money(data.amount, 'eur')}", "money(…) inside an expression"),
    ] {
        let what = bad.parse::<Text>().unwrap_err();
        assert!(what.contains(said), "{bad}: {what}");
    }
}

#[test]
fn a_path_has_no_markup_no_facts_and_no_fallback() {
    let path: FetchPath = "a_b_c/{data.id}/**x**?e={{}}".parse().unwrap();
    let words = |words: &str| PathPart::Words(words.to_owned());
    assert_eq!(path.parts(), [words("a_b_c/"), PathPart::Value("data.id".to_owned()), words("/**x**?e={}")]);
    for (bad, said) in [("", "an empty path"), ("{facts.id|x}", "never a fact"), ("{data.id|x}", "can't have a fallback")] {
        assert!(bad.parse::<FetchPath>().unwrap_err().contains(said), "{bad}");
    }
}

#[test]
fn a_language_is_read_in_any_case() {
    for (tag, expected) in [("DE", "de"), ("pt_br", "pt-BR"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419"), ("gsw", "gsw")]
    {
        assert_eq!(language_tag(tag).as_deref(), Some(expected));
    }
    for none in ["", "d", "deutsch", "whatsap", "de-", "de-A", "d3", "de-ABCDEFGHI"] {
        assert_eq!(language_tag(none), None, "{none}");
    }
}

#[test]
fn prose_in_a_fact_is_recognised_by_its_name_or_its_origin() {
    use crate::text::Part;
    let text: Text =
        "{facts.carrier|a} {facts.title|b} {exact(facts.topic)|c} {data.note} {data.url} {plain(data.id)}".parse().unwrap();
    let mut texts = Texts::from(text);
    texts.mark_prose(&["carrier", "topic", "other"].map(str::to_owned).into());
    assert_eq!(texts.prose, ["carrier", "topic"].map(str::to_owned).into());
    let values = &mut |_: &str, _: bool| Ok::<_, String>(Some(Given { text: "v".to_owned(), cut: false, computed: false }));
    let parts = texts.store(&texts.default, values).unwrap();
    let kind = |part: &Part| match part {
        Part::Fact { kind, .. } => Some(*kind),
        Part::Value(_) => Some(ValueKind::Prose),
        Part::Data(_) => Some(ValueKind::Data),
        Part::Words(_) | Part::Open(_) | Part::Close(_) | Part::Link { .. } | Part::Form { .. } | Part::Count | Part::Cut => None,
    };
    let (prose, data) = (ValueKind::Prose, ValueKind::Data);
    assert_eq!(parts.iter().filter_map(kind).collect::<Vec<_>>(), [prose, prose, data, prose, data, prose]);
}
