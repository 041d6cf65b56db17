//! The one direction of dependencies, checked on the graph that cargo resolved.
//!
//! ```text
//! airboss ──▶ airboss-engine ──▶ airboss-core
//! ```
//!
//! Only normal dependencies count: the tests of a crate may use what they like.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// One crate and what it must not reach, however indirectly.
struct Layer {
    package: &'static str,
    forbidden: &'static [&'static str],
}

const LAYERS: &[Layer] = &[
    // The core decides from values alone. Each of these crates is a way to
    // touch the world, or to wait for it.
    Layer {
        package: "airboss-core",
        forbidden: &[
            "airboss",
            "airboss-engine",
            "fs-err",
            "gix",
            "rusqlite",
            "rustix",
            "signal-hook",
            "tempfile",
            "tokio",
        ],
    },
    // The engine acts, and never draws or reads arguments.
    Layer {
        package: "airboss-engine",
        forbidden: &[
            "airboss",
            "airboss-faults",
            "airboss-testkit",
            "clap",
            "crossterm",
            "owo-colors",
            "ratatui",
        ],
    },
    // What is made for tests never flies; the fault engine is there for `selftest` alone.
    Layer {
        package: "airboss",
        forbidden: &["airboss-testkit", "xtask"],
    },
    // The fault engine knows any program, and none in particular.
    Layer {
        package: "airboss-faults",
        forbidden: &[
            "airboss",
            "airboss-core",
            "airboss-engine",
            "airboss-testkit",
        ],
    },
    Layer {
        package: "airboss-testkit",
        forbidden: &[
            "airboss",
            "airboss-core",
            "airboss-engine",
            "airboss-faults",
        ],
    },
];

/// Names every forbidden dependency that some layer reaches.
pub(crate) fn problems(root: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for layer in LAYERS {
        problems.extend(reached(layer, &dependency_tree(root, layer.package)?));
    }
    Ok(problems)
}

/// The packages that `package` is built from, one a line, its own name first.
///
/// `cargo tree -i` cannot answer this: it exits with 0 for a package that is in
/// the workspace but not reached, so a script has to tell its messages apart.
fn dependency_tree(root: &Path, package: &str) -> Result<String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--locked", "--edges", "normal", "--target", "all"])
        .args([
            "--all-features",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--package",
            package,
        ])
        .current_dir(root)
        .output()
        .context("cargo tree does not start")?;
    ensure!(
        output.status.success(),
        "cargo tree failed for {package}: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let tree = String::from_utf8(output.stdout)?;
    ensure!(
        tree.split_whitespace().next() == Some(package),
        "cargo tree does not begin with {package}, so nothing would be proved"
    );
    Ok(tree)
}

fn reached(layer: &Layer, tree: &str) -> Vec<String> {
    let packages: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let forbidden = layer
        .forbidden
        .iter()
        .filter(|name| packages.contains(name));
    forbidden
        .map(|name| {
            let package = layer.package;
            format!(
                "{package} must not depend on {name}; \
                 `cargo tree -p {package} -e normal -i {name}` shows the way"
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYER: Layer = Layer {
        package: "core",
        forbidden: &["tokio", "gix"],
    };

    #[test]
    fn an_indirect_dependency_is_found() {
        let tree = "core v0.1.0 (folder)\nserde v1.0.0\nhelper v0.3.0\ntokio v1.54.1 (*)\n";
        let expected = "core must not depend on tokio; \
                        `cargo tree -p core -e normal -i tokio` shows the way";
        assert_eq!(reached(&LAYER, tree), [expected]);
    }

    #[test]
    fn a_name_that_only_begins_alike_is_not_found() {
        assert!(
            reached(
                &LAYER,
                "core v0.1.0\ntokio-util v0.7.20\ngix-hash v0.22.0\n"
            )
            .is_empty()
        );
    }

    #[test]
    fn the_real_graph_is_read() {
        let root = crate::workspace_root().unwrap();
        let layer = Layer {
            package: "airboss-engine",
            forbidden: &["airboss-core", "clap"],
        };
        let tree = dependency_tree(root, layer.package).unwrap();
        let problems = reached(&layer, &tree);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("airboss-engine must not depend on airboss-core"));
    }

    #[test]
    fn an_unknown_package_is_an_error_and_not_a_pass() {
        assert!(dependency_tree(crate::workspace_root().unwrap(), "no-such-package").is_err());
    }
}
