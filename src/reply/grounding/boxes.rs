//! Boxes as models write them: `[0.120, 0.400, 0.180, 0.520]`, and in other brackets and with other marks between.

use crate::bbox::{BoxError, UnitBox};
use crate::reply::IssueCode;

/// From which number on an edge is taken for pixels rather than for a fraction that is off.
const PIXELS_FROM: f64 = 2.0;

/// Bytes that a bracket may have before it is no longer taken for a box.
const MAX_BRACKET: usize = 200;

/// A bracket and what it holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bracket {
    /// Bytes of it.
    pub(super) len: usize,
    pub(super) holds: Holds,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Holds {
    Box {
        bbox: UnitBox,
        /// With how many decimals it is written, at most.
        decimals: u32,
        /// The same numbers in the form that was asked for, if they are written in another.
        rewritten: Option<String>,
    },
    /// Numbers of boxes of the prompt: `[3]`, `[#3, #5]`.
    Numbers(Vec<usize>),
    Defect(IssueCode),
}

/// The bracket at the start of `text`, where one is meant to be a box whatever it holds.
pub(super) fn bracket(text: &str) -> Option<Bracket> {
    usual(text).or_else(|| any_bracket(text))
}

/// A sound box in the form that was asked for, as nearly all are: `[0.120, 0.400, 0.180, 0.520]`.
fn usual(text: &str) -> Option<Bracket> {
    let bytes = text.as_bytes();
    let mut edges = [0.0; 4];
    let mut decimals = 0;
    let mut at = 1;
    for (index, edge) in edges.iter_mut().enumerate() {
        at += usize::from(index > 0 && bytes.get(at) == Some(&b' '));
        let whole = bytes.get(at).filter(|byte| matches!(byte, b'0' | b'1'))?;
        at += 1;
        let mut value = u32::from(whole - b'0');
        let mut n_decimals = 0;
        if bytes.get(at) == Some(&b'.') {
            at += 1;
            while let Some(digit) = bytes.get(at).filter(|byte| byte.is_ascii_digit() && n_decimals < 8) {
                value = value * 10 + u32::from(digit - b'0');
                n_decimals += 1;
                at += 1;
            }
        }
        decimals = decimals.max(n_decimals as u32);
        *edge = f64::from(value) / POWERS[n_decimals];
        let end = if index < 3 { b',' } else { b']' };
        bytes.get(at).filter(|byte| **byte == end)?;
        at += 1;
    }
    let [x1, y1, x2, y2] = edges;
    let bbox = UnitBox::new(x1, y1, x2, y2).ok().filter(|_| text.starts_with('['))?;
    Some(Bracket { len: at, holds: Holds::Box { bbox, decimals, rewritten: None } })
}

fn any_bracket(text: &str) -> Option<Bracket> {
    let open = text.bytes().next().filter(|byte| matches!(byte, b'[' | b'(' | b'{'))?;
    let text = &text[..text.floor_char_boundary(MAX_BRACKET)];
    let line = text.lines().next().unwrap_or_default();
    let close = match open {
        b'[' => b']',
        b'(' => b')',
        _ => b'}',
    };
    let n_open = line.bytes().take_while(|byte| *byte == open).count();
    let Some(end) = line.bytes().position(|byte| byte == close) else {
        return Some(Bracket { len: line.len(), holds: Holds::Defect(IssueCode::BoxMalformed) });
    };
    let inner = line.get(n_open..end).unwrap_or_default();
    let n_close = line[end..].bytes().take_while(|byte| *byte == close).count().min(n_open);
    let is_usual = open == b'[' && n_open == 1;
    Some(Bracket { len: end + n_close, holds: holds(inner, is_usual) })
}

/// The bracket at the start of `text` if it holds numbers with a point or a comma and nothing but what boxes are made of.
pub(super) fn box_like(text: &str) -> Option<Bracket> {
    let inner = text.strip_prefix('[')?;
    if let Some(bracket) = usual(text) {
        return Some(bracket);
    }
    let len = inner.bytes().take(MAX_BRACKET).take_while(|b| b.is_ascii_digit() || b" .,;-+%[".contains(b)).count();
    let has_number = inner[..len].bytes().any(|b| b.is_ascii_digit()) && inner[..len].contains([',', '.']);
    if !has_number || !inner[len..].starts_with(']') { None } else { bracket(text) }
}

fn holds(inner: &str, is_usual: bool) -> Holds {
    if let Some(numbers) = box_numbers(inner) {
        return Holds::Numbers(numbers);
    }
    let mut edges = [0.0; 4];
    let mut parts = [""; 4];
    let mut decimals = 0;
    let mut has_commas = true;
    let mut n_parts = 0;
    let mut rest = inner.trim_start();
    while !rest.is_empty() {
        let len = rest.bytes().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+')).count();
        let part = &rest[..len];
        let Some((edge, n_decimals)) = number(part).filter(|_| n_parts < 4) else {
            return Holds::Defect(IssueCode::BoxMalformed);
        };
        (edges[n_parts], parts[n_parts]) = (edge, part);
        decimals = decimals.max(n_decimals);
        n_parts += 1;
        let behind = rest[len..].trim_start();
        rest = behind.trim_start_matches([',', ';']).trim_start();
        has_commas &= rest.is_empty() || behind.starts_with(',') && behind.len() - rest.len() <= 2;
    }
    if n_parts < 4 {
        return Holds::Defect(IssueCode::BoxMalformed);
    }
    let [x1, y1, x2, y2] = edges;
    let rewritten = (!is_usual || !has_commas).then(|| format!("[{}]", parts.join(", ")));
    match UnitBox::new(x1, y1, x2, y2) {
        Ok(bbox) => Holds::Box { bbox, decimals, rewritten },
        Err(BoxError::Inverted | BoxError::Empty) => Holds::Defect(IssueCode::BoxInverted),
        Err(BoxError::OutOfRange) if edges.iter().any(|edge| *edge >= PIXELS_FROM) => {
            Holds::Defect(IssueCode::BoxPixelUnits)
        }
        Err(BoxError::OutOfRange) => Holds::Defect(IssueCode::BoxOutOfRange),
        Err(_) => Holds::Defect(IssueCode::BoxMalformed),
    }
}

/// `3`, `#3`, `3, 5`, but not four of them, which would be a box in pixels.
fn box_numbers(inner: &str) -> Option<Vec<usize>> {
    if inner.len() > 40 || inner.contains('.') {
        return None;
    }
    let parts = inner.split([',', ';']).map(|part| part.trim().trim_start_matches(['#', ' ']));
    let numbers: Vec<usize> = parts.map(|part| part.parse().ok()).collect::<Option<_>>()?;
    (inner.contains('#') || numbers.len() < 4).then_some(numbers)
}

/// The value of a decimal number and how many decimals it is written with.
fn number(text: &str) -> Option<(f64, u32)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.bytes().chain(fraction.bytes());
    let n_digits = whole.len() + fraction.len();
    let is_plain = n_digits > 0 && n_digits <= 15 && digits.clone().all(|byte| byte.is_ascii_digit());
    let decimals = fraction.len() as u32;
    if !is_plain {
        return text.parse().ok().map(|value| (value, decimals));
    }
    // Both are exact, so that the quotient is the nearest number to what is written.
    let value = digits.fold(0_u64, |value, byte| value * 10 + u64::from(byte - b'0'));
    Some((value as f64 / POWERS[fraction.len()], decimals))
}

const POWERS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_and_what_they_hold() {
        let check = |text: &str, expected: &str| {
            let written = bracket(text).map(|bracket| {
                let holds = match bracket.holds {
                    Holds::Box { bbox, decimals, rewritten } => {
                        format!("{bbox} {decimals} {}", rewritten.as_deref().unwrap_or("-"))
                    }
                    Holds::Numbers(numbers) => format!("{numbers:?}"),
                    Holds::Defect(code) => code.to_string(),
                };
                format!("{} {holds}", &text[bracket.len..])
            });
            assert_eq!(written.as_deref(), (!expected.is_empty()).then_some(expected), "{text}");
        };
        check("[0.125, 0.25, 0.5, 0.75].", ". [0.125, 0.250, 0.500, 0.750] 3 -");
        check("(0.1, 0.2, 0.3, 0.4) x", " x [0.100, 0.200, 0.300, 0.400] 1 [0.1, 0.2, 0.3, 0.4]");
        check("[[0.1, 0.2, 0.3, 0.4]]", " [0.100, 0.200, 0.300, 0.400] 1 [0.1, 0.2, 0.3, 0.4]");
        check("[0.1 0.2 0.3 0.4]", " [0.100, 0.200, 0.300, 0.400] 1 [0.1, 0.2, 0.3, 0.4]");
        check("[3]", " [3]");
        check("[#3, #5]", " [3, 5]");
        check("[0.1, 0.2, 0.3]", " box_malformed");
        check("[0.1, 0.2, 0.3, 0.4, 0.5]", " box_malformed");
        check("[90, 10, 120, 40]", " box_pixel_units");
        check("[0.9, 0.1, 0.2, 0.4]", " box_inverted");
        check("[0.9, 0.1, 1.2, 0.4]", " box_out_of_range");
        check("[left]", " box_malformed");
        check("[0.1, 0.2", " box_malformed");
        check("[]", " box_malformed");
        check("x", "");
    }

    #[test]
    fn numbers_are_read_as_the_standard_library_does() {
        for text in ["0.1", "0.123", "1.000", "0.999999999999999", "12", ".5", "-0.25", "0.1234567890123456789"] {
            assert_eq!(number(text).map(|found| found.0), text.parse().ok(), "{text}");
        }
        assert_eq!(number("1.2.3"), None);
        assert_eq!(number(""), None);
    }
}
