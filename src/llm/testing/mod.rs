//! What tests of clients, wrappers and pipelines need: a clock that stands still, and faults on order.
//!
//! - [`MockTimer`]: waiting takes no time, and happens in the right order.

mod timer;

pub use timer::{MockTimer, Stuck};
