//! A run in a folder: send what is not answered yet, then write the outputs from the journal.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use futures::stream::{self, StreamExt};

use crate::annotation::RecordSource;
use crate::error::{Error, ErrorKind, Result};
use crate::llm::{Completion, CompletionRequest, LlmError};
use crate::pipeline::journal::{Entry, Failure, Journal, UnitKey};
use crate::pipeline::lock::Lock;
use crate::pipeline::outputs::{self, Outputs};
use crate::pipeline::unit::Unit;
use crate::pipeline::{Ledger, Pipeline, UnitResult, manifest};
use crate::prompt::{Prompt, messages_digest};
use crate::sample::Sample;

impl Pipeline {
    /// Runs in a folder, or goes on with the run that is there, and returns the account of all of it.
    ///
    /// The folder holds `run.json` (all that decides what the data will be), `journal.jsonl` (what was asked and
    /// answered, in order of arrival), and, written at the end, `samples/<task>.jsonl`, `units/<task>.jsonl` (what
    /// became of each unit, with every issue) and `ledger.json`. Of a process that was killed only the requests in
    /// flight are sent again. With a client whose replies depend on the request alone the outputs are the same, byte
    /// for byte, however often it was interrupted.
    ///
    /// Files are written from within the future, a few kilobytes at a time, and synced every 64 lines.
    ///
    /// # Errors
    /// - [`ErrorKind::RunInUse`] if another process writes to the folder.
    /// - [`ErrorKind::RunDiffers`] if the folder holds a run with other options; the limit and the tasks may grow.
    /// - [`ErrorKind::Io`] if a file cannot be read or written; what is journaled stays, and the run can go on.
    /// - [`ErrorKind::Stopped`] if every further request would fail (quota, credentials, unknown model); the outputs of
    ///   what was answered before are written.
    /// - Errors of the records, after the calls in flight are journaled.
    pub async fn run(&self, source: &dyn RecordSource, folder: impl AsRef<Path>) -> Result<Ledger> {
        let folder = folder.as_ref();
        fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
        let _lock = Lock::take(folder)?;
        manifest::agree(folder, self, source)?;
        let sender = Sender::new(self, Journal::open(folder)?);
        let result = sender.send_all(source).await;
        let Sender { journal, stopped, .. } = sender;
        let mut journal = journal.into_inner().unwrap_or_else(PoisonError::into_inner);
        journal.sync()?;
        result?;
        let ledger = self.write_outputs(source, folder, &mut journal)?;
        match stopped.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(ErrorKind::Stopped(error).into()),
            None => Ok(ledger),
        }
    }

    fn write_outputs(&self, source: &dyn RecordSource, folder: &Path, journal: &mut Journal) -> Result<Ledger> {
        let mut outputs = Outputs::create(folder, self.tasks())?;
        for record in source.records().take(self.limit.unwrap_or(usize::MAX)) {
            for unit in self.units(record) {
                outputs.write(&self.journaled(unit?, journal)?)?;
            }
        }
        outputs.commit(journal)
    }

    /// What became of a unit, by the journal.
    fn journaled(&self, unit: Unit, journal: &mut Journal) -> Result<UnitResult> {
        let prompt = match self.prompt(&unit) {
            Ok(prompt) => prompt,
            Err(error) => return Ok(self.without_prompt(&unit, error)),
        };
        let mut exchange = self.exchange(&unit, &prompt);
        let mut error = None;
        while let Some(request) = exchange.next_request(&self.parameters) {
            match journaled_call(journal, &prompt, exchange.turn(), &request)? {
                Some(Ok(completion)) => exchange.take(completion),
                Some(Err(failure)) => {
                    error = Some(failure);
                    break;
                }
                None => break,
            }
        }
        Ok(self.conclude(&unit, &prompt, exchange, error))
    }
}

/// What the journal says about a turn of a unit.
fn journaled_call(
    journal: &mut Journal,
    prompt: &Prompt,
    turn: usize,
    request: &CompletionRequest,
) -> Result<Option<Result<Completion, LlmError>>> {
    let key = UnitKey::new(&prompt.image_id, &prompt.task, turn);
    let Some(answer) = journal.answer(key) else { return Ok(None) };
    let Some(entry) = journal.read(answer)? else { return Ok(None) };
    if entry.prompt != messages_digest(&request.messages) {
        // A parser or policy that has changed may follow up in other words; the prompt itself may not change.
        if turn > 0 {
            return Ok(None);
        }
        let (image, task) = (prompt.image_id.clone(), prompt.task.clone());
        return Err(ErrorKind::PromptChanged { image, task }.into());
    }
    Ok(match (entry.completion, entry.failure) {
        (Some(completion), _) => Some(Ok(completion)),
        (None, Some(Failure { kind, message })) => Some(Err(LlmError::new(kind, message))),
        (None, None) => None,
    })
}

/// Sends units and journals what comes back.
struct Sender<'a> {
    pipeline: &'a Pipeline,
    journal: Mutex<Journal>,
    /// Set when nothing more is to be sent.
    stop: AtomicBool,
    /// Why every further request would fail.
    stopped: Mutex<Option<LlmError>>,
}

impl<'a> Sender<'a> {
    fn new(pipeline: &'a Pipeline, journal: Journal) -> Self {
        Self { pipeline, journal: Mutex::new(journal), stop: AtomicBool::new(false), stopped: Mutex::new(None) }
    }

    /// Sends every unit that has no answer; of several errors the first one counts. Calls in flight are waited for.
    async fn send_all(&self, source: &dyn RecordSource) -> Result<()> {
        let limited = source.records().take(self.pipeline.limit.unwrap_or(usize::MAX));
        let units = limited.flat_map(|record| self.pipeline.units(record));
        let units = units.take_while(|_| !self.stop.load(Ordering::Relaxed));
        let unanswered = units.filter(|unit| unit.as_ref().map_or(true, |unit| self.is_unanswered(unit)));
        let calls = stream::iter(unanswered).map(|unit| async move { self.send(unit?).await });
        let mut calls = std::pin::pin!(calls.buffer_unordered(self.pipeline.concurrency));
        let mut result = Ok(());
        while let Some(call) = calls.next().await {
            if let Err(error) = call {
                self.stop.store(true, Ordering::Relaxed);
                result = result.and(Err(error));
            }
        }
        result
    }

    /// Whether there may be something to send; with follow-ups only the replies can tell.
    fn is_unanswered(&self, unit: &Unit) -> bool {
        let task = self.pipeline.tasks[unit.task_index].task.name();
        let answer = self.journal().answer(UnitKey::new(&unit.record.image.id, task, 0));
        self.pipeline.top_ups > 0 || answer.is_none_or(|answer| answer.may_pass)
    }

    /// Sends a unit's prompt and follow-ups, as far as the journal has no answers.
    async fn send(&self, unit: Unit) -> Result<()> {
        // Units without a prompt are accounted for when the outputs are written.
        let Ok(prompt) = self.pipeline.prompt(&unit) else { return Ok(()) };
        let mut exchange = self.pipeline.exchange(&unit, &prompt);
        while let Some(request) = exchange.next_request(&self.pipeline.parameters) {
            let turn = exchange.turn();
            let completion = match self.known(&prompt, turn, &request)? {
                Known::Completion(completion) => Some(completion),
                Known::Failed => None,
                Known::Nothing => self.call(&prompt, turn, &request).await?,
            };
            let Some(completion) = completion else { return Ok(()) };
            exchange.take(completion);
        }
        Ok(())
    }

    /// What the journal has for a turn; a failure that may have passed is as good as nothing.
    fn known(&self, prompt: &Prompt, turn: usize, request: &CompletionRequest) -> Result<Known> {
        let mut journal = self.journal();
        let answer = journal.answer(UnitKey::new(&prompt.image_id, &prompt.task, turn));
        match answer {
            Some(answer) if answer.may_pass => Ok(Known::Nothing),
            Some(_) => Ok(match journaled_call(&mut journal, prompt, turn, request)? {
                Some(Ok(completion)) => Known::Completion(completion),
                Some(Err(_)) => Known::Failed,
                None => Known::Nothing,
            }),
            None => Ok(Known::Nothing),
        }
    }

    /// Makes one call and journals it; `None` if it failed or nothing more is to be sent.
    async fn call(&self, prompt: &Prompt, turn: usize, request: &CompletionRequest) -> Result<Option<Completion>> {
        if self.stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let mut entry = Entry {
            image_id: prompt.image_id.clone(),
            task: prompt.task.clone(),
            turn,
            prompt: messages_digest(&request.messages),
            completion: None,
            failure: None,
        };
        self.journal().append(&entry)?;
        match self.pipeline.client.complete(request).await {
            Ok(completion) => entry.completion = Some(completion),
            Err(error) => {
                entry.failure = Some(Failure::from(&error));
                if error.kind().stops_run() {
                    self.stop.store(true, Ordering::Relaxed);
                    let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
                    stopped.get_or_insert(error);
                }
            }
        }
        self.journal().append(&entry)?;
        Ok(entry.completion)
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the journal has for a turn.
enum Known {
    Completion(Completion),
    Failed,
    Nothing,
}

/// The outputs of a run, for reading.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
    tasks: Vec<String>,
}

impl RunFolder {
    /// The run in a folder.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] or [`ErrorKind::RunFile`] if its `run.json` cannot be read.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let tasks = manifest::task_names(&path)?;
        Ok(Self { path, tasks })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names of its tasks, sorted.
    pub fn tasks(&self) -> &[String] {
        &self.tasks
    }

    /// The samples of one task in order of image id, one at a time.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if there is no such file; items are [`ErrorKind::RunLine`] where a line is no sample.
    pub fn samples(&self, task: &str) -> Result<impl Iterator<Item = Result<Sample>> + use<>> {
        outputs::read_lines(outputs::samples_path(&self.path, task))
    }

    /// The account of the run, as of its last outputs.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] or [`ErrorKind::RunFile`] if `ledger.json` cannot be read.
    pub fn ledger(&self) -> Result<Ledger> {
        let path = outputs::ledger_path(&self.path);
        let bytes = fs::read(&path).map_err(|source: io::Error| Error::io("read", &path, source))?;
        serde_json::from_slice(&bytes).map_err(|source| ErrorKind::RunFile { path, source }.into())
    }
}
