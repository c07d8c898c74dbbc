//! A signal that ends what only waits.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{Either, Shared, select};

use crate::llm::{LlmError, LlmErrorKind};
use crate::lock::lock;

/// Says to all who hold it that nothing more is to be started: whoever waits for a turn or for another attempt gives up
/// with [`LlmErrorKind::Interrupted`], and calls on their way are finished.
///
/// A clone is the same signal.
#[derive(Clone)]
pub struct StopSignal {
    is_set: Arc<AtomicBool>,
    sender: Arc<Mutex<Option<oneshot::Sender<()>>>>,
    receiver: Shared<oneshot::Receiver<()>>,
}

impl StopSignal {
    /// A signal that is not set.
    pub fn new() -> Self {
        let (sender, receiver) = oneshot::channel();
        Self { is_set: Arc::default(), sender: Arc::new(Mutex::new(Some(sender))), receiver: receiver.shared() }
    }

    /// Sets it, for good.
    pub fn set(&self) {
        self.is_set.store(true, Ordering::SeqCst);
        let sender = lock(&self.sender).take();
        if let Some(sender) = sender {
            // Nobody waits: then nobody needs to know.
            let _ = sender.send(());
        }
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        self.is_set.load(Ordering::SeqCst)
    }

    /// Ends as soon as it is set.
    pub fn wait(&self) -> impl Future<Output = ()> + Send + Unpin + use<> {
        let signal = self.clone();
        self.receiver.clone().map(move |_| drop(signal))
    }
}

impl StopSignal {
    /// What `wait` brings, unless the signal is set before.
    pub(super) async fn unless_set<F: Future + Unpin>(&self, wait: F) -> Result<F::Output, LlmError> {
        match select(wait, self.wait()).await {
            Either::Left((output, _)) => Ok(output),
            Either::Right(_) => Err(LlmError::new(LlmErrorKind::Interrupted, "given up while it waited for its turn")),
        }
    }
}

impl Default for StopSignal {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StopSignal").field(&self.is_set()).finish()
    }
}
