//! Which annotations a prompt shows.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A kind of annotation, under a heading of its own in the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// Sentences about the whole image.
    Captions,
    /// Names with boxes.
    Objects,
    /// Phrases, with boxes in tasks that point.
    Regions,
    /// Properties of objects.
    Attributes,
    /// What holds between two objects.
    Relationships,
}

impl Section {
    /// All sections in the order of the prompt.
    pub const ALL: [Self; 5] = [Self::Captions, Self::Objects, Self::Regions, Self::Attributes, Self::Relationships];

    /// The name used in templates and reports: `captions`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Captions => "captions",
            Self::Objects => "objects",
            Self::Regions => "regions",
            Self::Attributes => "attributes",
            Self::Relationships => "relationships",
        }
    }

    /// The line above the section in a prompt: `Captions:`.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Captions => "Captions:",
            Self::Objects => "Objects:",
            Self::Regions => "Regions:",
            Self::Attributes => "Attributes:",
            Self::Relationships => "Relationships:",
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A set of sections.
///
/// # Example
/// ```
/// use svitgen::task::{Section, Sections};
/// let sections = Sections::PLAIN.with(Section::Attributes).without(Section::Captions);
/// assert!(sections.contains(Section::Attributes) && !sections.contains(Section::Captions));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Section>", into = "Vec<Section>")]
pub struct Sections(u8);

impl Sections {
    /// No section.
    pub const NONE: Self = Self(0);
    /// Captions, objects and regions: what SVIT shows.
    pub const PLAIN: Self = Self::NONE.with(Section::Captions).with(Section::Objects).with(Section::Regions);
    /// All sections.
    pub const ALL: Self = Self::PLAIN.with(Section::Attributes).with(Section::Relationships);

    /// This set and one more section.
    #[must_use]
    pub const fn with(self, section: Section) -> Self {
        Self(self.0 | (1 << section as u8))
    }

    /// This set without one section.
    #[must_use]
    pub const fn without(self, section: Section) -> Self {
        Self(self.0 & !(1 << section as u8))
    }

    /// Whether the section is in the set.
    pub const fn contains(self, section: Section) -> bool {
        self.0 & (1 << section as u8) != 0
    }

    /// The sections of the set, in the order of the prompt.
    pub fn iter(self) -> impl Iterator<Item = Section> {
        Section::ALL.into_iter().filter(move |section| self.contains(*section))
    }
}

impl From<Vec<Section>> for Sections {
    fn from(sections: Vec<Section>) -> Self {
        sections.into_iter().fold(Self::NONE, Self::with)
    }
}

impl From<Sections> for Vec<Section> {
    fn from(sections: Sections) -> Self {
        sections.iter().collect()
    }
}

impl fmt::Debug for Sections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
