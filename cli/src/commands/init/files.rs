//! The files of a new project.

use super::options::Example;
use super::{NewFile, samconfig, template};
use crate::Failure;
use crate::project::{RULES, SOURCES, refused};
use include_dir::{Dir, include_dir};
use serde_json::{Map, Value};
use tidings_config::provider::Provider;
use tidings_events::samples;
use tidings_project::{preset, read_source_names, read_sources_of_presets};

static SHOP: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../examples/shop");
static DEVOPS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../examples/devops");

/// The description that people see of each file, by the beginning of its path.
pub(super) const ABOUT: [(&str, &str); 11] = [
    ("sources.yaml", "the sources that may send webhooks"),
    ("rules.yaml", "the rules: what each event does"),
    ("schemas/", "JSON Schemas of payloads"),
    ("tests/", "tests of the rules: tidings rules test"),
    ("editor/", "completion and checks in editors"),
    ("secrets.example.json", "an example of the secrets; copy it to secrets.json"),
    (".gitignore", "excludes secrets.json and built files from Git"),
    ("template.yaml", "the resources to deploy"),
    ("samconfig.toml", "the default options of sam deploy"),
    (".github/workflows/", "checks every change"),
    ("README.md", "one page"),
];

const EDITOR: [(&str, &str); 3] = [
    ("editor/sources.schema.json", include_str!("../../../../infra/editor/sources.schema.json")),
    ("editor/rules.schema.json", include_str!("../../../../infra/editor/rules.schema.json")),
    ("editor/channels.schema.json", include_str!("../../../../infra/editor/channels.schema.json")),
];

/// The path of the schemas in the examples, and in a project.
const SCHEMA_THERE: &str = "$schema=../../infra/editor/";
const SCHEMA_HERE: &str = "$schema=editor/";

const GITIGNORE: &str = "# Secrets are never committed.\nsecrets.json\n\n# Built files, and the data of `tidings dev --data \
                         .tidings`.\n\
                         /build/\n/.aws-sam/\n/.tidings/\n";

/// All files, in the order of their paths.
pub(super) fn all(name: &str, example: Example, presets: &[Provider]) -> Result<Vec<NewFile>, Failure> {
    let mut files = match example {
        Example::Shop => of(&SHOP),
        Example::Devops => of(&DEVOPS),
        Example::Empty => empty(presets),
    };
    for (path, text) in &mut files {
        *text = text.replace(SCHEMA_THERE, SCHEMA_HERE);
        if path == SOURCES && example != Example::Empty {
            *text = with(text, presets)?;
        }
    }
    let secrets = secrets(&files)?;
    let own = |path: &str, text: String| (path.to_owned(), text);
    files.extend(EDITOR.map(|(path, text)| own(path, text.to_owned())));
    files.extend([
        own("secrets.example.json", secrets),
        own(".gitignore", GITIGNORE.to_owned()),
        own("template.yaml", template()),
        own("samconfig.toml", samconfig(name)),
        own(".github/workflows/tidings.yml", include_str!("workflow.yml").to_owned()),
        own("README.md", include_str!("README.md").replace("{name}", name)),
    ]);
    files.sort();
    Ok(files)
}

/// The files of an example.
fn of(folder: &Dir<'_>) -> Vec<NewFile> {
    let mut files: Vec<NewFile> = folder.dirs().flat_map(of).collect();
    files.extend(
        folder.files().filter_map(|file| Some((file.path().to_str()?.replace('\\', "/"), file.contents_utf8()?.to_owned()))),
    );
    files
}

/// Adds the presets whose names a file of sources lacks.
fn with(text: &str, presets: &[Provider]) -> Result<String, Failure> {
    let known = read_source_names(SOURCES, text).map_err(|report| refused(&report))?;
    let lines: String = presets.iter().filter(|preset| !known.contains(&preset.name)).map(source).collect();
    Ok(text.replacen("\nsources:\n", &format!("\nsources:\n{lines}"), 1))
}

/// The line of a source. A preset whose provider signs the URL gets an example URL.
fn source(preset: &Provider) -> String {
    let name = &preset.name;
    if preset.scheme.needs_url() {
        format!(
            "  # The URL is signed: write the one that is registered with the provider.\n  \
             {name}: {{ provider: {name}, public_url: \"https://HOST.example/webhooks/{name}\" }}\n"
        )
    } else {
        format!("  {name}: {{ provider: {name} }}\n")
    }
}

/// A project with presets only. For each preset it has a rule and a test, which say only that an event arrived.
fn empty(presets: &[Provider]) -> Vec<NewFile> {
    let sources = format!(
        "# yaml-language-server: {SCHEMA_HERE}sources.schema.json\n\
         # The sources that may send webhooks: one entry for each endpoint, /webhooks/{{source}}.\nversion: 1\nsources:{}",
        if presets.is_empty() { " {}\n".to_owned() } else { format!("\n{}", presets.iter().map(source).collect::<String>()) }
    );
    let mut rules = format!(
        "# yaml-language-server: {SCHEMA_HERE}rules.schema.json\n\
         # The rules: what the chatbot learns from an event and does. Event → facts, dialogue node, actions.\n\
         # `tidings providers show PRESET` lists a provider's events and the fields that rules can use.\nversion: 1\n"
    );
    let mut files = Vec::new();
    if !presets.is_empty() {
        rules += "\nrules:\n";
    }
    for Provider { name, title, .. } in presets {
        rules += &format!(
            "  # An example to start from: it stores the type of the last event of {title}.\n  - name: {name}-heard\n    on: \
             \"*\"\n    \
             source: {name}\n    entity: \"'{name}'\"\n    set:\n      last_event: event.type\n"
        );
        let samples = samples::of_preset(name);
        let kinds = samples::kinds(&samples);
        let event_type = kinds.first().map_or("example.happened", |kind| kind.event.event_type.as_str());
        let test = format!(
            "# Tests of the rules in ../rules.yaml: `tidings rules test`.\nversion: 1\ntests:\n  \
             - name: the last event of {title} is stored\n    given:\n      \
             - {{ event: \"{event_type}\", source: {name}, id: first, conversation: \"demo:1\", data: {{}} }}\n    expect:\n      \
             contexts:\n        \"demo:1\":\n          facts:\n            {name}: {{ last_event: \"{event_type}\" }}\n"
        );
        files.push((format!("tests/{name}.yaml"), test));
    }
    files.extend([(SOURCES.to_owned(), sources), (RULES.to_owned(), rules)]);
    files
}

/// The example document of secrets: for each source a text that says what to put there. No source accepts this text as
/// a secret.
fn secrets(files: &[NewFile]) -> Result<String, Failure> {
    let text = files.iter().find(|(path, _)| path == SOURCES).map(|(_, text)| text.as_str()).unwrap_or_default();
    let sources = read_sources_of_presets(SOURCES, text).map_err(|report| refused(&report))?;
    let mut document = Map::new();
    for source in sources.iter().filter(|source| !source.captures()) {
        let what = preset(&source.provider).map_or("a secret that you and the sender share", |preset| preset.secret.as_str());
        document.insert(source.name.clone(), Value::from(format!("<{what}>")));
    }
    let text = serde_json::to_string_pretty(&document).map_err(|error| Failure::new(error.to_string()))?;
    Ok(text + "\n")
}
