//! How long a server asks to wait.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// The wait that the headers ask for: `retry-after-ms`, else `Retry-After` in seconds or as a date.
pub(in crate::llm) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let milliseconds = text(headers, &HeaderName::from_static("retry-after-ms")).and_then(|text| seconds(text, 1e-3));
    let wait = || {
        let text = text(headers, &RETRY_AFTER)?;
        seconds(text, 1.0).or_else(|| until(text, headers))
    };
    milliseconds.or_else(wait)
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn seconds(text: &str, unit: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse::<f64>().ok()? * unit).ok()
}

/// The time until a date, by the server's own clock if it tells it, as ours may be wrong. A date that is past: none.
fn until(date: &str, headers: &HeaderMap) -> Option<Duration> {
    let date = httpdate::parse_http_date(date).ok()?;
    let now = text(headers, &DATE).and_then(|now| httpdate::parse_http_date(now).ok()).unwrap_or_else(SystemTime::now);
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &'static str)], wait: Option<f64>) {
        let headers = headers.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)));
        let headers: HeaderMap = headers.collect();
        assert_eq!(retry_after(&headers), wait.map(Duration::from_secs_f64), "{headers:?}");
    }

    #[test]
    fn waits_come_in_all_forms() {
        check(&[], None);
        check(&[("retry-after", "7")], Some(7.0));
        check(&[("retry-after", " 1.5 ")], Some(1.5));
        check(&[("retry-after", "86400")], Some(86_400.0));
        check(&[("retry-after-ms", "250"), ("retry-after", "7")], Some(0.25));
        check(&[("retry-after-ms", "soon"), ("retry-after", "7")], Some(7.0));
        check(&[("retry-after", "soon, please")], None);
        check(&[("retry-after", "-3")], None);
        check(&[("retry-after", "NaN")], None);
        check(&[("retry-after", "1e300")], None);
        let now = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        check(&[now, ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")], Some(30.0));
        check(&[now, ("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")], Some(0.0));
        check(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")], Some(0.0));
    }
}
