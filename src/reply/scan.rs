//! Replies in labelled text: `Question:` and `Answer:` in turn, and conversations of `User:` and `GPT:`.

use std::ops::Range;

use crate::reply::labels::{Label, QUESTION_ANSWER, SPEAKERS, Vocabulary, label_of};
use crate::reply::{Draft, IssueCode, ReplyEnd, json, wrapper};

pub(super) fn qa_list(draft: &mut Draft<'_>, end: ReplyEnd) {
    labelled(draft, end, QUESTION_ANSWER);
}

pub(super) fn conversations(draft: &mut Draft<'_>, end: ReplyEnd) {
    labelled(draft, end, SPEAKERS);
}

fn labelled(draft: &mut Draft<'_>, end: ReplyEnd, vocabulary: Vocabulary) {
    let body = 0..wrapper::end_tokens(draft);
    let mut segments = segments(draft.reply(), body.clone(), vocabulary);
    let Some(first) = segments.first() else {
        // Without a label it may be JSON; if not, whoever reads the draft says what the text is.
        json::scan(draft, body.end, vocabulary.has_conversations());
        return;
    };
    let fenced = wrapper::before_items(draft, 0..first.label_span.start);
    // Of a cut reply nobody knows what the last text would have become.
    let tail = if end == ReplyEnd::Cut { segments.pop() } else { None };
    let n_segments = segments.len();
    let mut reader = Reader { draft, question: None };
    for (index, mut segment) in segments.into_iter().enumerate() {
        if tail.is_none() && index + 1 == n_segments {
            segment.text = after_items(reader.draft, segment.text, fenced);
        }
        segment.text = wrapper::separators(reader.draft, segment.text);
        reader.read(segment);
    }
    reader.finish(tail);
}

/// Claims what follows the last item in the text of the last label; returns the rest.
fn after_items(draft: &mut Draft<'_>, text: Range<usize>, fenced: bool) -> Range<usize> {
    let text = if fenced { wrapper::closing_fence(draft, text) } else { text };
    wrapper::closing_remark(draft, text)
}

/// A label and the text up to the next label.
struct Segment {
    label: Label,
    label_span: Range<usize>,
    text: Range<usize>,
}

fn segments(reply: &str, body: Range<usize>, vocabulary: Vocabulary) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for line in wrapper::lines(reply, body.clone()) {
        let Some(found) = label_of(&reply[line.clone()], vocabulary) else { continue };
        if let Some(last) = segments.last_mut() {
            last.text.end = line.start;
        }
        let text_start = line.start + found.len;
        segments.push(Segment {
            label: found.label,
            label_span: line.start..text_start,
            text: text_start..body.end.max(text_start),
        });
    }
    segments
}

/// Puts the texts of labels together to items.
struct Reader<'d, 'r> {
    draft: &'d mut Draft<'r>,
    /// The text of the question that waits for its answer.
    question: Option<Range<usize>>,
}

impl Reader<'_, '_> {
    fn read(&mut self, segment: Segment) {
        let Segment { label, label_span, text } = segment;
        self.draft.label(label_span);
        match label {
            Label::Question => {
                self.give_up_question(IssueCode::MissingAnswer);
                self.question = Some(text);
            }
            Label::Answer => self.answer(text),
            Label::Conversation => {
                self.give_up_question(IssueCode::MissingAnswer);
                self.draft.conversation();
                // A name behind the header is as good as a topic.
                self.topic(text);
            }
            Label::Topic => {
                self.give_up_question(IssueCode::MissingAnswer);
                if self.draft.conversation_is_begun() {
                    self.draft.conversation();
                }
                self.topic(text);
            }
        }
    }

    fn answer(&mut self, answer: Range<usize>) {
        let Some(question) = self.question.take() else {
            return self.draft.unusable(IssueCode::OrphanAnswer, answer);
        };
        match (self.is_blank(&question), self.is_blank(&answer)) {
            (false, false) => self.draft.pair(question, answer),
            (false, true) => self.draft.unusable(IssueCode::EmptyAnswer, question),
            (true, _) => self.draft.unusable(IssueCode::EmptyQuestion, answer),
        }
    }

    fn topic(&mut self, text: Range<usize>) {
        if !self.is_blank(&text) {
            self.draft.topic(text);
        }
    }

    fn give_up_question(&mut self, code: IssueCode) {
        if let Some(question) = self.question.take() {
            self.draft.unusable(code, question);
        }
    }

    fn finish(mut self, tail: Option<Segment>) {
        let Some(tail) = tail else { return self.give_up_question(IssueCode::MissingAnswer) };
        let question_belongs_to_it = tail.label == Label::Answer;
        self.draft.label(tail.label_span);
        match self.question.take() {
            Some(question) if question_belongs_to_it => {
                self.draft.unusable_pair(IssueCode::TruncatedTail, question, tail.text);
            }
            question => {
                self.question = question;
                self.give_up_question(IssueCode::MissingAnswer);
                self.draft.unusable(IssueCode::TruncatedTail, tail.text);
            }
        }
    }

    fn is_blank(&self, span: &Range<usize>) -> bool {
        self.draft.reply()[span.clone()].trim().is_empty()
    }
}
