//! A project's `samconfig.toml`: its problems, and what a version of Tidings adds to it.
//!
//! Promises: it never changes a value or a comment of the project's file.

use shlex::split;
use std::collections::BTreeSet;
use std::ops::Range;
use tidings_project::did_you_mean;
use toml_edit::{Document, DocumentMut, Item, Table, TomlError, Value};

/// `NAME=VALUE …`, as text or as a list, in the parameters of any command of any environment.
const OVERRIDES: &str = "parameter_overrides";

/// The long form of an override: `ParameterKey=NAME,ParameterValue=VALUE`.
const LONG_FORM: &str = "ParameterKey=";

/// Reports what prevents SAM from reading the file, and parameters that the template lacks, which SAM ignores silently.
/// Each line: `LINE:COLUMN: message`. `parameters` is `None` if they aren't known.
pub(crate) fn problems(text: &str, parameters: Option<&BTreeSet<String>>) -> Vec<String> {
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => return vec![unreadable(text, &error)],
    };
    let mut problems = Vec::new();
    if !document.contains_key("version") {
        problems.push("1:1: no `version`: SAM needs `version = 0.1` at the beginning".to_owned());
    }
    let environments = document.iter().filter_map(|(_, item)| item.as_table_like());
    let commands = environments.flat_map(|environment| environment.iter().filter_map(|(_, item)| item.as_table_like()));
    let found = commands.filter_map(|command| command.get("parameters")?.as_table_like()?.get(OVERRIDES)?.as_value());
    for value in found {
        match value {
            Value::Array(list) => list.iter().for_each(|value| overrides(text, value, parameters, &mut problems)),
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::InlineTable(_) => overrides(text, value, parameters, &mut problems),
        }
    }
    problems
}

fn overrides(text: &str, value: &Value, parameters: Option<&BTreeSet<String>>, problems: &mut Vec<String>) {
    let at = place(text, value.span());
    let Some(said) = value.as_str() else {
        problems.push(format!("{at}: {OVERRIDES} is a text or a list of texts, such as \"GradualDeployment=true\""));
        return;
    };
    let Some(words) = split(said) else {
        problems.push(format!("{at}: {OVERRIDES}: a quotation mark isn't closed"));
        return;
    };
    let Some(known) = parameters else { return };
    for word in words {
        let long = word.strip_prefix(LONG_FORM).map(|rest| rest.split(',').next().unwrap_or(rest));
        let Some(name) = long.or_else(|| word.split_once('=').map(|(name, _)| name)) else { continue };
        if !known.contains(name) {
            let hint = did_you_mean(name, known.iter().map(String::as_str));
            problems.push(format!("{at}: {OVERRIDES}: template.yaml has no parameter {name:?}, and SAM would ignore it{hint}"));
        }
    }
}

/// The project's file with the settings of `ours` that it lacks. Errors: `LINE:COLUMN: message`.
pub(super) fn merged(theirs: &str, ours: &str) -> Result<String, String> {
    let mut document: DocumentMut = theirs.parse().map_err(|error| unreadable(theirs, &error))?;
    let ours: DocumentMut = ours.parse().map_err(|error| unreadable(ours, &error))?;
    add_missing(document.as_table_mut(), ours.as_table());
    Ok(document.to_string())
}

fn add_missing(to: &mut Table, from: &Table) {
    for (name, item) in from {
        match (to.get_mut(name), item) {
            (Some(Item::Table(there)), Item::Table(table)) => add_missing(there, table),
            (Some(_), _) => {}
            (None, item) => {
                let mut item = item.clone();
                behind_the_others(&mut item);
                if let Some(key) = from.key(name) {
                    to.insert_formatted(key, item);
                }
            }
        }
    }
}

/// Puts an added table after the others: its position in `ours` means nothing in the project's file.
fn behind_the_others(item: &mut Item) {
    if let Item::Table(table) = item {
        table.set_position(None);
        table.iter_mut().for_each(|(_, item)| behind_the_others(item));
    }
}

fn unreadable(text: &str, error: &TomlError) -> String {
    format!("{}: {}", place(text, error.span()), error.message())
}

/// Line and column, from 1.
fn place(text: &str, span: Option<Range<usize>>) -> String {
    let before = span.and_then(|span| text.get(..span.start)).unwrap_or_default();
    let (line, column) = (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1);
    format!("{line}:{column}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz;

    const OURS: &str = "# Ours.\nversion = 0.1\n\n[default.global.parameters]\nstack_name = \"tidings\"\n\n\
                        [default.deploy.parameters]\nresolve_s3 = true\n# On everything.\ntags = \"a=b\"\n";

    #[test]
    fn values_and_comments_of_the_project_stay_and_missing_settings_are_added() {
        let theirs = "version = 0.1\n[default.deploy.parameters] # mine\ntags = \"team=pizza\"\nregion = \"eu-central-1\"\n\n\
                      [prod.deploy.parameters]\ntags = \"x=y\"\n";
        let merged = merged(theirs, OURS).unwrap();
        assert_eq!(
            merged,
            "version = 0.1\n[default.deploy.parameters] # mine\ntags = \"team=pizza\"\nregion = \"eu-central-1\"\n\
             resolve_s3 = true\n\n[default.global.parameters]\nstack_name = \"tidings\"\n\n[prod.deploy.parameters]\ntags = \"x=y\"\n"
        );
        assert_eq!(super::merged(&merged, OURS).unwrap(), merged, "a second time changes nothing");
        assert_eq!(super::merged("", OURS).unwrap(), OURS, "an empty file gets everything");
    }

    #[test]
    fn a_parameter_that_the_template_lacks_is_a_problem_with_its_place() {
        let known: BTreeSet<String> = ["GradualDeployment", "KeepEvents"].map(str::to_owned).into();
        let found = |value: &str| {
            problems(&format!("version = 0.1\n[prod.deploy.parameters]\nparameter_overrides = {value}\n"), Some(&known))
        };
        for valid in [
            r#""GradualDeployment=true KeepEvents='a b=c'""#,
            r#"["GradualDeployment=true", "KeepEvents=false"]"#,
            r#""ParameterKey=KeepEvents,ParameterValue=true""#,
        ] {
            assert_eq!(found(valid), Vec::<String>::new(), "{valid}");
        }
        let slip = found(r#""KeepEvent=true""#);
        assert_eq!(slip.len(), 1);
        assert!(slip[0].starts_with("3:23: ") && slip[0].ends_with("did you mean \"KeepEvents\"?"), "{slip:?}");
        assert!(found("\"KeepEvents='a\"")[0].contains("isn't closed"));
        assert!(found("7")[0].contains("a text or a list of texts"));
        assert!(problems("a = 1\n[b", None)[0].starts_with("2:"));
        assert!(problems("a = 1", None)[0].contains("version = 0.1"));
    }

    #[test]
    fn no_samconfig_makes_a_command_panic() {
        fuzz::never_panics(&[OURS.as_bytes()], |bytes| {
            let text = fuzz::text(bytes);
            let _ = problems(&text, Some(&BTreeSet::new()));
            let _ = merged(&text, OURS);
        });
    }
}
