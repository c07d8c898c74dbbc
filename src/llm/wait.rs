//! Durations for people.

use std::time::Duration;

/// `2 h 5 min`, `10 min`, `3.5 s`: the two largest units, nothing that is zero.
pub(super) fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 {
        let tenths = duration.as_millis() / 100;
        let fraction = if tenths.is_multiple_of(10) { String::new() } else { format!(".{}", tenths % 10) };
        return format!("{}{fraction} s", tenths / 10);
    }
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let parts = [(hours, "h"), (minutes, "min"), (if hours == 0 { seconds % 60 } else { 0 }, "s")];
    let named = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n} {unit}"));
    named.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_in_the_two_largest_units() {
        let words = |seconds| in_words(Duration::from_secs_f64(seconds));
        assert_eq!([words(0.0), words(1.26), words(59.0), words(60.0)], ["0 s", "1.2 s", "59 s", "1 min"]);
        assert_eq!([words(615.0), words(3600.0), words(90_061.0)], ["10 min 15 s", "1 h", "25 h 1 min"]);
    }
}
