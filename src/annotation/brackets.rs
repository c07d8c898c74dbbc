//! Finds where a list or an object ends, 64 bytes at a time: which bytes are brackets, and which of them lie in strings.

/// How far a walk through nested brackets has come.
#[derive(Debug, Default)]
pub(super) struct Brackets {
    depth: u64,
    is_in_string: bool,
    is_escaped: bool,
}

const CHUNK: usize = 64;

impl Brackets {
    /// Walks on through `block`; returns how many bytes there are up to and with the bracket that closes the first one,
    /// or `None` if that is not in this block.
    pub(super) fn walk(&mut self, block: &[u8]) -> Option<usize> {
        let (chunks, rest) = block.as_chunks::<CHUNK>();
        for (index, chunk) in chunks.iter().enumerate() {
            if let Some(end) = self.chunk(chunk) {
                return Some(index * CHUNK + end);
            }
        }
        self.bytes(rest).map(|end| chunks.len() * CHUNK + end)
    }

    pub(super) fn is_in_string(&self) -> bool {
        self.is_in_string
    }

    fn chunk(&mut self, chunk: &[u8; CHUNK]) -> Option<usize> {
        let any = |is: fn(u8) -> bool| chunk.iter().fold(false, |found, byte| found | is(*byte));
        // Escapes are rare, and what they hide depends on each byte before them.
        if self.is_escaped || any(|byte| byte == b'\\') {
            return self.bytes(chunk);
        }
        // A long text has none for many bytes.
        if !any(|byte| matches!(byte | 0x20, b'{' | b'}')) {
            self.is_in_string ^= chunk.iter().fold(false, |is_odd, byte| is_odd ^ (*byte == b'"'));
            return None;
        }
        let carry = if self.is_in_string { u64::MAX } else { 0 };
        let in_string = parities(bits(chunk, |byte| byte == b'"')) ^ carry;
        self.is_in_string = in_string >> (CHUNK - 1) == 1;
        // The brackets differ from the braces in this bit alone.
        let open = bits(chunk, |byte| byte | 0x20 == b'{') & !in_string;
        let close = bits(chunk, |byte| byte | 0x20 == b'}') & !in_string;
        let n_closed = u64::from(close.count_ones());
        if n_closed < self.depth {
            self.depth = self.depth + u64::from(open.count_ones()) - n_closed;
            return None;
        }
        let mut left = open | close;
        while left != 0 {
            let bit = left & left.wrapping_neg();
            if open & bit != 0 {
                self.depth += 1;
            } else {
                self.depth -= 1;
                if self.depth == 0 {
                    return Some(bit.trailing_zeros() as usize + 1);
                }
            }
            left ^= bit;
        }
        None
    }

    fn bytes(&mut self, bytes: &[u8]) -> Option<usize> {
        for (index, byte) in bytes.iter().enumerate() {
            match byte {
                _ if std::mem::take(&mut self.is_escaped) => {}
                b'"' => self.is_in_string = !self.is_in_string,
                b'\\' => self.is_escaped = self.is_in_string,
                b'{' | b'[' if !self.is_in_string => self.depth += 1,
                b'}' | b']' if !self.is_in_string => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(index + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

/// A bit for each byte of which `is` holds, the first byte in the lowest bit.
fn bits(chunk: &[u8; CHUNK], is: impl Fn(u8) -> bool) -> u64 {
    // In this form the compiler compares many bytes at once.
    let flags = chunk.map(|byte| u8::from(is(byte)));
    let (words, _) = flags.as_chunks::<8>();
    let mut bits = 0;
    for (index, word) in words.iter().enumerate() {
        // The product has the lowest bit of each byte in its highest byte.
        let byte = u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits |= byte << (8 * index);
    }
    bits
}

/// Of each bit, whether the number of bits set up to and with it is odd.
fn parities(bits: u64) -> u64 {
    [1, 2, 4, 8, 16, 32].into_iter().fold(bits, |bits, shift| bits ^ (bits << shift))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// In blocks of any size, wherever they part, the end is where going byte by byte finds it.
        #[test]
        fn ends_are_where_single_bytes_say(
            text in "[\\[{]([\\[\\]{}\"\\\\a ]{0,9}|.{0,3}|a{60,70}){0,40}",
            parts in prop::collection::vec(1_usize..200, 1..20),
        ) {
            let (bytes, mut one_by_one, mut whole) = (text.as_bytes(), Brackets::default(), Brackets::default());
            let expected = bytes.chunks(1).position(|byte| one_by_one.walk(byte).is_some()).map(|index| index + 1);
            let (mut start, mut found) = (0, None);
            for len in parts.iter().cycle() {
                if start == bytes.len() || found.is_some() {
                    break;
                }
                let end = bytes.len().min(start + len);
                found = whole.walk(&bytes[start..end]).map(|end| start + end);
                start = end;
            }
            prop_assert_eq!(found, expected);
            prop_assert!(found.is_some() || whole.is_in_string() == one_by_one.is_in_string());
        }
    }
}
