//! `tidings context set` and `unset`, as they are called.

use super::TargetOptions;
use clap::Args;
use serde_json::Value;
use std::str::FromStr;

#[derive(Debug, Args)]
#[command(
    after_help = "A dry run unless --yes is given: it says what is stored now, and what would be. What you say takes the place of what is \
        stored, whatever its time; an event that happens after it takes its place. A counter takes a whole number, a set a list, a \
        ladder one of its values. Who, when, why and what was there before stays with the claim: tidings events show '@manual#…'.\n\
        docs/operating.md says what the credentials need.\n\n\
        Exit status: 0 done, or a dry run; 1 not; 2 called wrongly.\n\nExamples:\n  \
        tidings context set whatsapp:491713920012 order/1042 status=packed --stack tidings\n  \
        tidings context set whatsapp:491713920012 order/1042 status=packed total=48.90 --stack tidings --reason 'rule order-moved' --yes\n  \
        tidings context set whatsapp:491713920012 preferences opt_in=false --stack tidings --reason 'asked by phone' --yes\n  \
        tidings context set whatsapp:491713920012 --node delivery --stack tidings --reason 'stuck' --yes"
)]
pub struct ContextSet {
    /// As rules.yaml and the presets name it. Of an identity that is linked, its conversation is meant
    pub conversation: String,
    /// Whose facts they are, as order/1042
    #[arg(required_unless_present = "node", requires = "values")]
    pub entity: Option<String>,
    /// A fact and its value: JSON, or else a text
    #[arg(value_name = "NAME=VALUE")]
    pub values: Vec<Assignment>,
    /// Where the dialogue stands
    #[arg(long, value_name = "NODE")]
    pub node: Option<String>,
    /// Also if nothing is known of the conversation or the entity yet
    #[arg(long)]
    pub create: bool,
    #[command(flatten)]
    pub manual: ManualOptions,
    #[command(flatten)]
    pub target: TargetOptions,
}

#[derive(Debug, Args)]
#[command(
    after_help = "A dry run unless --yes is given. What is forgotten stays so until an event that happens after it sets it again. A counter \
        begins again at 0, a set empty.\n\n\
        Exit status: 0 done, or a dry run; 1 not; 2 called wrongly.\n\nExamples:\n  \
        tidings context unset whatsapp:491713920012 order/1042 carrier tracking --stack tidings\n  \
        tidings context unset whatsapp:491713920012 order/1042 carrier --stack tidings --reason 'rule order-moved' --yes\n  \
        tidings context unset whatsapp:491713920012 --node --stack tidings --reason 'stuck' --yes"
)]
pub struct ContextUnset {
    /// As rules.yaml and the presets name it. Of an identity that is linked, its conversation is meant
    pub conversation: String,
    /// Whose facts they are, as order/1042
    #[arg(required_unless_present = "node", requires = "names")]
    pub entity: Option<String>,
    /// Facts to forget
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Where the dialogue stands, too
    #[arg(long)]
    pub node: bool,
    #[command(flatten)]
    pub manual: ManualOptions,
    #[command(flatten)]
    pub target: TargetOptions,
}

/// Whether it is done, by whom, and why.
#[derive(Debug, Args)]
pub struct ManualOptions {
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who you are, for the record; the user's name if left out. Of a stack, AWS adds whose credentials these are
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Apply the change (without it: dry run)
    #[arg(long, requires = "reason")]
    pub yes: bool,
}

/// `status=packed`: a fact and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    pub name: String,
    pub value: Value,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("no NAME=VALUE, as in status=packed")?;
        match serde_json::from_str(value) {
            Ok(Value::Null) => Err(format!("null is no value; `tidings context unset` forgets {name}")),
            Ok(value) => Ok(Self { name: name.to_owned(), value }),
            Err(_) => Ok(Self { name: name.to_owned(), value: Value::from(value) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_json_or_else_a_text() {
        for (text, expected) in [
            ("status=packed", json!("packed")),
            ("status=\"3\"", json!("3")),
            ("n=3", json!(3)),
            ("ok=true", json!(true)),
            ("tags=[\"a\", 1]", json!(["a", 1])),
            ("link=https://x.example/?a=1&b=2", json!("https://x.example/?a=1&b=2")),
            ("empty=", json!("")),
            ("id=007", json!("007")),
        ] {
            assert_eq!(text.parse::<Assignment>().map(|assignment| assignment.value), Ok(expected), "{text}");
        }
        assert_eq!("total=48.90".parse::<Assignment>().unwrap().value.to_string(), "48.90", "its digits stay");
        assert!("status".parse::<Assignment>().is_err());
        assert!("status=null".parse::<Assignment>().is_err_and(|said| said.contains("context unset")));
    }
}
