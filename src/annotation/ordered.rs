//! Reading with several threads, in order: workers take runs of positions, the caller gets what they made of them one
//! after the other, as if one thread had made it.

use std::any::Any;
use std::collections::BTreeMap;
use std::iter::Fuse;
use std::ops::{ControlFlow, Range};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::{fmt, vec};

use crate::annotation::{ImageRecord, RecordSource};
use crate::error::Result;
use crate::lock::lock;

/// How many records a worker takes at once: enough that taking them costs nothing, few enough that they need no room.
const RUN: usize = 64;

/// How many runs may be under way or wait for the caller, for each worker.
const RUNS_AHEAD: usize = 2;

/// Maps the records of a source with several threads and hands over what they become, in the order of the records.
///
/// `map` is called in `n_threads` threads, `each` in the calling one; `each` may end the whole. With one thread nothing
/// else is started. Behind an error of a source that ends at errors nothing follows, as with
/// [`records`](RecordSource::records). A panic in `map` is passed on to the caller.
///
/// # Example
/// ```
/// use std::ops::ControlFlow;
/// use svitgen::VisualGenome;
/// use svitgen::annotation::map_records;
/// let source = VisualGenome::sample()?;
/// let mut n_objects = Vec::new();
/// map_records(&source, 2, |record| record.map(|record| record.objects.len()), |n| {
///     n_objects.push(n);
///     ControlFlow::Continue(())
/// });
/// assert_eq!(n_objects.len(), 10);
/// # Ok::<(), svitgen::Error>(())
/// ```
pub fn map_records<T: Send>(
    source: &dyn RecordSource,
    n_threads: usize,
    map: impl Fn(Result<ImageRecord>) -> T + Sync,
    mut each: impl FnMut(T) -> ControlFlow<()>,
) {
    if n_threads <= 1 {
        let _ = source.records().map(map).try_for_each(each);
        return;
    }
    let n_positions = source.n_positions();
    let supply = match n_positions {
        Some(n) => Supply::Positions(n),
        // What cannot be read apart is read by whoever is free.
        None => Supply::Records(Mutex::new(source.records().fuse())),
    };
    let shared = Shared::new(n_threads);
    thread::scope(|scope| {
        // Releases the workers however this ends, also by a panic in `each`.
        let _stop = StopOnDrop(&shared);
        let work = || shared.work(|shared| supply.make(shared, source, &map));
        // A system that has no more threads leaves the work to those that there are.
        let n_started = (0..n_threads).filter(|_| thread::Builder::new().spawn_scoped(scope, work).is_ok()).count();
        if n_started == 0 {
            let _ = source.records().map(&map).try_for_each(&mut each);
            return;
        }
        shared.leave(n_threads - n_started);
        while let Some(made) = shared.next() {
            if made.items.into_iter().try_for_each(&mut each).is_break() || made.ends {
                break;
            }
        }
    });
}

enum Supply<'a> {
    Positions(usize),
    Records(Mutex<Fuse<Box<dyn Iterator<Item = Result<ImageRecord>> + Send + 'a>>>),
}

impl Supply<'_> {
    /// What becomes of the next run of records; `None` if there is none.
    fn make<T>(
        &self,
        shared: &Shared<T>,
        source: &dyn RecordSource,
        map: &(impl Fn(Result<ImageRecord>) -> T + Sync),
    ) -> Option<(usize, Made<T>)> {
        match self {
            Self::Positions(n) => {
                let (run, positions) = shared.claim_positions(*n)?;
                let mut ends = false;
                let records = source.records_at(positions).inspect(|record| ends |= record.is_err());
                let items = records.map(map).collect();
                Some((run, Made { items, ends }))
            }
            Self::Records(records) => {
                let mut records = lock(records);
                let run = shared.claim()?;
                let taken: Vec<_> = records.by_ref().take(RUN).collect();
                drop(records);
                // Whether an error ends them is the affair of the iterator.
                let items: Vec<_> = taken.into_iter().map(map).collect();
                (!items.is_empty()).then_some((run, Made { items, ends: false }))
            }
        }
    }
}

/// Maps a few things, each in a thread of its own where there is more than one thread to use; the results are in order.
pub(super) fn map_all<A: Send, B: Send>(
    items: impl IntoIterator<Item = A>,
    n_threads: usize,
    map: impl Fn(A) -> B + Sync,
) -> Vec<B> {
    let items = items.into_iter();
    if n_threads <= 1 {
        return items.map(map).collect();
    }
    thread::scope(|scope| {
        let map = &map;
        let threads: Vec<_> = items.map(|item| scope.spawn(move || map(item))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// Records that threads of its own read ahead; dropping it stops them and waits for them.
pub(super) struct ReadAhead {
    shared: Arc<Shared<Result<ImageRecord>>>,
    threads: Vec<JoinHandle<()>>,
    current: vec::IntoIter<Result<ImageRecord>>,
    has_ended: bool,
}

impl ReadAhead {
    /// Reads the records at `0..n_positions`, of which an error is the last; `None` if no thread can be started.
    pub(super) fn new(
        n_positions: usize,
        n_threads: usize,
        read: impl Fn(Range<usize>) -> Vec<Result<ImageRecord>> + Send + Sync + 'static,
    ) -> Option<Self> {
        let shared = Arc::new(Shared::new(n_threads));
        let read = Arc::new(read);
        let start = |_| {
            let (shared, read) = (Arc::clone(&shared), Arc::clone(&read));
            let work = move || {
                shared.work(|shared| {
                    let (run, positions) = shared.claim_positions(n_positions)?;
                    let items = read(positions);
                    let ends = items.last().is_some_and(Result::is_err);
                    Some((run, Made { items, ends }))
                });
            };
            thread::Builder::new().spawn(work).ok()
        };
        let threads: Vec<_> = (0..n_threads).filter_map(start).collect();
        shared.leave(n_threads - threads.len());
        let has_any = !threads.is_empty();
        has_any.then(|| Self { shared, threads, current: Vec::new().into_iter(), has_ended: false })
    }
}

impl Iterator for ReadAhead {
    type Item = Result<ImageRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.current.next() {
                return Some(record);
            }
            if self.has_ended {
                return None;
            }
            match self.shared.next() {
                Some(made) => {
                    self.has_ended = made.ends;
                    self.current = made.items.into_iter();
                }
                None => self.has_ended = true,
            }
        }
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        self.shared.stop();
        for thread in self.threads.drain(..) {
            // A worker's panic has been passed on where its records were asked for.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for ReadAhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadAhead").field("n_threads", &self.threads.len()).finish_non_exhaustive()
    }
}

/// What a worker made of one run.
struct Made<T> {
    items: Vec<T>,
    /// Whether nothing follows.
    ends: bool,
}

/// What workers and the caller have in common.
struct Shared<T> {
    progress: Mutex<Progress<T>>,
    changed: Condvar,
    max_ahead: usize,
}

struct Progress<T> {
    n_claimed: usize,
    n_handed_over: usize,
    made: BTreeMap<usize, Made<T>>,
    n_working: usize,
    is_stopped: bool,
    panic: Option<Box<dyn Any + Send>>,
}

struct StopOnDrop<'a, T>(&'a Shared<T>);

impl<T> Drop for StopOnDrop<'_, T> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl<T> Shared<T> {
    fn new(n_threads: usize) -> Self {
        let progress = Progress {
            n_claimed: 0,
            n_handed_over: 0,
            made: BTreeMap::new(),
            n_working: n_threads,
            is_stopped: false,
            panic: None,
        };
        Self { progress: Mutex::new(progress), changed: Condvar::new(), max_ahead: RUNS_AHEAD * n_threads }
    }

    fn lock(&self) -> MutexGuard<'_, Progress<T>> {
        lock(&self.progress)
    }

    fn wait<'a>(&self, progress: MutexGuard<'a, Progress<T>>) -> MutexGuard<'a, Progress<T>> {
        self.changed.wait(progress).unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes one run after the other until there is none, the whole is stopped, or it panics.
    fn work(&self, make: impl Fn(&Self) -> Option<(usize, Made<T>)>) {
        let result = catch_unwind(AssertUnwindSafe(|| {
            while let Some((run, made)) = make(self) {
                self.lock().made.insert(run, made);
                self.changed.notify_all();
            }
        }));
        let mut progress = self.lock();
        progress.n_working -= 1;
        if let Err(panic) = result {
            progress.panic.get_or_insert(panic);
            progress.is_stopped = true;
        }
        self.changed.notify_all();
    }

    /// The next run to make, once the caller has come near enough; `None` when all is stopped.
    fn claim(&self) -> Option<usize> {
        let mut progress = self.lock();
        while !progress.is_stopped && progress.n_claimed >= progress.n_handed_over + self.max_ahead {
            progress = self.wait(progress);
        }
        if progress.is_stopped {
            return None;
        }
        progress.n_claimed += 1;
        Some(progress.n_claimed - 1)
    }

    /// As [`claim`](Self::claim), with the positions of the run; `None` also behind the last one.
    fn claim_positions(&self, n_positions: usize) -> Option<(usize, Range<usize>)> {
        let run = self.claim()?;
        let positions = run * RUN..n_positions.min((run + 1) * RUN);
        (!positions.is_empty()).then_some((run, positions))
    }

    /// Counts workers out that could not be started.
    fn leave(&self, n_workers: usize) {
        self.lock().n_working -= n_workers;
        self.changed.notify_all();
    }

    /// What was made of the next run; `None` when there is no more.
    ///
    /// # Panics
    /// If a worker did.
    fn next(&self) -> Option<Made<T>> {
        let mut progress = self.lock();
        loop {
            let next = progress.n_handed_over;
            if let Some(made) = progress.made.remove(&next) {
                progress.n_handed_over += 1;
                drop(progress);
                self.changed.notify_all();
                return Some(made);
            }
            if let Some(panic) = progress.panic.take() {
                drop(progress);
                resume_unwind(panic);
            }
            if progress.is_stopped || progress.n_working == 0 {
                return None;
            }
            progress = self.wait(progress);
        }
    }

    fn stop(&self) {
        self.lock().is_stopped = true;
        self.changed.notify_all();
    }
}
