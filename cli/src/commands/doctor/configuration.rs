//! Whether the build would take the files here, and is of them.

use super::Check;
use crate::built_of::{self, RULES, SOURCES};
use crate::commands::files;
use crate::style::count;
use std::path::Path;
use tidings_config::limits::MAX_CONFIG_FILE_BYTES;
use tidings_project::{Report, read_rules};

pub(super) fn checks() -> Vec<Check> {
    let sources = check("sources", SOURCES, |text| {
        let sources = built_of::sources(text)?;
        let count = format!("{SOURCES}: {} sources", sources.len());
        Ok((count, sources == receiver::configured::sources()))
    });
    let names: Vec<String> = receiver::configured::sources().into_iter().map(|source| source.name).collect();
    let rules = check("rules", RULES, |text| {
        let rules = read_rules(RULES, text, &names)?;
        let count = format!("{RULES}: {}, {}", count(rules.rules.len(), "rule"), count(rules.joins.len(), "join"));
        Ok((count, rules == processor::configured::rules()))
    });
    vec![sources, rules]
}

/// `read` gives what is in the file, and whether that is what this program was built of.
fn check(name: &'static str, file: &str, read: impl Fn(&str) -> Result<(String, bool), Report>) -> Check {
    let path = Path::new(file);
    if !path.exists() {
        return Check::skipped(name, format!("{file} isn't here: what this program was built of is taken for it"));
    }
    let text = match files::text(path, MAX_CONFIG_FILE_BYTES) {
        Ok(text) => text,
        Err(failure) => return Check::bad(name, failure.message, "let it be read, and run this again"),
    };
    match read(&text) {
        Ok((said, true)) => Check::good(name, said),
        Ok((said, false)) => {
            Check::bad(name, format!("{said}, others than this program was built of"), "build again, and deploy")
        }
        Err(Report(problems)) => {
            let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Check::bad_each(name, format!("{} problems, the build would refuse it", all.len()), all)
        }
    }
}
