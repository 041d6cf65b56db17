//! Building what is measured, and the surroundings that it runs in.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

/// What is measured, built, and a place to measure it in.
pub(super) struct Programs {
    /// The program itself.
    pub(super) airboss: PathBuf,
    /// One piece of the engine's work in a process of its own.
    pub(super) fresh: PathBuf,
    /// A process that does nothing.
    pub(super) noop: PathBuf,
    /// A process that makes given durable writes and nothing else.
    pub(super) replay: PathBuf,
    /// On the disk of the target folder, for a temporary folder in memory makes syncs free.
    scratch: TempDir,
}

impl Programs {
    /// Builds everything; optimised, unless only correctness is asked for.
    pub(super) fn build(root: &Path, optimised: bool) -> Result<Self> {
        let folder = folder(root)?;
        let mut build = cargo(root);
        build.args([
            "build",
            "--locked",
            "--message-format=json-render-diagnostics",
        ]);
        build.args(["--package=airboss", "--bin=airboss", "--example=fresh"]);
        if optimised {
            build.arg("--release");
        }
        let built = executables(build)?;
        let scratch = tempfile::tempdir_in(&folder)?;
        let find = |name: &str| {
            let found = built.iter().find(|(built, _)| built == name);
            let (_, path) = found.with_context(|| format!("{name} was not built"))?;
            installed(path, scratch.path())
        };
        let baseline = |name: &str| installed(&baseline(root, &folder, name)?, scratch.path());
        Ok(Self {
            airboss: find("airboss")?,
            fresh: find("fresh")?,
            noop: baseline("noop")?,
            replay: baseline("replay")?,
            scratch,
        })
    }

    /// A new folder of this name, gone when the bench ends.
    pub(super) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.scratch.path().join(name);
        fs_err::create_dir(&folder)?;
        Ok(folder)
    }

    /// A new folder of any name.
    pub(super) fn unnamed_folder(&self) -> Result<PathBuf> {
        Ok(tempfile::tempdir_in(self.scratch.path())?.keep())
    }

    /// The home of every command: an empty one.
    pub(super) fn home(&self) -> &Path {
        self.scratch.path()
    }

    /// A command in surroundings that are the same everywhere: nobody's settings count.
    pub(super) fn command(&self, program: impl AsRef<Path>, directory: &Path) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env_clear().current_dir(directory);
        command.env("HOME", self.home()).env("LC_ALL", "C");
        command.env("GIT_CONFIG_NOSYSTEM", "1");
        for person in ["GIT_AUTHOR", "GIT_COMMITTER"] {
            command.env(format!("{person}_NAME"), "A Person");
            command.env(format!("{person}_EMAIL"), "person@localhost");
        }
        if let Some(path) = env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
    }

    /// Runs a command to its good end, and gives what it printed.
    pub(super) fn output(&self, mut command: Command) -> Result<String> {
        let output = command
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("{command:?}"))?;
        ensure!(
            output.status.success(),
            "{command:?}: {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs git in a directory.
    pub(super) fn git(&self, directory: &Path, arguments: &[&str]) -> Result<String> {
        let mut git = self.command("git", directory);
        git.args(arguments);
        self.output(git)
    }
}

/// Runs a command to its good end under another program, which looks on: in the same surroundings.
pub(super) fn run_under(mut onlooker: Command, command: &Command) -> Result<()> {
    onlooker.arg(command.get_program()).args(command.get_args());
    onlooker.env_clear();
    let variables = command.get_envs();
    onlooker.envs(variables.filter_map(|(name, value)| Some((name, value?))));
    if let Some(current) = command.get_current_dir() {
        onlooker.current_dir(current);
    }
    let name = onlooker.get_program().display().to_string();
    let output = onlooker.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("{name} does not start"))?;
    ensure!(
        output.status.success(),
        "under {name}: {command:?}: {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

/// The folder below target/ that the benches keep things in.
pub(super) fn folder(root: &Path) -> Result<PathBuf> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let folder = target.join("bench");
    fs_err::create_dir_all(&folder)?;
    Ok(folder)
}

pub(super) fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).stdin(Stdio::null());
    cargo
}

/// Runs a build that reports in JSON, and gives the executables by name.
pub(super) fn executables(mut build: Command) -> Result<Vec<(String, PathBuf)>> {
    let output = build
        .stderr(Stdio::inherit())
        .output()
        .context("cargo does not start")?;
    ensure!(output.status.success(), "the build failed");
    let mut found = Vec::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let message: Value = serde_json::from_str(line)?;
        if let (Some(name), Some(path)) = (
            message["target"]["name"].as_str(),
            message["executable"].as_str(),
        ) {
            found.push((name.to_owned(), PathBuf::from(path)));
        }
    }
    Ok(found)
}

/// A copy of a program, as `cargo install` makes one, because that is what people start.
///
/// A linker writes its output in small pieces, and so it lies in the page cache: there it takes
/// about a twentieth longer to start.
fn installed(built: &Path, scratch: &Path) -> Result<PathBuf> {
    let name = built.file_name().context("a program without a name")?;
    let folder = scratch.join("bin");
    fs_err::create_dir_all(&folder)?;
    let program = folder.join(name);
    fs_err::copy(built, &program)?;
    Ok(program)
}

/// Compiles a program of one file, static, so that loading libraries is no part of the floor.
fn baseline(root: &Path, folder: &Path, name: &str) -> Result<PathBuf> {
    let program = folder.join(name);
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition=2024", "-O", "-Cpanic=abort", "-Cstrip=symbols"]);
    if cfg!(target_os = "linux") {
        rustc.arg("-Ctarget-feature=+crt-static");
    }
    rustc.arg("-o").arg(&program);
    rustc.arg(
        root.join("xtask/src/bench/baseline")
            .join(name)
            .with_extension("rs"),
    );
    // The toolchain of the workspace is chosen by the directory.
    let status = rustc
        .current_dir(root)
        .status()
        .context("rustc does not start")?;
    ensure!(status.success(), "rustc failed for the baseline {name}");
    Ok(program)
}
