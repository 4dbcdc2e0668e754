//! `template.yaml` as data, with support for the CloudFormation functions that the contract needs.

use crate::golden::root;
use serde_json::Value;
use std::collections::BTreeSet;

/// The service behind a stack's address: parameter `FrontDoor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrontDoor {
    HttpApi,
    FunctionUrl,
}

/// The parsed template of a stack with one of the front doors: `!If [HttpApi, A, B]` is `A` or `B`. Other tags are read
/// as plain values: `!Ref X` is `"X"`, `!FindInMap [A, B, C]` is a list.
#[derive(Debug)]
pub struct Template(Value);

impl Template {
    pub fn read() -> Self {
        Self::of("template.yaml")
    }

    pub fn behind(door: FrontDoor) -> Self {
        let mut template = Self::parse("template.yaml");
        choose(&mut template, door);
        Self(template)
    }

    /// Another template of this repository.
    pub fn of(path: &str) -> Self {
        let mut template = Self::parse(path);
        choose(&mut template, FrontDoor::HttpApi);
        Self(template)
    }

    fn parse(path: &str) -> Value {
        let text = std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path} is no YAML: {error}"))
    }

    pub fn resources(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0["Resources"].as_object().expect("resources").iter()
    }

    /// All names that `Ref` and `Sub` may use.
    pub fn names(&self) -> BTreeSet<&str> {
        let of =
            |part: &str| self.0[part].as_object().expect("the template's parts").keys().map(String::as_str).collect::<Vec<_>>();
        of("Resources").into_iter().chain(of("Parameters")).collect()
    }

    pub fn parameters(&self) -> BTreeSet<&str> {
        self.0["Parameters"].as_object().expect("parameters").keys().map(String::as_str).collect()
    }

    pub fn parameter(&self, name: &str) -> &Value {
        self.0["Parameters"].get(name).unwrap_or_else(|| panic!("template.yaml has no parameter {name}"))
    }

    /// A condition as its tags are read: `!Equals [!Ref A, b]` is `["A", "b"]`, and `!Not […]` a list around it.
    pub fn condition(&self, name: &str) -> &Value {
        self.0["Conditions"].get(name).unwrap_or_else(|| panic!("template.yaml has no condition {name}"))
    }

    pub fn condition_of_output(&self, name: &str) -> Option<&str> {
        self.0["Outputs"][name]["Condition"].as_str()
    }

    /// The conditions that use a parameter.
    pub fn conditions_of(&self, parameter: &str) -> Vec<&str> {
        let name = format!("\"{parameter}\"");
        let conditions = self.0["Conditions"].as_object().expect("conditions").iter();
        conditions.filter(|(_, condition)| condition.to_string().contains(&name)).map(|(name, _)| name.as_str()).collect()
    }

    pub fn outputs(&self) -> BTreeSet<&str> {
        self.0["Outputs"].as_object().expect("outputs").keys().map(String::as_str).collect()
    }

    /// A property. `!FindInMap` is resolved, and `!Sub ["${Name}", {Name: …}]` with a single name is replaced by its
    /// value.
    pub fn property(&self, resource: &str, path: &str) -> &Value {
        let place = format!("/Resources/{resource}/Properties{path}");
        self.resolve(self.0.pointer(&place).unwrap_or_else(|| panic!("template.yaml has no {place}")))
    }

    fn resolve<'v>(&'v self, value: &'v Value) -> &'v Value {
        let Some(list) = value.as_array() else { return value };
        if let [Value::String(_), Value::Object(names)] = list.as_slice()
            && let Some(only) = names.values().next()
        {
            return self.resolve(only);
        }
        let keys: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
        keys.and_then(|keys| self.0.pointer(&format!("/Mappings/{}", keys.join("/")))).unwrap_or(value)
    }

    /// A value of the mappings.
    pub fn mapping(&self, map: &str, first: &str, second: &str) -> &Value {
        &self.0["Mappings"][map][first][second]
    }

    pub fn number(&self, resource: &str, path: &str) -> u64 {
        let value = self.property(resource, path);
        value.as_u64().unwrap_or_else(|| panic!("{resource}{path} is {value}, not a number"))
    }

    pub fn text(&self, resource: &str, path: &str) -> &str {
        let value = self.property(resource, path);
        value.as_str().unwrap_or_else(|| panic!("{resource}{path} is {value}, not a text"))
    }

    /// The permissions of a role in every stack: pairs of `verb resource`.
    pub fn grants(&self, role: &str) -> BTreeSet<String> {
        self.granted(role, |statement| statement.is_object().then_some(statement))
    }

    /// Its additional permissions under a condition.
    pub fn grants_if(&self, role: &str, condition: &str) -> BTreeSet<String> {
        self.granted(role, |statement| (statement[0] == condition && statement[2] == "AWS::NoValue").then_some(&statement[1]))
    }

    fn granted(&self, role: &str, of: impl Fn(&Value) -> Option<&Value>) -> BTreeSet<String> {
        let mut grants = BTreeSet::new();
        for policy in self.property(role, "/Policies").as_array().expect("policies") {
            for statement in policy["PolicyDocument"]["Statement"].as_array().expect("statements").iter().filter_map(&of) {
                assert_eq!(statement["Effect"], "Allow", "{role}: {statement}");
                for verb in texts(&statement["Action"]) {
                    for resource in texts(&statement["Resource"]) {
                        grants.insert(format!("{verb} {resource}"));
                    }
                }
            }
        }
        grants
    }
}

/// Resolves each choice between the front doors for this one.
fn choose(value: &mut Value, door: FrontDoor) {
    if let Some([condition, http_api, function_url]) = value.as_array_mut().map(Vec::as_mut_slice)
        && *condition == "HttpApi"
    {
        let chosen = match door {
            FrontDoor::HttpApi => http_api.take(),
            FrontDoor::FunctionUrl => function_url.take(),
        };
        *value = chosen;
    }
    match value {
        Value::Array(list) => list.iter_mut().for_each(|item| choose(item, door)),
        Value::Object(map) => map.values_mut().for_each(|item| choose(item, door)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().map_or_else(|| value.as_str().into_iter().collect(), |list| list.iter().filter_map(Value::as_str).collect())
}
