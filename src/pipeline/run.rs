//! A run in a folder: send what is not answered yet, and write the outputs in the order of the images.

use std::fs;
use std::path::Path;

use crate::annotation::RecordSource;
use crate::error::{Error, ErrorKind, Result};
use crate::llm::{Completion, CompletionRequest, LlmError};
use crate::pipeline::batch::Batches;
use crate::pipeline::journal::{Journal, UnitKey};
use crate::pipeline::lock::Lock;
use crate::pipeline::outputs::Outputs;
use crate::pipeline::progress::Phase;
use crate::pipeline::send::{Sender, Sent};
use crate::pipeline::unit::Unit;
use crate::pipeline::{Ledger, Pipeline, RunControl, UnitResult, manifest};
use crate::prompt::{Prompt, messages_digest};

impl Pipeline {
    /// Runs in a folder, or goes on with the run that is there, and returns the account of all of it.
    ///
    /// The folder holds `run.json` (all that decides what the data will be), `journal.jsonl` (what was asked and
    /// answered, in order of arrival), and, in their places at the end, `samples/<task>.jsonl`, `units/<task>.jsonl` (what
    /// became of each unit, with every issue) and `ledger.json`. Of a process that was killed only the requests in
    /// flight are sent again; after a power cut also those that were answered in the last tenth of a second or so. With
    /// a client whose replies depend on the request alone the outputs are the same, byte for byte, however often it was
    /// interrupted.
    ///
    /// Files are written from within the future, a few kilobytes at a time; a thread of the run syncs the journal.
    ///
    /// # Errors
    /// - [`ErrorKind::RunInUse`] if another process writes to the folder.
    /// - [`ErrorKind::RunDiffers`] if the folder holds a run with other options; the limit and the tasks may grow.
    /// - [`ErrorKind::Io`] if a file cannot be read or written; no request is sent after that, what is journaled stays,
    ///   and the run can go on.
    /// - [`ErrorKind::Stopped`] if every further request would fail (quota, credentials, unknown model, a cap of money,
    ///   a dead server); the outputs of what was answered before are written.
    /// - Errors of the records, after the calls in flight are journaled.
    pub async fn run(&self, source: &dyn RecordSource, folder: impl AsRef<Path>) -> Result<Ledger> {
        self.run_with(source, folder, &RunControl::new()).await
    }

    /// As [`run`](Self::run), with a handle to watch it and to stop it.
    ///
    /// # Errors
    /// Those of [`run`](Self::run), and [`ErrorKind::Interrupted`] if the handle stopped it; the outputs of what was
    /// answered before are written.
    pub async fn run_with(
        &self,
        source: &dyn RecordSource,
        folder: impl AsRef<Path>,
        control: &RunControl,
    ) -> Result<Ledger> {
        let folder = folder.as_ref();
        let n_images = source.n_records().map(|n| n.min(self.limit.unwrap_or(usize::MAX)) as u64);
        control.watch(&self.client);
        control.progress().start(self.tasks().map(|task| task.name()), n_images);
        event!(folder = %folder.display(), client = self.client.name(), images = n_images, "run started");
        let result = self.run_in(source, folder, control).await;
        control.progress().enter(Phase::Ended);
        event!(folder = %folder.display(), error = result.as_ref().err().map(tracing::field::display), "run ended");
        result
    }

    async fn run_in(&self, source: &dyn RecordSource, folder: &Path, control: &RunControl) -> Result<Ledger> {
        fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
        let _lock = Lock::take(folder)?;
        manifest::agree(folder, self, source)?;
        let batches = Batches::read(folder)?;
        let outputs = Outputs::create(folder, self.tasks())?;
        let sender = Sender::new(self, control, Journal::open(folder)?, &batches, outputs);
        control.progress().enter(Phase::Sending);
        let result = sender.send_all(source).await;
        let Sent { mut journal, outputs, stopped } = sender.into_sent();
        journal.sync()?;
        let n_units = result?;
        control.progress().enter(Phase::Writing);
        let ledger = outputs.finish(self, source, &mut journal, &batches, n_units)?;
        match stopped {
            Some(error) => Err(ErrorKind::Stopped(error).into()),
            None if control.is_stopping() => Err(ErrorKind::Interrupted.into()),
            None => Ok(ledger),
        }
    }

    /// What became of a unit, by the journal.
    pub(super) fn journaled(&self, unit: &Unit, journal: &mut Journal) -> Result<UnitResult> {
        let prompt = match self.prompt(unit) {
            Ok(prompt) => prompt,
            Err(error) => return Ok(self.without_prompt(unit, error)),
        };
        let mut exchange = self.exchange(unit, &prompt);
        let mut error = None;
        while let Some(request) = exchange.next_request(self.parameters(unit)) {
            let key = UnitKey::new(&prompt.image_id, &prompt.task, exchange.turn());
            match journaled_call(journal, key, &prompt, exchange.turn(), &request)? {
                Some(Ok(completion)) => exchange.take(completion),
                Some(Err(failure)) => {
                    error = Some(failure);
                    break;
                }
                None => break,
            }
        }
        Ok(self.conclude(unit, &prompt, exchange.into_parts(), error))
    }
}

/// What the journal has for a turn.
pub(super) enum Known {
    Completion(Completion),
    Failure(LlmError),
    Nothing,
}

/// What the journal has for a turn; a failure that may have passed is as good as nothing.
pub(super) fn known(
    journal: &mut Journal,
    key: UnitKey,
    prompt: &Prompt,
    turn: usize,
    request: &CompletionRequest,
) -> Result<Known> {
    if journal.answer(key).is_none_or(|answer| answer.may_pass) {
        return Ok(Known::Nothing);
    }
    Ok(match journaled_call(journal, key, prompt, turn, request)? {
        Some(Ok(completion)) => Known::Completion(completion),
        Some(Err(failure)) => Known::Failure(failure),
        None => Known::Nothing,
    })
}

/// What the journal says about a turn of a unit.
fn journaled_call(
    journal: &mut Journal,
    key: UnitKey,
    prompt: &Prompt,
    turn: usize,
    request: &CompletionRequest,
) -> Result<Option<Result<Completion, LlmError>>> {
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
    Ok(entry.into_answer())
}
