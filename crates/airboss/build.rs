//! How the program is linked, which is most of what a short command costs.
//!
//! On Linux with glibc, a start of the program as Rust links it by default moves its tables to
//! where it was loaded, looks for four libraries and binds them, and fetches its code from all
//! over a large file. Here it has a fixed address, the C library is in it, and in a release the
//! functions that commands begin with lie beside each other.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The libraries that Rust asks for as shared ones, and where their code is for a static program.
const STATIC: [(&str, &str); 3] = [("gcc_s", "gcc_eh"), ("m", "m"), ("c", "c")];

/// What older versions of the C library have beside it, and Rust asks for in any case.
const OLDER: [&str; 4] = ["pthread", "dl", "rt", "util"];

/// Written by `cargo xtask order`.
const ORDER: &str = "order.ld";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={ORDER}");
    println!("cargo:rerun-if-env-changed=RUSTC_LINKER");
    let is = |name: &str, value| env::var(name).as_deref() == Ok(value);
    if !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ENV", "gnu") {
        return;
    }
    link("-no-pie");
    if let Some(directory) = static_libraries() {
        link("-static");
        link(&format!("-L{}", directory.display()));
    }
    if is("PROFILE", "release") {
        let root = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        link("-T");
        link(&Path::new(&root).join(ORDER).display().to_string());
    }
}

fn link(argument: &str) {
    // The examples are measured, and would not be the program's measure otherwise.
    for kind in ["bins", "examples"] {
        println!("cargo:rustc-link-arg-{kind}={argument}");
    }
}

/// A directory in which the static libraries have the names of the shared ones; `None` where
/// they are not installed: then the program is linked to the shared ones.
///
/// Rust's own way, `target-feature=+crt-static`, is for a whole build, and then no procedural
/// macro can be built unless a target is named in every command.
#[expect(
    clippy::disallowed_methods,
    reason = "no error is shown here that would have to name the file"
)]
fn static_libraries() -> Option<PathBuf> {
    let directory = PathBuf::from(env::var_os("OUT_DIR")?);
    let older = OLDER.iter().map(|name| (*name, *name, false));
    let all = STATIC.map(|(shared, archive)| (shared, archive, true));
    for (shared, archive, is_needed) in all.into_iter().chain(older) {
        let Some(path) = find(&format!("lib{archive}.a")) else {
            if is_needed {
                return None;
            }
            continue;
        };
        println!("cargo:rerun-if-changed={}", path.display());
        let script = format!("INPUT(\"{}\")\n", path.display());
        fs::write(directory.join(format!("lib{shared}.so")), script).ok()?;
    }
    Some(directory)
}

/// Where the linker has a library.
fn find(name: &str) -> Option<PathBuf> {
    let linker = match env::var_os("RUSTC_LINKER") {
        Some(linker) => linker,
        None if env::var_os("HOST") == env::var_os("TARGET") => "cc".into(),
        // The linker for another machine is named where nobody tells a build script.
        None => return None,
    };
    let argument = format!("-print-file-name={name}");
    let output = Command::new(linker).arg(argument).output().ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    // A name that it does not find is answered as it was asked.
    path.is_absolute().then_some(path)
}
