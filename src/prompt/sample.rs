//! The way back: a completion read by the prompt that asked for it, and the sample made of what it holds.

use crate::digest::Digest;
use crate::llm::{Completion, FinishReason};
use crate::prompt::Prompt;
use crate::reply::{Item, ItemText, Outcome, Parsed, Policy, ReplyContext, ReplyEnd, ReplyParser};
use crate::sample::{Conversation, Provenance, Role, Sample, Turn};

/// How the reply in a completion ended.
pub(super) fn reply_end(completion: &Completion) -> ReplyEnd {
    match completion.finish_reason {
        FinishReason::Length => ReplyEnd::Cut,
        FinishReason::ContentFilter => ReplyEnd::Filtered,
        _ => ReplyEnd::Whole,
    }
}

impl Prompt {
    /// Reads the reply to this prompt: its boxes are held against those of the prompt, and a reply that was cut or
    /// filtered is read as such. `parser` is that of the task ([`Task::parser`](crate::Task::parser)).
    pub fn parse(&self, completion: &Completion, parser: &ReplyParser) -> Parsed {
        let context = ReplyContext::default().with_end(reply_end(completion)).with_boxes(&self.boxes);
        parser.parse(&completion.text, &context)
    }

    /// The sample that the kept items make; `None` if nothing was kept.
    ///
    /// Each conversation of the reply is one of the sample; in a form without conversations each item is one. An item
    /// without a question gets the prompt's instruction. `completions` are the replies that it was read from, in order.
    pub fn sample(&self, parsed: &Parsed, completions: &[Completion], policy: &Policy) -> Option<Sample> {
        let conversations = self.conversations(parsed);
        if conversations.is_empty() {
            return None;
        }
        let provenance = Provenance::new(self.digest(), digest(completions), policy.name())
            .with_model(completions.first().and_then(|completion| completion.model.clone()))
            .with_complete(parsed.outcome == Outcome::Ok);
        Some(Sample::new(self.image_id.clone(), self.image.clone(), self.task.clone(), conversations, provenance))
    }

    fn conversations(&self, parsed: &Parsed) -> Vec<Conversation> {
        let mut conversations = Vec::new();
        let mut last = None;
        for item in &parsed.items {
            let goes_on = parsed.has_conversations && last == Some(item.conversation);
            if !goes_on {
                conversations.push(start_conversation(parsed, item));
            }
            last = Some(item.conversation);
            if let Some(conversation) = conversations.last_mut() {
                self.add_item(conversation, item);
            }
        }
        conversations
    }

    fn add_item(&self, conversation: &mut Conversation, item: &Item) {
        let question = match &item.question {
            Some(question) => turn(Role::User, question),
            None => Turn::new(Role::User, self.instruction.clone().unwrap_or_default()),
        };
        conversation.turns.extend([question, turn(Role::Assistant, &item.answer)]);
        conversation.flags.extend(item.flags.iter().map(|code| code.as_str().to_owned()));
        conversation.flags.sort();
        conversation.flags.dedup();
    }
}

fn start_conversation(parsed: &Parsed, item: &Item) -> Conversation {
    let mut conversation = Conversation::default();
    let topic = parsed.topics.get(item.conversation).and_then(Option::as_ref);
    conversation.topic = topic.map(|topic| topic.text.clone());
    conversation
}

fn turn(role: Role, text: &ItemText) -> Turn {
    Turn::new(role, text.text.clone()).with_references(text.references.clone())
}

/// Digest of one reply, or of several in order.
fn digest(completions: &[Completion]) -> Digest {
    match completions {
        [only] => Digest::of(&only.text),
        several => {
            Digest::of(several.iter().map(|completion| Digest::of(&completion.text).to_string()).collect::<String>())
        }
    }
}
