//! HTTP: how a request gets to a server, and what came of it.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Body, Client, Method, Proxy, Request, Response, Url};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::address::{Address, shown};
use super::batch::{Form, not_found_or};
use super::body::{Bodies, BodyError};
use super::config::{OpenAiConfig, ProxyChoice, Timeouts};
use super::failure::{failure, short};
use super::reply::malformed;
use super::report::Report;
use super::secret::{Redactor, Secret};
use super::tls::tls;
use crate::llm::{LlmError, LlmErrorKind};

/// A way to one server.
pub(super) struct Transport {
    client: Client,
    pub(super) address: Address,
    headers: HeaderMap,
    timeouts: Timeouts,
    pub(super) redactor: Redactor,
    pub(super) bodies: Bodies,
}

/// An answer whose status is no success.
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) report: Report,
    pub(super) error: LlmError,
}

/// How often a download may be sent elsewhere.
const MOST_REDIRECTS: usize = 5;

/// Servers close idle connections after five seconds and more; who is sooner never sends into a closing one.
const IDLE: Duration = Duration::from_secs(4);

/// Gateways add headers beyond the hundred that are taken otherwise.
const MOST_HEADERS: usize = 4096;

impl Transport {
    pub(super) fn new(config: &OpenAiConfig) -> Result<Self, LlmError> {
        let mut redactor = Redactor::default();
        let address = Address::new(&config.base_url, &mut redactor)?;
        let client = client(&config.timeouts, &config.proxy, address.is_encrypted(), &mut redactor)?;
        // A name and password in the URL become a header.
        let plain = client.post(address.endpoint("")).build().map_err(|error| transport_error(error, &redactor))?;
        let headers = headers(plain.headers().clone(), config, &mut redactor)?;
        let address = address.without_password();
        let bodies = Bodies::new(config.body_cap);
        Ok(Self { client, address, headers, timeouts: config.timeouts, redactor, bodies })
    }

    /// Waits for `work`, but not for longer than everything may take.
    pub(super) async fn within<T>(&self, work: impl Future<Output = Result<T, LlmError>>) -> Result<T, LlmError> {
        within(self.timeouts.whole, work).await
    }

    /// Posts JSON. A redirect is not followed: a server that moved is told to the user, who decides where the key goes.
    pub(super) async fn post(&self, url: Url, json: Bytes) -> Result<Response, LlmError> {
        let mut request = self.request(Method::POST, url, true);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(Body::from(json));
        self.send(request).await
    }

    /// Posts a file. How long that takes depends on the connection, so only the time for everything bounds it.
    pub(super) async fn post_form(&self, url: Url, form: Form) -> Result<Response, LlmError> {
        let mut request = self.request(Method::POST, url, true);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(form.content_type));
        request.headers_mut().insert(CONTENT_LENGTH, form.length.into());
        *request.body_mut() = Some(form.body);
        self.client.execute(request).await.map_err(|error| self.error(error))
    }

    /// Starts the download of a document of any length.
    pub(super) async fn download(&self, url: Url) -> Result<Response, LlmError> {
        self.within(async {
            let response = self.get(url).await?;
            if response.status().is_success() { Ok(response) } else { Err(not_found_or(self.failure(response).await)) }
        })
        .await
    }

    /// The next piece of a download, which may take as long as a first byte.
    pub(super) async fn piece(&self, response: &mut Response) -> Result<Option<Bytes>, LlmError> {
        let piece = timeout(self.timeouts.first_byte, response.chunk()).await;
        let piece = piece.map_err(|_| too_slow("further bytes", self.timeouts.first_byte))?;
        piece.map_err(|error| self.error(error))
    }

    /// Gets a document, from elsewhere if the server says so; another host does not get the key.
    pub(super) async fn get(&self, url: Url) -> Result<Response, LlmError> {
        let mut with_key = true;
        let mut url = url;
        for _ in 0..MOST_REDIRECTS {
            let response = self.send(self.request(Method::GET, url.clone(), with_key)).await?;
            let Some(next) = location(&response).filter(|next| next.scheme() == "https" || url.scheme() == "http")
            else {
                return Ok(response);
            };
            // Once away, it stays away: who is elsewhere has no say in where the key goes.
            with_key &= next.origin() == url.origin();
            url = next;
        }
        Err(LlmError::new(LlmErrorKind::Transient, "the server redirects in circles"))
    }

    /// What an answer says whose status is no success.
    pub(super) async fn failure(&self, mut response: Response) -> Failure {
        let status = response.status().as_u16();
        let report = match location(&response) {
            Some(next) => Report::redirect(&shown(next.as_str())),
            None => Report::of(&Bodies::read_beginning(&mut response).await),
        };
        let error = failure(status, response.headers(), &report, &self.redactor);
        Failure { status, report, error }
    }

    pub(super) fn body_error(&self, error: BodyError) -> LlmError {
        match error {
            BodyError::TooLarge(cap) => malformed(format!("the body is larger than {cap} bytes, which is the cap")),
            BodyError::Broken(error) => self.error(error),
        }
    }

    fn request(&self, method: Method, url: Url, with_key: bool) -> Request {
        let mut request = Request::new(method, url);
        if with_key {
            request.headers_mut().clone_from(&self.headers);
        }
        request
    }

    async fn send(&self, request: Request) -> Result<Response, LlmError> {
        let sent = timeout(self.timeouts.first_byte, self.client.execute(request)).await;
        let sent = sent.map_err(|_| too_slow("answer", self.timeouts.first_byte))?;
        sent.map_err(|error| self.error(error))
    }

    fn error(&self, error: reqwest::Error) -> LlmError {
        transport_error(error, &self.redactor)
    }
}

/// Waits for `work`, but not for longer than `limit`, and only where waiting is possible.
pub(in crate::llm) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, LlmError>>,
) -> Result<T, LlmError> {
    if Handle::try_current().is_err() {
        let message = "this client needs a tokio runtime: poll it within one, with I/O and time enabled";
        return Err(LlmError::new(LlmErrorKind::Unavailable, message));
    }
    timeout(limit, work).await.unwrap_or_else(|_| Err(too_slow("whole answer", limit)))
}

/// A client for one server: pooled connections, no redirects, TLS that is this client's own.
pub(in crate::llm) fn client(
    timeouts: &Timeouts,
    proxy: &ProxyChoice,
    is_encrypted: bool,
    redactor: &mut Redactor,
) -> Result<Client, LlmError> {
    let unavailable = |error: &dyn std::fmt::Display| {
        LlmError::new(LlmErrorKind::Unavailable, format!("there can be no TLS on this machine: {error}"))
    };
    let builder = Client::builder()
        .tls_backend_preconfigured(tls(is_encrypted).map_err(|error| unavailable(&error))?)
        .user_agent(concat!("svitgen/", env!("CARGO_PKG_VERSION")))
        .http1_only()
        .http1_max_headers(MOST_HEADERS)
        .redirect(Policy::none())
        .connect_timeout(timeouts.connect)
        .pool_idle_timeout(IDLE);
    let builder = match proxy {
        ProxyChoice::Environment => builder,
        ProxyChoice::Direct => builder.no_proxy(),
        ProxyChoice::Url(url) => builder.proxy(proxy_at(url, redactor)?),
    };
    builder.build().map_err(|error| transport_error(error, redactor))
}

fn proxy_at(url: &Secret, redactor: &mut Redactor) -> Result<Proxy, LlmError> {
    let invalid = || {
        let message = format!("{} is no proxy that can be used", shown(url.expose()));
        LlmError::new(LlmErrorKind::InvalidRequest, message)
    };
    let parsed = Url::parse(url.expose()).map_err(|_| invalid())?;
    redactor.add(Secret::new(parsed.password().unwrap_or_default()));
    matches!(parsed.scheme(), "http" | "https").then(|| Proxy::all(url.expose()).ok()).flatten().ok_or_else(invalid)
}

/// The headers of every request, the key among them, built once.
fn headers(mut headers: HeaderMap, config: &OpenAiConfig, redactor: &mut Redactor) -> Result<HeaderMap, LlmError> {
    for (name, value) in &config.headers {
        let header = HeaderName::try_from(name.as_str());
        let header = header.map_err(|_| invalid(format!("{name:?} is no name of a header")))?;
        let text = value.expose();
        headers.insert(
            header,
            secret_value(text).ok_or_else(|| invalid(format!("the header {name} cannot hold its value")))?,
        );
        redactor.add(value.clone());
        // The word behind `Bearer` is a secret by itself.
        text.rsplit_once(' ').into_iter().for_each(|(_, last)| redactor.add(Secret::new(last)));
    }
    if let Some(key) = &config.key {
        let (name, value) = match &config.key_header {
            Some(name) => (name.as_str(), key.expose().to_owned()),
            None => (AUTHORIZATION.as_str(), format!("Bearer {}", key.expose())),
        };
        let header = HeaderName::try_from(name).map_err(|_| invalid(format!("{name:?} is no name of a header")))?;
        let value = secret_value(&value).ok_or_else(|| {
            LlmError::new(LlmErrorKind::Credentials, "the key holds characters that no header can hold")
        })?;
        headers.insert(header, value);
        redactor.add(key.clone());
    }
    Ok(headers)
}

fn secret_value(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn invalid(message: String) -> LlmError {
    LlmError::new(LlmErrorKind::InvalidRequest, message)
}

/// Where a redirect leads.
fn location(response: &Response) -> Option<Url> {
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(LOCATION).filter(|_| is_redirect)?;
    response.url().join(location.to_str().ok()?).ok()
}

fn too_slow(what: &str, limit: Duration) -> LlmError {
    LlmError::new(LlmErrorKind::Transient, format!("no {what} within {limit:?}"))
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// Whether bytes came that are not in the encoding they claim; a connection that breaks is told as a failed decoding too.
fn is_misencoded(error: &reqwest::Error) -> bool {
    let mut causes = causes(error);
    let kind = causes.find_map(|cause| cause.downcast_ref::<io::Error>().map(io::Error::kind));
    error.is_decode() && matches!(kind, Some(ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other))
}

/// The error for a request that got no answer, or only a part of one.
pub(in crate::llm) fn transport_error(error: reqwest::Error, redactor: &Redactor) -> LlmError {
    // The URL may hold a password.
    let error = error.without_url();
    let kind = match () {
        () if is_misencoded(&error) => LlmErrorKind::Malformed,
        () if error.is_builder() => LlmErrorKind::InvalidRequest,
        () => LlmErrorKind::Transient,
    };
    let mut message = error.to_string();
    for cause in causes(&error) {
        message.push_str(": ");
        message.push_str(&cause.to_string());
    }
    let failure = LlmError::new(kind, short(&message, redactor));
    // Without a connection there was nothing to send a request through.
    if error.is_connect() { failure.with_nothing_sent() } else { failure }
}
