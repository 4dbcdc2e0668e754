//! Measures the allocations of expressions for hostile payloads. The test is alone in its process, because it counts all threads.

#[path = "expressions/random.rs"]
mod random;

use peak_alloc::PeakAlloc;
use random::Random;
use serde_json::{Value, json};
use tidings_config::limits::{MAX_EXPRESSION_WORK, MAX_LOOP_ITEMS, MAX_MATCHER_BYTES, MAX_MESSAGE_BYTES};
use tidings_expressions::{Expression, Scope, Variables};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// Of one evaluation: all that it may make, twice while a value is copied to where it stays, and what matching remembers, forwards
/// and backwards.
const MOST: usize = 2 * (MAX_EXPRESSION_WORK as usize) + 4 * MAX_MATCHER_BYTES;

/// A message of the largest size, in the fields that the random expressions use.
fn hostile(variant: u64) -> Value {
    let mut data = json!({
        "s": "", "t": "b".repeat(60_000), "a": "a", "b": "b".repeat(90_000), "sep": "-".repeat(60_000), "n": 5, "min": i64::MIN,
        "big": u64::MAX, "f": 2.5, "yes": true, "l": vec!["é".repeat(100); MAX_LOOP_ITEMS], "i": [1, -2, 3],
        "m": {"k": "v".repeat(50_000), "n": 1}, "deep": vec![vec!["a"; 30]; 900],
    });
    if variant.is_multiple_of(2) {
        data["l"] = json!(vec!["a"; MAX_LOOP_ITEMS]);
        data["deep"] = json!(vec![Vec::<u8>::new(); 100_000]);
    }
    let room = MAX_MESSAGE_BYTES - data.to_string().len();
    data["s"] = json!("a".repeat(room));
    data
}

#[test]
fn no_expression_allocates_more_than_its_work_allows() {
    let mut largest = 0;
    let mut measure = |name: &str, text: &str, data: &Variables| {
        let Ok(expression) = Expression::parse(text, Scope::Event) else { return false };
        ALLOCATED.reset_peak_usage();
        let before = ALLOCATED.current_usage();
        let given = expression.evaluate(data);
        let peak = ALLOCATED.peak_usage() - before;
        assert!(peak <= MOST, "{name}: {peak} bytes: {text}: {given:?}");
        largest = largest.max(peak);
        true
    };
    let data = [hostile(0), hostile(1)];
    assert!(data.iter().all(|data| data.to_string().len() <= MAX_MESSAGE_BYTES));
    let variables = |n: usize| Variables::of_event(&data[n % 2], &json!({"type": "t"}));
    for text in [
        "data.l.map(x, x + data.s)",
        "data.s.replace(data.a, data.b)",
        "data.l.join(data.sep)",
        "data.s.split('')",
        "data.s.split('a').map(x, x + data.b)",
        "data.l.map(x, data.l + data.l + data.l + data.l)",
        "data.l.map(x, data.t.upperAscii())",
        "data.l.map(x, {data.t + x: data.t})",
        "[data.s + '', data.s + '', data.s + '', data.s + '', data.s + '', data.s + '', data.s + '', data.s + '']",
        "data.l.map(x, x.matches(data.a))",
        r"data.s.matches('(\\w{1,40}[.])+$')",
    ] {
        for n in 0..2 {
            assert!(measure("attack", text, &variables(n)), "{text}");
        }
    }
    // The conversion of the payload isn't counted: it is made once for all expressions.
    let mut evaluated = 0;
    for seed in 0..600 {
        if seed % 50 == 0 {
            evaluated += usize::from(measure("warm", "data.n", &variables(0)));
        }
        let shared = variables(usize::try_from(seed / 300).unwrap());
        let text = Random::new(seed).expression();
        evaluated += usize::from(measure(&format!("seed {seed}"), &text, &shared));
    }
    assert!(evaluated > 300, "{evaluated}");
    assert!(largest > 1 << 20, "the largest took {largest} bytes: nothing hostile was evaluated");
}
