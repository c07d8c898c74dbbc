//! Collects the events that the calling thread tells.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Once;

use tracing_subscriber::filter::LevelFilter;

thread_local! {
    /// What was told, while somebody listens.
    static TOLD: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

struct OfThisThread;

impl Write for OfThisThread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        TOLD.with_borrow_mut(|told| told.iter_mut().for_each(|told| told.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Does some work in this thread, and returns what events it told, a line each, without time, level and target.
///
/// The subscriber is that of the whole process: with one for each test, tests that run beside one another would switch
/// the events of the others off.
pub(crate) fn told_by(work: impl FnOnce()) -> Vec<String> {
    static LISTEN: Once = Once::new();
    LISTEN.call_once(|| {
        let subscriber = tracing_subscriber::fmt().with_writer(|| OfThisThread).with_max_level(LevelFilter::DEBUG);
        let subscriber = subscriber.without_time().with_level(false).with_target(false).with_ansi(false);
        tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    });
    tracing::callsite::rebuild_interest_cache();
    TOLD.set(Some(Vec::new()));
    work();
    let text = String::from_utf8(TOLD.take().unwrap_or_default()).unwrap();
    text.lines().map(|line| line.trim().to_owned()).collect()
}
