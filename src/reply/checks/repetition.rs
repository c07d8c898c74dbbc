//! Loops: the same words over and over.

use std::ops::Range;

use crate::reply::checks::words::Word;

/// How often in a row a single word is repeated in a loop.
const WORD_TIMES: usize = 6;

/// How often in a row a phrase is repeated in a loop.
const PHRASE_TIMES: usize = 3;

/// Words that a loop of a phrase has at least.
const MIN_WORDS: usize = 12;

/// Periods that are looked for word by word; longer ones are found by where three words stood last.
const SHORT: usize = 3;

/// The words of a loop behind its first round, as a range of `words`.
pub(super) fn repetition(words: &[Word]) -> Option<Range<usize>> {
    if words.len() < WORD_TIMES {
        return None;
    }
    short_loop(words).or_else(|| long_loop(words))
}

/// Finds where words equal those a few words before, long enough.
fn short_loop(words: &[Word]) -> Option<Range<usize>> {
    let mut runs = [0; SHORT];
    for at in 1..words.len() {
        for (before, run) in runs.iter_mut().enumerate() {
            let period = before + 1;
            let is_same = at >= period && words[at].hash == words[at - period].hash;
            *run = if is_same { *run + 1 } else { 0 };
            if *run >= needed(period) {
                return Some(at + 1 - *run..at + 1);
            }
        }
    }
    None
}

/// How many words must equal those one period before them.
fn needed(period: usize) -> usize {
    match period {
        1 => WORD_TIMES - 1,
        _ => (period * (PHRASE_TIMES - 1)).max(MIN_WORDS.saturating_sub(period)),
    }
}

fn long_loop(words: &[Word]) -> Option<Range<usize>> {
    let shortest = SHORT + 1;
    if words.len() < shortest + needed(shortest) {
        return None;
    }
    let size = (words.len() * 2).next_power_of_two();
    // By hash of three words: behind which word they stood last. Collisions only miss a loop for a while.
    let mut last = vec![0_u32; size];
    let mut period = 0;
    let mut run = 0;
    for at in 0..words.len() {
        if period > 0 && words[at].hash == words[at - period].hash {
            run += 1;
        } else {
            (period, run) = (0, 0);
        }
        if let [first, second, third, ..] = &words[at..] {
            let three = first.hash ^ second.hash.rotate_left(21) ^ third.hash.rotate_left(42);
            let slot = &mut last[(three ^ (three >> 29)) as usize & (size - 1)];
            let before = std::mem::replace(slot, at as u32 + 1) as usize;
            if period == 0 && before > 0 && words[before - 1].hash == first.hash {
                (period, run) = (at + 1 - before, 1);
            }
        }
        if period > SHORT && run >= needed(period) {
            return Some(at + 1 - run..at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::checks::words::Words;

    #[test]
    fn loops_and_what_is_none() {
        let loops = |text: &str| {
            let mut words = Words::default();
            let range = words.push(text);
            repetition(words.get(range)).is_some()
        };
        assert!(loops("very very very very very very big"));
        assert!(loops(&"the man and ".repeat(6)));
        assert!(loops(&"The man holds a cup of tea. ".repeat(4)));
        assert!(loops(&format!("First, a table. {}", "It is red and it is round and it is old. ".repeat(3))));
        assert!(!loops("The man holds a cup. The woman holds a cup. The child holds a plate."));
        assert!(!loops("a very, very, very big dog"));
        assert!(!loops("There is a red cup, a blue cup, a green cup and a white cup on the long table by the wall."));
        assert!(!loops("left, right, left, right"));
        assert!(!loops(""));
    }
}
