//! The commands that explain: the real program, looking back at a real flight.

mod browser;
mod doctor;
mod examples;
mod log;
mod pages;
mod reference;
mod replay;
mod scene;
mod selftest;
mod settings;
mod support;
mod watch;
mod why;
