//! The way of a reply: taken apart by its form, decoded, checked, judged by the policy.

use std::sync::Arc;

use crate::bbox::NamedBox;
use crate::reply::grounding::Grounder;
use crate::reply::judge::Judge;
use crate::reply::{
    Asked, Check, CheckContext, Draft, Finding, Grounding, IssueCode, Item, Parsed, PieceKind, Policy, ReplyForm,
    Wrapper, checks,
};

/// Reads replies of one form.
///
/// # Example
/// ```
/// use svitgen::reply::{Outcome, ReplyContext, ReplyForm, ReplyParser};
/// let parser = ReplyParser::new(ReplyForm::QaList { pairs: 1 });
/// let parsed = parser.parse("Question: Why?\nAnswer: Because.", &ReplyContext::default());
/// assert_eq!(parsed.items[0].answer.text, "Because.");
/// assert_eq!(parsed.outcome, Outcome::Ok);
/// ```
#[derive(Clone, Debug)]
pub struct ReplyParser {
    pub(super) form: ReplyForm,
    pub(super) asked: Asked,
    grounding: Option<Grounding>,
    checks_texts: bool,
    checks: Vec<Arc<dyn Check>>,
    pub(super) policy: Policy,
}

/// What is known about a reply beside its text.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ReplyContext<'a> {
    /// How it ended.
    pub end: ReplyEnd,
    /// The boxes of the prompt, against which those of the reply are held; `None` leaves them unchecked.
    pub boxes: Option<&'a [NamedBox]>,
    /// Items that are accepted already: what repeats one of them is a duplicate.
    pub accepted: &'a [Item],
}

impl<'a> ReplyContext<'a> {
    /// Sets how the reply ended.
    #[must_use]
    pub fn with_end(mut self, end: ReplyEnd) -> Self {
        self.end = end;
        self
    }

    /// Sets the boxes of the prompt.
    #[must_use]
    pub fn with_boxes(mut self, boxes: &'a [NamedBox]) -> Self {
        self.boxes = Some(boxes);
        self
    }

    /// Sets the items that are accepted already.
    #[must_use]
    pub fn with_accepted(mut self, accepted: &'a [Item]) -> Self {
        self.accepted = accepted;
        self
    }
}

/// How a reply ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReplyEnd {
    /// By itself, as far as is known.
    #[default]
    Whole,
    /// At a limit of tokens: its last text may lack its end.
    Cut,
    /// By a filter, which withheld the rest: nothing of it is used.
    Filtered,
}

impl ReplyParser {
    /// Reads replies of `form` with the checks that are right for any text, by the policy `careful`.
    pub fn new(form: ReplyForm) -> Self {
        let asked = form.asked();
        Self { form, asked, grounding: None, checks_texts: true, checks: Vec::new(), policy: Policy::careful() }
    }

    /// Takes replies apart, reads boxes and counts, but looks at no text: no leaks, tokens, loops or repeated pairs are
    /// found. For texts that something else checks.
    #[must_use]
    pub fn without_text_checks(mut self) -> Self {
        self.checks_texts = false;
        self
    }

    /// Reads what the texts point at with `<st>`, `<ed>` and boxes, and wants each item to point.
    #[must_use]
    pub fn grounded(self) -> Self {
        self.grounded_by(Grounding::default())
    }

    /// The same, with boxes held against those of the prompt in a way of your own.
    #[must_use]
    pub fn grounded_by(mut self, grounding: Grounding) -> Self {
        self.grounding = Some(grounding);
        self
    }

    /// Adds a check.
    #[must_use]
    pub fn with_check(self, check: impl Check + 'static) -> Self {
        self.with_shared_check(Arc::new(check))
    }

    /// Adds a check that several parsers share.
    #[must_use]
    pub fn with_shared_check(mut self, check: Arc<dyn Check>) -> Self {
        self.checks.push(check);
        self
    }

    /// Sets what is done about each issue.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets how many items are expected, where that is not what the form says.
    #[must_use]
    pub fn with_asked(mut self, asked: Asked) -> Self {
        self.asked = asked;
        self
    }

    /// The form that it reads.
    pub fn form(&self) -> &ReplyForm {
        &self.form
    }

    /// Reads a reply. It never fails: what is wrong is in [`Parsed::issues`].
    pub fn parse(&self, reply: &str, context: &ReplyContext<'_>) -> Parsed {
        let mut draft = Draft::new(reply);
        self.take_apart(&mut draft, context.end);
        draft.claim_rest();
        let mut findings = Vec::new();
        if let Some(grounding) = self.grounding {
            read_references(&mut draft.items, &Grounder::new(grounding, context.boxes), &mut findings);
        }
        let check_context = CheckContext {
            reply,
            boxes: context.boxes,
            accepted: context.accepted,
            is_grounded: self.grounding.is_some(),
        };
        if self.checks_texts {
            checks::texts(&draft.items, &check_context, &mut findings);
        }
        for check in &self.checks {
            findings.extend(check.check(&draft.items, &check_context));
        }
        Judge::new(draft, &self.policy).judge(findings, self.asked, self.form.has_conversations())
    }

    fn take_apart(&self, draft: &mut Draft<'_>, end: ReplyEnd) {
        let reply = draft.reply();
        if end == ReplyEnd::Filtered {
            return draft.unusable(IssueCode::ContentFilter, 0..reply.len());
        }
        if reply.trim().is_empty() {
            return draft.unusable(IssueCode::EmptyReply, 0..reply.len());
        }
        self.form.scan(draft, end);
        let reasoning = draft.pieces.iter().rfind(|piece| piece.kind == PieceKind::Wrapper(Wrapper::Reasoning));
        let said = &reply[reasoning.map_or(0, |piece| piece.span.end)..];
        if draft.items.iter().all(|item| item.question.is_none()) && checks::is_refusal(said) {
            draft.start_again();
            draft.unusable(IssueCode::Refusal, 0..reply.len());
        }
    }
}

fn read_references(items: &mut [Item], grounder: &Grounder<'_>, findings: &mut Vec<Finding>) {
    for (index, item) in items.iter_mut().enumerate() {
        let mut n_found = 0;
        for text in item.texts_mut() {
            let pointing = grounder.read(&text.text);
            n_found += pointing.references.len() + pointing.findings.len();
            text.references = pointing.references;
            findings.extend(pointing.findings.into_iter().map(|(code, span)| Finding {
                item: index,
                code,
                span: text.span_of(span),
            }));
            if let Some((rewritten, origin)) = pointing.rewritten {
                (text.text, text.origin) = (rewritten, origin);
            }
        }
        if n_found == 0 {
            findings.push(Finding { item: index, code: IssueCode::NoReference, span: None });
        }
    }
}
