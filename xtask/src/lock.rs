//! The price of dependencies: how many packages Cargo.lock may hold.

use std::path::Path;

use anyhow::Result;

/// The largest number of packages in Cargo.lock.
///
/// Every package is code that someone must trust, build and update. A skeleton
/// with everything that is planned (terminal interface, dashboard, MCP, ACP)
/// has 379, so 400 leaves room for the plan and none for accidents. Raising it
/// is a decision, made in the commit that needs it.
const PACKAGE_LIMIT: usize = 400;

/// Says so when Cargo.lock holds more packages than the limit.
pub(crate) fn problems(root: &Path) -> Result<Vec<String>> {
    let text = fs_err::read_to_string(root.join("Cargo.lock"))?;
    Ok(over_limit(&text, PACKAGE_LIMIT).into_iter().collect())
}

fn over_limit(lock: &str, limit: usize) -> Option<String> {
    let count = lock.lines().filter(|line| *line == "[[package]]").count();
    (limit < count).then(|| {
        format!(
            "Cargo.lock: {count} packages, the limit is {limit}; \
             drop a dependency, or raise the limit in xtask/src/lock.rs with its reason"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock_with(packages: usize) -> String {
        "[[package]]\nname = \"a\"\n\n".repeat(packages)
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        assert_eq!(over_limit(&lock_with(3), 3), None);
    }

    #[test]
    fn one_more_is_a_problem() {
        let problem = over_limit(&lock_with(4), 3).unwrap();
        assert!(
            problem.starts_with("Cargo.lock: 4 packages, the limit is 3;"),
            "{problem}"
        );
    }
}
