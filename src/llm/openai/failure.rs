//! From what a server says about a failure to what can be done about it.

use std::time::Duration;

use reqwest::header::HeaderMap;

use super::report::Report;
use super::retry_after::retry_after;
use super::secret::Redactor;
use crate::llm::{LlmError, LlmErrorKind};

/// The longest text of a server's that becomes part of a message, in characters.
const LONGEST: usize = 300;

const QUOTA: [&str; 9] = [
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "insufficient_user_quota",
    "insufficient_balance",
    "insufficient_credits",
    "quota_exceeded",
    "credit_balance_too_low",
    "billing_error",
];
const QUOTA_PHRASES: [&str; 6] = [
    "exceeded your current quota",
    "insufficient balance",
    "insufficient credit",
    "insufficient quota",
    "credit balance is too low",
    "billing",
];
const CREDENTIALS: [&str; 4] = ["invalid_api_key", "authentication_error", "permission_error", "unauthenticated"];
const CREDENTIALS_PHRASES: [&str; 3] = ["api key not valid", "incorrect api key", "invalid api key"];
const UNKNOWN_MODEL: [&str; 4] = ["model_not_found", "model_not_available", "deploymentnotfound", "model_not_exist"];
const UNKNOWN_MODEL_PHRASES: [&str; 6] = [
    "model not found",
    "model not exist",
    "unknown model",
    "invalid model name",
    "is not a valid model",
    "no such model",
];
const TOO_LONG: [&str; 4] =
    ["context_length_exceeded", "string_above_max_length", "exceed_context_size_error", "request_too_large"];
const TOO_LONG_PHRASES: [&str; 12] = [
    "maximum context length",
    "context length exceeded",
    "exceeds the context",
    "context window",
    "available context size",
    "maximum model length",
    "max_model_len",
    "prompt is too long",
    "input is too long",
    "input token count",
    "too many tokens",
    "reduce the length",
];
const REFUSED: [&str; 8] = [
    "content_policy_violation",
    "content_filter",
    "content_policy",
    "responsibleaipolicyviolation",
    "moderation",
    "moderation_blocked",
    "data_inspection_failed",
    "safety_violation",
];
const REFUSED_PHRASES: [&str; 7] = [
    "content policy",
    "content management policy",
    "content exists risk",
    "safety system",
    "usage policies",
    "was flagged",
    "inappropriate content",
];

/// The error for an answer with a status that is no success.
pub(in crate::llm) fn failure(status: u16, headers: &HeaderMap, report: &Report, redactor: &Redactor) -> LlmError {
    let wait = retry_after(headers);
    let kind = kind(status, report, wait);
    let said = if report.message.is_empty() { "no further words".to_owned() } else { short(&report.message, redactor) };
    let error = LlmError::new(kind, format!("HTTP {status}: {said}"));
    match wait {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

/// The error for an error object where a completion should be: in an answer with status 200 or in a stream.
pub(in crate::llm) fn failure_inside(report: &Report, redactor: &Redactor) -> LlmError {
    let status = report.status.unwrap_or_else(|| match report {
        report if report.codes.iter().any(|code| code.contains("rate_limit") || code.contains("too_many")) => 429,
        report if report.has_code(&["invalid_request_error", "badrequesterror", "invalid_argument"]) => 400,
        // A server that began well and then failed.
        _ => 500,
    });
    let said = if report.message.is_empty() { "without words".to_owned() } else { short(&report.message, redactor) };
    LlmError::new(kind(status, report, None), format!("the server sent an error in place of a reply: {said}"))
}

/// A text of a stranger's as part of a message: without secrets, and not too long.
pub(in crate::llm) fn short(text: &str, redactor: &Redactor) -> String {
    let clean = redactor.redact(text);
    match clean.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &clean[..end]),
        None => clean.into_owned(),
    }
}

/// The beginning of a body that is not what it should be, as part of a message.
pub(in crate::llm) fn beginning(body: impl AsRef<[u8]>, redactor: &Redactor) -> String {
    let body = body.as_ref();
    short(&Report::of(&body[..body.len().min(4 * LONGEST)]).message, redactor)
}

fn kind(status: u16, report: &Report, wait: Option<Duration>) -> LlmErrorKind {
    // A code is a plain word of the server's, whatever the status.
    let codes: [(&[&str], LlmErrorKind); 6] = [
        // The model did not keep to the schema; it may the next time.
        (&["json_validate_failed"], LlmErrorKind::Malformed),
        (&QUOTA, LlmErrorKind::Quota),
        (&TOO_LONG, LlmErrorKind::TooLong),
        (&REFUSED, LlmErrorKind::Refused),
        (&UNKNOWN_MODEL, LlmErrorKind::UnknownModel),
        (&CREDENTIALS, LlmErrorKind::Credentials),
    ];
    let by_code = codes.into_iter().find(|(codes, _)| report.has_code(codes)).map(|(_, kind)| kind);
    by_code.unwrap_or_else(|| kind_by_status(status, report, wait))
}

fn kind_by_status(status: u16, report: &Report, wait: Option<Duration>) -> LlmErrorKind {
    match status {
        // Who says when to come back means a rate, though the words speak of a quota.
        429 if wait.is_none() && report.says(&QUOTA_PHRASES) => LlmErrorKind::Quota,
        429 => LlmErrorKind::RateLimited,
        401 => LlmErrorKind::Credentials,
        402 => LlmErrorKind::Quota,
        403 if report.says(&REFUSED_PHRASES) => LlmErrorKind::Refused,
        403 if report.says(&QUOTA_PHRASES) => LlmErrorKind::Quota,
        403 => LlmErrorKind::Credentials,
        404 => LlmErrorKind::UnknownModel,
        413 => LlmErrorKind::TooLong,
        408 | 409 | 425 => LlmErrorKind::Transient,
        // Some servers are built on a framework that makes every complaint a 500.
        400..=500 => kind_by_words(report).unwrap_or(match status {
            500 => LlmErrorKind::Transient,
            _ => LlmErrorKind::InvalidRequest,
        }),
        501.. => LlmErrorKind::Transient,
        301 | 308 => LlmErrorKind::Unavailable,
        300..=399 => LlmErrorKind::Transient,
        _ => LlmErrorKind::Malformed,
    }
}

fn kind_by_words(report: &Report) -> Option<LlmErrorKind> {
    let names_model = report.says(&["model"]) && report.says(&["does not exist", "not found"]);
    if report.says(&TOO_LONG_PHRASES) {
        Some(LlmErrorKind::TooLong)
    } else if report.says(&REFUSED_PHRASES) {
        Some(LlmErrorKind::Refused)
    } else if names_model || report.says(&UNKNOWN_MODEL_PHRASES) {
        Some(LlmErrorKind::UnknownModel)
    } else if report.says(&CREDENTIALS_PHRASES) {
        Some(LlmErrorKind::Credentials)
    } else {
        None
    }
}
