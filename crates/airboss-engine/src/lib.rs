//! airboss-engine.
