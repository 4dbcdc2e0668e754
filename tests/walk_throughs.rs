//! `docs/walk-throughs.md` agrees with the files: its rules are those of `rules.yaml`, and its commands send cases of
//! the corpus.

use std::fs::read_to_string;
use tidings_events::corpus;
use tidings_tests::golden::root;

/// The code blocks of a language.
fn blocks<'d>(page: &'d str, language: &str) -> Vec<&'d str> {
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).map(|block| block.split("```").next().unwrap_or_default()).collect()
}

#[test]
fn quoted_rules_are_those_configured() {
    let page = read_to_string(root().join("docs/walk-throughs.md")).expect("the page");
    let rules = read_to_string(root().join("events/project/rules.yaml")).expect("the rules");
    let quoted = blocks(&page, "yaml");
    assert!(quoted.len() >= 10, "{} quotations", quoted.len());
    for block in quoted {
        assert!(rules.contains(block), "docs/walk-throughs.md quotes what isn't in events/project/rules.yaml:\n{block}");
    }
}

#[test]
fn sent_cases_are_in_the_corpus() {
    let page = read_to_string(root().join("docs/walk-throughs.md")).expect("the page");
    let commands: Vec<&str> = blocks(&page, "sh").into_iter().flat_map(str::lines).collect();
    let cases: Vec<&str> = commands.iter().filter_map(|line| line.strip_prefix("tidings send --case ")).collect();
    assert!(cases.len() >= 9, "{cases:?}");
    for case in cases {
        assert!(corpus().case(case).is_some(), "docs/walk-throughs.md sends {case:?}, which the corpus doesn't have");
    }
}
