//! Files and batches as the server tells of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::llm::openai::report::Report;

/// A file on the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BatchFile {
    /// The server's id.
    pub id: String,
    /// The name it was uploaded with; empty if the server does not tell.
    #[serde(default, rename = "filename", deserialize_with = "or_default")]
    pub name: String,
    /// Its size in bytes; 0 if the server does not tell.
    #[serde(default, deserialize_with = "or_default")]
    pub bytes: u64,
    /// What it is for: `batch`, `batch_output`.
    #[serde(default, deserialize_with = "or_default")]
    pub purpose: String,
}

/// A batch on the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Batch {
    /// The server's id.
    pub id: String,
    /// How far it is.
    pub status: BatchStatus,
    /// The id of the file with the requests.
    #[serde(default, rename = "input_file_id", deserialize_with = "or_default")]
    pub input_file: Option<String>,
    /// The id of the file with the replies, once there is one.
    #[serde(default, rename = "output_file_id", deserialize_with = "or_default")]
    pub output_file: Option<String>,
    /// The id of the file with the errors, once there is one.
    #[serde(default, rename = "error_file_id", deserialize_with = "or_default")]
    pub error_file: Option<String>,
    /// How many requests there are and what became of them so far.
    #[serde(default, rename = "request_counts", deserialize_with = "or_default")]
    pub counts: BatchCounts,
    /// The names and values that it was created with.
    #[serde(default, deserialize_with = "or_default")]
    pub metadata: BTreeMap<String, String>,
    /// Why the batch as a whole failed, in the server's words.
    #[serde(default, deserialize_with = "errors")]
    pub errors: Vec<String>,
}

/// How many requests of a batch are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BatchCounts {
    /// All of them; 0 while the server has not looked yet.
    #[serde(default)]
    pub total: u64,
    /// Those with a reply.
    #[serde(default)]
    pub completed: u64,
    /// Those with an error.
    #[serde(default)]
    pub failed: u64,
}

/// How far a batch is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum BatchStatus {
    /// The file is being looked at.
    Validating,
    /// Requests are being answered.
    InProgress,
    /// The results are being written.
    Finalizing,
    /// The results are there.
    Completed,
    /// The file was not accepted: there are no results.
    Failed,
    /// Time ran out: there are results of a part of the requests.
    Expired,
    /// It is being stopped.
    Cancelling,
    /// It was stopped: there are results of a part of the requests.
    Cancelled,
    /// Another word of the server's.
    Other(String),
}

impl BatchStatus {
    /// Whether nothing more will happen. A word that is not known is not taken for an end.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Expired | Self::Cancelled)
    }

    /// The word of the server's: `in_progress`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Validating => "validating",
            Self::InProgress => "in_progress",
            Self::Finalizing => "finalizing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
            Self::Other(word) => word,
        }
    }
}

impl From<String> for BatchStatus {
    fn from(word: String) -> Self {
        let known = [
            Self::Validating,
            Self::InProgress,
            Self::Finalizing,
            Self::Completed,
            Self::Failed,
            Self::Expired,
            Self::Cancelling,
            Self::Cancelled,
        ];
        known.into_iter().find(|status| status.as_str() == word).unwrap_or(Self::Other(word))
    }
}

impl From<BatchStatus> for String {
    fn from(status: BatchStatus) -> Self {
        status.as_str().to_owned()
    }
}

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) has_more: bool,
}

/// A value; the default in place of `null`.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The messages of a list of errors, with the lines that they are about; of `{"data": [...]}`, or of a plain list as this
/// crate writes it.
fn errors<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let list = value.get("data").unwrap_or(&value).as_array().cloned().unwrap_or_default();
    let message = |error: &Value| {
        let message = Report::of_value(error).message;
        let line = error.get("line").and_then(Value::as_u64);
        line.map_or_else(|| message.clone(), |line| format!("line {line}: {message}"))
    };
    Ok(list.iter().map(message).collect())
}
