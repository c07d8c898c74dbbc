//! From units without an answer to batches on the server.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use crate::annotation::RecordSource;
use crate::error::{Error, Result};
use crate::llm::{BatchApi, CompletionRequest, LlmError, LlmErrorKind};
use crate::pipeline::Pipeline;
use crate::pipeline::batch::account::Bound;
use crate::pipeline::batch::growing::Growing;
use crate::pipeline::batch::lines::{Line, Request};
use crate::pipeline::batch::work::{Work, failure};
use crate::pipeline::batch::{BatchOptions, BatchReport, RunBatch, RunBatchState};
use crate::pipeline::journal::UnitKey;
use crate::pipeline::run::{Known, known};
use crate::pipeline::unit::Unit;
use crate::prompt::messages_digest;

/// The name in the metadata of a batch under which its own name stands.
pub(super) const METADATA_KEY: &str = "svitgen";

impl Pipeline {
    /// Submits all that has no answer, prompts and follow-ups, as batches of a server, and returns without waiting for
    /// them; [`collect_batches`](Self::collect_batches) fetches the results. The run folder is that of
    /// [`run`](Self::run), which leaves what is in a batch alone; the client is not asked.
    ///
    /// What the journal answers and what is in an open batch is not submitted. A process may be killed at any moment:
    /// the next call looks on the server for what the last one uploaded and created, so that nothing is created twice.
    ///
    /// # Errors
    /// - Those of [`run`](Self::run) about the folder, its options and the records.
    /// - [`ErrorKind::Batch`](crate::ErrorKind::Batch) if the server does not do what it is asked; the same call goes on
    ///   from there.
    pub async fn submit_batches(
        &self,
        source: &dyn RecordSource,
        folder: impl AsRef<Path>,
        api: &BatchApi,
    ) -> Result<BatchReport> {
        self.submit_batches_with(source, folder, api, &BatchOptions::default()).await
    }

    /// As [`submit_batches`](Self::submit_batches), with smaller batches than the service allows, or an account to charge.
    /// Where a cap lets no further request in, the report says so ([`BatchReport::capped`]).
    ///
    /// # Errors
    /// Those of [`submit_batches`](Self::submit_batches), and [`ErrorKind::Stopped`](crate::ErrorKind::Stopped) if the
    /// account has no bound for a request, no room for a batch that was planned before, or no file to write to.
    pub async fn submit_batches_with(
        &self,
        source: &dyn RecordSource,
        folder: impl AsRef<Path>,
        api: &BatchApi,
        options: &BatchOptions,
    ) -> Result<BatchReport> {
        let mut work = Work::open(self, source, folder.as_ref(), api, options)?;
        for number in work.numbers(&[RunBatchState::Planned, RunBatchState::Uploaded]) {
            work.bring(number, Before::Perhaps).await?;
        }
        work.submit_new(source).await?;
        Ok(work.into_report())
    }
}

/// Whether an earlier process may have told the server of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Never,
    Perhaps,
}

impl Work<'_> {
    async fn submit_new(&mut self, source: &dyn RecordSource) -> Result<()> {
        // All requests of a batch name the same model.
        let mut growing: BTreeMap<Option<String>, Growing> = BTreeMap::new();
        let mut number = self.state.next_number();
        for unit in self.pipeline.all_units(source.records()) {
            let Some((request, mut about)) = self.next_request(&unit?)? else { continue };
            about.bound = match self.bound(&request, growing.values())? {
                Bound::None => None,
                Bound::Fits(bound) => Some(bound),
                Bound::Beyond(reason) => {
                    self.report.capped = Some(reason);
                    break;
                }
            };
            let line = self.api.line(&about.key().to_string(), &request);
            let line = line.map_err(failure(format!("write the request about image {}", about.image_id)))?;
            let model = request.parameters.model;
            if let Some(full) = growing.remove(&model) {
                if full.has_room_for(&line, self.options) {
                    growing.insert(model.clone(), full);
                } else {
                    self.send(full).await?;
                }
            }
            if !growing.contains_key(&model) {
                growing.insert(model.clone(), Growing::create(number, &self.path(number), model.clone())?);
                number += 1;
            }
            if let Some(file) = growing.get_mut(&model) {
                file.add(&line, about)?;
            }
        }
        for (_, rest) in growing {
            self.send(rest).await?;
        }
        Ok(())
    }

    /// What is to be asked about a unit, if neither the journal nor an open batch has it.
    fn next_request(&mut self, unit: &Unit) -> Result<Option<(CompletionRequest, Request)>> {
        let Ok(prompt) = self.pipeline.prompt(unit) else { return Ok(None) };
        let mut exchange = self.pipeline.exchange(unit, &prompt);
        while let Some(request) = exchange.next_request(self.pipeline.parameters(unit)) {
            let turn = exchange.turn();
            let key = UnitKey::new(&prompt.image_id, &prompt.task, turn);
            match known(&mut self.journal, key, &prompt, turn, &request)? {
                Known::Completion(completion) => exchange.take(completion),
                Known::Failure(_) => return Ok(None),
                Known::Nothing if self.state.batches.holds(key) => return Ok(None),
                Known::Nothing => {
                    let digest = messages_digest(&request.messages);
                    let (image_id, task) = (prompt.image_id.clone(), prompt.task.clone());
                    return Ok(Some((request, Request { image_id, task, turn, prompt: digest, bound: None })));
                }
            }
        }
        Ok(None)
    }

    async fn send(&mut self, file: Growing) -> Result<()> {
        let number = file.number;
        let run = self.state.run().map_or_else(String::new, |run| run.to_string());
        let lines = file.finish(&run)?;
        self.state.append(lines)?;
        self.bring(number, Before::Never).await
    }

    /// Brings a batch to the server, from wherever it has come to.
    async fn bring(&mut self, number: u32, before: Before) -> Result<()> {
        let Some(batch) = self.state.batch(number).cloned() else { return Ok(()) };
        self.reserve(&batch)?;
        let file = match &batch.file {
            Some(file) => file.clone(),
            None => {
                let Some(file) = self.uploaded(&batch, before).await? else { return Ok(()) };
                self.state.append([Line::Uploaded { number, file: file.clone() }])?;
                file
            }
        };
        self.announce(number)?;
        let found = match before {
            Before::Perhaps => self.find(&batch, &file).await?,
            Before::Never => None,
        };
        let id = match found {
            Some(id) => {
                self.report.found += 1;
                id
            }
            None => {
                let metadata = BTreeMap::from([(METADATA_KEY.to_owned(), batch.name.clone())]);
                match self.api.create(&file, &metadata).await {
                    Ok(created) => {
                        self.report.created += 1;
                        created.id
                    }
                    Err(error) => return self.not_taken(number, "create", error),
                }
            }
        };
        self.state.append([Line::Created { number, id }])?;
        self.report.submitted += batch.requests;
        self.remove(number);
        Ok(())
    }

    /// The id of a batch's file on the server; `None` if the batch had to be given up.
    async fn uploaded(&mut self, batch: &RunBatch, before: Before) -> Result<Option<String>> {
        if before == Before::Perhaps {
            let files = self.api.files().await;
            let files = files.map_err(failure(format!("look for the file of batch {}", batch.number)))?;
            let is_it = |name: &str, bytes: u64| name == batch.file_name() && (bytes == 0 || bytes == batch.bytes);
            if let Some(file) = files.into_iter().find(|file| is_it(&file.name, file.bytes)) {
                return Ok(Some(file.id));
            }
        }
        let path = self.path(batch.number);
        let content = match File::open(&path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let message = format!("{} is gone, and the server has no such file", path.display());
                self.abandon(batch.number, &LlmError::new(LlmErrorKind::Transient, message))?;
                return Ok(None);
            }
            Err(error) => return Err(Error::io("read", &path, error)),
        };
        match self.api.upload(&batch.file_name(), content, batch.bytes).await {
            Ok(file) => Ok(Some(file.id)),
            Err(error) => self.not_taken(batch.number, "upload", error).map(|()| None),
        }
    }

    /// The id of a batch that an earlier process created.
    async fn find(&self, batch: &RunBatch, file: &str) -> Result<Option<String>> {
        let batches = self.api.batches().await;
        let batches = batches.map_err(failure(format!("look for batch {} on the server", batch.number)))?;
        let is_it = |found: &crate::llm::Batch| {
            found.metadata.get(METADATA_KEY) == Some(&batch.name) || found.input_file.as_deref() == Some(file)
        };
        Ok(batches.into_iter().find(is_it).map(|found| found.id))
    }

    /// What the server says no to it will not take later; then the requests are free again.
    fn not_taken(&mut self, number: u32, action: &str, error: LlmError) -> Result<()> {
        use LlmErrorKind::{InvalidRequest, NotFound, Refused, TooLong, UnknownModel};
        if matches!(error.kind(), InvalidRequest | NotFound | Refused | TooLong | UnknownModel) {
            let reason = LlmError::new(LlmErrorKind::Transient, error.message());
            self.abandon(number, &reason)?;
        }
        Err(failure(format!("{action} batch {number}"))(error))
    }
}

impl RunBatch {
    fn file_name(&self) -> String {
        format!("{}.jsonl", self.name)
    }
}
