//! SVIT's own format (Zhao et al. 2023, arXiv 2307.04087): one file per task, one entry per image.

use serde::{Deserialize, Serialize};

use crate::annotation::ImageId;
use crate::error::Result;
use crate::export::{ExportProblem, Format};
use crate::sample::{Conversation, Role, Sample, Turn};

/// SVIT's format: `[{"image_id": 1, "conversations": [{"content": [{"from": "user", "value": "..."}, ...]}]}]`.
///
/// It holds the id of the image and the turns of each conversation; it does not hold the path of the image, the task,
/// topics, flags, references (but as text) and provenance.
#[derive(Clone, Copy, Debug, Default)]
pub struct Svit;

/// An entry of SVIT's format: an image with its conversations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "RawSample", into = "RawSample")]
#[non_exhaustive]
pub struct SvitSample {
    /// The image.
    pub image_id: ImageId,
    /// The conversations, without topics, flags and references.
    pub conversations: Vec<Conversation>,
}

impl Format for Svit {
    type Entry = SvitSample;

    fn entries(&self, sample: &Sample) -> Result<Vec<SvitSample>, ExportProblem> {
        let bare = |turn: &Turn| Turn::new(turn.role, turn.text.clone());
        let conversations = sample.conversations.iter();
        let conversations = conversations
            .map(|conversation| Conversation::new(conversation.turns.iter().map(bare).collect()))
            .collect();
        Ok(vec![SvitSample { image_id: sample.image_id.clone(), conversations }])
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct RawSample {
    image_id: ImageId,
    conversations: Vec<RawConversation>,
}

#[derive(Clone, Serialize, Deserialize)]
struct RawConversation {
    content: Vec<RawTurn>,
}

#[derive(Clone, Serialize, Deserialize)]
struct RawTurn {
    from: Speaker,
    value: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Speaker {
    User,
    Gpt,
}

impl From<SvitSample> for RawSample {
    fn from(sample: SvitSample) -> Self {
        let turn = |turn: Turn| {
            let from = match turn.role {
                Role::User => Speaker::User,
                Role::Assistant => Speaker::Gpt,
            };
            RawTurn { from, value: turn.text }
        };
        let conversations = sample.conversations.into_iter();
        let conversations =
            conversations.map(|c| RawConversation { content: c.turns.into_iter().map(turn).collect() }).collect();
        Self { image_id: sample.image_id, conversations }
    }
}

impl From<RawSample> for SvitSample {
    fn from(raw: RawSample) -> Self {
        let turn = |turn: RawTurn| {
            let role = match turn.from {
                Speaker::User => Role::User,
                Speaker::Gpt => Role::Assistant,
            };
            Turn::new(role, turn.value)
        };
        let conversations = raw.conversations.into_iter();
        let conversations =
            conversations.map(|c| Conversation::new(c.content.into_iter().map(turn).collect())).collect();
        Self { image_id: raw.image_id, conversations }
    }
}
