//! Watching a run, and stopping it.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use crate::llm::{Activity, LlmClient, StopSignal};
use crate::lock::lock;
use crate::pipeline::progress::{Progress, Snapshot};

/// A handle to a run: what it is doing, and a way to end it well. A clone is the same handle.
///
/// # Example
/// ```
/// use futures::executor::block_on;
/// use svitgen::pipeline::RunControl;
/// use svitgen::{ErrorKind, Pipeline, Task, VisualGenome, llm::RuleLlm};
/// # let folder = std::env::temp_dir().join(format!("svitgen-control-{}", std::process::id()));
/// let pipeline = Pipeline::builder(RuleLlm::new()).task(Task::conversation()).build()?;
/// let control = RunControl::new();
/// // Usually called from elsewhere: a signal handler, a deadline.
/// control.stop();
/// let result = block_on(pipeline.run_with(&VisualGenome::sample()?, &folder, &control));
/// assert!(matches!(result.map_err(|error| error.into_kind()), Err(ErrorKind::Interrupted)));
/// assert_eq!(control.snapshot().requests(), 0);
/// # std::fs::remove_dir_all(folder).ok();
/// # Ok::<(), svitgen::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct RunControl(Arc<State>);

#[derive(Debug, Default)]
struct State {
    stop: StopSignal,
    client: OnceLock<Arc<dyn LlmClient>>,
    progress: Mutex<Progress>,
}

impl RunControl {
    /// A handle for one run.
    pub fn new() -> Self {
        Self::default()
    }

    /// A handle that shares its signal with wrappers, so that calls that wait end when the run is to stop.
    pub fn with_stop_signal(stop: StopSignal) -> Self {
        Self(Arc::new(State { stop, ..State::default() }))
    }

    /// Has the run send nothing more, finish the calls on their way, write its outputs and end with
    /// [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted). It can go on later.
    pub fn stop(&self) {
        self.0.stop.set();
    }

    /// Whether the run has been told to stop, or stops by itself.
    pub fn is_stopping(&self) -> bool {
        self.0.stop.is_set()
    }

    /// What the run is doing at present.
    pub fn snapshot(&self) -> Snapshot {
        let activity = self.0.client.get().map_or_else(Activity::default, |client| client.activity());
        self.progress().snapshot(activity)
    }

    pub(super) fn watch(&self, client: &Arc<dyn LlmClient>) {
        // A handle stays with the run it was given to first.
        let _ = self.0.client.set(client.clone());
    }

    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        lock(&self.0.progress)
    }
}
