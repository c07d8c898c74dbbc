//! Outputs are in order whatever the order of arrival, also of more than is kept waiting.

use std::sync::{Arc, Mutex};

use futures::channel::oneshot;
use futures::executor::block_on;
use svitgen::llm::{Completion, CompletionRequest, LlmClient, LlmError};
use svitgen::{ImageRecord, Pipeline, Task, UnitBox, async_trait};

use crate::data_files;

const N: u64 = 40;

/// Answers the image `thing1` when all others have been answered.
#[derive(Clone, Debug, Default)]
struct FirstComesLast(Arc<Mutex<(u64, Option<oneshot::Sender<()>>)>>);

fn reply(request: &CompletionRequest) -> (bool, String) {
    let text = request.last_user_text();
    let name = text.split([':', ' ', '\n']).find(|word| word.starts_with("thing")).unwrap();
    let words: String = (0..40_000).map(|i| format!("{name} has {i} sides. ")).collect();
    (name == "thing1", words)
}

#[async_trait]
impl LlmClient for FirstComesLast {
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        let (is_first, reply) = reply(request);
        if is_first {
            let (sender, receiver) = oneshot::channel();
            self.0.lock().unwrap().1 = Some(sender);
            receiver.await.unwrap();
        } else {
            let mut state = self.0.lock().unwrap();
            state.0 += 1;
            if state.0 == N - 1 {
                state.1.take().unwrap().send(()).unwrap();
            }
        }
        Ok(Completion::new(reply))
    }
}

#[derive(Debug)]
struct InTurn;

#[async_trait]
impl LlmClient for InTurn {
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        Ok(Completion::new(reply(request).1))
    }
}

#[test]
fn outputs_are_in_order_of_images_however_much_arrives_before_the_first() {
    let records: Vec<ImageRecord> = (1..=N)
        .map(|id| {
            ImageRecord::builder(id).object(format!("thing{id}"), UnitBox::new(0.1, 0.2, 0.5, 0.9).unwrap()).build()
        })
        .collect();
    let run = |client: Arc<dyn LlmClient>| {
        let folder = tempfile::tempdir().unwrap();
        let task = Task::detail_description();
        let pipeline = Pipeline::builder(client).task(task).concurrency(N as usize).build().unwrap();
        let ledger = block_on(pipeline.run(&records, folder.path())).unwrap();
        (ledger, data_files(folder.path()))
    };
    let (in_turn, late) = (run(Arc::new(InTurn)), run(Arc::new(FirstComesLast::default())));
    // More than the eight MiB that wait in memory.
    assert!(late.1["samples/detail_description.jsonl"].len() > 12 << 20);
    assert!(in_turn == late, "{} is not {}", in_turn.0, late.0);
}
