//! Following real stores.
