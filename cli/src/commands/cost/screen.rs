//! The bill, for people.

use super::Report;
use crate::cost::{Line, amount, dollars};
use crate::style::{FAINT, NAME, STRONG, paint};

const WIDTH: usize = 28;

/// The lines with styles. Printing removes the styles if the output isn't a terminal.
pub(super) fn lines(report: &Report) -> Vec<String> {
    let variant = &report.variant;
    let of = match &report.measured {
        Some(measured) => format!("stack {}, by its last {}", measured.stack, measured.over),
        None => "a stack of the default parameters".to_owned(),
    };
    let title = format!("{} a month: {} events, {of}", dollars(report.dollars), variant.events);
    let mut lines = vec![paint(STRONG, title)];
    lines.push(paint(
        FAINT,
        format!(
            "AWS's list prices of {}, without free tiers; durations are {}",
            report.region,
            match &report.measured {
                Some(_) => "the stack's own",
                None => "assumed",
            }
        ),
    ));
    part("events", report.bill.lines.iter().filter(|line| line.item.is_per_event()), report.dollars_of_events, &mut lines);
    if let Some(each) = report.dollars_a_million_events {
        lines.push(paint(FAINT, format!("  {:<WIDTH$} {:>12}", "a million events", dollars(each))));
    }
    let fixed = report.dollars - report.dollars_of_events;
    part("a month, whatever comes", report.bill.lines.iter().filter(|line| !line.item.is_per_event()), fixed, &mut lines);
    lines.extend([String::new(), paint(STRONG, "the same events elsewhere")]);
    for other in &report.elsewhere {
        let sum = format!("{}{}", if other.at_least { "from " } else { "" }, dollars(other.dollars));
        lines.push(format!("  {} {sum:>16}  {}", paint(NAME, format!("{:<WIDTH$}", other.name)), paint(FAINT, &other.note)));
    }
    lines
}

fn part<'l>(name: &str, items: impl Iterator<Item = &'l Line>, sum: f64, lines: &mut Vec<String>) {
    lines.extend([String::new(), paint(STRONG, name)]);
    lines.extend(items.map(|line| {
        let Line { item, quantity, dollars: cost, .. } = line;
        format!("  {:<WIDTH$} {:>12}  {}", item.name(), dollars(*cost), paint(FAINT, amount(*item, *quantity)))
    }));
    lines.push(format!("  {:<WIDTH$} {}", "sum", paint(STRONG, format!("{:>12}", dollars(sum)))));
}
