//! `include_dir` doesn't tell cargo of files that come and go.

fn main() {
    for folder in ["attacks", "bodies", "samples"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
