//! Numbers compute and compare in every notation.

use super::value;
use serde_json::{Value, json};
use std::cmp::Ordering;
use tidings_expressions::{Expression, Scope, Variables};

fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_price_computes_whether_it_is_round_or_not() {
    for (price, with_tax) in
        [("10", 11.9), ("10.0", 11.9), ("10.00", 11.9), ("1e1", 11.9), ("2.5", 2.975), ("19.90", 23.681), ("0", 0.0)]
    {
        let with = |text: &str| value(text, &json!({"price": number(price)})).unwrap().as_f64().unwrap();
        for text in ["data.price * 1.19", "1.19 * data.price"] {
            assert!((with(text) - with_tax).abs() < 1e-9, "{text} of {price}: {}", with(text));
        }
    }
}

#[test]
fn numbers_of_different_types_compute() {
    let data = json!({
        "i": 10, "f": 2.5, "whole": 4.0, "zero": 0, "point": 0.0, "u": u64::MAX, "min": i64::MIN,
        "exact": number("340282366920938463463374607431768211455"), "long": number("0.1000000000000000000001"),
    });
    for (text, expected) in [
        ("data.i + data.f", json!(12.5)),
        ("data.f + data.i", json!(12.5)),
        ("data.i - data.f", json!(7.5)),
        ("data.f - 1u", json!(1.5)),
        ("data.i * data.whole", json!(40.0)),
        ("data.i / data.whole", json!(2.5)),
        ("data.whole / data.i", json!(0.4)),
        ("data.i / 4", json!(2)),
        ("data.i / 4u", json!(2)),
        ("data.i + 4u", json!(14)),
        ("3u - data.i", json!(-7)),
        // Whole numbers stay whole and exact: no double holds these.
        ("data.u - 1", json!(u64::MAX - 1)),
        ("data.u / 10", json!(u64::MAX / 10)),
        ("data.u + data.min", json!(i64::MAX)),
        ("data.u % 10", json!(5)),
        ("data.u + 0.0", json!(u64::MAX as f64)),
        ("data.long * 10", json!(1.0)),
        ("data.long + data.i", json!(10.1)),
        ("data.exact / 2 > 1", json!(true)),
        ("data.i % 3", json!(1)),
        ("data.i % data.whole", json!(2)),
        ("data.whole % 3", json!(1)),
        ("data.whole % 3.0", json!(1)),
        ("-7 % 4.0", json!(-3)),
        ("data.i % 4u", json!(2)),
        ("-data.f + 1", json!(-1.5)),
        ("[10, 2.5, 3u].map(x, x * 2)", json!([20, 5.0, 6])),
    ] {
        assert_eq!(value(text, &data), Ok(expected), "{text}");
    }
    for (text, said) in [
        ("data.i / data.zero", "a division by zero"),
        ("data.f / data.zero", "a division by zero"),
        ("data.i / data.point", "a division by zero"),
        ("data.i % data.point", "a division by zero"),
        ("data.whole % 0.0", "a division by zero"),
        ("data.i / 0u", "a division by zero"),
        ("9223372036854775807 + 1", "an overflow in add"),
        ("data.u + 1", "an overflow in add"),
        ("data.u * -2", "an overflow in mul"),
        ("data.min - 1u", "an overflow in sub"),
        ("data.u * data.u", "an overflow in mul"),
        ("1e308 * 10", "a number that is not finite"),
        ("data.f % 2", "can't rem double and int"),
        ("data.exact % 2", "can't rem double and int"),
        ("data.i + '1'", "can't add int and string"),
        ("data.i * true", "can't mul int and bool"),
    ] {
        assert_eq!(value(text, &data), Err(said.to_owned()), "{text}");
    }
}

/// Ascending. Those of one line are one number, however they are written.
const ORDERED: &[&[&str]] = &[
    &["-1e400"],
    &["-340282366920938463463374607431768211456"],
    &["-9223372036854777856", "-9223372036854777856.0"],
    &["-9223372036854775809"],
    &["-9223372036854775808", "-9223372036854775808.0"],
    &["-9223372036854775807"],
    &["-9007199254740993", "-9007199254740993.0"],
    &["-9007199254740992", "-9007199254740992.0"],
    &["-2.5", "-2.50"],
    &["-2", "-2.0"],
    &["-1e-400"],
    &["0", "-0", "0.0", "-0.0", "0e9", "0.00"],
    &["5e-324"],
    &["0.1", "0.10", "1e-1"],
    &["0.1000000000000000000001"],
    &["0.1000000000000000055511151231257827"],
    &["1", "1.0", "10e-1"],
    &["1.0000000000000002"],
    &["10", "10.0", "1e1", "10.00"],
    &["10.5", "1.05e1"],
    &["9007199254740991", "9007199254740991.0"],
    &["9007199254740992", "9007199254740992.0"],
    &["9007199254740992.5"],
    &["9007199254740993", "9007199254740993.0"],
    &["9007199254740994", "9007199254740994.0"],
    &["9223372036854775806"],
    &["9223372036854775807", "9223372036854775807.0"],
    &["9223372036854775808", "9223372036854775808.0"],
    &["9223372036854775809"],
    &["9223372036854776000.0", "9223372036854776000", "9.223372036854776e18"],
    &["18446744073709551614"],
    &["18446744073709551615", "18446744073709551615.0"],
    &["18446744073709551616", "18446744073709551616.0"],
    &["18446744073709552000.0"],
    &["99999999999999991611392", "99999999999999991611392.0"],
    &["1e23", "100000000000000000000000"],
    &["340282366920938463463374607431768211455"],
    &["340282366920938463463374607431768211456"],
    &["1e308"],
    &["1e400"],
];

#[test]
fn numbers_are_compared_as_the_decimals_that_were_sent() {
    let compare = Expression::parse(
        "[data.a < data.b, data.a <= data.b, data.a == data.b, data.a != data.b, data.a >= data.b, data.a > data.b, \
         data.a in [data.b], {'k': data.a} == {'k': data.b}, optional.of(data.a) == optional.of(data.b)]",
        Scope::Event,
    )
    .unwrap();
    let holds = |a: &str, b: &str, order: Ordering| {
        let data = json!({"a": number(a), "b": number(b)});
        let same = order.is_eq();
        let expected = [order.is_lt(), order.is_le(), same, !same, order.is_ge(), order.is_gt(), same, same, same];
        assert_eq!(compare.evaluate(&Variables::of_event(&data, &json!({}))), Ok(json!(expected)), "{a} {b}");
    };
    for (n, left) in ORDERED.iter().enumerate() {
        for (m, right) in ORDERED.iter().enumerate() {
            for (a, b) in left.iter().flat_map(|a| right.iter().map(move |b| (a, b))) {
                holds(a, b, n.cmp(&m));
            }
        }
    }
    // Whole numbers around the places where doubles begin to be apart, in both spellings.
    let mut random = fastrand::Rng::with_seed(12);
    for _ in 0..2_000 {
        let near = |random: &mut fastrand::Rng| {
            let around = random.choice([0_i128, 1 << 53, -(1 << 53), 1 << 62, 1 << 63, -(1 << 63), 1 << 64, 1 << 70]).unwrap();
            around + random.i128(-3..=3) * random.choice([1, 1_024]).unwrap()
        };
        let (a, b) = (near(&mut random), near(&mut random));
        let spell = |n: i128, random: &mut fastrand::Rng| format!("{n}{}", random.choice(["", ".0", ".00", "e0"]).unwrap());
        holds(&spell(a, &mut random), &spell(b, &mut random), a.cmp(&b));
        let halves = |n: i128| format!("{n}.5");
        holds(&halves(a.abs()), &spell(b.abs(), &mut random), (2 * a.abs() + 1).cmp(&(2 * b.abs())));
    }
}

#[test]
fn the_literals_of_an_expression_compare_without_rounding() {
    let data = json!({"max": i64::MAX, "odd": 9_007_199_254_740_993_i64, "u": u64::MAX});
    for text in [
        "data.odd > 9007199254740992.0",
        "data.odd != 9007199254740992.0",
        "data.odd == 9007199254740993",
        "data.max < 9223372036854775808.0",
        "9223372036854775808.0 == 9223372036854775808u",
        "data.u < 18446744073709551616.0",
        "data.u < 1.0 / 0.0 && data.max > -1.0 / 0.0",
        "data.max != 0.0 / 0.0",
        "-0.5 < 0 && 0 > -0.5 && 0u < 0.5 && 1 > 0.5 && 3u == 3.0 && 3 == 3u",
    ] {
        assert_eq!(value(text, &data), Ok(json!(true)), "{text}");
    }
    assert!(value("data.max < 0.0 / 0.0", &data).unwrap_err().contains("can't compare"));
}

#[test]
fn a_whole_number_in_any_notation_is_a_key_and_an_index() {
    let data = json!({
        "l": ["a", "b", "c"], "two": 2.0, "spelled": number("2.00"), "power": number("2e0"), "half": 0.5,
        "odd": number("9007199254740993.0"), "min": number("-9223372036854775808.0"), "max": number("18446744073709551615.0"),
    });
    for (text, expected) in [
        ("[data.l[data.two], data.l[data.spelled], data.l[data.power]]", json!(["c", "c", "c"])),
        ("{2: 'x'}[data.two] + {2u: 'y'}[data.spelled]", json!("xy")),
        ("data.two in {2: 1} && data.spelled in {2u: 1} && !(data.half in {0: 1})", json!(true)),
        ("{9007199254740993: 'x', 9007199254740992: 'y'}[data.odd]", json!("x")),
        ("data.odd in {9007199254740993: 1} && !(data.odd in {9007199254740992: 1})", json!(true)),
        ("data.min in {-9223372036854775808: 1} && data.max in {18446744073709551615u: 1}", json!(true)),
        ("9007199254740992.0 in {9007199254740993: 1}", json!(false)),
    ] {
        assert_eq!(value(text, &data), Ok(expected), "{text}");
    }
    assert!(value("[1][data.half]", &data).is_err());
}

#[test]
fn a_number_that_is_passed_on_keeps_its_notation() {
    for (sent, handed_on, text) in [
        ("10.0", "10.0", "10"),
        ("10", "10", "10"),
        ("19.90", "19.90", "19.90"),
        ("1.10", "1.10", "1.10"),
        ("10.00", "10.00", "10"),
        ("1e3", "1000.0", "1000"),
        ("-0.50", "-0.50", "-0.50"),
        (
            "340282366920938463463374607431768211455",
            "340282366920938463463374607431768211455",
            "340282366920938463463374607431768211455",
        ),
    ] {
        let data = json!({"n": number(sent), "o": {"n": number(sent)}});
        assert_eq!(value("data.n", &data).unwrap().to_string(), handed_on, "{sent}");
        assert_eq!(value("data.?n", &data).unwrap().to_string(), handed_on, "{sent}");
        assert_eq!(value("[data.o.n]", &data).unwrap().to_string(), format!("[{handed_on}]"), "{sent}");
        assert_eq!(value("string(data.n)", &data), Ok(json!(text)), "{sent}");
    }
    assert_eq!(value("double('19.90') * 2", &json!({})), Ok(json!(39.8)));
    assert_eq!(value("int(double('2.0'))", &json!({})), Ok(json!(2)));
    assert!(value("int('2.0')", &json!({})).is_err(), "as CEL has it: a text of digits");
}
