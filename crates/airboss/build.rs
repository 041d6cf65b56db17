//! How the program is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // Else every start begins with moving all of its tables to where it was loaded, and that
        // takes longer than a short command.
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
