//! airboss-core.
