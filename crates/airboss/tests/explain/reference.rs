//! `docs/configuration.md` is what the table of settings says.

use std::path::Path;

#[test]
fn configuration_is_documented_as_it_is() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let expected = airboss::command::config::reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs_err::write(&file, &expected).unwrap();
    }
    let found = fs_err::read_to_string(&file).unwrap_or_default();
    assert!(
        found == expected,
        "docs/configuration.md is not up to date; \
         UPDATE_DOCS=1 cargo test -p airboss --test explain configuration"
    );
}
