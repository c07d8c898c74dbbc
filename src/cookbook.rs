//! Complete programs; each is also a file in `examples/`, and runs with `cargo run --example NAME`.
//!
//! # A task of your own
//!
//! A template, a reply form and a check, without a change in the crate (`cookbook-custom-task`).
//!
//! ```no_run
#![doc = include_str!("../examples/cookbook-custom-task.rs")]
//! ```
//!
//! # Testing a prompt
//!
//! What is asked, byte for byte, and what becomes of a reply, offline (`cookbook-test-a-prompt`).
//!
//! ```no_run
#![doc = include_str!("../examples/cookbook-test-a-prompt.rs")]
//! ```
//!
//! # The stages in a loop of your own
//!
//! Record, prompt, completion, reply, sample, export, without the pipeline (`cookbook-own-loop`).
//!
//! ```no_run
#![doc = include_str!("../examples/cookbook-own-loop.rs")]
//! ```
//!
//! # Records of your own
//!
//! Captions and boxes from JSONL, as LLaVA has them, or built in code (`cookbook-own-records`).
//!
//! ```no_run
#![doc = include_str!("../examples/cookbook-own-records.rs")]
//! ```
//!
//! # From a messy reply to its items
//!
//! Reasoning, leaks, repeated pairs and remarks: what is kept, what is dropped and why, byte by byte
//! (`cookbook-messy-reply`).
//!
//! ```no_run
#![doc = include_str!("../examples/cookbook-messy-reply.rs")]
//! ```
//!
//! # A check of your own
//!
//! As a function or as a type, with a policy for its code (`cookbook-own-check`).
//!
//! ```no_run
#![doc = include_str!("../examples/cookbook-own-check.rs")]
//! ```
//!
//! # Testing what faults do
//!
//! A run through an outage, a busy server and lost answers, on a clock that takes no time; with the feature `testing`
//! (`cookbook-test-faults`).
//!
#![cfg_attr(feature = "testing", doc = "```no_run")]
#![cfg_attr(feature = "testing", doc = include_str!("../examples/cookbook-test-faults.rs"))]
#![cfg_attr(feature = "testing", doc = "```")]
