//! What a run tells whoever subscribes.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use svitgen::llm::{LlmError, LlmErrorKind, MockLlm};
use tracing_subscriber::fmt::MakeWriter;

use crate::{answer, pipeline, records};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[test]
fn a_run_tells_what_happens_and_no_text_of_prompts_or_replies() {
    let folder = tempfile::tempdir().unwrap();
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(lines.clone())
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .with_ansi(false)
        .finish();
    let mock = MockLlm::function(|request| {
        if request.last_user_text().contains("thing2") {
            return Err(LlmError::new(LlmErrorKind::TooLong, "it does not fit"));
        }
        Ok(answer(request))
    });
    tracing::subscriber::with_default(subscriber, || {
        block_on(pipeline(mock).run(&records(4), folder.path())).unwrap();
    });
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    for expected in ["run started", "journal read", "request sent image=1", "request answered image=1", "run ended"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(text.contains("request failed image=2") && text.contains("kind=too_long"), "{text}");
    assert!(!text.contains("thing1") && !text.contains("What about"), "{text}");
}
