//! docs/security.md names the test that shows each row: each must exist.

use std::path::PathBuf;
use tidings_tests::golden::root;

/// `file::test` of a code span. A test may end with `*`.
fn named(text: &str) -> Vec<(&str, &str)> {
    let spans = text.split('`').skip(1).step_by(2);
    spans.filter_map(|span| span.split_once("::")).filter(|(file, _)| file.contains('/') && file.contains('.')).collect()
}

fn holds(file: &PathBuf, test: &str) -> bool {
    let Ok(text) = std::fs::read_to_string(file) else { return false };
    let starts = [format!("fn {}", test.trim_end_matches('*')), format!("def {}", test.trim_end_matches('*'))];
    let end = if test.ends_with('*') { "" } else { "(" };
    starts.iter().any(|start| text.contains(&format!("{start}{end}")))
}

#[test]
fn every_test_that_the_page_names_exists() {
    let page = std::fs::read_to_string(root().join("docs/security.md")).expect("the page");
    let named = named(&page);
    assert!(named.len() > 20, "{}", named.len());
    let missing: Vec<String> = named
        .into_iter()
        .filter(|(file, test)| !holds(&root().join(file), test))
        .map(|(file, test)| format!("{file}::{test}"))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}
