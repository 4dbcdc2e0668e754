//! The tables of `docs/channels.md` are generated from the channels' files.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use tidings_outgoing::{ChannelFile, Idempotency, StatusWord};
use tidings_project::{channel, channel_names};
use tidings_tests::golden::check_between;

const BEGIN: &str = "<!-- made by tests/channels_doc.rs -->";
const END: &str = "<!-- end -->";

#[test]
fn the_channels_page_agrees_with_their_files() {
    let files: Vec<&ChannelFile> = channel_names().filter_map(channel).collect();
    let mut page = String::from("| channel | name | conversations | settings | evidence |\n|---|---|---|---|---|\n");
    for file in &files {
        let names: Vec<String> = file.conversation.iter().map(|name| format!("`{name}`")).collect();
        let settings: Vec<String> = file
            .settings
            .iter()
            .map(|(name, setting)| if setting.is_required() { format!("**`{name}`**") } else { format!("`{name}`") })
            .collect();
        let (title, docs, name, level) = (&file.title, &file.docs, &file.name, file.evidence.level);
        let (names, settings) = (names.join(", "), settings.join(", "));
        writeln!(page, "| [{title}]({docs}) | `{name}` | {names} | {settings} | {level:?} |").expect("a string");
    }
    page.push_str("\nA setting in bold must be given. `data.channel` may say an entry's name, or the word of its channel:\n\n");
    page.push_str("| channel | word | a lost answer | limits that the sender keeps | statuses, of a source of | a refusal that an operator may see |\n|---|---|---|---|---|---|\n");
    for file in &files {
        let lost = file
            .idempotency
            .as_ref()
            .map_or("uncertain".to_owned(), |key: &Idempotency| format!("sent again with the same key, for {} s", key.seconds));
        let limits = &file.limits;
        let limits: Vec<String> = limits
            .per_second
            .map(|n| format!("{n} a second"))
            .into_iter()
            .chain(limits.per_recipient.map(|rate| format!("{} in {} s to one recipient", rate.messages, rate.seconds)))
            .collect();
        let hint = file.answers.iter().find(|answer| answer.window).and_then(|answer| answer.hint.clone()).unwrap_or_default();
        let (name, word, limits) = (&file.name, file.channel, limits.join(", "));
        let says = |is: StatusWord| file.statuses.iter().any(|status| status.is == is).then(|| is.as_str());
        let words: Vec<&str> = StatusWord::ALL.iter().copied().filter_map(says).collect();
        let sources: BTreeSet<String> = file.statuses.iter().map(|status| format!("`{}`", status.provider)).collect();
        let sources: Vec<String> = sources.into_iter().collect();
        let statuses = if words.is_empty() { String::new() } else { format!("{}: {}", words.join(", "), sources.join(", ")) };
        writeln!(page, "| `{name}` | `{word}` | {lost} | {limits} | {statuses} | {hint} |").expect("a string");
    }
    check_between("docs/channels.md", BEGIN, END, &page);
}
