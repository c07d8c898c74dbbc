//! Batches that the server says it does not know.

use crate::error::Result;
use crate::llm::{Batch, LlmError, LlmErrorKind};
use crate::pipeline::batch::collect::Told;
use crate::pipeline::batch::lines::Line;
use crate::pipeline::batch::submit::METADATA_KEY;
use crate::pipeline::batch::work::{Work, failure};
use crate::pipeline::batch::{NotFound, RunBatch};

impl Work<'_> {
    /// How a batch is getting on; `None` if the server does not know it.
    pub(super) async fn look(&mut self, batch: &RunBatch) -> Result<Option<Batch>> {
        let Some(id) = &batch.id else { return Ok(None) };
        let number = batch.number;
        match self.api.batch(id).await {
            Ok(found) => {
                if batch.not_found == Some(NotFound::Batch) {
                    self.state.append([Line::Created { number, id: id.clone() }])?;
                }
                Ok(Some(found))
            }
            Err(error) if error.kind() == LlmErrorKind::NotFound => self.look_again(batch, error).await,
            Err(error) => Err(failure(format!("ask how batch {number} ({id}) gets on"))(error)),
        }
    }

    /// Looks for a batch among all that the server has. One that lists nothing cannot say that this batch is not there.
    async fn look_again(&mut self, batch: &RunBatch, error: LlmError) -> Result<Option<Batch>> {
        let number = batch.number;
        let batches = all_of(self.api.batches().await);
        let batches = batches.map_err(failure(format!("look for batch {number} among those of the server")))?;
        let name_of = |found: &Batch| found.metadata.get(METADATA_KEY).cloned();
        let is_it =
            |found: &&Batch| Some(&found.id) == batch.id.as_ref() || name_of(found).as_ref() == Some(&batch.name);
        if let Some(found) = batches.iter().find(is_it) {
            self.state.append([Line::Created { number, id: found.id.clone() }])?;
            return Ok(Some(found.clone()));
        }
        let run = self.state.run().map_or_else(String::new, |run| format!("svitgen-{run}-"));
        let knows_run = batches.iter().filter_map(name_of).any(|name| name.starts_with(&run))
            || self.knows_files(batch, &run).await?;
        if knows_run || self.options.gives_up_unknown {
            self.miss(number, NotFound::Batch, Told::default())?;
            return Ok(None);
        }
        let message = format!(
            "the server knows neither this batch ({}) nor anything else of this run: {}; is it the server, the key and the \
             project that the batch was submitted with? If so, it is gone, and can be given up",
            batch.id.as_deref().unwrap_or_default(),
            error.message()
        );
        Err(failure(format!("find batch {number} on the server"))(LlmError::new(LlmErrorKind::NotFound, message)))
    }

    /// Whether the server has the file of the batch, or another of the run.
    async fn knows_files(&self, batch: &RunBatch, run: &str) -> Result<bool> {
        let files = all_of(self.api.files().await);
        let files = files.map_err(failure(format!("look for the file of batch {}", batch.number)))?;
        Ok(files.iter().any(|file| Some(&file.id) == batch.file.as_ref() || file.name.starts_with(run)))
    }
}

/// What a server lists; nothing, if it has no such list.
fn all_of<T>(list: std::result::Result<Vec<T>, LlmError>) -> std::result::Result<Vec<T>, LlmError> {
    list.or_else(|error| if error.kind() == LlmErrorKind::NotFound { Ok(Vec::new()) } else { Err(error) })
}
