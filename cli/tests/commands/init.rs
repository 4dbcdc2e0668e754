//! `tidings init` with every preset.

use crate::support::{Folder, said};
use tidings_project::presets;

#[test]
fn a_project_of_each_preset_that_needs_a_url_and_of_all_presets_passes_check() {
    let folder = Folder::new("init");
    let presets = presets();
    let needing: Vec<&str> =
        presets.iter().filter(|preset| preset.scheme.needs_url()).map(|preset| preset.name.as_str()).collect();
    assert!(["twilio", "contentful", "square"].iter().all(|name| needing.contains(name)), "{needing:?}");
    let all = presets.iter().map(|preset| preset.name.as_str()).collect::<Vec<_>>().join(",");
    for (name, with) in
        needing.iter().map(|name| (*name, *name)).chain([("all", all.as_str()), ("twice", "stripe,stripe,twilio")])
    {
        let made = folder.run(&["init", name, "--with", with]);
        assert_eq!(made.status.code(), Some(0), "{name}: {}", said(&made));
        let checked = folder.run(&["check", "--project", name]);
        assert_eq!(checked.status.code(), Some(0), "{name}: {}", said(&checked));
    }
    let sources = folder.read("twilio/sources.yaml");
    assert!(sources.contains("public_url: \"https://HOST.example/webhooks/twilio\""), "{sources}");
    assert_eq!(folder.read("twice/sources.yaml").matches("provider: stripe").count(), 1);
}

#[test]
fn a_preset_that_the_example_has_is_not_added_again() {
    let folder = Folder::new("init-example");
    let made = folder.run(&["init", "shop", "--example", "shop", "--with", "stripe,twilio,stripe"]);
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    let checked = folder.run(&["check", "--project", "shop"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    let slip = folder.run(&["init", "x", "--with", "stripe,twillio"]);
    assert!(slip.status.code() == Some(2) && said(&slip).contains("did you mean \"twilio\"?"), "{}", said(&slip));
}

#[test]
fn the_name_of_the_stack_is_at_most_as_long_as_cloudformation_takes() {
    let folder = Folder::new("init-long");
    let long = format!("{}-{}", "a".repeat(127), "b".repeat(60));
    assert_eq!(folder.run(&["init", &long]).status.code(), Some(0));
    let text = folder.read(&format!("{long}/samconfig.toml"));
    let name = text.split("stack_name = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("a name").to_owned();
    assert_eq!(name, "a".repeat(127), "no hyphen at its end");
}

#[test]
fn a_preset_that_signs_its_url_is_refused_without_public_url() {
    let folder = Folder::new("no-url");
    for preset in ["contentful", "twilio", "hubspot-v3"] {
        folder.write("sources.yaml", format!("version: 1\nsources:\n  it: {{ provider: {preset} }}\n"));
        folder.write("rules.yaml", "version: 1\n");
        let checked = folder.run(&["check"]);
        assert_eq!(checked.status.code(), Some(1), "{preset}: {}", said(&checked));
        assert!(said(&checked).contains("set `public_url`"), "{preset}: {}", said(&checked));
    }
}
