//! Money as whole numbers, so that sums are exact and a cap is a cap.

use std::fmt;
use std::str::FromStr;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Decimal places that are kept: a millionth of the price of a million tokens, when that has six places.
const PLACES: usize = 12;

/// Picodollars in a dollar.
const DOLLAR: u128 = 1_000_000_000_000;

/// A sum of US dollars, never negative, exact to twelve decimal places.
///
/// It is read from `12.50` or `$12.50`, and in JSON also from a number. [`Display`](fmt::Display) gives all places that are
/// not zero and at least two; with a precision (`{:.2}`) it rounds up, so that what was spent never looks like less.
///
/// # Example
/// ```
/// use svitgen::llm::Money;
/// let cap: Money = "12.5".parse()?;
/// assert_eq!(cap.to_string(), "$12.50");
/// let cost: Money = "0.0012".parse()?;
/// assert_eq!(format!("{cost}, or {cost:.3}"), "$0.0012, or $0.002");
/// # Ok::<(), svitgen::llm::MoneyError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(u128);

/// A text that is no sum of money.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no sum of money; write dollars such as 12.50, with at most {PLACES} decimal places")]
pub struct MoneyError {
    text: String,
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many trillionths of a dollar.
    pub const fn from_picodollars(picodollars: u128) -> Self {
        Self(picodollars)
    }

    /// The sum in trillionths of a dollar.
    pub const fn picodollars(self) -> u128 {
        self.0
    }

    /// The sum of both; the greatest sum there is if it were greater.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left of it; nothing if `other` is more.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// This sum `numerator / denominator` times, rounded up to the next trillionth of a dollar.
    pub(crate) const fn share(self, numerator: u128, denominator: u128) -> Self {
        Self(self.0.saturating_mul(numerator).div_ceil(denominator))
    }

    /// How often it holds a dollar, in trillionths.
    pub(crate) const fn fraction(self) -> (u128, u128) {
        (self.0, DOLLAR)
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        parse(text).map(Self).ok_or_else(|| MoneyError { text: text.to_owned() })
    }
}

/// Picodollars of `12`, `12.5`, `$12.50`, `.5`.
fn parse(text: &str) -> Option<u128> {
    let number = text.trim().trim_start_matches('$');
    let (dollars, places) = number.split_once('.').unwrap_or((number, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if dollars.len() + places.len() == 0 || places.len() > PLACES || !is_number(dollars) || !is_number(places) {
        return None;
    }
    let whole: u128 = if dollars.is_empty() { 0 } else { dollars.parse().ok()? };
    let part: u128 = format!("{places:0<PLACES$}").parse().ok()?;
    whole.checked_mul(DOLLAR)?.checked_add(part)
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = f.precision().map(|places| places.min(PLACES));
        let step = 10_u128.pow((PLACES - places.unwrap_or(PLACES)) as u32);
        let sum = self.0.div_ceil(step).saturating_mul(step);
        let digits = format!("{:0PLACES$}", sum % DOLLAR);
        let shown = places.unwrap_or_else(|| digits.trim_end_matches('0').len().max(2));
        write!(f, "${}", sum / DOLLAR)?;
        if shown > 0 { write!(f, ".{}", &digits[..shown]) } else { Ok(()) }
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Money {
    /// As a text without the sign, `"12.50"`: JSON numbers lose places in many readers.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}", &self.to_string()[1..]))
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MoneyVisitor)
    }
}

struct MoneyVisitor;

impl Visitor<'_> for MoneyVisitor {
    type Value = Money;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sum of dollars such as 12.50")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Money, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, dollars: u64) -> Result<Money, E> {
        Ok(Money(u128::from(dollars) * DOLLAR))
    }

    fn visit_f64<E: serde::de::Error>(self, dollars: f64) -> Result<Money, E> {
        // The shortest text that gives this number back is what the file says.
        self.visit_str(&dollars.to_string())
    }
}
