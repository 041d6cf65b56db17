//! Agents: one parser per event stream.
