//! LLaVA's format (Liu et al. 2023, arXiv 2304.08485): one entry per conversation.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::export::{ExportProblem, Format};
use crate::sample::{Conversation, Role, Sample, Turn};

/// Where a trainer puts the image.
const IMAGE_TOKEN: &str = "<image>";

/// LLaVA's format: `[{"id": "...", "image": "VG_100K/1.jpg", "conversations": [{"from": "human", "value": "<image>\n..."},
/// {"from": "gpt", "value": "..."}, ...]}]`.
///
/// Each conversation of a sample is an entry; its id is `<task>-<image id>-<index>`, unique over all tasks and images.
/// `<image>` stands in the first turn of each entry and nowhere else: a sample with `<image>` in a text is an error. The
/// format does not hold the image id but within that id, nor topics, flags, references (but as text) and provenance.
///
/// # Example
/// ```
/// use svitgen::export::Llava;
/// let format = Llava::new().with_image_folder("vg");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Llava {
    image_folder: Option<String>,
}

impl Llava {
    /// Paths of images as the samples have them: `VG_100K/1.jpg`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a folder before the paths of images: `vg/VG_100K/1.jpg`.
    #[must_use]
    pub fn with_image_folder(mut self, folder: impl Into<String>) -> Self {
        self.image_folder = Some(folder.into());
        self
    }

    fn image(&self, sample: &Sample) -> String {
        match self.image_folder.as_deref().map(|folder| folder.trim_end_matches('/')) {
            Some(folder) => format!("{folder}/{}", sample.image),
            None => sample.image.clone(),
        }
    }
}

/// An entry of LLaVA's format: one conversation about an image, or about none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawSample", into = "RawSample")]
#[non_exhaustive]
pub struct LlavaSample {
    /// Unique within the file.
    pub id: String,
    /// Path of the image below the trainer's folder of images; `None` for text without an image, as in files that mix.
    pub image: Option<String>,
    /// The turns, without the placeholder of the image.
    pub conversation: Conversation,
}

impl Format for Llava {
    type Entry = LlavaSample;

    fn entries(&self, sample: &Sample) -> Result<Vec<LlavaSample>, ExportProblem> {
        let entry = |(index, conversation): (usize, &Conversation)| {
            let turns = conversation.turns.iter();
            if turns.clone().any(|turn| turn.text.contains(IMAGE_TOKEN)) {
                return Err(ExportProblem::ImageToken);
            }
            if turns.clone().next().is_none_or(|turn| turn.role != Role::User) {
                return Err(ExportProblem::NoQuestion);
            }
            let bare = turns.map(|turn| Turn::new(turn.role, turn.text.clone())).collect();
            Ok(LlavaSample {
                id: format!("{}-{}-{index}", sample.task, sample.image_id),
                image: Some(self.image(sample)),
                conversation: Conversation::new(bare),
            })
        };
        sample.conversations.iter().enumerate().map(entry).collect()
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct RawSample {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    conversations: Vec<RawTurn>,
}

#[derive(Clone, Serialize, Deserialize)]
struct RawTurn {
    from: Speaker,
    value: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Speaker {
    Human,
    Gpt,
}

impl From<LlavaSample> for RawSample {
    fn from(sample: LlavaSample) -> Self {
        let has_image = sample.image.is_some();
        let turn = |(index, turn): (usize, Turn)| {
            let from = match turn.role {
                Role::User => Speaker::Human,
                Role::Assistant => Speaker::Gpt,
            };
            let value = if index == 0 && has_image { format!("{IMAGE_TOKEN}\n{}", turn.text) } else { turn.text };
            RawTurn { from, value }
        };
        let conversations = sample.conversation.turns.into_iter().enumerate().map(turn).collect();
        Self { id: sample.id, image: sample.image, conversations }
    }
}

impl TryFrom<RawSample> for LlavaSample {
    type Error = ExportProblem;

    fn try_from(raw: RawSample) -> Result<Self, ExportProblem> {
        let has_image = raw.image.is_some();
        let turn = |(index, turn): (usize, RawTurn)| {
            let role = match turn.from {
                Speaker::Human => Role::User,
                Speaker::Gpt => Role::Assistant,
            };
            let text = if index == 0 && has_image { without_token(&turn.value)? } else { &turn.value };
            if text.contains(IMAGE_TOKEN) {
                return Err(ExportProblem::ImageTokenPlace);
            }
            Ok(Turn::new(role, text))
        };
        let turns: Vec<Turn> = raw.conversations.into_iter().enumerate().map(turn).collect::<Result<_, _>>()?;
        Ok(Self { id: raw.id, image: raw.image, conversation: Conversation::new(turns) })
    }
}

/// The text of a first turn; the published files have the placeholder before it or behind it.
fn without_token(text: &str) -> Result<&str, ExportProblem> {
    let before = text.strip_prefix(IMAGE_TOKEN).map(|rest| rest.strip_prefix('\n').unwrap_or(rest));
    let behind = || text.strip_suffix(IMAGE_TOKEN).map(|rest| rest.strip_suffix('\n').unwrap_or(rest));
    before.or_else(behind).ok_or(ExportProblem::ImageTokenPlace)
}
