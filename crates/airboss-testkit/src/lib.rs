//! airboss-testkit.
