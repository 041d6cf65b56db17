//! How the program is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |name: &str, value| std::env::var(name).as_deref() == Ok(value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        // Else every start begins with moving all of its tables to where it was loaded, and that
        // takes longer than a short command.
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
