//! The results for a terminal.

use crate::programs::Language;
use crate::results::{CaseResult, ProgramResult, Results, Row};

const MB: f64 = 1_000_000.0;

pub(crate) fn print(results: &Results) -> String {
    let machine = &results.machine;
    let tls = if results.settings.tls { "TLS" } else { "no TLS" };
    let title = format!(
        "{} · {} · {}, {} cores, Linux {} · load {} before · {} · {tls}\n",
        machine.date, machine.commit, machine.processor, machine.cores, machine.kernel, machine.load_before, machine.rustc
    );
    let programs = results.programs.iter().map(|program| start(program, &results.programs)).collect();
    let starts =
        aligned(&["starts", "INIT ms", "10 to 90 %", "× hello", "first ms", "artefact MB", "INIT instructions"], programs);
    let rows = results.cases.iter().flat_map(|case| case.rows.iter().map(|row| warm(case, row))).collect();
    let header = [
        "warm",
        "",
        "p50 ms",
        "p99 ms",
        "CPU ms/event",
        "× hello",
        "Python is",
        "Node is",
        "peak RSS MB",
        "log B/event",
        "calls/event",
        "AWS B/event",
        "instructions/event",
    ];
    format!("{title}\n{starts}\n{}", aligned(&header, rows))
}

fn start(program: &ProgramResult, all: &[ProgramResult]) -> Vec<String> {
    let hello = all.iter().find(|other| other.language == Language::Hello).map(|hello| hello.init_ms.median);
    vec![
        format!("{} ({})", program.program, program.role.as_str()),
        format!("{:.1}", program.init_ms.median),
        format!("{:.1} to {:.1}", program.init_ms.p10, program.init_ms.p90),
        ratio(Some(program.init_ms.median), hello),
        format!("{:.2}", program.first_ms.median),
        format!("{:.1}", program.artefact_bytes as f64 / MB),
        program.init_instructions.map(|n| n.to_string()).unwrap_or_default(),
    ]
}

fn warm(case: &CaseResult, row: &Row) -> Vec<String> {
    let events = (row.invocations * case.events) as f64;
    let bytes: u64 = row.aws.values().map(|count| count.request_bytes + count.answer_bytes).sum();
    let beside = |language| if row.language == language { String::new() } else { ratio(case.cpu_ms(language), Some(row.cpu_ms)) };
    let over_hello = if row.language == Language::Hello { None } else { case.cpu_ms(Language::Hello) };
    vec![
        case.case.clone(),
        row.program.to_owned(),
        format!("{:.2}", row.p50_ms),
        format!("{:.2}", row.p99_ms),
        format!("{:.3}", row.cpu_ms),
        ratio(Some(row.cpu_ms), over_hello),
        beside(Language::Python),
        beside(Language::Node),
        format!("{:.1}", row.peak_rss_bytes as f64 / MB),
        format!("{:.0}", row.log_bytes),
        format!("{:.1}", row.calls(case.events)),
        format!("{:.0}", bytes as f64 / events),
        row.instructions.map(|n| n.to_string()).unwrap_or_default(),
    ]
}

/// `4.7 ×`; empty where there is nothing to compare with.
fn ratio(of: Option<f64>, to: Option<f64>) -> String {
    match (of, to) {
        (Some(of), Some(to)) if to > 0.0 => format!("{:.1} ×", of / to),
        _ => String::new(),
    }
}

/// Columns as wide as their widest cell; the first ones begin at the left, numbers end at the right.
fn aligned(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
    let width = |column: usize| {
        let cells = std::iter::once(&header).chain(&rows).map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let is_text = |column: usize| header[column].is_empty() || column == 0;
    let mut text = String::new();
    for row in std::iter::once(&header).chain(&rows) {
        let cells =
            row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
                if is_text(column) { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end_in_one_column() {
        let rows = vec![vec!["a".to_owned(), "1.5".to_owned()], vec!["bb".to_owned(), "10.5".to_owned()]];
        assert_eq!(aligned(&["x", "ms"], rows), "x     ms\na    1.5\nbb  10.5\n");
    }
}
