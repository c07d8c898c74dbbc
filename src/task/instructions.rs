//! What the trained model is asked when a reply has no question of its own.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::choice::Choices;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};

/// Instructions of which one is drawn for each image, such as "Elaborate on the details of the image."
///
/// The draw depends on the seed, the image and the task alone.
#[derive(Clone, Debug)]
pub struct InstructionPool {
    instructions: Arc<[String]>,
    digest: Digest,
}

impl InstructionPool {
    /// The pool for detailed descriptions that comes with the crate.
    pub fn built_in() -> Self {
        Self::parse(include_str!("../../prompts/instructions.txt")).expect("the compiled-in pool is tested")
    }

    /// A pool from text: one instruction a line; blank lines and lines that start with `#` do not count.
    ///
    /// # Errors
    /// [`ErrorKind::EmptyPool`] if there is no instruction.
    pub fn parse(text: &str) -> Result<Self> {
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        let instructions: Arc<[String]> =
            lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect();
        if instructions.is_empty() {
            return Err(ErrorKind::EmptyPool { file: None }.into());
        }
        let digest = Digest::of(instructions.join("\n"));
        Ok(Self { instructions, digest })
    }

    /// A pool from a file, read as by [`parse`](Self::parse).
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the file cannot be read as UTF-8, [`ErrorKind::EmptyPool`] if it has no instruction.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|source| Error::io("read", path, source))?;
        Self::parse(&text).map_err(|_| ErrorKind::EmptyPool { file: Some(path.to_owned()) }.into())
    }

    /// How many instructions there are, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "a pool is never empty")]
    pub fn len(&self) -> usize {
        self.instructions.len()
    }

    /// The instructions in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.instructions.iter().map(String::as_str)
    }

    /// Draws one.
    pub fn draw(&self, choices: &mut Choices) -> &str {
        &self.instructions[choices.below(self.instructions.len())]
    }

    /// Digest of the instructions.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}
