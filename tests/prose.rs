//! House rules for prose: width, links, words. Each problem is reported as `file:line: what`. The words of the CLI's
//! sources and of the providers' files are checked, too.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tidings_tests::golden::root;

/// Columns of a line, without tables, code and the targets of links.
const COLUMNS: usize = 120;

/// A longer `code span` is a command, which stays on one line at any width.
const UNBROKEN: usize = 80;

/// Words that readers didn't understand, and the standard term for each.
const WORDS: [(&str, &str); 46] = [
    ("told secret", "handshake secret"),
    ("told link", "external link"),
    ("parked", "expired"),
    ("bury", "move to the dead-letter queue"),
    ("buried", "dead-lettered"),
    ("give back", "return to the queue"),
    ("gives back", "returns to the queue"),
    ("given back", "returned to the queue"),
    ("held against", "validated, or compared with"),
    ("off schema", "schema violation"),
    ("off its schema", "schema violation"),
    ("kept event", "stored event"),
    ("dossier", "subject data"),
    ("what is no ", "say what it is"),
    ("to be so", "name the state"),
    ("its own to say", "name who decides"),
    ("for good", "permanently"),
    ("anew", "again"),
    ("let go", "released, or deleted"),
    ("called wrongly", "invalid arguments"),
    ("whoever", "anybody who, or name the role"),
    ("somebody else", "another user, operator or consumer"),
    ("becomes of", "the result of"),
    ("became of", "the result of"),
    ("comes of it", "its events, or its result"),
    ("came of it", "its result"),
    ("billed so", "which is billed"),
    ("to the letter", "exactly"),
    ("all the same", "anyway"),
    ("in vain", "without effect"),
    ("complain of", "warning"),
    ("one's own", "custom, or your own"),
    ("for ever", "permanently"),
    ("run together", "joined"),
    ("had no answer", "failed, or didn't respond"),
    ("about no event", "matches no event"),
    ("rule is about it", "rule matches it"),
    ("takes its place", "replaces it"),
    ("stands for it", "a default"),
    ("the very", "exactly, or the same"),
    ("further and further", "with growing intervals"),
    ("yours to choose", "you choose, or name who chooses"),
    ("where secrets go", "with the secrets"),
    ("told by", "name the sender or the field"),
    ("told apart", "distinguished"),
    ("no secret, but", "not confidential, but"),
];

/// A line of a page, and its kind.
struct Line<'t> {
    number: usize,
    text: &'t str,
    /// Between code fences.
    code: bool,
    /// Between `<!-- made by … -->` and `<!-- end -->`. Corrections go to its generator.
    generated: bool,
}

fn lines(page: &str) -> Vec<Line<'_>> {
    let (mut code, mut generated) = (false, false);
    let line = |(n, text): (usize, &'_ str)| {
        let fence = text.trim_start().starts_with("```");
        generated = (generated || text.starts_with("<!-- made by")) && !text.starts_with("<!-- end");
        let line = (n + 1, code || fence, generated);
        code ^= fence;
        line
    };
    let marks: Vec<_> = page.lines().enumerate().map(line).collect();
    marks.into_iter().zip(page.lines()).map(|((number, code, generated), text)| Line { number, text, code, generated }).collect()
}

/// The line without its `code spans`.
fn without_code(text: &str) -> String {
    text.split('`').step_by(2).collect::<Vec<_>>().join("``")
}

/// The targets of the links of a line, and the line without them.
fn links(text: &str) -> (Vec<&str>, String) {
    let (mut targets, mut rest) = (Vec::new(), String::new());
    let mut parts = text.split("](");
    rest.extend(parts.next());
    for part in parts {
        let (target, after) = part.split_once(')').unwrap_or((part, ""));
        targets.push(target);
        rest.push(']');
        rest.push_str(after);
    }
    (targets, rest)
}

/// The anchors of a page: those that GitHub makes from its headings, and explicit ones.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for line in lines(page).iter().filter(|line| !line.code) {
        if let Some(heading) = line.text.strip_prefix('#') {
            let words = links(heading.trim_start_matches('#').trim()).1.to_lowercase();
            let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            anchors.insert(kept.map(|c| if c == ' ' { '-' } else { c }).collect());
        }
        let named = line.text.split("<a id=\"").skip(1).filter_map(|rest| rest.split('"').next());
        anchors.extend(named.map(str::to_owned));
    }
    anchors
}

fn wide(line: &Line<'_>) -> bool {
    let commands: usize =
        line.text.split('`').skip(1).step_by(2).map(|code| code.chars().count()).filter(|n| *n > UNBROKEN).sum();
    let width = links(line.text).1.chars().count().saturating_sub(commands);
    !line.code && !line.generated && !line.text.starts_with('|') && width > COLUMNS
}

fn words(line: &Line<'_>) -> impl Iterator<Item = (&'static str, &'static str)> {
    let prose = if line.code || line.generated { String::new() } else { without_code(line.text).to_lowercase() };
    let prose = prose.split("\\\n").map(str::trim_start).collect::<String>();
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    WORDS.into_iter().filter(move |(word, _)| {
        prose.match_indices(word).any(|(at, _)| {
            let before = prose.get(..at).and_then(|before| before.chars().next_back());
            let after = prose.get(at + word.len()..).and_then(|after| after.chars().next()).filter(|c| *c != 's');
            !is_word(before) && (word.ends_with(' ') || !is_word(after))
        })
    })
}

/// The lines of a source file or a data file. A sentence that goes on in the next line by a backslash is one line.
fn sentences(text: &str) -> Vec<Line<'_>> {
    let mut all = Vec::new();
    let mut rest = text;
    let mut number = 1;
    while !rest.is_empty() {
        let mut end = rest.find('\n').map_or(rest.len(), |at| at + 1);
        while rest[..end].ends_with("\\\n") {
            end = rest[end..].find('\n').map_or(rest.len(), |at| end + at + 1);
        }
        let (text, after) = rest.split_at(end);
        all.push(Line { number, text, code: false, generated: false });
        number += text.matches('\n').count();
        rest = after;
    }
    all
}

/// Why a link of a page is broken.
fn dead(page: &Path, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let to = if path.is_empty() { page.to_owned() } else { page.parent()?.join(path) };
    if !to.exists() {
        return Some(format!("{target}: no such file"));
    }
    let known = anchor.is_empty() || anchors(&std::fs::read_to_string(&to).ok()?).contains(anchor);
    (!known).then(|| format!("{target}: no such heading"))
}

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
}

/// The paths of all pages for people.
fn prose() -> Vec<PathBuf> {
    let mut found = vec![root().join("events/README.md"), root().join("events/samples/README.md")];
    let top = std::fs::read_dir(root()).expect("the root").map(|entry| entry.expect("an entry").path());
    found.extend(top.filter(|path| path.extension().is_some_and(|e| e == "md")));
    files(&root().join("docs"), "md", &mut found);
    let examples = root().join("examples");
    if examples.is_dir() {
        files(&examples, "md", &mut found);
    }
    found.sort();
    assert!(found.len() > 60, "all pages: {}", found.len());
    found
}

/// `file:line: problem` for each problem that `problems` finds in a line.
fn reported(problems: impl Fn(&Path, &Line<'_>) -> Vec<String>) -> String {
    let mut found = String::new();
    for path in prose() {
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        let name = path.strip_prefix(root()).expect("below the root").display();
        for line in lines(&text) {
            for problem in problems(&path, &line) {
                found.push_str(&format!("{name}:{}: {problem}\n", line.number));
            }
        }
    }
    found
}

#[test]
fn pages_are_wrapped() {
    let found = reported(|_, line| {
        let width = line.text.chars().count();
        wide(line).then(|| format!("{width} columns, at most {COLUMNS}")).into_iter().collect()
    });
    assert!(found.is_empty(), "wrap these lines:\n{found}");
}

#[test]
fn links_lead_somewhere() {
    let found = reported(|page, line| {
        let text = if line.code { String::new() } else { without_code(line.text) };
        links(&text).0.into_iter().filter_map(|target| dead(page, target)).collect()
    });
    assert!(found.is_empty(), "correct these links:\n{found}");
}

#[test]
fn pages_use_the_words_of_the_field() {
    let found = reported(|_, line| words(line).map(|(word, instead)| format!("\"{word}\": write {instead}")).collect());
    assert!(found.is_empty(), "say it in the field's words:\n{found}");
}

/// The sources of the CLI, whose texts users see, and the providers' files.
#[test]
fn the_cli_and_the_providers_use_the_words_of_the_field() {
    let mut sources = Vec::new();
    files(&root().join("cli/src"), "rs", &mut sources);
    files(&root().join("cli/project/src"), "rs", &mut sources);
    files(&root().join("functions/receiver/providers"), "toml", &mut sources);
    assert!(sources.len() > 300, "all sources: {}", sources.len());
    let mut found = String::new();
    for path in sources {
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        let name = path.strip_prefix(root()).expect("below the root").display();
        for line in sentences(&text) {
            for (word, instead) in words(&line) {
                found.push_str(&format!("{name}:{}: \"{word}\": write {instead}\n", line.number));
            }
        }
    }
    assert!(found.is_empty(), "say it in the field's words:\n{found}");
}

#[test]
fn the_index_of_decisions_names_each_with_its_title() {
    let folder = root().join("docs/decisions");
    let index = std::fs::read_to_string(folder.join("README.md")).expect("the index");
    let mut decisions = Vec::new();
    files(&folder, "md", &mut decisions);
    let mut missing = String::new();
    for path in decisions {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        let heading = text.lines().next().unwrap_or_default();
        let row =
            heading.trim_start_matches("# ").split_once(". ").map(|(number, title)| format!("| [{number}]({name}) | {title} |"));
        if let Some(row) = row.filter(|row| !index.contains(row)) {
            missing.push_str(&format!("docs/decisions/{name}:1: {row}\n"));
        }
    }
    assert!(missing.is_empty(), "docs/decisions/README.md needs these rows:\n{missing}");
}

#[test]
fn violations_are_found() {
    let long = "x".repeat(121);
    let page = format!(
        "# A `b` c: d\n\n{long}\n| {long}\n```\n{long} parked\n```\nIt is parked, `parked` and sparked.\n<a id=\"e\"></a>\n"
    );
    let page = format!("{page}<!-- made by x -->\nparked {long}\n<!-- end -->\nAnew: [x](y{long}.md) kept events\n");
    let lines = lines(&page);
    let all: Vec<usize> = lines.iter().filter(|line| wide(line)).map(|line| line.number).collect();
    assert_eq!(all, [3]);
    let found: Vec<(usize, &str)> = lines.iter().flat_map(|line| words(line).map(|(word, _)| (line.number, word))).collect();
    assert_eq!(found, [(8, "parked"), (13, "kept event"), (13, "anew")]);
    let source = "let a = 1;\nsay!(\"it is buried for \\\n     good\");\nlet for_good = \"`parked`\"; // anew\n";
    let found: Vec<(usize, &str)> =
        sentences(source).iter().flat_map(|line| words(line).map(|(word, _)| (line.number, word))).collect();
    assert_eq!(found, [(2, "buried"), (2, "for good"), (4, "anew")]);
    assert_eq!(anchors(&page), BTreeSet::from(["a-b-c-d".to_owned(), "e".to_owned()]));
    let readme = root().join("README.md");
    assert_eq!(dead(&readme, "docs/links.md#who-may-send-one"), None);
    assert_eq!(dead(&readme, "docs/lnks.md"), Some("docs/lnks.md: no such file".to_owned()));
    assert_eq!(dead(&readme, "docs/links.md#who"), Some("docs/links.md#who: no such heading".to_owned()));
}
