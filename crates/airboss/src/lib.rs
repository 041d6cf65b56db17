//! airboss.
