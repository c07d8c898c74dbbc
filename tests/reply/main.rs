//! Replies: what is kept, what is left out and why, and that every byte is accounted for.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests fail by panicking and say what they went through")]

mod account;
mod accounts;
mod cases;
mod properties;
mod samples;
#[path = "../support/mod.rs"]
mod support;
