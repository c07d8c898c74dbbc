//! What a run tells whoever subscribes.

use futures::executor::block_on;
use svitgen::llm::{LlmError, LlmErrorKind, MockLlm};

use crate::support_events::told_by;
use crate::{answer, pipeline, records};

#[test]
fn a_run_tells_what_happens_and_no_text_of_prompts_or_replies() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockLlm::function(|request| {
        if request.last_user_text().contains("thing2") {
            return Err(LlmError::new(LlmErrorKind::TooLong, "it does not fit"));
        }
        Ok(answer(request))
    });
    let text = told_by(|| {
        block_on(pipeline(mock).run(&records(4), folder.path())).unwrap();
    })
    .join("\n");
    for expected in ["run started", "journal read", "request sent image=1", "request answered image=1", "run ended"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(text.contains("request failed image=2") && text.contains("kind=too_long"), "{text}");
    assert!(!text.contains("thing1") && !text.contains("What about"), "{text}");
}
