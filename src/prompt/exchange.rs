//! A prompt, the replies to it, and the follow-ups that ask for what the replies lack.

use crate::llm::{Completion, CompletionRequest, FinishReason, Parameters, ResponseFormat};
use crate::prompt::{Prompt, follow_up};
use crate::reply::{Missing, Parsed, ReplyContext, ReplyForm, ReplyParser};

/// What is asked and replied about one image for one task, turn by turn.
///
/// It decides what to send next, and knows nothing of how it is sent: whoever drives it hands each completion to
/// [`take`](Self::take). The same completions always lead to the same requests and the same result.
///
/// # Example
/// ```
/// use svitgen::llm::{Completion, Parameters};
/// use svitgen::prompt::Exchange;
/// use svitgen::reply::{Outcome, Policy, ReplyForm};
/// use svitgen::{ImageRecord, Prompt, PromptOptions, Task, UnitBox};
/// let record = ImageRecord::builder(1).object("dog", UnitBox::new(0.1, 0.2, 0.5, 0.9)?).build();
/// let task = Task::complex_reasoning().with_form(ReplyForm::QaList { pairs: 2 });
/// let prompt = Prompt::new(&record, &task, &PromptOptions::default())?;
/// let parser = task.parser(Policy::careful());
/// let mut exchange = Exchange::new(&prompt, &parser, 2);
/// assert!(exchange.next_request(&Parameters::default()).is_some());
/// exchange.take(Completion::new("Question: Why does it sit?\nAnswer: It waits."));
/// let request = exchange.next_request(&Parameters::default()).ok_or("one pair is missing")?;
/// assert!(request.last_user_text().contains("exactly 1 more pair"));
/// exchange.take(Completion::new("Question: Whom does it look at?\nAnswer: At whoever comes."));
/// assert!(exchange.next_request(&Parameters::default()).is_none());
/// assert_eq!(exchange.parsed().map(|parsed| parsed.outcome), Some(Outcome::Ok));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Exchange<'p> {
    prompt: &'p Prompt,
    parser: &'p ReplyParser,
    max_top_ups: usize,
    completions: Vec<Completion>,
    parsed: Option<Parsed>,
    /// What the next follow-up asks for.
    missing: Option<Missing>,
}

impl<'p> Exchange<'p> {
    /// Starts with a prompt, and follows up at most `max_top_ups` times.
    pub fn new(prompt: &'p Prompt, parser: &'p ReplyParser, max_top_ups: usize) -> Self {
        Self { prompt, parser, max_top_ups, completions: Vec::new(), parsed: None, missing: None }
    }

    /// How many completions it has taken: the number of the next turn, from 0.
    pub fn turn(&self) -> usize {
        self.completions.len()
    }

    /// What is to be sent next; `None` if nothing more is to be asked.
    ///
    /// A follow-up asks for what is missing, on top of the prompt and what is accepted. There is none if nothing is
    /// missing, after a refusal, and where the last one brought nothing. Behind a reply that was cut by `max_tokens` the
    /// limit is doubled; without a limit of ours there is no follow-up, for the server's would cut it again.
    pub fn next_request(&self, parameters: &Parameters) -> Option<CompletionRequest> {
        let Some(last) = self.completions.last() else { return Some(self.prompt.request(parameters)) };
        let missing = self.missing.as_ref()?;
        let mut parameters = parameters.clone();
        if last.finish_reason == FinishReason::Length {
            let n_doublings = self.completions.iter().filter(|past| past.finish_reason == FinishReason::Length).count();
            parameters.max_tokens = Some(parameters.max_tokens?.saturating_mul(1 << n_doublings.min(16)));
        }
        let is_description = matches!(self.parser.form(), ReplyForm::Description);
        let messages = follow_up::messages(self.prompt, self.parsed.as_ref()?, missing, is_description);
        // A schema counts the items of the whole, of which only some are asked for.
        let format = self.prompt.response_format.as_ref().map(|_| ResponseFormat::JsonObject);
        Some(CompletionRequest::new(messages).with_parameters(parameters).with_response_format(format))
    }

    /// Takes the reply to the last request: accepted items stay, the missing ones are filled in.
    pub fn take(&mut self, completion: Completion) {
        let end = super::sample::reply_end(&completion);
        let context = ReplyContext::default().with_end(end).with_boxes(&self.prompt.boxes);
        let mut brought_nothing = false;
        match (&mut self.parsed, self.missing.take()) {
            (Some(parsed), Some(missing)) => {
                let asked = missing.asked(parsed.has_conversations);
                let parser = self.parser.clone().with_asked(asked);
                let later = parser.parse(&completion.text, &context.with_accepted(&parsed.items));
                let n_items = parsed.items.len();
                self.parser.fill_in(parsed, &missing, &later);
                brought_nothing = parsed.items.len() == n_items;
            }
            (Some(_), None) => {}
            (parsed, _) => *parsed = Some(self.parser.parse(&completion.text, &context)),
        }
        self.completions.push(completion);
        let may_go_on = !brought_nothing && self.completions.len() <= self.max_top_ups;
        self.missing = self.parsed.as_ref().filter(|_| may_go_on).and_then(|parsed| self.parser.missing(parsed));
    }

    /// What the replies so far hold together.
    pub fn parsed(&self) -> Option<&Parsed> {
        self.parsed.as_ref()
    }

    /// What the replies hold together, and the replies.
    pub fn into_parts(self) -> (Option<Parsed>, Vec<Completion>) {
        (self.parsed, self.completions)
    }
}
