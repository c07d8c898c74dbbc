//! Human annotations of images go in, visual instruction-tuning data comes out, a text-only language model sits in
//! between; and every reply is accounted for.
//!
//! ```text
//! annotation ──► prompt ──► llm ──► reply ──► sample ──► export
//!  (VG, COCO,     (task)                                  (SVIT, LLaVA)
//!   JSONL)           └──────────── pipeline ────────────┘
//! ```
//!
//! svitgen reads Visual Genome, COCO and plain JSONL, writes what is known of an image as text, asks any
//! [`LlmClient`] for conversations, reasoning, descriptions or pairs that point at boxes, and makes samples of what is
//! usable in the replies. What is not usable is named, with its place in the reply and the reason.
//!
//! # From annotations to a data set
//!
//! This runs as it stands: on the scenes that come with the crate, with the model that comes with the crate, which
//! needs no key and no network.
//!
//! ```
//! use svitgen::export::{Llava, write_file};
//! use svitgen::llm::RuleLlm;
//! use svitgen::pipeline::RunFolder;
//! use svitgen::{Pipeline, Task, VisualGenome};
//!
//! # let folder = std::env::temp_dir().join(format!("svitgen-doc-{}", std::process::id()));
//! let source = VisualGenome::sample()?; // or VisualGenome::open("visual_genome")?
//! let pipeline = Pipeline::builder(RuleLlm::new()).tasks(Task::built_in()).build()?;
//! let ledger = futures::executor::block_on(pipeline.run(&source, &folder))?;
//! println!("{ledger}");
//!
//! let run = RunFolder::open(&folder)?;
//! for task in run.tasks() {
//!     write_file(Llava::new(), run.samples(task)?, folder.join(format!("llava-{task}.json")))?;
//! }
//! assert_eq!(ledger.total().inputs, 40);
//! # std::fs::remove_dir_all(folder).ok();
//! # Ok::<(), svitgen::Error>(())
//! ```
//!
//! # Where to go from here
//!
//! | you want to | look at |
//! | --- | --- |
//! | read other annotations | [`Jsonl`], [`ImageRecord::builder`], [`annotation`] |
//! | see and test what is asked | [`Prompt`], [`llm::MockLlm`], [`cookbook`] |
//! | ask for something else | [`Task::new`], [`task::Template`], [`reply::Scan`], [`reply::Check`] |
//! | use a language model of your own | [`LlmClient`] |
//! | run in your own pipeline | [`Pipeline::stream`], or the stages one by one ([`cookbook`]) |
//! | ask a server | `llm::OpenAi` and `llm::BatchApi` (feature `openai`), `llm::Genai` (feature `genai`) |
//! | know what became of a reply | [`reply::Parsed`], [`reply::IssueCode`], [`Policy`], [`Ledger`] |
//! | feed a trainer | [`export`] |
//! | know what is wrong with a training file, whoever made it | [`check`] |
//! | look at a run, or at two side by side | [`report`] |
//!
//! Boxes carry their frame in the type ([`PixelBox`], [`UnitBox`]); nothing is printed; there is no global state and no
//! runtime but the one that polls the futures.

#[macro_use]
mod event;

pub mod annotation;
mod bbox;
pub mod task;
pub mod prompt;
pub mod llm;
pub mod tokens;
pub mod reply;
mod sample;
pub mod export;
pub mod check;
pub mod pipeline;
pub mod report;
pub mod cookbook;
mod atomic;
mod checked_lines;
mod choice;
mod digest;
mod error;
mod lint;
mod lock;
mod noun;

pub use annotation::{Coco, CocoId, Image, ImageId, ImageRecord, Jsonl, RecordSource, VisualGenome};
pub use async_trait::async_trait;
pub use bbox::{BoxError, Clamped, Cut, ImageSize, NamedBox, PixelBox, UnitBox};
pub use choice::Choices;
pub use digest::{Digest, Digester};
pub use error::{Error, ErrorKind, Result};
pub use lint::Lint;
pub use llm::{Completion, CompletionRequest, LlmClient, LlmError, LlmErrorKind, Message, MessageRole, Parameters};
pub use pipeline::{Ledger, Pipeline};
pub use prompt::{Prompt, PromptError, PromptOptions};
pub use reply::{Outcome, Parsed, Policy, ReplyForm, ReplyParser};
pub use sample::{
    Conversation, Doubt, DoubtKind, Provenance, QaPair, Reference, ReferenceBox, Role, Sample, Support, Turn, Verdict,
};
pub use task::Task;

/// The program of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
