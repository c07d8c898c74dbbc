//! What a server refused, so that it is not sent again.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};

use super::report::Report;

/// What to leave out of a request, or to say otherwise: a set of [`Concession`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Concessions(u32);

/// One thing that a server does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Concession {
    JsonSchema = 1,
    JsonObject = 1 << 1,
    NameOfTokenLimit = 1 << 2,
    Temperature = 1 << 3,
    TopP = 1 << 4,
    Seed = 1 << 5,
    StreamOptions = 1 << 6,
    SchemaInObject = 1 << 7,
}

/// What a request asked for that a server may refuse.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    pub(super) json_schema: bool,
    /// A schema beside `json_object`.
    pub(super) schema_in_object: bool,
    pub(super) json_object: bool,
    pub(super) token_limit: bool,
    pub(super) temperature: bool,
    pub(super) top_p: bool,
    pub(super) seed: bool,
    pub(super) stream_options: bool,
}

impl Concessions {
    pub(super) fn has(self, concession: Concession) -> bool {
        self.0 & concession as u32 != 0
    }

    #[must_use]
    pub(super) fn with(self, concession: Concession) -> Self {
        Self(self.0 | concession as u32)
    }

    /// The concessions of both.
    #[must_use]
    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The names of what is not sent, in a fixed order.
    pub(super) fn names(self) -> Vec<&'static str> {
        let names = [
            (Concession::JsonSchema, "response_format json_schema"),
            (Concession::SchemaInObject, "response_format json_object with a schema"),
            (Concession::JsonObject, "response_format json_object"),
            (Concession::Temperature, "temperature"),
            (Concession::TopP, "top_p"),
            (Concession::Seed, "seed"),
            (Concession::StreamOptions, "stream_options"),
        ];
        names.into_iter().filter(|(concession, _)| self.has(*concession)).map(|(_, name)| name).collect()
    }
}

/// What one server has been found to refuse.
#[derive(Debug, Default)]
pub(super) struct Dialect {
    learnt: AtomicU32,
    takes_schemas: AtomicBool,
    takes_schemas_in_objects: AtomicBool,
    guesses: AtomicU8,
}

/// Server errors without words may be of any origin: so often a client tries whether it was the schema.
const MOST_GUESSES: u8 = 4;

const UNSUPPORTED: [&str; 14] = [
    "unsupported",
    "not support",
    "n't support",
    "only the default",
    "unrecognized",
    "unrecognised",
    "unknown",
    "unexpected",
    "extra inputs",
    "not permitted",
    "not allowed",
    "not available",
    "extra_forbidden",
    "must be one of",
];

const FORMAT_WORDS: [&str; 8] = [
    "response_format",
    "response format",
    "json_schema",
    "json schema",
    "json_object",
    "structured output",
    "guided",
    "grammar",
];

impl Dialect {
    pub(super) fn concessions(&self) -> Concessions {
        Concessions(self.learnt.load(Ordering::Relaxed))
    }

    /// Remembers a concession for all further requests.
    pub(super) fn learn(&self, concession: Concession) {
        self.learnt.fetch_or(concession as u32, Ordering::Relaxed);
    }

    /// Remembers that a reply to a schema came.
    pub(super) fn schema_was_taken(&self) {
        // Looked at first, as all threads share the line.
        if !self.takes_schemas.load(Ordering::Relaxed) {
            self.takes_schemas.store(true, Ordering::Relaxed);
        }
    }

    /// Remembers that a reply to a schema beside `json_object` came.
    pub(super) fn schema_in_object_was_taken(&self) {
        if !self.takes_schemas_in_objects.load(Ordering::Relaxed) {
            self.takes_schemas_in_objects.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a schema has been answered.
    pub(super) fn takes_schemas(&self) -> bool {
        self.takes_schemas.load(Ordering::Relaxed)
    }

    /// What a refusal is about, if it names something that was asked for.
    pub(super) fn named(status: u16, report: &Report, asked: Asked) -> Option<Concession> {
        if !matches!(status, 400 | 415 | 422 | 500 | 501) {
            return None;
        }
        let parameter = report.parameter.as_deref().unwrap_or_default();
        let format = parameter.starts_with("response_format") || report.says(&FORMAT_WORDS);
        if asked.json_schema && format {
            return Some(Concession::JsonSchema);
        }
        if asked.schema_in_object && format {
            return Some(Concession::SchemaInObject);
        }
        if asked.json_object && format {
            return Some(Concession::JsonObject);
        }
        let unsupported = report.has_code(&["unsupported_parameter", "unsupported_value", "unknown_parameter"])
            || report.says(&UNSUPPORTED);
        let names = |name: &str| parameter == name || parameter.is_empty() && report.says(&[name]);
        let candidates = [
            (asked.token_limit, "max_tokens", Concession::NameOfTokenLimit),
            (asked.token_limit, "max_completion_tokens", Concession::NameOfTokenLimit),
            (asked.stream_options, "stream_options", Concession::StreamOptions),
            (asked.temperature, "temperature", Concession::Temperature),
            (asked.top_p, "top_p", Concession::TopP),
            (asked.seed, "seed", Concession::Seed),
        ];
        let found = candidates.into_iter().find(|(asked, name, _)| *asked && names(name));
        found.filter(|_| unsupported).map(|(_, _, concession)| concession)
    }

    /// Whether to try without the schema, as a server error without words may be its refusal.
    pub(super) fn may_guess(&self, status: u16, asked: Asked) -> bool {
        let was_taken =
            self.takes_schemas() || asked.schema_in_object && self.takes_schemas_in_objects.load(Ordering::Relaxed);
        let has_format = asked.json_schema || asked.schema_in_object || asked.json_object;
        let sensible = status == 500 && has_format && !was_taken;
        sensible
            && self
                .guesses
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < MOST_GUESSES).then_some(n + 1))
                .is_ok()
    }
}
