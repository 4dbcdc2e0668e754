//! Messages of the YAML and JSON parsers, in the words of the files' authors: no name of a Rust type, a function or an
//! event of the parser.

use serde_saphyr::Error;

/// What is wrong with a YAML text, without its place.
pub fn yaml_message(error: &Error) -> String {
    let error = error.without_snippet();
    if let Error::Budget { breach, .. } = error {
        // As in `Nodes { nodes: 250001 }`.
        let breach = format!("{breach:?}");
        let counts = breach.split_once('{').map_or(breach.as_str(), |(_, counts)| counts);
        let counts = counts.trim_matches(['{', '}', ' ']).replace('_', " ");
        return format!("the file is too large or too deeply nested for YAML: {counts}");
    }
    if let Error::MultipleDocuments { .. } = error {
        return "the file has more than one YAML document, allowed: one, without ---".to_owned();
    }
    in_words(&error.to_string())
}

/// What is wrong with a JSON text, with its place.
pub fn json_message(error: &serde_json::Error) -> String {
    without_structs(&error.to_string())
}

/// The parser's message without its place and its hints for programmers.
fn in_words(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or(message);
    let message = message.split(", set DuplicateKeyPolicy").next().unwrap_or(message);
    let message = message.strip_prefix("unexpected event: ").unwrap_or(message);
    match message {
        "invalid u32" | "invalid u64" => "expected a whole number".to_owned(),
        "expected mapping start" => "expected names with values, as in `name: value`".to_owned(),
        "expected sequence start" => "expected a list, as in `- item`".to_owned(),
        _ => without_structs(message),
    }
}

/// `expected struct Recorded with 9 elements` names a type of this program.
fn without_structs(message: &str) -> String {
    const STRUCT: &str = "expected struct ";
    let Some((before, after)) = message.split_once(STRUCT) else { return message.to_owned() };
    let name = after.find(|c: char| !c.is_alphanumeric()).unwrap_or(after.len());
    let mut rest = &after[name..];
    if let Some((count, after)) = rest.strip_prefix(" with ").and_then(|rest| rest.split_once(" element"))
        && count.bytes().all(|digit| digit.is_ascii_digit())
    {
        rest = after.strip_prefix('s').unwrap_or(after);
    }
    format!("{before}expected an object{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Deserialize)]
    struct Recorded {
        #[serde(rename = "names")]
        _names: BTreeMap<String, u8>,
    }

    #[test]
    fn no_message_names_a_part_of_the_program() {
        let yaml = |text: &str| yaml_message(&serde_saphyr::from_str::<Recorded>(text).unwrap_err());
        assert_eq!(yaml("names:\n"), "expected names with values, as in `name: value`");
        assert_eq!(yaml("names: {}\n---\nnames: {}\n"), "the file has more than one YAML document, allowed: one, without ---");
        let nodes = "- 1\n".repeat(300_000);
        assert_eq!(yaml(&format!("others:\n{nodes}")), "the file is too large or too deeply nested for YAML: nodes: 250001");
        let json = |text: &str| json_message(&serde_json::from_str::<Recorded>(text).unwrap_err());
        assert_eq!(json("[]"), "invalid length 0, expected an object at line 1 column 2");
        assert_eq!(json("1"), "invalid type: integer `1`, expected an object at line 1 column 1");
        for text in ["names: 1", "names: [a]", "- 1", "names: {a: b}", "1", "a: &x\n", "names: *x"] {
            let said = yaml(text);
            for part in ["struct", "from_str", "event", "start", "::", "Policy"] {
                assert!(!said.contains(part), "{text:?}: {said}");
            }
        }
    }
}
