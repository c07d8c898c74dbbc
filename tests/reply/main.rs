//! Replies: what is kept, what is left out and why, and that every byte is accounted for.

mod account;
mod cases;
mod samples;
#[path = "../support/mod.rs"]
mod support;
