//! What was found.

use std::fmt;

/// A rule that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Breach {
    /// The rule, as a sentence.
    pub rule: &'static str,
    /// What was seen instead.
    pub found: String,
}

/// All rules that a client did not keep; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breaches(Vec<Breach>);

impl Breaches {
    /// The breaches, in the order in which they were found.
    pub fn breaches(&self) -> &[Breach] {
        &self.0
    }
}

impl fmt::Display for Breaches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of the rules for clients broken:", self.0.len())?;
        self.0.iter().try_for_each(|breach| write!(f, "\n- {} Found: {}", breach.rule, breach.found))
    }
}

impl std::error::Error for Breaches {}

/// What was found so far.
pub(super) struct Findings {
    breaches: Vec<Breach>,
    secret: Option<String>,
}

impl Findings {
    pub(super) fn new(secret: Option<String>) -> Self {
        Self { breaches: Vec::new(), secret: secret.filter(|secret| !secret.is_empty()) }
    }

    /// Notes a breach unless the rule is kept; of each rule, the first one.
    pub(super) fn expect(&mut self, is_kept: bool, rule: &'static str, found: impl FnOnce() -> String) {
        if !is_kept && self.breaches.iter().all(|breach| breach.rule != rule) {
            let found = found();
            let found = match &self.secret {
                Some(secret) => found.replace(secret.as_str(), "(the secret)"),
                None => found,
            };
            self.breaches.push(Breach { rule, found });
        }
    }

    /// Notes a breach if the secret shows in `text`.
    pub(super) fn expect_no_secret(&mut self, text: &str) {
        let shows = self.secret.as_ref().is_some_and(|secret| text.contains(secret.as_str()));
        self.expect(!shows, "No secret shows in a name, an error or in debug output.", || text.to_owned());
    }

    pub(super) fn into_result(self) -> Result<(), Breaches> {
        if self.breaches.is_empty() { Ok(()) } else { Err(Breaches(self.breaches)) }
    }
}
