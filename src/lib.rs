//! svitgen.

pub mod annotation;
mod atomic;
mod bbox;
mod choice;
mod digest;
mod error;
pub mod export;
pub mod llm;
pub mod pipeline;
pub mod prompt;
pub mod reply;
mod sample;
pub mod task;

pub use annotation::{Coco, CocoId, Image, ImageId, ImageRecord, Jsonl, RecordSource, VisualGenome};
pub use async_trait::async_trait;
pub use bbox::{BoxError, Clamped, Cut, ImageSize, NamedBox, PixelBox, UnitBox};
pub use choice::Choices;
pub use digest::{Digest, Digester};
pub use error::{Error, ErrorKind, Result};
pub use llm::{Completion, CompletionRequest, LlmClient, LlmError, LlmErrorKind, Message, MessageRole, Parameters};
pub use pipeline::{Ledger, Pipeline};
pub use prompt::{Prompt, PromptError, PromptOptions};
pub use reply::{Outcome, Parsed, Policy, ReplyForm, ReplyParser};
pub use sample::{Conversation, Provenance, QaPair, Reference, ReferenceBox, Role, Sample, Turn, Verdict};
pub use task::Task;
