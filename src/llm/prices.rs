//! What models cost: a small table that is compiled in, and a file of the user's.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::llm::{Money, Usage};

/// What prices are said for.
const TOKENS: u128 = 1_000_000;

/// Stands for every model that has no entry of its own.
const ANY: &str = "*";

/// The price of a model's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    input: Money,
    output: Money,
    /// What a Batch API takes for each dollar.
    #[serde(default = "full_price", skip_serializing_if = "is_full_price")]
    batch: Money,
}

fn full_price() -> Money {
    Money::from_picodollars(Money::ZERO.fraction().1)
}

fn is_full_price(batch: &Money) -> bool {
    *batch == full_price()
}

impl Price {
    /// A price in dollars for a million tokens of prompts (`input`) and of replies (`output`).
    pub fn per_million(input: Money, output: Money) -> Self {
        Self { input, output, batch: full_price() }
    }

    /// What these tokens cost, rounded up to a trillionth of a dollar.
    ///
    /// Discounts for cached tokens are left aside: the sum is an upper bound.
    ///
    /// # Example
    /// ```
    /// use svitgen::llm::{Prices, Usage};
    /// let price = Prices::built_in().price("gpt-4o-mini-2024-07-18").ok_or("no price")?;
    /// let usage = Usage { input_tokens: 1_600, output_tokens: 850 };
    /// assert_eq!(price.cost(usage).to_string(), "$0.00075");
    /// assert_eq!(price.batch().cost(usage).to_string(), "$0.000375");
    /// # Ok::<(), &str>(())
    /// ```
    pub fn cost(&self, usage: Usage) -> Money {
        let input = self.input.share(usage.input_tokens.into(), TOKENS);
        input.saturating_add(self.output.share(usage.output_tokens.into(), TOKENS))
    }

    /// The price of requests that are sent through a Batch API; the same where no discount is known.
    #[must_use]
    pub fn batch(&self) -> Self {
        let (numerator, denominator) = self.batch.fraction();
        let discounted = |money: Money| money.share(numerator, denominator);
        Self::per_million(discounted(self.input), discounted(self.output))
    }

    /// Whether replies cost something, however long.
    pub(super) fn charges_replies(&self) -> bool {
        self.output > Money::ZERO
    }
}

/// Prices of models by name.
///
/// A name is looked up as it is, then without a version at its end (`-2024-07-18`, `-0613`, `-latest`), then as `*`. Any
/// other ending makes another model, with another price: `gpt-4o` says nothing about `gpt-4o-audio-preview`.
///
/// **Source** of the built-in table: `data/prices.json`, which says whose prices these are and of which day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Prices {
    models: HashMap<String, Price>,
}

impl Prices {
    /// No price at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// The small table that comes with the crate. Prices change: for money that matters, name yours in a file.
    pub fn built_in() -> Self {
        static TABLE: OnceLock<Prices> = OnceLock::new();
        TABLE.get_or_init(|| parse(include_str!("../../data/prices.json")).unwrap_or_default()).clone()
    }

    /// Sets the price of one model; `*` stands for every model without a price of its own.
    #[must_use]
    pub fn with_price(mut self, model: impl Into<String>, price: Price) -> Self {
        self.models.insert(model.into(), price);
        self
    }

    /// Adds the prices of a JSON file, which win:
    /// `{"prices": {"my-model": {"input": 0.15, "output": 0.60, "batch": 0.5}}}`.
    ///
    /// `input` and `output` are dollars for a million tokens, `batch` is the share of the price that a Batch API takes
    /// (1 if absent). Other keys beside `prices` are notes.
    ///
    /// # Errors
    /// A file that cannot be read, or is not of this form; the message says where.
    pub fn with_file(mut self, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|source| Error::io("read", path, source))?;
        let more = parse(&text).map_err(|source| Error::io("understand the prices of", path, source.into()))?;
        self.models.extend(more.models);
        Ok(self)
    }

    /// The price of a model, if it is known.
    pub fn price(&self, model: &str) -> Option<Price> {
        let known = |name: &str| self.models.get(name).copied();
        known(model).or_else(|| known(without_version(model)?)).or_else(|| known(ANY))
    }
}

#[derive(Deserialize)]
struct PriceFile {
    prices: Prices,
}

fn parse(text: &str) -> serde_json::Result<Prices> {
    serde_json::from_str::<PriceFile>(text).map(|file| file.prices)
}

/// `gpt-4o` for `gpt-4o-2024-08-06`, `gpt-4o-20240806`, `gpt-4o-0806` and `gpt-4o-latest`.
fn without_version(model: &str) -> Option<&str> {
    let is_number = |part: &str, n_digits| part.len() == n_digits && part.bytes().all(|byte| byte.is_ascii_digit());
    let (name, version) = model.rsplit_once('-')?;
    if version == "latest" || is_number(version, 4) || is_number(version, 8) {
        return Some(name);
    }
    let (name, month) = name.rsplit_once('-')?;
    let (name, year) = name.rsplit_once('-')?;
    (is_number(year, 4) && is_number(month, 2) && is_number(version, 2)).then_some(name)
}
