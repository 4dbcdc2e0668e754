//! A user's own project: found, checked, tested and built, independently of the product's examples.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const VARIABLES: [&str; 5] = ["TIDINGS_PROJECT", "TIDINGS_URL", "TIDINGS_STACK", "TIDINGS_ENDPOINT_URL", "TIDINGS_SECRETS"];

/// A custom source, and two of the shipped presets.
const SOURCES: &str = r#"version: 1
sources:
  stripe: { provider: stripe }
  telegram: { provider: telegram }
  kitchen:
    scheme: { algorithm: hmac-sha256, signature: { from: "header:X-Kitchen", encoding: hex }, message: "{body}" }
    event:
      - { id: "{json:id}", type: "{json:kind}", subject: "order/{json:order}" }
"#;

const RULES: &str = r#"version: 1
conversations:
  - { on: "*", source: kitchen, conversation: "'phone:' + data.phone" }
rules:
  - { name: baked, on: pizza.baked, source: kitchen, set: { oven: data.oven } }
"#;

const TESTS: &str = r#"version: 1
tests:
  - name: a pizza is baked
    given:
      - { event: pizza.baked, source: kitchen, id: a, subject: order/1, data: { phone: "1", oven: 3 } }
    expect:
      contexts: { "phone:1": { facts: { order/1: { oven: 3 } } } }
  - name: an oven that is a text is a schema violation
    given:
      - { event: pizza.baked, source: kitchen, id: b, subject: order/1, data: { phone: "1", oven: hot } }
    expect:
      events: { b: { dead: "schema 1: /oven" } }
"#;

const SCHEMA: &str =
    r#"{ "x-tidings": { "policy": "reject" }, "required": ["oven", "phone"], "properties": { "oven": { "type": "integer" } } }"#;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("project-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    /// A folder with a pizza shop's project.
    fn pizza(name: &str) -> Self {
        let folder = Self::new(name);
        folder.write("sources.yaml", SOURCES);
        folder.write("rules.yaml", RULES);
        folder.write("tests/pizza.yaml", TESTS);
        folder.write("schemas/kitchen/pizza.baked/1.json", SCHEMA);
        folder
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn run(&self, arguments: &[&str]) -> Output {
        tidings(&self.0, arguments)
    }
}

fn tidings(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
    for name in VARIABLES {
        command.env_remove(name);
    }
    command.args(arguments).current_dir(folder).output().expect("the binary")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON: {}", said(output)))
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

#[test]
fn a_project_without_the_shipped_sources_is_checked_tested_and_compared() {
    let folder = Folder::pizza("own");
    for arguments in [&["rules", "check"][..], &["rules", "test"], &["rules", "diff", "--against", "rules.yaml"]] {
        let output = folder.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
    }
    assert!(said(&folder.run(&["rules", "test"])).contains("2 of 2 passed"));
    let below = folder.0.join("schemas/kitchen");
    assert_eq!(tidings(&below, &["rules", "test"]).status.code(), Some(0), "found upwards");
    let from_elsewhere = tidings(Path::new("/"), &["rules", "test", "--project", &folder.0.display().to_string()]);
    assert_eq!(from_elsewhere.status.code(), Some(0), "{}", said(&from_elsewhere));
}

#[test]
fn named_files_need_no_project() {
    let folder = Folder::new("named");
    for (path, text) in [("s.yaml", SOURCES), ("r.yaml", RULES), ("t.yaml", TESTS)] {
        folder.write(path, text);
    }
    folder.write("schemas/kitchen/pizza.baked/1.json", SCHEMA);
    let output = folder.run(&["rules", "test", "t.yaml", "--rules", "r.yaml", "--sources", "s.yaml"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

/// A source may have the name of a source of the corpus and send other events.
#[test]
fn a_source_with_the_name_of_a_corpus_source_is_another_source() {
    let folder = Folder::pizza("same-name");
    folder.write("sources.yaml", &SOURCES.replace("  kitchen:", "  orders:"));
    folder.write("rules.yaml", &RULES.replace("source: kitchen", "source: orders"));
    fs::rename(folder.0.join("schemas/kitchen"), folder.0.join("schemas/orders")).expect("a folder");
    let output = folder.run(&["rules", "check"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn an_event_that_a_source_may_send_is_a_note_and_one_that_it_never_sends_a_warning() {
    let folder = Folder::pizza("types");
    let rule =
        |name: &str, on: &str, source: &str| format!("  - {{ name: {name}, on: {on}, source: {source}, set: {{ a: '1' }} }}\n");
    let with = |text: String| folder.write("rules.yaml", &(RULES.to_owned() + &text));
    with(rule("new", "radar.review.reopened", "stripe"));
    let checked = folder.run(&["rules", "check", "--json"]);
    assert_eq!((checked.status.code(), json(&checked)["warnings"].as_array().map(Vec::len)), (Some(0), Some(0)));
    assert!(
        json(&checked)["notes"][0]["message"].as_str().is_some_and(|note| note.contains("radar.review.reopened")),
        "{}",
        said(&checked)
    );
    for (on, source, why) in [
        ("checkout.session.complete", "stripe", "did you mean"),
        ("update.text", "telegram", "none of the known events of telegram"),
    ] {
        with(rule("never", on, source));
        let checked = folder.run(&["rules", "check"]);
        assert_eq!(checked.status.code(), Some(1), "{on}: {}", said(&checked));
        assert!(said(&checked).contains(why), "{on}: {}", said(&checked));
    }
}

#[test]
fn a_command_without_a_project_says_how_to_make_one_or_takes_the_demos() {
    let folder = Folder::new("none");
    for arguments in [
        &["build"][..],
        &["check"],
        &["upgrade"],
        &["rules", "check"],
        &["rules", "test"],
        &["rotate", "stripe", "--generate", "--stack", "s"],
    ] {
        let output = tidings(Path::new("/"), arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains("no project here") && said(&output).contains("tidings init NAME"), "{}", said(&output));
    }
    let sent = tidings(Path::new("/"), &["send", "stripe", "--dry-run"]);
    assert_eq!(sent.status.code(), Some(0), "{}", said(&sent));
    assert!(said(&sent).contains("the built-in demo project is used"), "{}", said(&sent));
    let named = folder.run(&["send", "stripe", "--dry-run", "--project", "nothing"]);
    assert_eq!(named.status.code(), Some(1));
    assert!(said(&named).contains("nothing isn't a project: it has no sources.yaml"), "{}", said(&named));
}

#[test]
fn commands_take_the_projects_sources() {
    let folder = Folder::pizza("sources");
    folder.write("secrets.json", r#"{ "kitchen": "a-secret-of-the-kitchen", "stripe": "whsec_c3RyaXBlLWlzLWEtc2VjcmV0" }"#);
    folder.write("pizza.json", r#"{ "id": "1", "kind": "pizza.baked", "order": "7", "phone": "1", "oven": 2 }"#);
    let sent = folder.run(&["send", "kitchen", "--file", "pizza.json", "--secrets", "secrets.json", "--dry-run", "--json"]);
    assert_eq!(json(&sent)["answer"]["events"][0]["type"], "pizza.baked", "{}", said(&sent));
    folder.write("request.json", &String::from_utf8_lossy(&sent.stdout));
    let verified = folder.run(&["verify", "kitchen", "request.json", "--secrets", "secrets.json"]);
    assert_eq!(verified.status.code(), Some(0), "{}", said(&verified));
    let slip = folder.run(&["send", "kichen"]);
    assert!(
        said(&slip).contains("did you mean \"kitchen\"?") && said(&slip).contains("kitchen, stripe, telegram"),
        "{}",
        said(&slip)
    );
}

#[test]
fn build_writes_the_same_bytes_for_the_same_project_and_nothing_for_a_wrong_one() {
    let folder = Folder::pizza("build");
    let built = folder.run(&["build", "--json"]);
    assert_eq!(built.status.code(), Some(0), "{}", said(&built));
    let first = fs::read(folder.0.join("build/tidings.json")).expect("the artefact");
    let artefact: Value = serde_json::from_slice(&first).expect("JSON");
    assert_eq!((&artefact["format"], &artefact["hash"]), (&2.into(), &json(&built)["configuration"]));
    assert_eq!(
        artefact["files"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["rules.yaml", "schemas/kitchen/pizza.baked/1.json", "sources.yaml"]
    );
    assert!(!String::from_utf8_lossy(&first).contains("vector"), "what a preset rests on is for tools");
    folder.run(&["build", "--out", "again"]);
    assert_eq!(fs::read(folder.0.join("again/tidings.json")).expect("the artefact"), first);

    folder.write("rules.yaml", &RULES.replace("data.oven", "data.oven +"));
    let refused = folder.run(&["build", "--out", "wrong"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("rules.yaml:5:"), "{}", said(&refused));
    assert!(!folder.0.join("wrong").exists());
}

#[test]
fn build_writes_the_alarms_of_expected_sources_and_removes_them_with_the_last_one() {
    let folder = Folder::pizza("silence");
    let silence = folder.0.join("build/silence.json");
    folder.run(&["build"]);
    assert!(!silence.exists(), "what is off isn't written");
    let plain = fs::read(folder.0.join("build/tidings.json")).expect("the artefact");

    folder.write("sources.yaml", &SOURCES.replace("{ provider: stripe }", "{ provider: stripe, expect_every: 6h }"));
    let built = folder.run(&["build", "--json"]);
    assert_eq!(built.status.code(), Some(0), "{}", said(&built));
    assert!(json(&built)["written"].to_string().contains("silence.json"), "{}", said(&built));
    let template: Value = serde_json::from_slice(&fs::read(&silence).expect("the template")).expect("JSON");
    let alarms: Vec<&Value> = template["Resources"].as_object().expect("resources").values().collect();
    assert_eq!(alarms.len(), 1);
    assert_eq!(alarms[0]["Properties"]["AlarmName"]["Fn::Sub"], "${Stack}-silence-stripe");
    let artefact = String::from_utf8(fs::read(folder.0.join("build/tidings.json")).expect("the artefact")).expect("UTF-8");
    assert!(artefact.contains(r#""expect_every":"6h""#));

    folder.write("sources.yaml", SOURCES);
    folder.run(&["build"]);
    assert!(!silence.exists());
    assert_eq!(fs::read(folder.0.join("build/tidings.json")).expect("the artefact"), plain);

    for (every, said_of_it) in
        [("5m", "`expect_every` is 5m, allowed: 10m to 7d"), ("8d", "`expect_every` is 8d, allowed: 10m to 7d")]
    {
        folder.write(
            "sources.yaml",
            &SOURCES.replace("{ provider: stripe }", &format!("{{ provider: stripe, expect_every: {every} }}")),
        );
        let refused = folder.run(&["check"]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(said(&refused).contains(said_of_it), "{}", said(&refused));
    }
}

#[test]
fn build_makes_a_package_of_each_function_of_a_release() {
    let folder = Folder::pizza("packages");
    let missing = folder.run(&["build", "--functions", "release"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(said(&missing).contains("release/receiver/bootstrap doesn't exist"), "{}", said(&missing));
    folder.write("release/receiver/bootstrap", "the receiver");
    folder.write("release/processor/bootstrap", "the processor");
    folder.write("release/reader/bootstrap", "the reader");
    folder.write("release/publisher/bootstrap", "the publisher");
    folder.write("release/kafka/bootstrap", "the kafka");
    folder.write("release/sender/bootstrap", "the sender");
    let built = folder.run(&["build", "--functions", "release"]);
    assert_eq!(built.status.code(), Some(0), "{}", said(&built));
    let read = |path: &str| fs::read_to_string(folder.0.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!([read("build/receiver/bootstrap"), read("build/processor/bootstrap")], ["the receiver", "the processor"]);
    assert_eq!(read("build/receiver/tidings.json"), read("build/processor/tidings.json"));
    assert_eq!(read("build/reader/bootstrap"), "the reader");
    for function in ["publisher", "kafka", "sender"] {
        assert_eq!(read(&format!("build/{function}/bootstrap")), format!("the {function}"));
        assert_eq!(read(&format!("build/{function}/tidings.json")), read("build/receiver/tidings.json"));
    }
    assert!(!folder.0.join("build/reader/tidings.json").exists(), "it reads contexts alone");
}

#[test]
fn every_example_is_valid_tested_and_built() {
    for name in ["shop", "devops", "turns", "reminders"] {
        let project = examples().join(name).display().to_string();
        let out = Folder::new(&format!("example-{name}")).0.display().to_string();
        for arguments in [&["rules", "check"][..], &["rules", "test"], &["build", "--out", &out]] {
            let output = tidings(Path::new("/"), &[arguments, &["--project", &project]].concat());
            assert_eq!(output.status.code(), Some(0), "{name} {arguments:?}: {}", said(&output));
        }
    }
}

#[test]
fn init_writes_a_valid_project_and_never_replaces_a_file() {
    let folder = Folder::new("init");
    for (name, more) in [
        ("shop", &[][..]),
        ("devops", &["--example", "devops", "--with", "stripe"]),
        ("presets", &["--with", "stripe,whatsapp,telegram"]),
        ("empty", &["--example", "empty"]),
    ] {
        let made = folder.run(&[&["init", name], more].concat());
        assert_eq!(made.status.code(), Some(0), "{name}: {}", said(&made));
        assert!(said(&made).contains("tidings dev"), "{}", said(&made));
        let project = folder.0.join(name);
        for file in
            ["sources.yaml", "rules.yaml", "secrets.example.json", ".gitignore", "template.yaml", "samconfig.toml", "README.md"]
        {
            assert!(project.join(file).is_file(), "{name}/{file}");
        }
        assert!(
            fs::read_to_string(project.join("sources.yaml")).unwrap().contains("$schema=editor/sources.schema.json"),
            "{name}"
        );
        let built = tidings(&project, &["build"]);
        assert_eq!(built.status.code(), Some(0), "{name}: {}", said(&built));
        let checked = tidings(&project, &["check"]);
        assert_eq!(checked.status.code(), Some(0), "{name}: {}", said(&checked));
        assert_eq!(said(&checked).contains("tests      no"), name == "empty", "{name}: {}", said(&checked));
        let upgraded = tidings(&project, &["upgrade", "--check"]);
        assert_eq!(upgraded.status.code(), Some(0), "{name}: {}", said(&upgraded));
        let again = folder.run(&[&["init", name], more].concat());
        assert_eq!(again.status.code(), Some(1), "{name}");
        assert!(said(&again).contains("nothing was written") && said(&again).contains("--force"), "{}", said(&again));
        assert_eq!(folder.run(&[&["init", name, "--force"], more].concat()).status.code(), Some(0), "{name}");
    }
    let slip = folder.run(&["init", "x", "--with", "strpe"]);
    assert_eq!(slip.status.code(), Some(2));
    assert!(said(&slip).contains("did you mean \"stripe\"?") && !folder.0.join("x").exists(), "{}", said(&slip));
}

/// A part of what `tidings check --json` prints.
fn part<'a>(checked: &'a Value, name: &str) -> &'a Value {
    checked["parts"].as_array().expect("parts").iter().find(|part| part["part"] == name).unwrap_or(&Value::Null)
}

#[test]
fn check_reports_every_problem_with_its_place() {
    let folder = Folder::new("check");
    assert!(folder.run(&["init", ".", "--with", "stripe,telegram"]).status.success());
    let good = |path: &str| fs::read_to_string(folder.0.join(path)).expect("a file of init");
    let rule = |when: &str| {
        good("rules.yaml") + &format!("  - {{ name: extra, on: charge.refunded, source: stripe, {when} set: {{ a: '1' }} }}\n")
    };
    let secrets = good("secrets.example.json");
    let cases: [(&str, String, &str, &str); 9] = [
        ("rules.yaml", rule("when: 'data.',"), "files", "rules.yaml:"),
        ("rules.yaml", rule("when: 'false',"), "rules", "rules.yaml:"),
        ("rules.yaml", good("rules.yaml").replace("last_event", "newest_event"), "tests", "tests/stripe.yaml:"),
        ("tests/stripe.yaml", "version: 1\ntests: [".to_owned(), "tests", "tests/stripe.yaml:2:"),
        ("secrets.example.json", secrets.replace("\"stripe\"", "\"strpe\""), "secrets", "sources.yaml:"),
        ("secrets.example.json", secrets.replace('{', "["), "secrets", "secrets.example.json:1:"),
        ("template.yaml", "Parameters: [\n".to_owned(), "template", "template.yaml:"),
        (
            "samconfig.toml",
            good("samconfig.toml").replace("GradualDeployment=", "GradualDeploy="),
            "samconfig",
            "samconfig.toml:",
        ),
        ("samconfig.toml", "[default".to_owned(), "samconfig", "samconfig.toml:1:"),
    ];
    for (path, text, name, place) in cases {
        let before = good(path);
        folder.write(path, &text);
        let output = folder.run(&["check", "--json"]);
        assert_eq!(output.status.code(), Some(1), "{path}: {}", said(&output));
        let checked = json(&output);
        let details = part(&checked, name)["details"].as_array().cloned().unwrap_or_default();
        assert!(details.iter().any(|line| line.as_str().is_some_and(|line| line.starts_with(place))), "{path}: {checked:#}");
        let is_place = |line: &str| line.split(':').nth(1).is_some_and(|line| line.parse::<u32>().is_ok_and(|line| line > 0));
        assert!(details.iter().all(|line| line.as_str().is_some_and(is_place)), "{path}: {checked:#}");
        assert_eq!((&checked["good"], &part(&checked, name)["status"]), (&false.into(), &"bad".into()), "{path}: {checked:#}");
        let shown = folder.run(&["check"]);
        assert_eq!(shown.status.code(), Some(1), "{path}");
        assert!(said(&shown).contains(details[0].as_str().expect("a text")), "{path}: {}", said(&shown));
        folder.write(path, &before);
    }
    assert_eq!(folder.run(&["check"]).status.code(), Some(0), "all is as it was");
    folder.write("secrets.example.json", &secrets.replacen('{', r#"{ "stripe.verify_token": "x","#, 1));
    assert_eq!(folder.run(&["check"]).status.code(), Some(0), "a source's other secrets are its own");
}

#[test]
fn check_reports_several_problems_at_once_and_notes_fail_nothing() {
    let folder = Folder::pizza("check-several");
    let without = folder.run(&["check", "--json"]);
    assert_eq!(without.status.code(), Some(0), "what a project doesn't have is no problem: {}", said(&without));
    assert_eq!(part(&json(&without), "secrets")["status"], "absent");
    folder.write("template.yaml", "Parameters: {}\n");
    folder.write("rules.yaml", &(RULES.to_owned() + "  - { name: new, on: pizza.eaten, source: kitchen, set: { a: '1' } }\n"));
    let noted = folder.run(&["check", "--json"]);
    assert_eq!(noted.status.code(), Some(0), "{}", said(&noted));
    assert_eq!([&part(&json(&noted), "template")["status"], &part(&json(&noted), "rules")["status"]], ["note", "note"]);
    folder.write("rules.yaml", "version: 2\n");
    folder.write("samconfig.toml", "[");
    let checked = folder.run(&["check", "--json"]);
    assert_eq!([&part(&json(&checked), "files")["status"], &part(&json(&checked), "samconfig")["status"]], ["bad", "bad"]);
}

#[test]
fn upgrade_shows_the_line_that_an_older_template_lacks_and_writes_it_only_with_yes() {
    let folder = Folder::new("upgrade");
    assert!(folder.run(&["init", "."]).status.success());
    let read = |path: &str| fs::read_to_string(folder.0.join(path)).expect("a file of init");
    let (template, samconfig) = (read("template.yaml"), read("samconfig.toml"));
    let line = template.lines().find(|line| line.contains("MinValue: 128")).expect("a line of the template");
    folder.write("template.yaml", &template.replacen(line, "    MinValue: 64", 1));
    let own = "# Ours.\nversion = 0.1\n[default.deploy.parameters]\nregion = \"eu-central-1\"\nparameter_overrides = \"KeepEvents=true\"\n";
    folder.write("samconfig.toml", own);

    for (arguments, status) in [(&["upgrade", "--check"][..], 1), (&["upgrade"], 0)] {
        let shown = folder.run(arguments);
        assert_eq!(shown.status.code(), Some(status), "{arguments:?}: {}", said(&shown));
        let text = said(&shown);
        let of_template = text.split("--- a/samconfig.toml").next().expect("a part");
        let changes: Vec<&str> = of_template
            .lines()
            .filter(|line| line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---"))
            .collect();
        assert_eq!(changes, ["-    MinValue: 64", &format!("+{line}")], "{text}");
        assert!(text.contains("nothing was written") && !text.contains('\u{1b}'), "{text}");
    }
    let said_json = json(&folder.run(&["upgrade", "--check", "--json"]));
    assert_eq!((&said_json["differs"], &said_json["written"]), (&true.into(), &false.into()));
    let file = &said_json["files"][0];
    assert_eq!((&file["file"], &file["added"], &file["removed"]), (&"template.yaml".into(), &1.into(), &1.into()));
    assert_eq!(read("samconfig.toml"), own, "a dry run writes nothing");

    fs::create_dir_all(folder.0.join("below")).expect("a folder");
    let written = tidings(&folder.0.join("below"), &["upgrade", "--yes"]);
    assert_eq!(written.status.code(), Some(0), "{}", said(&written));
    assert_eq!(read("template.yaml"), template);
    let merged = read("samconfig.toml");
    assert!(merged.starts_with(own.trim_end()), "what the project has set stays: {merged}");
    for setting in samconfig.lines().filter(|line| line.starts_with(['s', 'c', 'r', 'f', 't', 'l'])) {
        assert!(merged.contains(setting), "{setting} is added: {merged}");
    }
    assert!(!merged.contains("GradualDeployment=true"), "{merged}");
    assert_eq!(folder.run(&["upgrade", "--check"]).status.code(), Some(0), "nothing is left");
    fs::remove_file(folder.0.join("template.yaml")).expect("a file");
    let new = folder.run(&["upgrade", "--check"]);
    assert!(new.status.code() == Some(1) && said(&new).contains("template.yaml: a new file"), "{}", said(&new));
    assert_eq!(folder.run(&["upgrade", "--yes"]).status.code(), Some(0));
    assert_eq!(folder.run(&["check"]).status.code(), Some(0), "{}", said(&folder.run(&["check"])));
}

#[test]
fn upgrade_keeps_line_ends_and_leaves_files_of_another_form_alone() {
    let folder = Folder::new("upgrade-forms");
    assert!(folder.run(&["init", "."]).status.success());
    let read = |path: &str| fs::read_to_string(folder.0.join(path)).expect("a file");
    let template = read("template.yaml").replace('\n', "\r\n");
    folder.write("template.yaml", &template);
    assert_eq!(folder.run(&["upgrade", "--check"]).status.code(), Some(0), "line ends are no difference");
    folder.write("template.yaml", &template.replacen("MinValue: 128", "MinValue: 64", 1));
    fs::rename(folder.0.join("samconfig.toml"), folder.0.join("samconfig.yaml")).expect("a file");
    let written = folder.run(&["upgrade", "--yes"]);
    assert_eq!(written.status.code(), Some(0), "{}", said(&written));
    assert_eq!(read("template.yaml"), template);
    assert!(!folder.0.join("samconfig.toml").exists() && said(&written).contains("samconfig.yaml instead"), "{}", said(&written));

    folder.write("samconfig.toml", "a = [");
    let refused = folder.run(&["upgrade", "--yes"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("samconfig.toml:1:"), "{}", said(&refused));
    assert_eq!(folder.run(&["upgrade", "--yes", "--check"]).status.code(), Some(2));
}

#[test]
fn a_note_of_a_rule_that_nobody_sends_lists_only_some_of_the_known_types() {
    let folder = Folder::pizza("types-many");
    for (rule, near) in [
        ("{ name: never, on: thing.made, set: { a: '1' } }", "and "),
        ("{ name: never, on: payment_intent.lost, source: stripe, set: { a: '1' } }", "payment_intent.canceled"),
    ] {
        folder.write("rules.yaml", &format!("version: 1\nrules:\n  - {rule}\n"));
        let checked = folder.run(&["rules", "check"]);
        let text = said(&checked);
        let line = text.lines().find(|line| line.contains("matches no known event")).expect("a note");
        assert!(line.len() < 600 && line.contains(" more") && line.contains(near), "{line}");
    }
}

/// Readers copy the page's files.
#[test]
fn the_files_that_the_configuration_page_begins_with_pass_the_check() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md")).expect("the page");
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let files: Vec<&str> = blocks.filter(|block| block.starts_with("version: 1\n")).collect();
    let [sources, rules] = files[..] else { panic!("the page has {} whole files", files.len()) };
    let folder = Folder::new("page");
    folder.write("sources.yaml", sources);
    folder.write("rules.yaml", rules);
    let output = folder.run(&["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}
