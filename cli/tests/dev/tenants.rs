//! Tenants of a running `dev`: added, rotated, disabled and removed while it runs.

use crate::support::{BINARY, Dev, err, json, out};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const SOURCES: &str = "version: 1
sources:
  shops:
    scheme:
      algorithm: hmac-sha256
      signature: { from: \"header:X-Shop\", encoding: hex }
      message: \"{body}\"
    event: [{ id: \"{json:id}\", type: \"{json:type}\" }]
    tenants: true
  plain:
    scheme:
      algorithm: hmac-sha256
      signature: { from: \"header:X-Shop\", encoding: hex }
      message: \"{body}\"
    event: [{ id: \"{json:id}\", type: \"{json:type}\" }]
";

const RULES: &str = "version: 1
conversations: [{ on: \"*\", conversation: \"has(event.tenant) ? event.tenant + ':ann' : null\" }]
rules: [{ name: seen, on: \"*\", entity: \"'shop'\", set: { whose: event.tenant } }]
";

const FIRST: &str = "the first secret of acme";
const SECOND: &str = "the second secret of acme";

/// A project with a source that has tenants, and a `dev` of it.
struct Project {
    folder: PathBuf,
    dev: Dev,
}

impl Project {
    fn start(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tidings-tenants-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("a file");
        write("sources.yaml", SOURCES);
        write("rules.yaml", RULES);
        write("secrets.json", &serde_json::json!({ "shops/given": "a secret of the file", "plain": "x" }).to_string());
        write("event.json", "{\"id\": \"e1\", \"type\": \"sold\"}");
        let project = folder.to_str().expect("UTF-8").to_owned();
        let secrets = folder.join("secrets.json").to_str().expect("UTF-8").to_owned();
        let dev = Dev::start(&["--project", &project, "--secrets", &secrets]);
        Self { folder, dev }
    }

    /// Runs a command in the project, with this secret on its standard input.
    fn run(&self, arguments: &[&str], secret: Option<&str>) -> Output {
        let mut command = Command::new(BINARY);
        command.args(["--project", self.folder.to_str().expect("UTF-8")]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary");
        let written = child.stdin.take().expect("its input").write_all(secret.unwrap_or_default().as_bytes());
        drop(written);
        child.wait_with_output().expect("its end")
    }

    fn tenants(&self, arguments: &[&str], secret: Option<&str>) -> Output {
        let run = self.run(&[&["tenants"], arguments, &["--endpoint-url", self.dev.dynamodb()]].concat(), secret);
        for text in [out(&run), err(&run)] {
            assert!(!text.contains(FIRST) && !text.contains(SECOND), "{text}");
        }
        run
    }

    /// Sends an event that is signed with this secret. Returns the status of the answer.
    fn send(&self, tenant: &str, secret: &str, id: &str) -> u64 {
        let secrets = self.folder.join("signing.json");
        std::fs::write(&secrets, serde_json::json!({ format!("shops/{tenant}"): secret }).to_string()).expect("a file");
        let (file, set) = (self.folder.join("event.json"), format!("id={id}"));
        let of = |path: &PathBuf| path.to_str().expect("UTF-8").to_owned();
        let named = ["send", "shops", "--tenant", tenant, "--url", &self.dev.webhooks, "--json"];
        let given = ["--file", &of(&file), "--set", &set, "--secrets", &of(&secrets)];
        let sent = self.run(&[&named[..], &given[..]].concat(), None);
        json(&sent)["status"].as_u64().unwrap_or_else(|| panic!("{} {}", out(&sent), err(&sent)))
    }

    /// Moves the clock, so that receivers read again.
    fn wait(&self, time: &str) {
        let moved = self.run(&["dev", "advance", time, "--url", &self.dev.webhooks], None);
        assert!(moved.status.success(), "{}", err(&moved));
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_tenant_is_added_rotated_disabled_enabled_and_removed_while_dev_runs() {
    let project = Project::start("life");
    assert_eq!(project.send("given", "a secret of the file", "e0"), 202, "a tenant of --secrets");
    assert_eq!(project.send("acme", FIRST, "e1"), 401);

    let named = ["shops", "acme"];
    let add = [&["add"], &named[..], &["--secret-file", "-"]].concat();
    let added = project.tenants(&[&add[..], &["--json"]].concat(), Some(&format!("{FIRST}\n")));
    assert_eq!((json(&added)["state"].as_str(), json(&added)["path"].as_str()), (Some("active"), Some("/webhooks/shops/acme")));
    assert_eq!(project.tenants(&add, Some(FIRST)).status.code(), Some(1), "it exists");
    project.wait("1m");
    assert_eq!(project.send("acme", FIRST, "e1"), 202);
    let claim = project.dev.claim("shops/acme#e1", "processed");
    assert_eq!((claim["source"].as_str(), claim["conversation"].as_str()), (Some("shops"), Some("acme:ann")));
    let listed = project.run(&["events", "list", "--tenant", "acme", "--json", "--endpoint-url", project.dev.dynamodb()], None);
    let keys: Vec<_> = json(&listed).as_array().expect("a list").iter().map(|event| event["key"].clone()).collect();
    assert_eq!(keys, ["shops/acme#e1"]);

    let rotate = [&["rotate"], &named[..], &["--secret-file", "-", "--keep", "10m"]].concat();
    assert!(project.tenants(&rotate, Some(SECOND)).status.success());
    project.wait("1m");
    assert_eq!(project.send("acme", SECOND, "e2"), 401, "that was a dry run");
    assert!(project.tenants(&[&rotate[..], &["--yes"]].concat(), Some(SECOND)).status.success());
    project.wait("1m");
    assert_eq!((project.send("acme", SECOND, "e2"), project.send("acme", FIRST, "e3")), (202, 202));
    let shown = json(&project.tenants(&[&["show"], &named[..], &["--json"]].concat(), None));
    assert!(shown["rotated"].is_string() && shown["previous_until"].is_string(), "{shown}");
    project.wait("10m");
    assert_eq!((project.send("acme", SECOND, "e4"), project.send("acme", FIRST, "e5")), (202, 401));

    assert!(project.tenants(&[&["disable"], &named[..]].concat(), None).status.success());
    project.wait("5m");
    assert_eq!(project.send("acme", SECOND, "e6"), 401);
    assert!(project.tenants(&[&["enable"], &named[..]].concat(), None).status.success());
    project.wait("1m");
    assert_eq!(project.send("acme", SECOND, "e6"), 202);

    let remove = [&["remove"], &named[..]].concat();
    assert!(out(&project.tenants(&remove, None)).contains("dry run"));
    assert!(project.tenants(&[&remove[..], &["--yes"]].concat(), None).status.success());
    assert_eq!(project.tenants(&remove, None).status.code(), Some(1), "there is none");
    let listed = json(&project.tenants(&["list", "shops", "--json"], None));
    assert_eq!(listed.as_array().expect("a list").iter().map(|one| one["tenant"].clone()).collect::<Vec<_>>(), ["given"]);
}

#[test]
fn a_secret_that_does_not_fit_and_a_source_without_tenants_are_refused() {
    let project = Project::start("refused");
    let empty = project.tenants(&["add", "shops", "acme", "--secret-file", "-"], Some("\n"));
    assert_eq!(empty.status.code(), Some(1), "{}", err(&empty));
    assert_eq!(project.tenants(&["add", "shops", "acme"], None).status.code(), Some(2), "no secret is given");
    let plain = project.tenants(&["add", "plain", "acme", "--secret-file", "-"], Some(FIRST));
    assert!(err(&plain).contains("source plain has no tenants"), "{}", err(&plain));
    assert_eq!(project.tenants(&["show", "shops", "a/b"], None).status.code(), Some(2));
    let sent = project.run(&["send", "shops", "--url", &project.dev.webhooks], None);
    assert!(err(&sent).contains("source shops has tenants"), "{}", err(&sent));
    let rotated = project.run(&["rotate", "shops", "--drop-old"], None);
    assert!(err(&rotated).contains("tidings tenants rotate shops"), "{}", err(&rotated));
}
