//! Records what the binary is built with, for the manifests of its runs.

use std::env;
use std::process::Command;

fn main() {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    record("ADJUDICATE_RUSTC", &output(&rustc, &["--version"]));
    record("ADJUDICATE_TARGET_CPU", &target_cpu());
    record("ADJUDICATE_COMMIT", &commit());
}

fn record(name: &str, value: &str) {
    println!("cargo::rustc-env={name}={value}");
}

/// The first line that a program prints, empty if it fails.
fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().ok().filter(|o| o.status.success());
    let text = output.and_then(|o| String::from_utf8(o.stdout).ok()).unwrap_or_default();
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// The CPU that code is generated for.
fn target_cpu() -> String {
    println!("cargo::rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let mut named = flags.split('\u{1f}').filter_map(|flag| flag.split_once("target-cpu="));
    let cpu = named.next_back().map(|(_, cpu)| cpu.to_owned());
    cpu.unwrap_or_else(|| format!("generic {}", env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default()))
}

/// The commit of the sources, with a mark if they differ from it; empty outside a repository.
fn commit() -> String {
    let folder = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let git = |args: &[&str]| output("git", &[&["-C", &folder], args].concat());
    for watched in ["HEAD", "index"] {
        println!("cargo::rerun-if-changed={}", git(&["rev-parse", "--path-format=absolute", "--git-path", watched]));
    }
    let commit = git(&["rev-parse", "--short=12", "HEAD"]);
    // A status that may take locks refreshes the index, which is watched: the next build would build all anew.
    let changed = !git(&["--no-optional-locks", "status", "--porcelain", "--untracked-files=no"]).is_empty();
    if changed && !commit.is_empty() { format!("{commit} with changes") } else { commit }
}
