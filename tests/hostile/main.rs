//! Whole runs of the program against a server that misbehaves, a disk that is full, a process that is killed.
//!
//! `SVITGEN_TEST_HOSTILE` names the hostile server, `SVITGEN_TEST_SERVER` the base URL of a real one; what needs them
//! says that it skips where they are absent. `SVITGEN_TEST_IMAGES` sets how many images the busy run has.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod batches;
mod busy;
mod caps;
#[cfg(target_os = "linux")]
mod disk;
mod faults;
mod interrupt;
mod kills;
mod large;
mod patience;
mod program;
mod real;
mod server;
mod stops;
