//! Records in the form that the published files have, read without detours.
//!
//! What is in any other form, or wrong, gives `None`: then `raw.rs` reads the record and says what is wrong with it. So
//! this file may be strict about everything, and what it accepts must be what `raw.rs` makes of it.

use crate::annotation::{Attribute, Few, Object, ObjectId, Region, Relationship};
use crate::bbox::PixelBox;

/// An annotation that can be read in its usual form.
pub(super) trait Plain: Sized {
    /// Bytes of JSON that one takes at least, so that lists grow seldom.
    const MIN_BYTES: usize;

    fn take(cursor: &mut Cursor<'_>, image: u64) -> Option<Self>;
}

/// The list `kind` of a record.
pub(super) fn annotations<T: Plain>(record: &[u8], kind: &str, image: u64) -> Option<Vec<T>> {
    let mut cursor = Cursor::new(str::from_utf8(record).ok()?);
    let mut list: Option<Vec<T>> = None;
    cursor.object(|cursor, key| {
        if key == kind {
            let mut annotations = Vec::with_capacity(record.len() / T::MIN_BYTES);
            cursor.list(|cursor| {
                annotations.push(T::take(cursor, image)?);
                Some(())
            })?;
            return list.replace(annotations).is_none().then_some(());
        }
        match key {
            "image_id" | "id" => cursor.integer().map(drop),
            "image_url" => cursor.skip_text(),
            _ => None,
        }
    })?;
    if cursor.at == record.len() { list } else { None }
}

impl Plain for Object {
    const MIN_BYTES: usize = 110;

    fn take(cursor: &mut Cursor<'_>, _: u64) -> Option<Self> {
        Some(object(cursor, Attributes::Ignored)?.0)
    }
}

impl Plain for Attribute {
    const MIN_BYTES: usize = 110;

    fn take(cursor: &mut Cursor<'_>, _: u64) -> Option<Self> {
        let (object, values) = object(cursor, Attributes::Taken)?;
        Some(Self { object, values })
    }
}

impl Plain for Region {
    const MIN_BYTES: usize = 110;

    fn take(cursor: &mut Cursor<'_>, image: u64) -> Option<Self> {
        let (mut phrase, mut id, mut is_foreign) = (None, None, None);
        let (mut x, mut y, mut width, mut height) = (None, None, None, None);
        cursor.object(|cursor, key| match key {
            "phrase" => set(&mut phrase, cursor.text()?),
            "region_id" => set(&mut id, cursor.integer()?),
            "image_id" => set(&mut is_foreign, cursor.integer()? != image),
            "x" => set(&mut x, cursor.number()?),
            "y" => set(&mut y, cursor.number()?),
            "width" => set(&mut width, cursor.number()?),
            "height" => set(&mut height, cursor.number()?),
            _ => None,
        })?;
        if is_foreign == Some(true) {
            return None;
        }
        let bbox = PixelBox::from_xywh(x?, y?, width?, height?).ok()?;
        Some(Self { phrase: phrase?, bbox: Some(bbox.into()), id })
    }
}

impl Plain for Relationship {
    const MIN_BYTES: usize = 250;

    fn take(cursor: &mut Cursor<'_>, _: u64) -> Option<Self> {
        let (mut subject, mut predicate, mut object_, mut id, mut synsets) = (None, None, None, None, None);
        cursor.object(|cursor, key| match key {
            "subject" => set(&mut subject, object(cursor, Attributes::Ignored)?.0),
            "predicate" => set(&mut predicate, cursor.text()?),
            "object" => set(&mut object_, object(cursor, Attributes::Ignored)?.0),
            "relationship_id" => set(&mut id, cursor.integer()?),
            "synsets" => set(&mut synsets, cursor.texts()?),
            _ => None,
        })?;
        let (subject, predicate, object) = (subject?, predicate?, object_?);
        Some(Self { subject, predicate, object, id, synsets: synsets.unwrap_or_default() })
    }
}

/// Sets what is not set yet: a key that is there twice is for `raw.rs` to judge.
pub(in crate::annotation) fn set<T>(field: &mut Option<T>, value: T) -> Option<()> {
    field.replace(value).is_none().then_some(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Attributes {
    Taken,
    Ignored,
}

/// An object, and its attributes if they are taken.
fn object(cursor: &mut Cursor<'_>, attributes: Attributes) -> Option<(Object, Vec<String>)> {
    let (mut names, mut synsets, mut merged_ids, mut values, mut id) = (None, None, None, None, None);
    let (mut x, mut y, mut w, mut h) = (None, None, None, None);
    cursor.object(|cursor, key| match key {
        "names" => set(&mut names, cursor.texts()?),
        "name" => set(&mut names, Few::one(cursor.text()?)),
        "synsets" => set(&mut synsets, cursor.texts()?),
        "object_id" => set(&mut id, cursor.integer()?),
        "x" => set(&mut x, cursor.number()?),
        "y" => set(&mut y, cursor.number()?),
        "w" => set(&mut w, cursor.number()?),
        "h" => set(&mut h, cursor.number()?),
        "merged_object_ids" => {
            let mut ids = Vec::new();
            cursor.list(|cursor| {
                ids.push(ObjectId::VisualGenome(cursor.integer()?));
                Some(())
            })?;
            set(&mut merged_ids, ids)
        }
        "attributes" if attributes == Attributes::Taken => set(&mut values, cursor.texts()?),
        _ => None,
    })?;
    let object = Object {
        names: names.unwrap_or_default(),
        bbox: PixelBox::from_xywh(x?, y?, w?, h?).ok()?.into(),
        id: id.map(ObjectId::VisualGenome),
        synsets: synsets.unwrap_or_default(),
        merged_ids: merged_ids.unwrap_or_default(),
        is_crowd: false,
    };
    Some((object, values.unwrap_or_default()))
}

/// A place in the JSON of a record.
pub(in crate::annotation) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Stands at the start of a text.
    pub(in crate::annotation) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Whether nothing but white space is left.
    pub(in crate::annotation) fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// The first byte of the next token, left in place.
    #[inline]
    pub(in crate::annotation) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at)? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(*byte),
            }
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.take_if(byte).then_some(())
    }

    #[inline]
    fn take_if(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(in crate::annotation) fn object(
        &mut self,
        mut on_entry: impl FnMut(&mut Self, &'a str) -> Option<()>,
    ) -> Option<()> {
        self.expect(b'{')?;
        if self.take_if(b'}') {
            return Some(());
        }
        loop {
            self.expect(b'"')?;
            let key = self.key()?;
            self.expect(b':')?;
            on_entry(self, key)?;
            if !self.take_if(b',') {
                return self.expect(b'}');
            }
        }
    }

    pub(in crate::annotation) fn list(&mut self, mut on_element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.expect(b'[')?;
        if self.take_if(b']') {
            return Some(());
        }
        loop {
            on_element(self)?;
            if !self.take_if(b',') {
                return self.expect(b']');
            }
        }
    }

    /// The text of a key up to its closing quote.
    #[inline]
    fn key(&mut self) -> Option<&'a str> {
        // Most keys end within eight bytes.
        let len = self.rest().first_chunk().and_then(|bytes| first_special(*bytes));
        let Some(len) = len.filter(|len| self.rest()[*len] == b'"') else { return self.until_quote() };
        let key = self.text.get(self.at..self.at + len)?;
        self.at += len + 1;
        Some(key)
    }

    /// The text up to the closing quote, if there is no escape in it.
    fn until_quote(&mut self) -> Option<&'a str> {
        let len = plain_len(self.rest())?;
        if self.rest()[len] != b'"' {
            return None;
        }
        let text = self.text.get(self.at..self.at + len)?;
        self.at += len + 1;
        Some(text)
    }

    pub(in crate::annotation) fn text(&mut self) -> Option<String> {
        self.expect(b'"')?;
        if let Some(text) = self.until_quote() {
            return Some(text.to_owned());
        }
        let start = self.at - 1;
        loop {
            self.at += plain_len(self.rest())?;
            match self.rest()[0] {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => return None,
            }
            self.rest_is_left()?;
        }
        self.at += 1;
        serde_json::from_str(self.text.get(start..self.at)?).ok()
    }

    fn rest_is_left(&self) -> Option<()> {
        (self.at < self.text.len()).then_some(())
    }

    fn skip_text(&mut self) -> Option<()> {
        self.expect(b'"')?;
        self.until_quote().map(drop)
    }

    pub(in crate::annotation) fn texts<L: Default + Extend<String>>(&mut self) -> Option<L> {
        let mut texts = L::default();
        self.list(|cursor| {
            texts.extend([cursor.text()?]);
            Some(())
        })?;
        Some(texts)
    }

    #[inline]
    pub(in crate::annotation) fn integer(&mut self) -> Option<u64> {
        self.peek()?;
        if let Some((number, len)) = self.rest().first_chunk().and_then(short_integer) {
            self.at += len;
            return Some(number);
        }
        self.long_integer()
    }

    fn long_integer(&mut self) -> Option<u64> {
        let rest = self.rest();
        let mut number = 0;
        let mut len = 0;
        while let Some(digit @ b'0'..=b'9') = rest.get(len) {
            number = number * 10 + u64::from(digit - b'0');
            len += 1;
            // More digits may not fit, or lose precision as a fraction.
            if len > 15 {
                return None;
            }
        }
        let has_form = len == 1 || (len > 1 && rest[0] != b'0');
        if !has_form || matches!(rest.get(len), Some(b'.' | b'e' | b'E')) {
            return None;
        }
        self.at += len;
        Some(number)
    }

    /// A number without an exponent.
    pub(in crate::annotation) fn fraction(&mut self) -> Option<f64> {
        self.peek()?;
        let bytes = self.rest();
        let (mut digits, mut len) = (0_u64, usize::from(bytes[0] == b'-'));
        let mut take_digits = |len: &mut usize| {
            let start = *len;
            while let Some(digit @ b'0'..=b'9') = bytes.get(*len) {
                digits = digits.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
                *len += 1;
            }
            *len - start
        };
        let start = len;
        let n_whole = take_digits(&mut len);
        if n_whole == 0 || (n_whole > 1 && bytes[start] == b'0') {
            return None;
        }
        let mut n_behind = 0;
        if bytes.get(len) == Some(&b'.') {
            len += 1;
            n_behind = take_digits(&mut len);
            if n_behind == 0 {
                return None;
            }
        }
        if matches!(bytes.get(len), Some(b'e' | b'E')) {
            return None;
        }
        let text = self.text.get(self.at..self.at + len)?;
        self.at += len;
        if n_whole + n_behind > 15 {
            return text.parse().ok();
        }
        // Both are exact, so their quotient is the number that is nearest to the text.
        let number = digits as f64 / POWERS[n_behind];
        Some(if start == 1 { -number } else { number })
    }

    #[inline]
    fn number(&mut self) -> Option<f64> {
        let is_negative = self.take_if(b'-');
        if is_negative && self.rest().first().is_none_or(|byte| !byte.is_ascii_digit()) {
            return None;
        }
        match self.integer() {
            // A negative zero is not what the integer says.
            Some(0) if is_negative => None,
            Some(number) => Some(if is_negative { -(number as f64) } else { number as f64 }),
            None => None,
        }
    }
}

/// Powers of ten that a number of 64 bits holds exactly, as far as fractions of at most 15 digits need them.
const POWERS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// An integer of up to seven digits at the start of eight bytes, and how many digits it has; all without a branch that
/// depends on how many they are, since that is anybody's guess.
#[inline]
fn short_integer(bytes: &[u8; 8]) -> Option<(u64, usize)> {
    let digits = u64::from_le_bytes(*bytes) ^ 0x3030_3030_3030_3030;
    let others = (digits | digits.wrapping_add(0x0606_0606_0606_0606)) & 0xf0f0_f0f0_f0f0_f0f0;
    let len = others.trailing_zeros() as usize / 8;
    if !(1..8).contains(&len) || matches!(bytes[len], b'.' | b'e' | b'E') || (len > 1 && bytes[0] == b'0') {
        return None;
    }
    // The digits at the end, zeros before them; then pairs, fours and all eight are added up.
    let eight = digits << (64 - 8 * len);
    let pairs = (eight.wrapping_mul(10) + (eight >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some(((fours.wrapping_mul(10_000) + (fours >> 32)) & 0xffff_ffff, len))
}

/// How many bytes there are before a quote, a backslash or a control character.
fn plain_len(text: &[u8]) -> Option<usize> {
    let (words, rest) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        if let Some(len) = first_special(*word) {
            return Some(index * 8 + len);
        }
    }
    let len = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
    Some(words.len() * 8 + len)
}

/// Where the first quote, backslash or control character is among eight bytes.
#[inline]
fn first_special(bytes: [u8; 8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let has_zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let word = u64::from_le_bytes(bytes);
    let quote = has_zero(word ^ (ONES * u64::from(b'"')));
    let escape = has_zero(word ^ (ONES * u64::from(b'\\')));
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let found = (quote | escape | control) & HIGH;
    // The lowest mark is exact; those above it may come from a borrow.
    (found != 0).then(|| found.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::DeserializeOwned;

    use super::*;
    use crate::annotation::problem::InputProblem;
    use crate::annotation::visual_genome::raw::{RawList, RawObject, RawRegion, RawRelationship};

    const OBJECTS: &str = r#"{"image_id": 7, "objects": [{"synsets": ["a.n.01"], "h": 60, "object_id": 8, "names": ["caf\u00e9 \"x\"", "b"], "w": 1234567, "y": -20, "x": 0.5}, {"object_id": 9, "x": 1, "y": 2, "w": 3, "h": 4, "merged_object_ids": [1, 2]}], "image_url": "u"}"#;
    const REGIONS: &str = r#"{"regions": [{"region_id": 4, "width": 60, "height": 12345678, "image_id": 7, "phrase": "ein \u00fc", "y": 0, "x": -1}, {"phrase": "é", "x": 1, "y": 2, "width": 3, "height": 4}], "id": 7}"#;
    const ATTRIBUTES: &str = r#"{"image_id": 7, "attributes": [{"names": ["a"], "x": 1, "y": 2, "w": 3, "h": 4, "attributes": ["red", "tall"], "synsets": []}]}"#;
    const RELATIONSHIPS: &str = r#"{"relationships": [{"predicate": "ON", "object": {"name": "a", "h": 1, "w": 2, "x": 3, "y": 4}, "relationship_id": 15, "synsets": ["b.r.01"], "subject": {"names": ["c"], "h": 1, "w": 2, "x": 3, "y": 4}}], "image_id": 7}"#;

    /// What is accepted is what the other way makes of it.
    fn check<R: DeserializeOwned, T: Plain + PartialEq + std::fmt::Debug>(
        json: &[u8],
        kind: &str,
        make: impl Fn(R) -> Result<T, InputProblem>,
    ) -> bool {
        let Some(plain) = annotations::<T>(json, kind, 7) else { return false };
        let raw: RawList<R> = serde_json::from_slice(json).unwrap();
        let raw: Vec<T> = raw.list.unwrap().into_iter().map(|raw| make(raw).unwrap()).collect();
        assert_eq!(plain, raw, "{}", String::from_utf8_lossy(json));
        true
    }

    fn check_all(json: &[u8]) -> [bool; 4] {
        [
            check(json, "objects", RawObject::object),
            check(json, "regions", |raw: RawRegion| raw.region(7)),
            check(json, "attributes", RawObject::attribute),
            check(json, "relationships", RawRelationship::relationship),
        ]
    }

    #[test]
    fn published_forms_are_accepted() {
        let whole = OBJECTS.replace("0.5", "5");
        assert_eq!(check_all(whole.as_bytes()), [true, false, false, false]);
        assert_eq!(check_all(REGIONS.as_bytes()), [false, true, false, false]);
        assert_eq!(check_all(ATTRIBUTES.as_bytes()), [false, false, true, false]);
        assert_eq!(check_all(RELATIONSHIPS.as_bytes()), [false, false, false, true]);
        // Fractions and foreign images are for the other way.
        assert_eq!(check_all(OBJECTS.as_bytes()), [false; 4]);
        assert_eq!(check_all(REGIONS.replace("\"image_id\": 7", "\"image_id\": 8").as_bytes()), [false; 4]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn what_is_accepted_is_read_the_same(
            file in 0_usize..4,
            at in any::<prop::sample::Index>(),
            len in 0_usize..3,
            with in "[\\[\\]{},:\"0-9eE.+\\\\ \\x00-\\x20a-z-]{0,2}|\"(id|x|names|name|image_id)\": [0-9]{1,17}, ",
        ) {
            let mut text = [OBJECTS, REGIONS, ATTRIBUTES, RELATIONSHIPS][file].replace("0.5", "5").into_bytes();
            let at = at.index(text.len());
            text.splice(at..text.len().min(at + len), with.into_bytes());
            check_all(&text);
        }

        #[test]
        fn fractions_are_those_of_their_digits(text in "-?[0-9]{1,12}([.][0-9]{0,18})?[,e\\] ]?") {
            let mut cursor = Cursor::new(&text);
            if let Some(number) = cursor.fraction() {
                let expected: f64 = serde_json::from_str(&text[..cursor.at]).unwrap();
                prop_assert_eq!(number.to_bits(), expected.to_bits());
            }
        }

        #[test]
        fn integers_are_those_of_their_digits(text in "[0-9]{1,9}[,.e\\]} a-]{1,8}") {
            let text = format!("{text}        ");
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let found = short_integer(text.as_bytes().first_chunk().unwrap());
            let has_form = (digits == 1 || !text.starts_with('0')) && !matches!(text.as_bytes()[digits], b'.' | b'e');
            let expected = (digits < 8 && has_form).then(|| (text[..digits].parse().unwrap(), digits));
            prop_assert_eq!(found, expected);
        }
    }
}
