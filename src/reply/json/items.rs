//! Which values are question-answer pairs, turns and topics.

use std::ops::Range;

use crate::reply::json::value::{Kind, Value, Values};
use crate::reply::{Draft, IssueCode};

/// Names of keys in use, in lower case.
const QUESTION: &[&str] = &["question", "q", "user", "human", "instruction", "prompt"];
const ANSWER: &[&str] = &["answer", "a", "gpt", "assistant", "output", "response"];
const SPEAKER: &[&str] = &["role", "from", "speaker"];
const SAYS: &[&str] = &["content", "value", "text"];
const TOPIC: &[&str] = &["topic", "title"];
const USERS: &[&str] = &["user", "human"];

/// By value: whether it is meant to be an item. What is within an item is none of its own.
pub(super) fn find(values: &Values) -> Vec<bool> {
    let mut is_item = vec![false; values.values.len()];
    let mut is_within = vec![false; values.values.len()];
    for (index, value) in values.values.iter().enumerate() {
        is_within[index] = value.parent.is_some_and(|parent| is_within[parent] || is_item[parent]);
        is_item[index] = !is_within[index] && values.looks_like_item(index);
    }
    is_item
}

impl Values {
    fn child(&self, index: usize, names: &[&str]) -> Option<&Value> {
        let children = self.values[index].children.iter().map(|child| &self.values[*child]);
        let named = |value: &&Value| value.key.as_ref().is_some_and(|key| names.contains(&key.to_lowercase().as_str()));
        children.into_iter().find(named)
    }

    /// An object with a question, an answer, or a speaker and what is said.
    fn looks_like_item(&self, index: usize) -> bool {
        matches!(self.values[index].kind, Kind::Object)
            && (self.is_turn(index)
                || self.child(index, ANSWER).is_some_and(is_leaf)
                || self.child(index, QUESTION).is_some_and(is_leaf))
    }

    fn is_turn(&self, index: usize) -> bool {
        self.child(index, SPEAKER).is_some() && self.child(index, SAYS).is_some()
    }
}

fn is_leaf(value: &Value) -> bool {
    matches!(value.kind, Kind::Text { .. } | Kind::Other)
}

/// Claims the items of a reply.
pub(super) struct ItemWriter<'d, 'r> {
    pub(super) draft: &'d mut Draft<'r>,
    pub(super) values: &'d Values,
    /// By value: whether it is an item.
    pub(super) is_item: &'d [bool],
    pub(super) has_conversations: bool,
    /// What was claimed.
    pub(super) used: Vec<Range<usize>>,
}

impl<'d> ItemWriter<'d, '_> {
    pub(super) fn write(&mut self) {
        let values = self.values;
        for (index, value) in values.values.iter().enumerate() {
            match value.kind {
                Kind::List if value.children.iter().any(|child| self.is_item[*child]) => {
                    self.start_conversation(value);
                    self.group(&value.children);
                }
                Kind::Object if self.is_item[index] && !self.is_in_list(value) => self.group(&[index]),
                _ => {}
            }
        }
        self.drop_what_was_cut();
    }

    fn is_in_list(&self, value: &Value) -> bool {
        value.parent.is_some_and(|parent| matches!(self.values.values[parent].kind, Kind::List))
    }

    fn start_conversation(&mut self, list: &Value) {
        if !self.has_conversations {
            return;
        }
        self.draft.conversation();
        let topic = list.parent.and_then(|parent| self.values.child(parent, TOPIC));
        if let Some(Value { kind: Kind::Text { text, inner }, is_closed: true, .. }) = topic {
            self.used.push(inner.clone());
            self.draft.topic_as(inner.clone(), text);
        }
    }

    /// Pairs, and turns that make pairs, in their order.
    fn group(&mut self, indices: &[usize]) {
        let mut question = None;
        for index in indices {
            let value = &self.values.values[*index];
            if !self.is_item[*index] {
                continue;
            } else if !value.is_closed {
                self.give_up(&mut question);
                self.drop(IssueCode::TruncatedTail, value.span.clone());
            } else if self.values.is_turn(*index) {
                self.turn(*index, &mut question);
            } else {
                self.give_up(&mut question);
                self.pair(value, self.values.child(*index, QUESTION), self.values.child(*index, ANSWER));
            }
        }
        self.give_up(&mut question);
    }

    fn turn(&mut self, index: usize, question: &mut Option<&'d Value>) {
        let value = &self.values.values[index];
        let says = self.values.child(index, SAYS);
        let speaker = match self.values.child(index, SPEAKER).map(|speaker| &speaker.kind) {
            Some(Kind::Text { text, .. }) => text.trim().to_lowercase(),
            _ => String::new(),
        };
        if USERS.contains(&speaker.as_str()) {
            self.give_up(question);
            *question = says;
        } else if ANSWER.contains(&speaker.as_str()) && question.is_some() {
            self.pair(value, question.take(), says);
        } else if ANSWER.contains(&speaker.as_str()) {
            self.drop(IssueCode::OrphanAnswer, value.span.clone());
        } else {
            self.drop(IssueCode::StrayText, value.span.clone());
        }
    }

    fn give_up(&mut self, question: &mut Option<&Value>) {
        if let Some(question) = question.take() {
            self.drop(IssueCode::MissingAnswer, question.span.clone());
        }
    }

    fn pair(&mut self, item: &Value, question: Option<&Value>, answer: Option<&Value>) {
        let (question, answer) = match (question, answer) {
            (Some(question), Some(answer)) => (question, answer),
            (Some(_), None) => return self.drop(IssueCode::MissingAnswer, item.span.clone()),
            (None, _) => return self.drop(IssueCode::MissingQuestion, item.span.clone()),
        };
        let (Kind::Text { text: q, inner: q_span }, Kind::Text { text: a, inner: a_span }) =
            (&question.kind, &answer.kind)
        else {
            return self.drop(IssueCode::WrongType, item.span.clone());
        };
        match (q.trim().is_empty(), a.trim().is_empty()) {
            (true, _) => self.drop(IssueCode::EmptyQuestion, item.span.clone()),
            (_, true) => self.drop(IssueCode::EmptyAnswer, item.span.clone()),
            _ => {
                self.used.extend([q_span.clone(), a_span.clone()]);
                self.draft.pair_as((q_span.clone(), q), (a_span.clone(), a));
            }
        }
    }

    fn drop(&mut self, code: IssueCode, span: Range<usize>) {
        self.used.push(span.clone());
        self.draft.unusable(code, span);
    }

    /// The innermost object that the end of the text cuts off before it was known to be an item.
    fn drop_what_was_cut(&mut self) {
        let Some(cut) = self.values.values.iter().rposition(|value| !value.is_closed) else { return };
        let object = if matches!(self.values.values[cut].kind, Kind::Text { .. }) {
            self.values.values[cut].parent
        } else {
            Some(cut)
        };
        let Some(value) = object.map(|index| &self.values.values[index]) else { return };
        let holds_used = self.used.iter().any(|used| used.start < value.span.end && value.span.start < used.end);
        if matches!(value.kind, Kind::Object) && !holds_used {
            self.drop(IssueCode::TruncatedTail, value.span.clone());
        }
    }
}
