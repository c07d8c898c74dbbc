//! The four tasks of SVIT (Zhao et al. 2023, arXiv 2307.04087), in our own words: one row each.

use crate::reply::{Grounding, ReplyForm};
use crate::task::{InstructionPool, Sections, Task, Template};

struct Row {
    name: &'static str,
    template: &'static str,
    form: ReplyForm,
    is_grounded: bool,
}

const CONVERSATION: Row = Row {
    name: "conversation",
    template: include_str!("../../prompts/conversation.txt"),
    form: ReplyForm::Conversations { conversations: 3, pairs: 5 },
    is_grounded: false,
};

const COMPLEX_REASONING: Row = Row {
    name: "complex_reasoning",
    template: include_str!("../../prompts/complex_reasoning.txt"),
    form: ReplyForm::QaList { pairs: 15 },
    is_grounded: false,
};

const DETAIL_DESCRIPTION: Row = Row {
    name: "detail_description",
    template: include_str!("../../prompts/detail_description.txt"),
    form: ReplyForm::Description,
    is_grounded: false,
};

const REFERRING_QA: Row = Row {
    name: "referring_qa",
    template: include_str!("../../prompts/referring_qa.txt"),
    form: ReplyForm::QaList { pairs: 10 },
    is_grounded: true,
};

const ROWS: [Row; 4] = [CONVERSATION, COMPLEX_REASONING, DETAIL_DESCRIPTION, REFERRING_QA];

impl Row {
    fn task(self) -> Task {
        Task {
            name: self.name.to_owned(),
            template: Template::new(self.template).expect("a compiled-in template is tested"),
            sections: Sections::PLAIN,
            instructions: matches!(self.form, ReplyForm::Description).then(InstructionPool::built_in),
            form: self.form,
            grounding: self.is_grounded.then(Grounding::default),
            is_json: false,
            cites_numbers: false,
            checks: Vec::new(),
        }
    }
}

impl Task {
    /// Three conversations of five question-answer pairs, each with a topic.
    pub fn conversation() -> Self {
        CONVERSATION.task()
    }

    /// Fifteen question-answer pairs that need the image and thought.
    pub fn complex_reasoning() -> Self {
        COMPLEX_REASONING.task()
    }

    /// One detailed description; the question is drawn from a pool of instructions.
    pub fn detail_description() -> Self {
        DETAIL_DESCRIPTION.task()
    }

    /// Ten question-answer pairs that point at what they talk about: `<st>man<ed> [x1, y1, x2, y2]`.
    pub fn referring_qa() -> Self {
        REFERRING_QA.task()
    }

    /// The four built-in tasks.
    pub fn built_in() -> Vec<Self> {
        ROWS.into_iter().map(Row::task).collect()
    }

    /// The built-in task of this name, if there is one.
    pub fn by_name(name: &str) -> Option<Self> {
        ROWS.into_iter().find(|row| row.name == name).map(Row::task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_a_task() {
        let names: Vec<String> = Task::built_in().iter().map(|task| task.name().to_owned()).collect();
        assert_eq!(names, ["conversation", "complex_reasoning", "detail_description", "referring_qa"]);
        assert!(names.iter().all(|name| Task::by_name(name).is_some()));
        assert!(Task::by_name("poetry").is_none());
        assert!(Task::detail_description().instructions().is_some_and(|pool| pool.len() >= 30));
    }
}
