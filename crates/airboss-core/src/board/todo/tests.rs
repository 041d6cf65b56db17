//! Tests of the whole module.

mod cases;
mod corpus;
