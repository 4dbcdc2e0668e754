//! `tidings --version` names the build.

use std::path::Path;
use std::process::Command;

fn output(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let ran = Command::new(program).args(arguments).current_dir(root).output().ok().filter(|ran| ran.status.success())?;
    Some(String::from_utf8(ran.stdout).expect("UTF-8").trim_end().to_owned())
}

#[test]
fn the_version_names_the_commit_of_the_build() {
    let number = concat!("tidings ", env!("CARGO_PKG_VERSION"));
    let expected = match (option_env!("TIDINGS_COMMIT"), output("git", &["rev-parse", "HEAD"])) {
        (Some(released), _) => format!("{number} ({released})"),
        (None, Some(head)) => format!("{number} ({})", &head[..7]),
        (None, None) => number.to_owned(),
    };
    for option in ["--version", "-V"] {
        assert_eq!(output(env!("CARGO_BIN_EXE_tidings"), &[option]).as_deref(), Some(expected.as_str()), "{option}");
    }
}
