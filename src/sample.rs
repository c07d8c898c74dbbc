//! What training consumes: a [`Sample`] is conversations about one image, with where they come from.
//!
//! Every training format is a pure function of a sample (see [`crate::export`]). This module knows no files.

use serde::{Deserialize, Serialize};

use crate::annotation::ImageId;
use crate::bbox::{BoxError, UnitBox};
use crate::digest::Digest;

/// Conversations about one image for one task: the unit of output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sample {
    /// The image.
    pub image_id: ImageId,
    /// Path of the image file below the folder of images: `VG_100K_2/1.jpg`.
    pub image: String,
    /// Name of the task, `snake_case`.
    pub task: String,
    /// At least one conversation.
    pub conversations: Vec<Conversation>,
    /// How it was made.
    pub provenance: Provenance,
}

impl Sample {
    /// Sets the support of each answer, as `of` tells it.
    pub fn set_support(&mut self, of: impl Fn(&str) -> Support) {
        let turns = self.conversations.iter_mut().flat_map(|conversation| &mut conversation.turns);
        for turn in turns.filter(|turn| turn.role == Role::Assistant) {
            turn.support = Some(of(&turn.text));
        }
    }

    /// A sample of the given conversations.
    pub fn new(
        image_id: impl Into<ImageId>,
        image: impl Into<String>,
        task: impl Into<String>,
        conversations: Vec<Conversation>,
        provenance: Provenance,
    ) -> Self {
        Self { image_id: image_id.into(), image: image.into(), task: task.into(), conversations, provenance }
    }

    /// How many question-answer pairs it holds.
    pub fn n_pairs(&self) -> usize {
        self.conversations.iter().map(|conversation| conversation.pairs().count()).sum()
    }
}

/// Turns that follow on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Conversation {
    /// What it is about, if the reply said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Turns of user and assistant in order.
    pub turns: Vec<Turn>,
    /// Codes of defects with which a part of it was kept, each once, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
}

impl Conversation {
    /// A conversation of the given turns.
    pub fn new(turns: Vec<Turn>) -> Self {
        Self { topic: None, turns, flags: Vec::new() }
    }

    /// A conversation of one question with its answer.
    pub fn of_pair(question: impl Into<String>, answer: impl Into<String>) -> Self {
        Self::new(vec![Turn::new(Role::User, question), Turn::new(Role::Assistant, answer)])
    }

    /// Sets what it is about.
    #[must_use]
    pub fn with_topic(mut self, topic: impl Into<String>) -> Self {
        self.topic = Some(topic.into());
        self
    }

    /// The question-answer pairs: each turn of the user that the assistant answers in the next turn.
    pub fn pairs(&self) -> impl Iterator<Item = QaPair<'_>> {
        self.turns.windows(2).filter_map(|turns| match turns {
            [question, answer] if question.role == Role::User && answer.role == Role::Assistant => {
                Some(QaPair { question, answer })
            }
            _ => None,
        })
    }
}

/// A question with its answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QaPair<'a> {
    /// The turn of the user.
    pub question: &'a Turn,
    /// The turn of the assistant.
    pub answer: &'a Turn,
}

/// One message by one role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Turn {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub text: String,
    /// The boxes that the text points at, in order of appearance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// How far the annotations bear an answer out, if that was looked at ([`Lint`](crate::Lint)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support: Option<Support>,
}

/// How far the annotations of the image bear a text out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Support {
    /// The share of claims that are not in doubt, 0 to 1; 1 for a text that claims nothing that could be looked up.
    pub score: f64,
    /// How many claims were looked up.
    pub n_claims: usize,
    /// Those in doubt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
}

/// A claim that the annotations do not bear out, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// What kind of claim it is.
    pub kind: DoubtKind,
    /// The words that make it.
    pub quote: String,
    /// What the annotations say.
    pub reason: String,
}

/// A kind of claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DoubtKind {
    /// That something is there.
    Object,
    /// How many there are.
    Count,
    /// What colour it has.
    Colour,
    /// Where it is.
    Position,
}

impl Turn {
    /// A turn that points at nothing.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self { role, text: text.into(), references: Vec::new(), support: None }
    }

    /// Sets the boxes that the text points at.
    #[must_use]
    pub fn with_references(mut self, references: Vec<Reference>) -> Self {
        self.references = references;
        self
    }
}

/// Who says a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The one who asks.
    User,
    /// The model to be trained.
    Assistant,
}

/// A name in a text and the boxes it points at: `<st>two cups<ed> [0.1, 0.4, 0.2, 0.5], [0.3, 0.4, 0.4, 0.5]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// The text between the tags.
    pub phrase: String,
    /// At least one box.
    pub boxes: Vec<ReferenceBox>,
}

/// A box of a reply, as fractions of the image, and how it stands to the boxes of the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawReferenceBox", into = "RawReferenceBox")]
pub struct ReferenceBox {
    /// The box as written.
    pub bbox: UnitBox,
    /// Whether the prompt has it.
    pub verdict: Verdict,
}

/// How a box of a reply stands to the boxes of the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// The prompt has this box, digit by digit.
    Exact,
    /// It is a box of the prompt with fewer decimals.
    Rounded,
    /// It overlaps a box of the prompt to a large part, without being one.
    Near,
    /// The prompt has no such box.
    NotInInput,
    /// The boxes of the prompt were not known.
    Unchecked,
}

#[derive(Serialize, Deserialize)]
struct RawReferenceBox {
    bbox: [f64; 4],
    verdict: Verdict,
}

impl From<ReferenceBox> for RawReferenceBox {
    fn from(reference: ReferenceBox) -> Self {
        Self { bbox: reference.bbox.edges(), verdict: reference.verdict }
    }
}

impl TryFrom<RawReferenceBox> for ReferenceBox {
    type Error = BoxError;

    fn try_from(raw: RawReferenceBox) -> Result<Self, BoxError> {
        let [x1, y1, x2, y2] = raw.bbox;
        Ok(Self { bbox: UnitBox::new(x1, y1, x2, y2)?, verdict: raw.verdict })
    }
}

/// How a sample was made: all of it depends on the inputs alone, never on time or on the order of arrival.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Provenance {
    /// The model that replied, as the server calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Digest of the messages that were sent.
    pub prompt: Digest,
    /// Digest of the reply.
    pub reply: Digest,
    /// Name of the policy by which the reply was read.
    pub policy: String,
    /// Whether all of the reply could be used.
    pub complete: bool,
}

impl Provenance {
    /// How a sample was made from one reply.
    pub fn new(prompt: Digest, reply: Digest, policy: impl Into<String>) -> Self {
        Self { model: None, prompt, reply, policy: policy.into(), complete: true }
    }

    /// Sets the model that replied.
    #[must_use]
    pub fn with_model(mut self, model: Option<String>) -> Self {
        self.model = model;
        self
    }

    /// Sets whether all of the reply could be used.
    #[must_use]
    pub fn with_complete(mut self, complete: bool) -> Self {
        self.complete = complete;
        self
    }
}
