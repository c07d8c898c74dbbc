//! The pipeline as a stream, on any executor, without files.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::executor::block_on;
use futures::{FutureExt, StreamExt};
use svitgen::llm::{LlmError, LlmErrorKind, MockLlm};
use svitgen::pipeline::{UnitResult, UnitState};
use svitgen::{Error, Ledger, Pipeline, Task};

use crate::{answer, pipeline, records};

fn collect(pipeline: &Pipeline, n: u64) -> Vec<UnitResult> {
    block_on(pipeline.stream(records(n).into_iter().map(Ok)).map(|result| result.unwrap()).collect())
}

#[test]
fn every_record_and_task_gives_one_result() {
    let results = collect(&pipeline(MockLlm::function(answer)), 50);
    assert_eq!(results.len(), 100);
    let mut ledger = Ledger::default();
    for result in &results {
        ledger.add(result);
        assert_eq!(result.sample.is_some(), matches!(result.state, UnitState::Accepted | UnitState::Partial));
        assert_eq!(result.cause.is_some(), result.state != UnitState::Accepted);
    }
    let total = ledger.total();
    assert_eq!(total.causes["no_annotations"], 14);
    let states: u64 = UnitState::ALL.iter().map(|state| total.count(*state)).sum();
    assert_eq!((total.inputs, states), (100, 100));
    assert_eq!(total.causes.values().sum::<u64>(), total.partial + total.rejected + total.failed);
}

#[test]
fn calls_are_bounded_and_the_stream_is_lazy() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (running_here, most_here) = (running.clone(), most.clone());
    let mock = MockLlm::function(answer).with_delay(move |_| {
        let (running, most) = (running_here.clone(), most_here.clone());
        async move {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            yield_now().await;
            running.fetch_sub(1, Ordering::SeqCst);
        }
    });
    let pipeline = pipeline(mock.clone());
    let mut stream = Box::pin(pipeline.stream(records(1_000).into_iter().map(Ok)));
    assert!(stream.next().now_or_never().flatten().is_none(), "nothing is ready before the delay");
    assert!(mock.requests().len() <= 8);
    assert_eq!(block_on(stream.count()), 2_000);
    assert_eq!(most.load(Ordering::SeqCst), 8);
}

/// Gives other futures a turn, whatever the executor.
async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

#[test]
fn a_failed_call_is_a_result() {
    let mock = MockLlm::function(|_| LlmError::new(LlmErrorKind::TooLong, "9,000 tokens"));
    let results = collect(&pipeline(mock), 3);
    assert_eq!(results.len(), 6);
    for result in results {
        assert_eq!((result.state, result.cause.as_deref()), (UnitState::Failed, Some("too_long")));
        assert_eq!(result.error.unwrap().message(), "9,000 tokens");
    }
}

#[test]
fn no_call_follows_one_that_shows_that_all_will_fail() {
    let mock = MockLlm::function(|_| LlmError::new(LlmErrorKind::Quota, "no credit"));
    let task = Task::detail_description();
    let pipeline = Pipeline::builder(mock.clone()).task(task).concurrency(1).build().unwrap();
    let results = collect(&pipeline, 5);
    let states: Vec<_> = results.iter().map(|result| result.state).collect();
    use UnitState::{Failed, Pending};
    assert_eq!((states, mock.requests().len()), (vec![Failed, Pending, Pending, Pending, Pending], 1));
}

#[test]
fn errors_of_the_records_come_through() {
    let broken: Error = svitgen::task::Template::new("{{ nothing }}").unwrap_err();
    let input = records(1).into_iter().map(Ok).chain([Err(broken)]);
    let pipeline = pipeline(MockLlm::function(answer));
    let results: Vec<_> = block_on(pipeline.stream(input).collect());
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
    assert_eq!(results.len(), 3);
}

#[test]
fn a_pipeline_that_cannot_work_is_not_built() {
    let builder = || Pipeline::builder(MockLlm::function(answer));
    let check = |result: svitgen::Result<Pipeline>, expected: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(builder().build(), "no task");
    check(builder().task(Task::conversation()).task(Task::conversation()).build(), "two tasks are named conversation");
    check(builder().task(Task::conversation()).concurrency(0).build(), "0 calls");
}
