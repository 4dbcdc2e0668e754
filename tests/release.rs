//! The base of a release: workflows with pinned actions, and a changelog with the version.

use serde_json::Value;
use std::fs;
use tidings_tests::golden::root;

/// The workflows, by file name.
fn workflows() -> Vec<(String, String)> {
    let folder = fs::read_dir(root().join(".github/workflows")).expect("the workflows");
    let files = folder.map(|file| file.expect("a file").path());
    let read = |path: std::path::PathBuf| (path.display().to_string(), fs::read_to_string(&path).expect("a workflow"));
    let found: Vec<_> = files.map(read).collect();
    assert!(found.len() >= 2, "{found:?}");
    found
}

#[test]
fn every_action_of_a_workflow_is_pinned_by_its_commit_and_names_its_version() {
    for (name, text) in workflows() {
        let mut actions = 0;
        for action in text.lines().filter_map(|line| line.trim_start().trim_start_matches("- ").strip_prefix("uses: ")) {
            let (commit, version) =
                action.split_once('@').and_then(|(_, pin)| pin.split_once(" # v")).unwrap_or_else(|| panic!("{name}: {action}"));
            assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}: {action}");
            assert_eq!(version.split('.').count(), 3, "{name}: {action}: a whole version, as v1.2.3");
            actions += 1;
        }
        assert!(actions > 0, "{name} has no action");
    }
}

#[test]
fn a_workflow_may_read_the_repository_and_only_the_job_that_publishes_may_write() {
    for (name, text) in workflows() {
        let workflow: Value = serde_saphyr::from_str(&text).expect("YAML");
        assert_eq!(workflow["permissions"], serde_json::json!({"contents": "read"}), "{name}");
        for (job, content) in workflow["jobs"].as_object().expect("jobs") {
            let writes = content.get("permissions").is_some_and(|permissions| permissions.to_string().contains("write"));
            assert!(!writes || (name.ends_with("release.yml") && job == "publish"), "{name}: {job} may write");
            assert!(content["timeout-minutes"].is_u64(), "{name}: {job} has no limit of time");
        }
        assert!(!text.contains("pull_request_target"), "{name} would run a stranger's code with our rights");
    }
}

#[test]
fn the_changelog_begins_with_the_version_of_the_workspace() {
    let changelog = fs::read_to_string(root().join("CHANGELOG.md")).expect("CHANGELOG.md");
    let newest = changelog.lines().find_map(|line| line.strip_prefix("## [")).expect("a version");
    assert!(newest.starts_with(concat!(env!("CARGO_PKG_VERSION"), "] - ")), "{newest}");
}

#[test]
fn ci_and_the_release_workflow_run_the_newcomers_steps() {
    for file in [".ci/run", ".github/workflows/release.yml"] {
        let text = fs::read_to_string(root().join(file)).expect("a file");
        let runs = |line: &&str| line.trim_start().trim_start_matches("run: ").starts_with("tests/newcomer/run");
        assert_eq!(text.lines().filter(runs).count(), 1, "{file}");
    }
    assert!(root().join("tests/newcomer/run").is_file());
}
