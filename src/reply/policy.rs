//! What is done about each issue: one table from code to action.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::reply::IssueCode;

/// What is done about an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is mentioned; the item is as good as any.
    Note,
    /// The item is kept with the code as a flag.
    Flag,
    /// The item is dropped.
    Drop,
    /// The whole reply is rejected.
    Reject,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Note => "note",
            Self::Flag => "flag",
            Self::Drop => "drop",
            Self::Reject => "reject",
        })
    }
}

/// The policies that come with the crate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PolicyPreset {
    /// Drops what would harm training, keeps doubtful items with a flag.
    #[default]
    Careful,
    /// Drops every item with a defect.
    Strict,
    /// Keeps all that can be used at all, with flags.
    Salvage,
}

impl PolicyPreset {
    fn as_str(self) -> &'static str {
        match self {
            Self::Careful => "careful",
            Self::Strict => "strict",
            Self::Salvage => "salvage",
        }
    }
}

/// What is done about each code: a preset, and the codes for which it is overruled.
///
/// It is part of the provenance of every sample. [`Display`](fmt::Display) prints the whole table.
///
/// # Example
/// ```
/// use svitgen::reply::{Action, IssueCode, Policy};
/// let policy = Policy::careful().with_action(IssueCode::NearDuplicate, Action::Drop);
/// assert_eq!(policy.action(&IssueCode::NearDuplicate), Action::Drop);
/// assert_eq!(policy.action(&IssueCode::CountOver), Action::Flag);
/// assert_eq!(policy.name(), "careful+1");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    preset: PolicyPreset,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    actions: BTreeMap<IssueCode, Action>,
}

impl Policy {
    /// The default: drops what would harm training, keeps doubtful items with a flag.
    pub fn careful() -> Self {
        PolicyPreset::Careful.into()
    }

    /// Drops every item with a defect.
    pub fn strict() -> Self {
        PolicyPreset::Strict.into()
    }

    /// Keeps all that can be used at all, with flags.
    pub fn salvage() -> Self {
        PolicyPreset::Salvage.into()
    }

    /// Overrules the preset for one code, the crate's or your own.
    #[must_use]
    pub fn with_action(mut self, code: IssueCode, action: Action) -> Self {
        self.actions.insert(code, action);
        self
    }

    /// A policy from JSON: a preset and the codes for which it is overruled.
    ///
    /// `own_codes` are the codes of your own checks; any other unknown code is taken for a slip of the pen.
    ///
    /// # Errors
    /// [`PolicyError`] if it is no such JSON, or names an unknown preset, code or action.
    ///
    /// # Example
    /// ```
    /// use svitgen::reply::{Action, IssueCode, Policy};
    /// let policy = Policy::from_json(r#"{"preset": "careful", "actions": {"near_duplicate": "drop"}}"#, &[])?;
    /// assert_eq!(policy.action(&IssueCode::NearDuplicate), Action::Drop);
    /// assert!(Policy::from_json(r#"{"preset": "careful", "actions": {"near_duplicat": "drop"}}"#, &[]).is_err());
    /// # Ok::<(), svitgen::reply::PolicyError>(())
    /// ```
    pub fn from_json(json: &str, own_codes: &[&str]) -> Result<Self, PolicyError> {
        let policy: Self = serde_json::from_str(json).map_err(PolicyError::Json)?;
        let is_unknown = |code: &&IssueCode| matches!(code, IssueCode::Custom(name) if !own_codes.contains(&&**name));
        match policy.actions.keys().find(is_unknown) {
            Some(code) => Err(PolicyError::UnknownCode { code: code.to_string() }),
            None => Ok(policy),
        }
    }

    /// The policy of this name, if it is one of the presets.
    pub fn preset(name: &str) -> Option<Self> {
        let presets = [PolicyPreset::Careful, PolicyPreset::Strict, PolicyPreset::Salvage];
        presets.into_iter().find(|preset| preset.as_str() == name).map(Self::from)
    }

    /// What is done about `code`.
    pub fn action(&self, code: &IssueCode) -> Action {
        self.actions.get(code).copied().unwrap_or_else(|| code.action(self.preset))
    }

    /// Name of the preset; with the number of codes for which it is overruled, if any: `careful+2`.
    pub fn name(&self) -> String {
        match self.actions.len() {
            0 => self.preset.as_str().to_owned(),
            n => format!("{}+{n}", self.preset.as_str()),
        }
    }
}

/// Why a text is no policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// It is no JSON of the form `{"preset": "careful", "actions": {"near_duplicate": "drop"}}`.
    #[error("not a policy such as {{\"preset\": \"careful\", \"actions\": {{\"near_duplicate\": \"drop\"}}}}: {0}")]
    Json(#[source] serde_json::Error),
    /// It names a code that there is not.
    #[error("there is no issue code {code}; a policy's own table lists all of them")]
    UnknownCode {
        /// The code as written.
        code: String,
    },
}

impl From<PolicyPreset> for Policy {
    fn from(preset: PolicyPreset) -> Self {
        Self { preset, actions: BTreeMap::new() }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "policy {}", self.name())?;
        let custom = self.actions.keys().filter(|code| matches!(code, IssueCode::Custom(_)));
        for code in IssueCode::ALL.iter().chain(custom) {
            writeln!(f, "{code:<30}{}", self.action(code))?;
        }
        Ok(())
    }
}
