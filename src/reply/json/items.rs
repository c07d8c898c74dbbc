//! Which values are question-answer pairs, turns and topics.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use crate::reply::json::Json;
use crate::reply::json::value::{Kind, Value};
use crate::reply::{Draft, IssueCode, decode};

/// Names of keys in use, in lower case; a number may follow.
const QUESTION: &[&str] =
    &["question", "q", "user", "human", "instruction", "prompt", "query", "pregunta", "frage", "问题", "問題", "質問"];
const ANSWER: &[&str] = &[
    "answer",
    "a",
    "gpt",
    "assistant",
    "output",
    "response",
    "reply",
    "completion",
    "ai",
    "bot",
    "respuesta",
    "antwort",
    "réponse",
    "答案",
    "回答",
];
const SPEAKER: &[&str] = &["role", "from", "speaker", "author"];
const SAYS: &[&str] = &["content", "value", "text", "message", "utterance"];
const TOPIC: &[&str] = &["topic", "title", "theme", "subject"];
const ASIDE: &[&str] = &["explanation", "reasoning", "rationale", "justification", "evidence"];
const USERS: &[&str] = &["user", "human", "person", "question", "q", "questioner"];
const MODELS: &[&str] = &["gpt", "assistant", "ai", "chatgpt", "model", "bot", "answer", "a", "answerer"];
const SETUP: &[&str] = &["system", "developer"];
const DESCRIPTION: &[&str] =
    &["description", "detailed_description", "detail_description", "text", "answer", "caption"];

/// What a key says about its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Question,
    Answer,
    Speaker,
    Says,
    Topic,
    /// Belongs to a pair without being a part of it.
    Aside,
}

static KEYS: LazyLock<HashMap<&'static str, Key>> = LazyLock::new(|| {
    let rows = [
        (Key::Question, QUESTION),
        (Key::Answer, ANSWER),
        (Key::Speaker, SPEAKER),
        (Key::Says, SAYS),
        (Key::Topic, TOPIC),
        (Key::Aside, ASIDE),
    ];
    rows.into_iter().flat_map(|(key, names)| names.iter().map(move |name| (*name, key))).collect()
});

impl Key {
    /// What a key means, without regard to case and to a number behind it.
    pub(super) fn of(name: &str) -> Option<Self> {
        let name = bare(name);
        let found = KEYS.get(name).copied();
        found.or_else(|| KEYS.get(name.to_lowercase().as_str()).copied())
    }
}

fn bare(name: &str) -> &str {
    name.trim().trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '_' | ' ' | '-' | '#'))
}

fn is_any(name: &str, names: &[&str]) -> bool {
    let name = bare(name);
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// By value: whether it is meant to be an item. What is within an item is none of its own, and what held items before it
/// looked like one only holds them.
pub(super) fn find(json: &Json<'_>) -> Vec<bool> {
    let values = &json.values.values;
    let mut is_item = vec![false; values.len()];
    let mut next_item = values.len();
    for (index, value) in values.iter().enumerate().rev() {
        let shown_by = if value.kind == Kind::Object { json.shown_by(index) } else { None };
        if shown_by.is_some_and(|shown_by| shown_by <= next_item) {
            is_item[index] = true;
            next_item = index;
        }
    }
    let mut is_within = vec![false; values.len()];
    for (index, value) in values.iter().enumerate() {
        is_within[index] = value.parent.is_some_and(|parent| is_within[parent] || is_item[parent]);
        is_item[index] &= !is_within[index];
    }
    is_item
}

impl Json<'_> {
    fn child(&self, index: usize, key: Key) -> Option<&Value> {
        let child = self.values.children(index).find(|child| self.keys[*child] == Some(key))?;
        Some(&self.values.values[child])
    }

    /// The value by which an object looks like an item: a question, an answer, or a speaker and what is said.
    fn shown_by(&self, index: usize) -> Option<usize> {
        let mut has_speaker = false;
        let mut says = false;
        for child in self.values.children(index) {
            let is_leaf = matches!(self.values.values[child].kind, Kind::Text(_) | Kind::Other);
            match self.keys[child] {
                Some(Key::Question | Key::Answer) if is_leaf => return Some(child),
                Some(Key::Speaker) => has_speaker = true,
                Some(Key::Says) => says = true,
                _ => {}
            }
            if has_speaker && says {
                return Some(child);
            }
        }
        None
    }

    /// By value: the topic that it holds.
    fn topics(&self) -> Vec<Option<usize>> {
        let mut topics = vec![None; self.values.values.len()];
        for (index, value) in self.values.values.iter().enumerate() {
            if let Some(parent) = value.parent.filter(|_| self.keys[index] == Some(Key::Topic)) {
                topics[parent] = topics[parent].or(Some(index));
            }
        }
        topics
    }

    /// The list that an item stands in.
    fn list_of(&self, item: usize) -> Option<usize> {
        self.values.values[item].parent.filter(|parent| self.values.values[*parent].kind == Kind::List)
    }

    fn is_turn(&self, index: usize) -> bool {
        self.child(index, Key::Speaker).is_some() && self.child(index, Key::Says).is_some()
    }

    /// The pairs of an object such as `{"Q1": "...", "A1": "...", "Q2": ...}`; none if it holds one pair at most.
    fn pairs_in(&self, index: usize) -> Vec<(&Value, &Value)> {
        let mut pairs = Vec::new();
        let mut question = None;
        for child in self.values.children(index) {
            let value = &self.values.values[child];
            match self.keys[child] {
                Some(Key::Question) => question = Some(value),
                Some(Key::Answer) => pairs.extend(question.take().map(|question| (question, value))),
                _ => {}
            }
        }
        if pairs.len() > 1 { pairs } else { Vec::new() }
    }

    fn text_of<'v>(&self, value: &'v Value) -> Option<&'v Range<usize>> {
        match &value.kind {
            Kind::Text(inner) => Some(inner),
            _ => None,
        }
    }

    /// The text of a description, if the reply is one in JSON and no pair; with whether it is closed.
    pub(super) fn description(&self) -> Option<(Range<usize>, bool)> {
        if self.keys.contains(&Some(Key::Question)) {
            return None;
        }
        let texts = self.values.values.iter().filter_map(|value| Some((value, self.text_of(value)?)));
        let named = |value: &Value| value.key.as_ref().is_some_and(|key| is_any(&self.text[key.clone()], DESCRIPTION));
        let mut descriptions = texts.filter(|(value, _)| value.parent == Some(0) && named(value));
        let (value, inner) = descriptions.next()?;
        Some((inner.clone(), value.is_closed))
    }
}

/// Claims the items of a reply.
pub(super) struct ItemWriter<'d, 'r> {
    pub(super) draft: &'d mut Draft<'r>,
    pub(super) json: &'d Json<'d>,
    /// By value: whether it is an item.
    pub(super) is_item: &'d [bool],
    pub(super) has_conversations: bool,
    /// What was claimed, in bytes of the JSON.
    pub(super) used: Vec<Range<usize>>,
}

impl<'d> ItemWriter<'d, '_> {
    pub(super) fn write(&mut self) {
        let json = self.json;
        let items: Vec<usize> = (0..self.is_item.len()).filter(|index| self.is_item[*index]).collect();
        let mut topics = json.topics();
        // Where a list goes on behind one that it holds, its items stand behind those of the other.
        for items in items.chunk_by(|a, b| json.list_of(*a).is_some() && json.list_of(*a) == json.list_of(*b)) {
            if let Some(list) = json.list_of(items[0]).filter(|_| self.has_conversations) {
                let beside = json.values.values[list].parent;
                self.start_conversation(beside.and_then(|parent| topics[parent].take()));
            }
            self.group(items);
        }
        self.drop_what_was_cut();
    }

    fn start_conversation(&mut self, topic: Option<usize>) {
        self.draft.conversation();
        let topic = topic.map(|topic| &self.json.values.values[topic]);
        if let Some(Value { kind: Kind::Text(inner), is_closed: true, .. }) = topic {
            self.used.push(inner.clone());
            let text = self.json.unescaped(inner);
            self.draft.topic_as(self.json.in_reply(inner), &text);
        }
    }

    /// Pairs, and turns that make pairs, in their order.
    fn group(&mut self, items: &[usize]) {
        let mut question = None;
        for &index in items {
            let value = &self.json.values.values[index];
            if !value.is_closed {
                self.give_up(&mut question);
                self.drop(IssueCode::TruncatedTail, value.span.clone());
            } else if self.json.is_turn(index) {
                self.turn(index, &mut question);
            } else {
                self.give_up(&mut question);
                let pairs = self.json.pairs_in(index);
                if pairs.is_empty() {
                    self.pair(value, self.json.child(index, Key::Question), self.json.child(index, Key::Answer));
                }
                for (asked, answered) in pairs {
                    self.pair(answered, Some(asked), Some(answered));
                }
                self.drop_asides(index);
            }
        }
        self.give_up(&mut question);
    }

    fn turn(&mut self, index: usize, question: &mut Option<&'d Value>) {
        let value = &self.json.values.values[index];
        let says = self.json.child(index, Key::Says);
        let speaker = self.json.child(index, Key::Speaker).and_then(|speaker| self.json.text_of(speaker));
        let speaker = speaker.map_or("", |inner| &self.json.text[inner.clone()]);
        if is_any(speaker, USERS) {
            self.give_up(question);
            *question = says;
        } else if is_any(speaker, MODELS) && question.is_some() {
            self.pair(value, question.take(), says);
        } else if is_any(speaker, MODELS) {
            self.drop(IssueCode::OrphanAnswer, value.span.clone());
        } else if !is_any(speaker, SETUP) {
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
        let (Some(asked), Some(answered)) = (self.json.text_of(question), self.json.text_of(answer)) else {
            return self.drop(IssueCode::WrongType, item.span.clone());
        };
        let (q, a) = (self.json.unescaped(asked), self.json.unescaped(answered));
        match (decode::is_blank(&q), decode::is_blank(&a)) {
            (true, _) => self.drop(IssueCode::EmptyQuestion, item.span.clone()),
            (_, true) => self.drop(IssueCode::EmptyAnswer, item.span.clone()),
            _ => {
                self.used.extend([asked.clone(), answered.clone()]);
                self.draft.pair_as((self.json.in_reply(asked), &q), (self.json.in_reply(answered), &a));
            }
        }
    }

    /// Tells texts that are no part of the pair, as those below a label `Explanation:` are told.
    fn drop_asides(&mut self, index: usize) {
        let item = self.json.values.values[index].span.clone();
        if self.used.last() == Some(&item) {
            return;
        }
        for child in self.json.values.children(index).filter(|child| self.json.keys[*child] == Some(Key::Aside)) {
            let aside = self.json.text_of(&self.json.values.values[child]).cloned();
            if let Some(aside) = aside.filter(|inner| !decode::is_blank(&self.json.text[inner.clone()])) {
                self.drop(IssueCode::StrayText, aside);
            }
        }
    }

    fn drop(&mut self, code: IssueCode, span: Range<usize>) {
        self.draft.unusable(code, self.json.in_reply(&span));
        self.used.push(span);
    }

    /// The innermost object that the end of the text cuts off before it was known to be an item.
    fn drop_what_was_cut(&mut self) {
        let values = &self.json.values.values;
        let Some(cut) = values.iter().rposition(|value| !value.is_closed) else { return };
        let object = if matches!(values[cut].kind, Kind::Text(_)) { values[cut].parent } else { Some(cut) };
        let Some(value) = object.map(|index| &values[index]) else { return };
        let holds_used = self.used.iter().any(|used| used.start < value.span.end && value.span.start < used.end);
        if value.kind == Kind::Object && !holds_used {
            self.drop(IssueCode::TruncatedTail, value.span.clone());
        }
    }
}
