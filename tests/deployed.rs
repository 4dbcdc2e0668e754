//! Checks what the deployed binaries link, and what they must not link.

use std::process::Command;
use tidings_tests::golden::root;

/// `cargo tree` of one deployed function: normal dependencies, with their features.
fn linked(package: &str) -> String {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--package", package, "--edges", "normal,features", "--prefix", "none"])
        .current_dir(root())
        .output()
        .expect("cargo");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    String::from_utf8(tree.stdout).expect("UTF-8")
}

#[test]
fn no_fake_is_reachable_from_a_deployed_binary() {
    for package in ["receiver", "processor", "reader", "publisher", "kafka", "sender"] {
        let linked = linked(package);
        assert!(linked.contains("tidings-core feature \"aws\""), "{package} links the real adapters");
        for fake in ["tidings-core feature \"memory\"", "dynoxide", "tidings-events", "lambda-simulator"] {
            assert!(!linked.contains(fake), "{package} links {fake}");
        }
    }
}

#[test]
fn nothing_of_the_build_is_in_the_binary() {
    for package in ["receiver", "processor", "reader", "publisher", "kafka", "sender"] {
        let linked = linked(package);
        for only_for_builds in
            ["tidings-project v", "tidings-core feature \"memory\"", "include_dir v", "serde-saphyr v", "\ntoml v", "clap v"]
        {
            assert!(!linked.contains(only_for_builds), "{package} links {only_for_builds}");
        }
    }
}

#[test]
fn what_a_function_never_uses_is_not_linked() {
    for package in ["receiver", "processor", "reader", "publisher", "kafka", "sender"] {
        let linked = linked(package);
        for (unused, why) in [
            ("\nh2 v", "AWS's endpoints offer HTTP/1.1"),
            ("rustls-native-certs v", "the authorities are compiled in"),
            ("aws-sdk-sts v", "credentials are in the environment"),
            ("matchers v", "logs are filtered by target and level, without regular expressions"),
        ] {
            assert!(!linked.contains(unused), "{package} links {unused}: {why}");
        }
    }
}

#[test]
fn there_is_one_tls_stack_and_only_what_decides_has_expressions() {
    for package in ["receiver", "processor", "reader", "publisher", "kafka", "sender"] {
        let linked = linked(package);
        assert!(linked.contains("\nring v"), "{package}");
        for other in ["aws-lc-sys", "openssl-sys", "native-tls", "aws-sdk-sso"] {
            assert!(!linked.contains(other), "{package} links {other}");
        }
    }
    for package in ["receiver", "reader"] {
        let linked = linked(package);
        for of_rules in ["\ncel v", "tidings-expressions v"] {
            assert!(!linked.contains(of_rules), "{package} links {of_rules}");
        }
    }
}

/// A table of a package takes the place of the profile's `strip`: the binary would have a fifth of its bytes in symbols.
#[test]
fn a_function_whose_package_has_a_profile_of_its_own_is_stripped() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("the workspace's manifest");
    let (_, release) = manifest.split_once("[profile.release.package]").expect("levels by package");
    for function in ["receiver", "processor", "reader", "publisher", "kafka", "sender"] {
        let has = |what: &str| release.lines().any(|line| line.starts_with(&format!("{function}.{what}")));
        assert!(!has("") || has("strip = true"), "{function}");
    }
}
