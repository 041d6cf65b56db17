//! The entry point; everything else is in the library.

fn main() -> std::process::ExitCode {
    airboss::main_impl()
}
