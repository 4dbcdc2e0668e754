//! JSON Schemas of the files, for editors. They are derived from the types that read the files, so they can't drift.
//!
//! Draft 7, which the language servers for YAML and TOML understand. An editor shows most mistakes while they are
//! typed; `tidings check` finds the rest.

use super::Spanned;
use super::channels_file::ChannelsFile;
use super::endpoints_file::EndpointsFile;
use super::rules_file::RulesFile;
use super::sinks_file::SinksFile;
use super::sources_file::SourcesFile;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};
use std::borrow::Cow;
use tidings_config::provider::Provider;

/// Of `sources.yaml`. `provider` offers these presets.
pub fn sources_schema(providers: &[Provider]) -> Value {
    let mut schema = schema::<SourcesFile>("sources.yaml of Tidings");
    let presets: Vec<&str> = providers.iter().map(|provider| provider.name.as_str()).collect();
    schema["definitions"]["SourceEntry"]["properties"]["provider"]["enum"] = json!(presets);
    schema
}

/// Of `rules.yaml`.
pub fn rules_schema() -> Value {
    schema::<RulesFile>("rules.yaml of Tidings")
}

/// Of `endpoints.yaml`.
pub fn endpoints_schema() -> Value {
    schema::<EndpointsFile>("endpoints.yaml of Tidings")
}

/// Of `sinks.yaml`.
pub fn sinks_schema() -> Value {
    schema::<SinksFile>("sinks.yaml of Tidings")
}

/// Of `channels.yaml`.
pub fn channels_schema() -> Value {
    schema::<ChannelsFile>("channels.yaml of Tidings")
}

/// Of `functions/receiver/providers/*.toml`.
pub fn provider_schema() -> Value {
    schema::<Provider>("A provider of Tidings")
}

fn schema<T: JsonSchema>(title: &str) -> Value {
    let mut schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    RecursiveTransform(without_null).transform(&mut schema);
    schema.to_value()
}

/// Removes `null`: a key without a value is left out. The reader accepts `null`, but an editor needn't offer it.
/// Number formats are Rust's.
fn without_null(schema: &mut Schema) {
    schema.remove("format");
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|t| t != "null");
        if let [one] = &types[..] {
            let one = one.clone();
            schema.insert("type".to_owned(), one);
        }
    }
    if let Some(Value::Array(forms)) = schema.get_mut("anyOf") {
        let null = forms.len();
        forms.retain(|form| form != &json!({ "type": "null" }));
        if null > forms.len()
            && let [one] = &forms[..]
        {
            let one = one.clone();
            schema.remove("anyOf");
            schema.insert("allOf".to_owned(), json!([one]));
        }
    }
}

/// A value's position isn't part of the file, so the schema is the value's.
impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
