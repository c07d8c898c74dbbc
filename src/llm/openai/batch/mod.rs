//! The Batch API: many requests in one file, answered within a day for half the price.

mod lines;
mod objects;
mod results;
mod upload;

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use futures::Stream;
use reqwest::{Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::config::OpenAiConfig;
use super::failure::short;
use super::reply::malformed;
use super::request::Additions;
use super::transport::{Failure, Transport};
use crate::llm::{CompletionRequest, LlmError, LlmErrorKind};
use objects::List;
use results::Reader;

pub(super) use upload::Form;

pub use objects::{Batch, BatchCounts, BatchFile, BatchStatus};
pub use results::BatchResult;

/// What a server offers for requests that can wait: upload a file of them, create a batch, come back for the results.
///
/// Each method is one exchange with the server (lists may take several); nothing is retried and nothing is remembered. Who
/// wants to survive being killed gives a batch its name in the metadata and looks for that in [`batches`](Self::batches),
/// and gives a file a name of its own and looks for that in [`files`](Self::files).
///
/// It needs a tokio runtime, as [`OpenAi`](super::OpenAi) does, and takes the same configuration; streaming is ignored. A
/// batch cannot be asked again without a field that the server refuses, so set
/// [`OpenAiConfig::with_token_limit`] where it matters, and try one request with [`OpenAi`](super::OpenAi) before.
///
/// # Example
/// ```no_run
/// use std::collections::BTreeMap;
///
/// use futures::StreamExt;
/// use svitgen::llm::{BatchApi, CompletionRequest, Message, MessageRole, OpenAiConfig};
///
/// # async fn example() -> Result<(), svitgen::LlmError> {
/// let config = OpenAiConfig::new("https://api.openai.com/v1").with_key_from_env("OPENAI_API_KEY");
/// let api = BatchApi::new(config.with_model("gpt-4.1-mini"))?;
/// let request = CompletionRequest::new(vec![Message::new(MessageRole::User, "What is a kite?")]);
/// let lines = api.line("kite", &request)?;
/// let length = lines.len() as u64;
/// let file = api.upload("kites.jsonl", std::io::Cursor::new(lines), length).await?;
/// let mut batch = api.create(&file.id, &BTreeMap::from([("run".to_owned(), "kites".to_owned())])).await?;
/// while !batch.status.is_final() {
///     // Wait some minutes here.
///     batch = api.batch(&batch.id).await?;
/// }
/// let mut results = std::pin::pin!(api.results(&batch));
/// while let Some(result) = results.next().await {
///     let result = result?;
///     println!("{:?}: {:?}", result.custom_id, result.result);
/// }
/// # Ok(())
/// # }
/// ```
pub struct BatchApi {
    transport: Transport,
    additions: Additions,
}

/// The path of the endpoint that answers the requests, as batches name it.
const ENDPOINT: &str = "/v1/chat/completions";

/// The most pages of a list that are read; a server that always has more is not believed for ever.
const MOST_PAGES: usize = 1000;

impl BatchApi {
    /// The most lines that a file may have.
    pub const MAX_LINES: usize = 50_000;

    /// The largest size of a file, in bytes.
    pub const MAX_BYTES: u64 = 200_000_000;

    /// The Batch API of the server that `config` names. Nothing is sent yet.
    ///
    /// # Errors
    /// As [`OpenAi::new`](super::OpenAi::new).
    pub fn new(mut config: OpenAiConfig) -> Result<Self, LlmError> {
        config.streaming = false;
        let transport = Transport::new(&config)?;
        Ok(Self { additions: Additions::new(config, &transport.address), transport })
    }

    /// One request as a line of a file, with its line end. Ids are unique within a file.
    ///
    /// # Errors
    /// [`LlmErrorKind::InvalidRequest`] if a parameter is no number that JSON can hold.
    pub fn line(&self, custom_id: &str, request: &CompletionRequest) -> Result<Vec<u8>, LlmError> {
        lines::line(custom_id, request, &self.additions)
    }

    /// Uploads the `length` bytes of `content`, lines of [`line`](Self::line), as a file called `name`. They are read in
    /// pieces while they are sent, and the upload must end within the time for everything.
    ///
    /// # Errors
    /// [`LlmErrorKind::TooLong`] above [`MAX_BYTES`](Self::MAX_BYTES), before anything is sent; or what the server or the
    /// connection says, [`LlmErrorKind::Transient`] if `content` ends early or cannot be read.
    pub async fn upload(
        &self,
        name: &str,
        content: impl Read + Send + 'static,
        length: u64,
    ) -> Result<BatchFile, LlmError> {
        if length > Self::MAX_BYTES {
            let message = format!("{name} has {length} bytes; a file for a batch may have {}", Self::MAX_BYTES);
            return Err(LlmError::new(LlmErrorKind::TooLong, message));
        }
        let form = upload::form(name, content, length);
        let url = self.transport.address.endpoint("files");
        let sent = self.transport.post_form(url, form);
        self.transport.within(async { self.document(sent.await?).await }).await
    }

    /// Creates a batch of the uploaded file with this id. `metadata` are up to 16 names of up to 64 characters with values
    /// of up to 512, by which the batch can be found again.
    ///
    /// # Errors
    /// What the server or the connection says.
    pub async fn create(&self, file: &str, metadata: &BTreeMap<String, String>) -> Result<Batch, LlmError> {
        #[derive(Serialize)]
        struct Create<'a> {
            input_file_id: &'a str,
            endpoint: &'a str,
            completion_window: &'a str,
            metadata: &'a BTreeMap<String, String>,
        }
        let create = Create { input_file_id: file, endpoint: ENDPOINT, completion_window: "24h", metadata };
        let body = serde_json::to_vec(&create).map_err(|error| malformed(error.to_string()))?;
        self.post(self.transport.address.endpoint("batches"), body).await
    }

    /// How the batch with this id is getting on.
    ///
    /// # Errors
    /// [`LlmErrorKind::NotFound`] if the server does not know it; or what else the server or the connection says.
    pub async fn batch(&self, id: &str) -> Result<Batch, LlmError> {
        self.get(self.transport.address.endpoint(&format!("batches/{id}"))).await
    }

    /// All batches of the account, in the server's order.
    ///
    /// # Errors
    /// What the server or the connection says.
    pub async fn batches(&self) -> Result<Vec<Batch>, LlmError> {
        self.list("batches", |batch: &Batch| &batch.id).await
    }

    /// All files of the account, in the server's order.
    ///
    /// # Errors
    /// What the server or the connection says.
    pub async fn files(&self) -> Result<Vec<BatchFile>, LlmError> {
        self.list("files", |file: &BatchFile| &file.id).await
    }

    /// Asks the server to stop the batch with this id; what is answered already stays, and is billed.
    ///
    /// # Errors
    /// What the server or the connection says.
    pub async fn cancel(&self, id: &str) -> Result<Batch, LlmError> {
        self.post(self.transport.address.endpoint(&format!("batches/{id}/cancel")), Vec::new()).await
    }

    /// The results in the output and error files of a batch, in whatever order the server wrote them, read from the
    /// connection line by line.
    ///
    /// A request may have no result or several, and a line may be garbage: that is one result without an id, and the rest
    /// goes on. A failure of the connection is the last item; who starts again gets all results again. So is
    /// [`LlmErrorKind::NotFound`], if a file is no longer there.
    pub fn results<'a>(&'a self, batch: &Batch) -> impl Stream<Item = Result<BatchResult, LlmError>> + Send + 'a {
        let files = [&batch.output_file, &batch.error_file].into_iter().flatten();
        self.results_in(&files.map(String::as_str).collect::<Vec<_>>())
    }

    /// The results in the files with these ids.
    pub(crate) fn results_in<'a>(
        &'a self,
        files: &[&str],
    ) -> impl Stream<Item = Result<BatchResult, LlmError>> + Send + use<'a> {
        let urls = files.iter().map(|id| self.transport.address.endpoint(&format!("files/{id}/content"))).collect();
        futures::stream::unfold(Reader::new(&self.transport, urls), async |mut reader| {
            let next = reader.next().await?;
            Some((next, reader))
        })
    }

    async fn list<T: DeserializeOwned>(&self, what: &str, id: fn(&T) -> &String) -> Result<Vec<T>, LlmError> {
        let mut all: Vec<T> = Vec::new();
        for _ in 0..MOST_PAGES {
            let mut url = self.transport.address.endpoint(what);
            url.query_pairs_mut().append_pair("limit", "100");
            if let Some(last) = all.last() {
                url.query_pairs_mut().append_pair("after", id(last));
            }
            let page: List<T> = self.get(url).await?;
            let is_last = !page.has_more || page.data.is_empty();
            all.extend(page.data);
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T, LlmError> {
        self.transport.within(async { self.document(self.transport.get(url).await?).await }).await
    }

    async fn post<T: DeserializeOwned>(&self, url: Url, body: Vec<u8>) -> Result<T, LlmError> {
        self.transport.within(async { self.document(self.transport.post(url, body.into()).await?).await }).await
    }

    async fn document<T: DeserializeOwned>(&self, mut response: Response) -> Result<T, LlmError> {
        if !response.status().is_success() {
            return Err(not_found_or(self.transport.failure(response).await));
        }
        let mut room = self.transport.bodies.room();
        let body = self.transport.bodies.read(&mut response, &mut room).await;
        let body = body.map_err(|error| self.transport.body_error(error))?;
        serde_json::from_slice(&body).map_err(|error| {
            let error = short(&error.to_string(), &self.transport.redactor);
            malformed(format!("the server's answer cannot be read: {error}"))
        })
    }
}

/// No model is asked for here: what is not found is a batch or a file.
pub(super) fn not_found_or(failure: Failure) -> LlmError {
    match failure.status {
        404 | 410 => LlmError::new(LlmErrorKind::NotFound, failure.error.message()),
        _ => failure.error,
    }
}

impl fmt::Debug for BatchApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchApi")
            .field("base_url", &self.transport.address)
            .field("model", &self.additions.model)
            .finish_non_exhaustive()
    }
}
