//! The completion in the body of an answer.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::failure::{beginning, failure_inside, short};
use super::report::Report;
use super::secret::Redactor;
use crate::llm::{Completion, FinishReason, LlmError, LlmErrorKind, Usage};

/// The completion in a body that came with a status of success.
pub(super) fn completion(body: &[u8], redactor: &Redactor) -> Result<Completion, LlmError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(malformed("the server sent an empty body"));
    }
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|error| no_completion(body, &error, redactor))?;
    answer.refuse_errors(redactor)?;
    let mut choice = answer.choices.0.ok_or_else(|| malformed("the server sent JSON without a choice"))?;
    let mut completion = Completion::new(choice.take_text());
    completion.finish_reason = finish_reason(choice.finish_reason.0);
    completion.usage = answer.usage.and_then(usage);
    completion.model = answer.model.0.map(Cow::into_owned);
    completion.id = answer.id.0.map(Cow::into_owned);
    Ok(completion)
}

/// An answer, or an event of a stream; whatever else it holds is passed over.
#[derive(serde::Deserialize)]
pub(super) struct Answer<'a> {
    #[serde(borrow, default)]
    pub(super) id: Word<'a>,
    #[serde(borrow, default)]
    pub(super) model: Word<'a>,
    #[serde(borrow, default)]
    pub(super) choices: First<'a>,
    #[serde(borrow, default)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl Answer<'_> {
    /// Fails with the error that stands where a reply should.
    pub(super) fn refuse_errors(&self, redactor: &Redactor) -> Result<(), LlmError> {
        let errors = [self.error, self.choices.0.as_ref().and_then(|choice| choice.error)];
        let mut errors = errors.into_iter().flatten();
        let Some(error) = errors.find(|error| !matches!(error.get(), "null" | "\"\"" | "{}" | "false")) else {
            return Ok(());
        };
        let report = serde_json::from_str(error.get())
            .map_or_else(|_| Report::of(error.get().as_bytes()), |error: Value| Report::of_value(&error));
        Err(failure_inside(&report, redactor))
    }
}

#[derive(serde::Deserialize)]
pub(super) struct Choice<'a> {
    /// The message of a whole reply.
    #[serde(borrow, default)]
    message: Option<Object<Content<'a>>>,
    /// The next piece of a streamed reply.
    #[serde(borrow, default)]
    delta: Option<Object<Content<'a>>>,
    #[serde(borrow, default)]
    pub(super) finish_reason: Word<'a>,
    /// What went wrong behind a gateway.
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl Choice<'_> {
    /// The text of the message or of the piece; empty if it has none.
    pub(super) fn take_text(&mut self) -> String {
        self.message.take().or(self.delta.take()).map(|content| content.0.into_text()).unwrap_or_default()
    }
}

/// What a message says. Reasoning, tool calls and the rest are no part of the reply.
#[derive(serde::Deserialize)]
struct Content<'a> {
    #[serde(default)]
    content: Text,
    #[serde(borrow, default)]
    refusal: Word<'a>,
}

impl Content<'_> {
    /// The text; what a model says when it refuses, if there is none; else nothing.
    fn into_text(self) -> String {
        match self.content {
            Text(text) if !text.is_empty() => text,
            _ => self.refusal.0.map(Cow::into_owned).unwrap_or_default(),
        }
    }
}

/// The first of a list; nothing in an empty list or `null`.
#[derive(Default)]
pub(super) struct First<'a>(pub(super) Option<Choice<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for First<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Choices;
        impl<'de> Visitor<'de> for Choices {
            type Value = First<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of choices")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(First(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let first = list.next_element::<Object<Choice<'de>>>()?.map(|choice| choice.0);
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }
        deserializer.deserialize_any(Choices)
    }
}

/// What has fields; a list is none, though serde would take its values for fields.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_any(Fields(PhantomData))
    }
}

/// A text; a number as its digits; nothing in place of anything else.
#[derive(Default)]
pub(super) struct Word<'a>(pub(super) Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Word<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyScalar;
        impl<'de> Visitor<'de> for AnyScalar {
            type Value = Word<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Word(Some(Cow::Borrowed(text))))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Word(Some(Cow::Owned(text.to_owned()))))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Word(Some(Cow::Owned(number.to_string()))))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Word(Some(Cow::Owned(number.to_string()))))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Word(None))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Word(None))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Word(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Word(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Word(None))
            }
        }
        deserializer.deserialize_any(AnyScalar)
    }
}

/// The content of a message: a text, `null`, or a list of parts of which some are texts.
#[derive(Default)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Part<'a> {
            #[serde(borrow, default, rename = "type")]
            kind: Word<'a>,
            #[serde(borrow, default)]
            text: Word<'a>,
        }
        struct AnyContent;
        impl<'de> Visitor<'de> for AnyContent {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of parts as the content of a message")
            }

            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_unit<E>(self) -> Result<Text, E> {
                Ok(Text::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Text, A::Error> {
                let mut texts = String::new();
                while let Some(part) = parts.next_element::<Object<Part<'de>>>()? {
                    let Object(part) = part;
                    let is_text = !matches!(part.kind.0.as_deref(), Some("thinking" | "reasoning"));
                    texts.push_str(part.text.0.as_deref().filter(|_| is_text).unwrap_or_default());
                }
                Ok(Text(texts))
            }
        }
        deserializer.deserialize_any(AnyContent)
    }
}

/// The tokens of a call; `None` if the server tells nothing that can be used.
pub(super) fn usage(raw: &RawValue) -> Option<Usage> {
    let usage: Value = serde_json::from_str(raw.get()).ok()?;
    let count = |names: [&str; 2]| {
        let value = names.iter().find_map(|name| usage.get(*name).filter(|value| !value.is_null()))?;
        value.as_u64().or_else(|| value.as_f64().filter(|n| *n >= 0.0).map(|n| n as u64))
    };
    let input_tokens = count(["prompt_tokens", "input_tokens"]);
    let output_tokens = count(["completion_tokens", "output_tokens"]);
    input_tokens.or(output_tokens)?;
    Some(Usage { input_tokens: input_tokens.unwrap_or(0), output_tokens: output_tokens.unwrap_or(0) })
}

/// Why the model stopped, in the words of any server.
pub(super) fn finish_reason(word: Option<Cow<'_, str>>) -> FinishReason {
    let Some(word) = word else { return FinishReason::Unknown };
    match word.to_ascii_lowercase().as_str() {
        "eos" | "eos_token" | "end_turn" | "stop_sequence" | "stop_token" | "complete" | "completed" => {
            FinishReason::Stop
        }
        "max_tokens" | "max_length" | "max_output_tokens" | "model_length" => FinishReason::Length,
        "safety" | "content_filtered" | "content-filter" | "prohibited_content" => FinishReason::ContentFilter,
        lower @ ("stop" | "length" | "content_filter") => FinishReason::from(lower.to_owned()),
        _ => FinishReason::from(word.into_owned()),
    }
}

pub(in crate::llm) fn malformed(message: impl Into<String>) -> LlmError {
    LlmError::new(LlmErrorKind::Malformed, message)
}

/// The error for a body that is no completion, with the beginning of what it is if it is no JSON at all.
fn no_completion(body: &[u8], error: &serde_json::Error, redactor: &Redactor) -> LlmError {
    // What serde says of a value in the wrong place holds that value.
    let message = format!("the server sent no completion: {}", short(&error.to_string(), redactor));
    if error.is_data() || matches!(body.iter().find(|b| !b.is_ascii_whitespace()), Some(b'{' | b'[')) {
        return malformed(message);
    }
    malformed(format!("{message}; it begins: {}", beginning(body, redactor)))
}
