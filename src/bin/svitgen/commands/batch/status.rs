//! How the batches of a run are getting on.

use std::process::ExitCode;

use serde::Serialize;
use svitgen::LlmErrorKind;
use svitgen::llm::{Batch, BatchApi};
use svitgen::pipeline::RunBatch;

use super::BatchArgs;
use crate::commands::open_run;
use crate::failure::{Failure, STOPPED};
use crate::output;

/// What `status --json` prints of a batch.
#[derive(Serialize)]
struct Row<'a> {
    batch: &'a RunBatch,
    server: Option<&'a Batch>,
}

/// What the server says of a batch.
enum OnServer {
    Known(Batch),
    Unknown,
    NotAsked,
}

impl OnServer {
    fn batch(&self) -> Option<&Batch> {
        match self {
            Self::Known(batch) => Some(batch),
            Self::Unknown | Self::NotAsked => None,
        }
    }
}

pub(super) async fn print(args: &BatchArgs, api: &BatchApi) -> Result<ExitCode, Failure> {
    let mut rows = Vec::new();
    for batch in open_run(&args.run)?.batches()? {
        let on_server = match batch.id.as_deref().filter(|_| batch.state.is_open()) {
            Some(id) => match api.batch(id).await {
                Ok(found) => OnServer::Known(found),
                Err(error) if error.kind() == LlmErrorKind::NotFound => OnServer::Unknown,
                Err(error) => {
                    let message = format!("cannot ask how batch {} ({id}) gets on: {error}", batch.number);
                    return Err(Failure::with_code(STOPPED, message));
                }
            },
            None => OnServer::NotAsked,
        };
        rows.push((batch, on_server));
    }
    if args.json {
        let rows: Vec<_> = rows.iter().map(|(batch, server)| Row { batch, server: server.batch() }).collect();
        return output::print(&output::json(&rows));
    }
    output::print(&table(&rows))
}

fn table(rows: &[(RunBatch, OnServer)]) -> String {
    let [completed, failed] = ["completed", "failed"];
    let mut text = format!("batch  requests  {:<10} {:<12} {completed:>9} {failed:>7}  id\n", "state", "on server");
    for (batch, on_server) in rows {
        let status = match on_server {
            OnServer::Known(found) => found.status.as_str(),
            OnServer::Unknown => "unknown",
            OnServer::NotAsked => "-",
        };
        let (completed, failed) = match (on_server.batch(), &batch.tally) {
            (Some(server), _) => (server.counts.completed, server.counts.failed),
            (None, Some(tally)) => (tally.completions, tally.failures),
            (None, None) => (0, 0),
        };
        let (state, id) = (batch.state.as_str(), batch.id.as_deref().unwrap_or("-"));
        text += &format!("{:>5} {:>9}  {state:<10} {status:<12} ", batch.number, batch.requests);
        text += &format!("{completed:>9} {failed:>7}  {id}\n");
    }
    text
}
