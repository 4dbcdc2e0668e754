//! Tables of README and docs/deploy.md, in Markdown. tests/cost compares the pages with them.

use super::bill::{Bill, Item};
use super::counts::Counts;
use super::prices::Prices;
use super::usage::Usage;
use super::variant::{FrontDoor, Variant};
use super::{MILLION, real};
use std::fmt::Write as _;

/// Events of a month in the docs' tables, and the batches that so many make on average: an assumption, because they come
/// in bursts.
const MONTHS: [(u64, f64); 4] = [(0, 1.0), (100_000, 1.0), (1_000_000, 1.0), (100_000_000, 3.0)];

fn bill(variant: &Variant, counts: &Counts, prices: &Prices) -> Bill {
    Bill::of(&Usage::counted(variant, counts), variant, prices)
}

/// What a million events cost, item by item: without an action, and with one each.
pub fn each_million(counts: &Counts, prices: &Prices) -> String {
    let plain = Variant::default();
    let acting = Variant { actions_per_event: 1.0, ..plain.clone() };
    let (plain, acting) = (bill(&plain, counts, prices), bill(&acting, counts, prices));
    let mut table = String::from("| | each sets facts of one entity | | and sends a notification | |\n|---|---|---|---|---|\n");
    let lines = acting.lines.iter().filter(|line| line.item.is_per_event());
    for line in lines {
        let of_plain = plain.lines.iter().find(|other| other.item == line.item);
        let cells = |line: Option<&super::Line>| {
            let cells = line.map(|line| format!("{} | ${:.2}", amount(line.item, line.quantity), line.dollars));
            cells.unwrap_or_else(|| "none | ".to_owned())
        };
        let _ = writeln!(table, "| {} | {} | {} |", line.item.name(), cells(of_plain), cells(Some(line)));
    }
    let _ = writeln!(table, "| **sum** | | **${:.2}** | | **${:.2}** |", plain.of_events(), acting.of_events());
    table
}

/// A quantity of a month of a million events, as people read it.
pub(crate) fn amount(item: Item, quantity: f64) -> String {
    match item {
        Item::FrontDoor
        | Item::EventsQueue
        | Item::FairQueue
        | Item::ActionsQueue
        | Item::OutgoingQueues
        | Item::SinkQueue
        | Item::KafkaQueue
        | Item::IdlePolls => {
            format!("{} M requests", millions(quantity))
        }
        Item::Invocations => format!("{} M invocations", millions(quantity)),
        Item::Duration => format!("{} GB-seconds", thousands(quantity)),
        Item::Writes | Item::Reads => format!("{} M units", millions(quantity)),
        Item::Tables | Item::Backups | Item::Logs | Item::StoredLogs => format!("{quantity:.2} GB"),
        Item::Bus | Item::Topic => format!("{} M events", millions(quantity)),
        Item::Stream | Item::Firehose => format!("{quantity:.2} GB"),
        Item::Traces => format!("{} M traces", millions(quantity)),
        Item::Metrics | Item::Alarms | Item::CompositeAlarms | Item::Dashboard | Item::Secrets => format!("{quantity:.0}"),
        Item::Pollers | Item::StreamHours => format!("{} hours", thousands(quantity)),
    }
}

fn millions(quantity: f64) -> String {
    let millions = quantity / MILLION;
    if millions >= 100.0 { thousands(millions) } else { format!("{millions:.2}") }
}

/// A whole number with a comma after each thousand.
fn thousands(number: f64) -> String {
    let digits = format!("{:.0}", number.round());
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Dollars as people read them: cents below a thousand.
pub(crate) fn dollars(dollars: f64) -> String {
    if dollars >= 1_000.0 { format!("${}", thousands(dollars)) } else { format!("${dollars:.2}") }
}

/// A month of a stack with the parameters of samconfig.toml, by its number of events.
pub fn of_a_month(counts: &Counts, prices: &Prices) -> String {
    let mut table = String::from(
        "| events a month, three sources | fixed | metrics | events | **sum** | a million events | with a notification each |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for (events, batch_size) in MONTHS {
        let plain = Variant { events, batch_size, gradual_deployment: true, ..Variant::default() };
        let acting = Variant { actions_per_event: 1.0, ..plain.clone() };
        let (plain, acting) = (bill(&plain, counts, prices), bill(&acting, counts, prices));
        let metrics = plain.of_item(Item::Metrics);
        let fixed = plain.dollars() - plain.of_events() - metrics;
        let each = if events == 0 { "–".to_owned() } else { dollars(plain.of_events() / real(events) * MILLION) };
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | **{}** | {each} | {} |",
            thousands(real(events)),
            dollars(fixed),
            dollars(metrics),
            dollars(plain.of_events()),
            dollars(plain.dollars()),
            dollars(acting.dollars()),
        );
    }
    table
}

/// What each parameter changes, of a million events, at two rates.
pub fn of_variants(counts: &Counts, prices: &Prices) -> String {
    let base = Variant::default();
    let rows: [(&str, Variant); 9] = [
        ("as above", base.clone()),
        ("`FrontDoor=FunctionUrl`", Variant { front_door: FrontDoor::FunctionUrl, ..base.clone() }),
        ("`LogSampling=10`", Variant { log_sampling: 10, ..base.clone() }),
        ("`LogLevel=warn`", Variant { info_lines: false, ..base.clone() }),
        (
            "both: function URL, `LogSampling=10`",
            Variant { front_door: FrontDoor::FunctionUrl, log_sampling: 10, ..base.clone() },
        ),
        ("`KeepEvents=true`, events of 2 KB", Variant { stored_event_bytes: Some(2_048), ..base.clone() }),
        ("`FairQueue=true`", Variant { fair_queue: true, ..base.clone() }),
        ("`Tracing=Active`", Variant { tracing: true, ..base.clone() }),
        ("a notification each", Variant { actions_per_event: 1.0, ..base.clone() }),
    ];
    let mut table =
        String::from("| a million events cost | at 1 million a month | at 100 million, in batches of 3 |\n|---|---|---|\n");
    for (name, variant) in rows {
        let at = |events: u64, batch_size: f64| {
            let variant = Variant { events, batch_size, ..variant.clone() };
            bill(&variant, counts, prices).of_events() / real(events) * MILLION
        };
        let _ = writeln!(table, "| {name} | ${:.2} | ${:.2} |", at(1_000_000, 1.0), at(100_000_000, 3.0));
    }
    table
}

/// The same events elsewhere, and here.
///
/// Errors: a file of the release is broken.
pub fn of_others(counts: &Counts, prices: &Prices) -> Result<String, String> {
    let months = [(100_000, 1.0), (1_000_000, 1.0), (100_000_000, 3.0)];
    let variants = months.map(|(events, batch_size)| Variant { events, batch_size, ..Variant::default() });
    let ours = variants.each_ref().map(|variant| dollars(bill(variant, counts, prices).dollars()));
    let mut table = String::from("| events a month | 100,000 | 1,000,000 | 100,000,000 | |\n|---|---|---|---|---|\n");
    let _ =
        writeln!(table, "| **Tidings**, everything | {} | all of the bill above, of a stack of the defaults |", ours.join(" | "));
    let columns: Vec<Vec<super::Other>> =
        variants.iter().map(|variant| super::others(variant, counts, prices)).collect::<Result<_, _>>()?;
    let [few, some, many] = columns.as_slice() else { return Err("a column is missing".to_owned()) };
    for ((few, some), many) in few.iter().zip(some).zip(many) {
        let cell = |other: &super::Other| format!("{}{}", if other.at_least { "from " } else { "" }, dollars(other.dollars));
        let source = some.source.as_deref().unwrap_or("AWS's prices, as above");
        let _ = writeln!(table, "| {} | {} | {} | {} | {}; {source} |", some.name, cell(few), cell(some), cell(many), some.note);
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_comma_after_each_thousand() {
        for (number, text) in [(0.0, "0"), (999.4, "999"), (1_000.0, "1,000"), (1_234_567.0, "1,234,567"), (100_000.0, "100,000")]
        {
            assert_eq!(thousands(number), text);
        }
        assert_eq!((dollars(999.994), dollars(1_000.0)), ("$999.99".to_owned(), "$1,000".to_owned()));
    }
}
