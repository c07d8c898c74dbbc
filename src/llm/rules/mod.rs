//! A client that answers by rule: it reads the annotation lines out of the prompt and says what they say.
//!
//! It claims nothing that the lines do not settle, and rather gives fewer items than invented ones.

mod conversation;
mod description;
mod english;
mod facts;
mod json;
mod knowledge;
mod reasoning;
mod referring;
mod scene;
mod statements;

use async_trait::async_trait;

use crate::choice::Choices;
use crate::llm::rules::facts::Facts;
use crate::llm::rules::scene::Scene;
use crate::llm::{Completion, CompletionRequest, FinishReason, LlmClient, LlmError, MessageRole, Usage};

/// Bytes that count as one token.
const BYTES_PER_TOKEN: usize = 4;

/// What is said where the prompt has no annotations.
const NOTHING: &str = "I cannot see anything to write about.";

/// What is said where more is asked for than the annotations settle.
const NOTHING_MORE: &str = "There is nothing more to say about this image.";

/// The embedded model: no key, no network, and the same reply to the same request, always.
///
/// It finds the sections of the built-in prompts (`Objects:` and lines `- clock: [0.526, 0.152, 0.625, 0.717]`), and
/// replies in the form that the text around them asks for: conversations if it speaks of a `Topic:`, pairs that point if
/// it speaks of `<st>`, reasoning pairs if it speaks of a `Question:`, else one description. It counts, tells positions
/// and sizes, compares, and works phrases, attributes and relationships in; where the facts give out, so does the reply.
/// `max_tokens` cuts it, at four bytes a token, as a real model's limit would.
///
/// # Example
/// ```
/// use futures::executor::block_on;
/// use svitgen::llm::{CompletionRequest, LlmClient, Message, MessageRole, RuleLlm};
/// let prompt = "Objects:\n- dog: [0.100, 0.200, 0.300, 0.900]\n- dog: [0.600, 0.200, 0.900, 0.900]\n\nDescribe this image.";
/// let request = CompletionRequest::new(vec![Message::new(MessageRole::User, prompt)]);
/// let completion = block_on(RuleLlm::new().complete(&request))?;
/// assert!(completion.text.contains("two dogs"), "{}", completion.text);
/// # Ok::<(), svitgen::LlmError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RuleLlm {
    seed: u64,
    name: String,
}

impl Default for RuleLlm {
    fn default() -> Self {
        Self::new()
    }
}

impl RuleLlm {
    /// The model with seed 0.
    pub fn new() -> Self {
        Self { seed: 0, name: "rules".to_owned() }
    }

    /// Sets the seed, which varies words and choices, never facts.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self.name = if seed == 0 { "rules".to_owned() } else { format!("rules, seed {seed}") };
        self
    }

    fn reply(&self, request: &CompletionRequest) -> String {
        // A follow-up: what the facts settle was said in the first reply.
        if request.messages.iter().any(|message| message.role == MessageRole::Assistant) {
            return NOTHING_MORE.to_owned();
        }
        let facts = Facts::read(request.last_user_text());
        let scene = Scene::new(&facts);
        if scene.is_empty() {
            return NOTHING.to_owned();
        }
        let mut choices = Choices::new(self.seed, request.messages.iter().map(|message| &message.content));
        let user = request.last_user_text();
        let mut system = request.messages.iter().filter(|message| message.role == MessageRole::System);
        let points = asks_for(user, "<st>") || system.any(|message| message.content.contains("<st>"));
        let reply = if asks_for(user, "Topic:") {
            let n_conversations = asked(user, &["conversation"]).unwrap_or(3);
            let n_pairs = asked(user, &["question", "pair"]).unwrap_or(5);
            conversation::write(&scene, &mut choices, n_conversations, n_pairs)
        } else if points {
            referring::write(&scene, &mut choices, asked(user, &["pair", "question"]).unwrap_or(10))
        } else if asks_for(user, "Question:") {
            reasoning::write(&scene, &mut choices, asked(user, &["pair", "question"]).unwrap_or(15))
        } else {
            description::write(&scene, &mut choices)
        };
        match (reply.is_empty(), &request.response_format) {
            (true, _) => NOTHING.to_owned(),
            (false, None) => reply,
            (false, Some(_)) => json::from_text(&reply),
        }
    }
}

/// Whether the text around the annotations has this mark.
fn asks_for(user_text: &str, mark: &str) -> bool {
    user_text.lines().any(|line| !line.starts_with("- ") && line.contains(mark))
}

/// The number behind "exactly" before one of these words: "exactly 3 conversations", "exactly 15 pairs".
fn asked(text: &str, words: &[&str]) -> Option<usize> {
    let mut rest = text.lines().filter(|line| !line.starts_with("- ")).flat_map(|line| line.split("exactly ").skip(1));
    rest.find_map(|rest| {
        let (number, rest) = rest.split_once(' ')?;
        words.iter().any(|word| rest.starts_with(word)).then(|| number.parse().ok())?
    })
}

#[async_trait]
impl LlmClient for RuleLlm {
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        let mut text = self.reply(request);
        let mut finish_reason = FinishReason::Stop;
        if let Some(max_tokens) = request.parameters.max_tokens {
            let max_bytes = (max_tokens as usize).saturating_mul(BYTES_PER_TOKEN);
            if text.len() > max_bytes {
                text.truncate(text.floor_char_boundary(max_bytes));
                finish_reason = FinishReason::Length;
            }
        }
        let tokens = |n_bytes: usize| n_bytes.div_ceil(BYTES_PER_TOKEN) as u64;
        let input_bytes = request.messages.iter().map(|message| message.content.len()).sum();
        let usage = Usage { input_tokens: tokens(input_bytes), output_tokens: tokens(text.len()) };
        let completion = Completion::new(text).with_finish_reason(finish_reason).with_usage(usage);
        Ok(completion.with_model("svitgen-rules"))
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// A question with its answer, while a reply is put together.
#[derive(Clone, Debug)]
struct Pair {
    question: String,
    answer: String,
}

impl Pair {
    fn new(question: impl Into<String>, answer: impl Into<String>) -> Self {
        Self { question: question.into(), answer: answer.into() }
    }

    /// `Question: ...\nAnswer: ...` for each of the pairs.
    fn list(pairs: &[Self]) -> String {
        let lines: Vec<String> =
            pairs.iter().map(|pair| format!("Question: {}\nAnswer: {}", pair.question, pair.answer)).collect();
        lines.join("\n")
    }

    /// The first `n` pairs that ask different things.
    fn distinct(pairs: impl IntoIterator<Item = Self>, n: usize) -> Vec<Self> {
        let mut asked = std::collections::HashSet::new();
        let new = pairs.into_iter().filter(|pair| asked.insert(pair.question.to_lowercase()));
        new.take(n).collect()
    }
}
