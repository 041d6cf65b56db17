//! A process that starts and ends: the floor under every start.

fn main() {}
