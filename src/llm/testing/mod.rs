//! What tests of clients, wrappers and pipelines need: a clock that stands still, and faults on order.
//!
//! - [`MockTimer`]: waiting takes no time, and happens in the right order.
//! - [`FaultyLlm`]: faults at random, but the same ones each time.
//! - [`FaultServer`]: a server that answers and misbehaves by a script, for clients that speak HTTP.
//!
//! Replies on order are [`MockLlm`](crate::llm::MockLlm)'s; what every client has to keep is in
//! [`conformance`](crate::llm::conformance).

mod faulty;
mod server;
mod timer;

pub use faulty::{Fault, FaultyLlm};
pub use server::{FaultServer, ServerReply, ServerRequest};
pub use timer::{MockTimer, Stuck};
