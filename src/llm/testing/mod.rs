//! What tests of clients, wrappers and pipelines need: a clock that stands still, and faults on order.
//!
//! - [`MockTimer`]: waiting takes no time, and happens in the right order.
//! - [`FaultyLlm`]: faults at random, but the same ones each time.
//!
//! Replies on order are [`MockLlm`](crate::llm::MockLlm)'s; what every client has to keep is in
//! [`conformance`](crate::llm::conformance).

mod faulty;
mod timer;

pub use faulty::{Fault, FaultyLlm};
pub use timer::{MockTimer, Stuck};
