//! The input of a tool: some of the arguments of its command, described from clap and parsed by it.

use crate::Failure;
use crate::arguments::{command, is_flag, name, options};
use clap::{Arg, Args};
use serde_json::{Map, Value, json};

/// The JSON Schema of these arguments.
pub(super) fn schema<A: Args>(names: &[&str]) -> Map<String, Value> {
    let command = command::<A>();
    let chosen: Vec<&Arg> = names.iter().filter_map(|wanted| command.get_arguments().find(|arg| name(arg) == *wanted)).collect();
    let properties: Map<String, Value> = chosen.iter().map(|arg| (name(arg).to_owned(), property(arg))).collect();
    let required: Vec<&str> = chosen.iter().filter(|arg| arg.is_required_set()).map(|arg| name(arg)).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties.into());
    schema.insert("required".to_owned(), required.into());
    schema.insert("additionalProperties".to_owned(), false.into());
    schema
}

fn property(arg: &Arg) -> Value {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    if is_flag(arg) {
        return json!({"type": "boolean", "description": help});
    }
    let allowed: Vec<String> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if allowed.is_empty() {
        json!({"type": "string", "description": help})
    } else {
        json!({"type": "string", "description": help, "enum": allowed})
    }
}

/// The command's options. Errors: an argument is unknown, or has another type, or clap refuses it.
pub(super) fn parse<A: Args>(given: &Map<String, Value>, names: &[&str]) -> Result<A, Failure> {
    let command = command::<A>();
    let (mut named, mut flags) = (Vec::new(), Vec::new());
    for (given, value) in given {
        let known = command.get_arguments().find(|arg| name(arg) == given && names.contains(&given.as_str()));
        let Some(arg) = known else {
            return Err(Failure::new(format!("{given:?} isn't an argument, allowed: {}", names.join(", "))).status(2));
        };
        match (value, is_flag(arg)) {
            (Value::Bool(true), true) => flags.push(name(arg)),
            (Value::Bool(false), true) | (Value::Null, _) => {}
            (Value::String(text), false) => named.push((given.clone(), text.clone())),
            (Value::Number(number), false) => named.push((given.clone(), number.to_string())),
            (Value::Bool(_) | Value::String(_) | Value::Number(_) | Value::Array(_) | Value::Object(_), _) => {
                let allowed = if is_flag(arg) { "true or false" } else { "a text" };
                return Err(Failure::new(format!("{given}: allowed: {allowed}")).status(2));
            }
        }
    }
    options(&named, &flags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::dlq::DlqRedrive;
    use crate::commands::events::show::EventsShow;

    fn given(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn the_schema_is_that_of_the_commands_arguments() {
        let schema = schema::<EventsShow>(&["key", "payload"]);
        assert_eq!(schema["required"], json!(["key"]));
        assert_eq!(schema["properties"]["payload"]["type"], "boolean");
        assert!(schema["properties"]["key"]["description"].as_str().unwrap().contains("claim key"));
    }

    #[test]
    fn arguments_are_parsed_as_the_command_line_is_and_no_value_becomes_an_option() {
        let shown: EventsShow = parse(&given(json!({"key": "--payload", "payload": false})), &["key", "payload"]).unwrap();
        assert_eq!((shown.key.as_str(), shown.payload), ("--payload", false));
        let shown: EventsShow = parse(&given(json!({"key": "a#1", "payload": true})), &["key", "payload"]).unwrap();
        assert!(shown.payload);
        let redrive: DlqRedrive = parse(&given(json!({"reason": "x --yes"})), &["reason"]).unwrap();
        assert!(redrive.confirm.ask().is_none());
        for wrong in [json!({"yes": true}), json!({"reason": ["x"]}), json!({"stack": "other"}), json!({"receipts": "/etc/x"})] {
            assert!(parse::<DlqRedrive>(&given(wrong.clone()), &["reason"]).is_err(), "{wrong}");
        }
        assert!(parse::<EventsShow>(&given(json!({})), &["key"]).is_err(), "a missing one");
    }
}
