//! A server that answers and misbehaves by a script.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};

use crate::llm::lock::lock;

/// An HTTP server on this machine, for tests of clients with a chat-completions endpoint. It does with each request
/// what a function says: answers it, or misbehaves. Dropping it closes it, and all its connections.
///
/// It reads requests with a `Content-Length`, whatever their path, and keeps connections open in between.
///
/// # Example
/// ```no_run
/// use svitgen::llm::testing::{FaultServer, ServerReply};
/// // Busy at first, then an answer to each request.
/// let server = FaultServer::start(|n, request| match n {
///     0 => ServerReply::status(429).with_header("Retry-After", "1"),
///     _ => ServerReply::completion(&format!("You said: {}", request.last_user_text())),
/// })?;
/// let base_url = server.base_url(); // http://127.0.0.1:40321/v1
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct FaultServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

type Script = dyn Fn(usize, &ServerRequest) -> ServerReply + Send + Sync;

struct Shared {
    script: Box<Script>,
    requests: Mutex<Vec<ServerRequest>>,
    connections: Mutex<Vec<TcpStream>>,
    is_closing: AtomicBool,
}

/// A request as the server got it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ServerRequest {
    /// `/v1/chat/completions`
    pub path: String,
    /// Names in lower case, with their values, in order.
    pub headers: Vec<(String, String)>,
    /// The body; `null` if it is no JSON.
    pub body: Value,
}

impl ServerRequest {
    /// The first header of this name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The text of the last message; empty if there is none.
    pub fn last_user_text(&self) -> &str {
        self.body["messages"].as_array().and_then(|all| all.last()?["content"].as_str()).unwrap_or_default()
    }
}

/// What the server does with a request.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct ServerReply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    delay: Duration,
    ending: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Whole,
    /// The connection is closed after so many bytes of the body.
    CutAfter(usize),
    /// The connection is closed without a byte.
    Closed,
    /// Nothing comes until the server is dropped.
    Hangs,
}

impl ServerReply {
    /// A status with an empty body.
    pub fn status(status: u16) -> Self {
        let (headers, body) = (Vec::new(), Vec::new());
        Self { status, headers, body, delay: Duration::ZERO, ending: Ending::Whole }
    }

    /// Status 200 with a completion of this text, as chat-completions endpoints write it.
    pub fn completion(text: &str) -> Self {
        let body = json!({
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": "fault-server",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        });
        Self::status(200).with_header("Content-Type", "application/json").with_body(body.to_string())
    }

    /// The connection is closed before anything is answered.
    pub fn closed() -> Self {
        Self { ending: Ending::Closed, ..Self::status(200) }
    }

    /// Nothing is answered until the server is dropped.
    pub fn hang() -> Self {
        Self { ending: Ending::Hangs, ..Self::status(200) }
    }

    /// Adds a header.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a wait before the answer.
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Closes the connection after so many bytes of the body, of which all were announced.
    pub fn cut_after(mut self, n_bytes: usize) -> Self {
        self.ending = Ending::CutAfter(n_bytes);
        self
    }
}

impl FaultServer {
    /// Starts a server on a free port. The script gets the number of the request, from 0, and the request.
    ///
    /// # Errors
    /// Those of the operating system, if it has no port or no thread.
    pub fn start(script: impl Fn(usize, &ServerRequest) -> ServerReply + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            script: Box::new(script),
            requests: Mutex::default(),
            connections: Mutex::default(),
            is_closing: AtomicBool::new(false),
        });
        let accepting = shared.clone();
        let acceptor = thread::Builder::new().spawn(move || accept(&listener, &accepting))?;
        Ok(Self { address, shared, acceptor: Some(acceptor) })
    }

    /// The address that a client is given: `http://127.0.0.1:PORT/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What it was asked so far, in order.
    pub fn requests(&self) -> Vec<ServerRequest> {
        lock(&self.shared.requests).clone()
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.shared.is_closing.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        let woken = TcpStream::connect(self.address).is_ok();
        for connection in lock(&self.shared.connections).drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        if let Some(acceptor) = self.acceptor.take().filter(|_| woken) {
            let _ = acceptor.join();
        }
    }
}

impl fmt::Debug for FaultServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultServer").field("address", &self.address).finish_non_exhaustive()
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for connection in listener.incoming() {
        if shared.is_closing.load(Ordering::SeqCst) {
            break;
        }
        let Ok(connection) = connection else { continue };
        let Ok(handle) = connection.try_clone() else { continue };
        lock(&shared.connections).push(handle);
        let serving = shared.clone();
        // A connection without a thread is closed; its client sees a fault, which is what the server is for.
        let _ = thread::Builder::new().spawn(move || serve(connection, &serving));
    }
}

fn serve(mut connection: TcpStream, shared: &Shared) {
    let Ok(reading) = connection.try_clone() else { return };
    let mut reader = BufReader::new(reading);
    while let Ok(Some(request)) = read_request(&mut reader) {
        let n_before = {
            let mut requests = lock(&shared.requests);
            requests.push(request.clone());
            requests.len() - 1
        };
        let reply = (shared.script)(n_before, &request);
        thread::sleep(reply.delay);
        let goes_on = match reply.ending {
            Ending::Whole | Ending::CutAfter(_) => write_reply(&mut connection, &reply).is_ok(),
            Ending::Closed => false,
            // Ends when the client or the server closes the connection.
            Ending::Hangs => reader.read_exact(&mut [0]).is_ok(),
        };
        if !goes_on || reply.ending != Ending::Whole {
            break;
        }
    }
    let _ = connection.shutdown(Shutdown::Both);
}

fn read_request(reader: &mut impl BufRead) -> io::Result<Option<ServerRequest>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = ServerRequest { path, headers, body: Value::Null };
    let n_bytes = request.header("content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut body = Vec::new();
    reader.take(n_bytes).read_to_end(&mut body)?;
    request.body = serde_json::from_slice(&body).unwrap_or_default();
    Ok(Some(request))
}

fn write_reply(connection: &mut TcpStream, reply: &ServerReply) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Ordered\r\nContent-Length: {}\r\n", reply.status, reply.body.len());
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let n_bytes = match reply.ending {
        Ending::CutAfter(n_bytes) => n_bytes.min(reply.body.len()),
        _ => reply.body.len(),
    };
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(&reply.body[..n_bytes]);
    connection.write_all(&bytes)
}
