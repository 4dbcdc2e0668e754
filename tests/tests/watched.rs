//! What is emitted, and who looks at it: docs/metrics.md is made of the enum.

use std::fmt::Write as _;
use tidings_core::limits::LAG_OBJECTIVE;
use tidings_core::telemetry::{By, Kind, Metric};
use tidings_tests::golden::check_between;

const BEGIN: &str = "<!-- made by tests/tests/watched.rs -->";
const END: &str = "<!-- end -->";

#[test]
fn the_metrics_page_says_what_the_enum_says() {
    let mut page = String::from("| metric | what | unit | by |\n|---|---|---|---|\n");
    for metric in Metric::ALL {
        let unit = match metric.kind() {
            Kind::Count => "count",
            Kind::Milliseconds => "ms",
            Kind::Share => "share",
            Kind::Index => "index",
        };
        let by = match metric.by() {
            By::All => "all",
            By::Source => "all; `source`",
            By::State => "`source`, `state`",
            By::Reason => "`source`, `reason`",
            By::Function => "`function`",
        };
        writeln!(page, "| `{}` | {} | {unit} | {by} |", metric.name(), metric.meaning().trim()).expect("a string");
    }
    check_between("docs/metrics.md", BEGIN, END, &page);
    let objective = format!("{} s after its receipt", LAG_OBJECTIVE.as_secs());
    assert!(Metric::Late.meaning().contains(&objective), "{objective}");
}
