//! A server that answers and misbehaves by a script.

mod http;
mod reply;

use std::collections::HashMap;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use crate::lock::lock;

use reply::Ending;

pub use reply::{ServerReply, ServerRequest};

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
    connections: Mutex<HashMap<usize, TcpStream>>,
    is_closing: AtomicBool,
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
        if let Some(acceptor) = self.acceptor.take().filter(|_| woken) {
            let _ = acceptor.join();
        }
        for connection in lock(&self.shared.connections).values() {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

impl fmt::Debug for FaultServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultServer").field("address", &self.address).finish_non_exhaustive()
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for (id, stream) in listener.incoming().enumerate() {
        if shared.is_closing.load(Ordering::SeqCst) {
            break;
        }
        let Ok(stream) = stream else { continue };
        let Ok(handle) = stream.try_clone() else { continue };
        lock(&shared.connections).insert(id, handle);
        let connection = Connection { id, stream, shared: shared.clone() };
        // A connection without a thread is closed; its client sees a fault, which is what the server is for.
        let _ = thread::Builder::new().spawn(move || connection.serve());
    }
}

/// Closed when it is dropped, also by a script that panics.
struct Connection {
    id: usize,
    stream: TcpStream,
    shared: Arc<Shared>,
}

impl Connection {
    fn serve(&self) -> Option<()> {
        let mut reader = BufReader::new(self.stream.try_clone().ok()?);
        while let Ok(Some(request)) = http::read(&mut reader) {
            let n_before = {
                let mut requests = lock(&self.shared.requests);
                requests.push(request.clone());
                requests.len() - 1
            };
            let reply = (self.shared.script)(n_before, &request);
            thread::sleep(reply.delay);
            match reply.ending {
                Ending::Whole => http::write(&self.stream, &reply, reply.body.len()).ok()?,
                Ending::CutAfter(n_bytes) => {
                    return http::write(&self.stream, &reply, n_bytes.min(reply.body.len())).ok();
                }
                Ending::Closed => return None,
                // Ends when the client or the server closes the connection.
                Ending::Hangs => return reader.read_exact(&mut [0]).ok(),
            }
        }
        None
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        lock(&self.shared.connections).remove(&self.id);
    }
}
