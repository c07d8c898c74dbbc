//! Items written in the form that is asked for: what a model that follows the form would have replied.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::reply::{Item, Parsed};

impl Parsed {
    /// The kept items in the form that is asked for, numbered conversations with their topics included.
    ///
    /// # Example
    /// ```
    /// use svitgen::reply::{ReplyContext, ReplyForm, ReplyParser};
    /// let parser = ReplyParser::new(ReplyForm::QaList { pairs: 1 });
    /// let parsed = parser.parse("**Q1.** Why?\n**A1.** Because.", &ReplyContext::default());
    /// assert_eq!(parsed.render(), "Question: Why?\nAnswer: Because.\n");
    /// ```
    pub fn render(&self) -> String {
        let mut text = String::new();
        let mut last = None;
        let mut n_conversations = 0;
        let [asks, answers] = if self.has_conversations { ["User", "GPT"] } else { ["Question", "Answer"] };
        for item in &self.items {
            if self.has_conversations && last != Some(item.conversation) {
                last = Some(item.conversation);
                n_conversations += 1;
                let gap = if text.is_empty() { "" } else { "\n" };
                writeln!(text, "{gap}Conversation {n_conversations}:").unwrap_or_default();
                if let Some(Some(topic)) = self.topics.get(item.conversation) {
                    writeln!(text, "Topic: {}", topic.text).unwrap_or_default();
                }
            }
            match &item.question {
                Some(question) => {
                    writeln!(text, "{asks}: {}\n{answers}: {}", question.text, item.answer.text).unwrap_or_default();
                }
                None => writeln!(text, "{}", item.answer.text).unwrap_or_default(),
            }
        }
        text
    }

    /// The kept items as JSON of the shape that [`ReplyForm::json_schema`](crate::reply::ReplyForm::json_schema) says.
    pub fn render_json(&self) -> String {
        let pair = |item: &Item| {
            let question = item.question.as_ref().map(|question| question.text.as_str());
            json!({"question": question, "answer": item.answer.text})
        };
        let value = match self.items.as_slice() {
            [Item { question: None, answer, .. }] => json!({"description": answer.text}),
            items if self.has_conversations => {
                let conversations = items.chunk_by(|a, b| a.conversation == b.conversation).map(|items| {
                    let topic = self.topics.get(items[0].conversation).and_then(Option::as_ref);
                    let qas: Vec<Value> = items.iter().map(pair).collect();
                    json!({"topic": topic.map(|topic| topic.text.as_str()), "qas": qas})
                });
                json!({"conversations": conversations.collect::<Vec<_>>()})
            }
            items => json!({"qas": items.iter().map(pair).collect::<Vec<_>>()}),
        };
        value.to_string()
    }
}
