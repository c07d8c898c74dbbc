//! A server that says what a test tells it to, byte for byte, and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) line: String,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)))
            .map(|h| h.1)
    }
}

type Script = dyn Fn(usize, &Received) -> Vec<u8> + Send + Sync;

pub(crate) struct Server {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    is_over: Arc<AtomicBool>,
}

impl Server {
    /// Answers each request with the bytes that `script` makes of its number and of itself, then closes the connection.
    pub(crate) fn start(script: impl Fn(usize, &Received) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (received, is_over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (requests, over, script): (_, _, Arc<Script>) =
            (Arc::clone(&received), Arc::clone(&is_over), Arc::new(script));
        thread::spawn(move || {
            for connection in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let (requests, script) = (Arc::clone(&requests), Arc::clone(&script));
                thread::spawn(move || connection.map(|connection| serve(&connection, &requests, &*script)));
            }
        });
        Self { address, received, is_over }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

fn serve(connection: &TcpStream, requests: &Mutex<Vec<Received>>, script: &Script) {
    connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut reader = BufReader::new(connection);
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|n| n > 2) {}
    let line = head.lines().next().unwrap_or_default().to_owned();
    let mut request = Received { line, head, body: Vec::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    reader.take(length).read_to_end(&mut request.body).ok();
    if request.line.is_empty() {
        return;
    }
    let number = {
        let mut requests = requests.lock().unwrap();
        requests.push(request.clone());
        requests.len() - 1
    };
    let answer = script(number, &request);
    // The client may have gone, as in tests of caps.
    (&*connection).write_all(&answer).ok();
    connection.shutdown(std::net::Shutdown::Write).ok();
    // Until the client has gone as well, so that no reset overtakes the answer.
    std::io::copy(&mut (&*connection), &mut std::io::sink()).ok();
}

/// An answer with the given status, further header lines, and body.
pub(crate) fn answer(status: u16, headers: &[&str], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut bytes = format!("HTTP/1.1 {status} Word\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    headers.iter().for_each(|header| bytes.push_str(&format!("{header}\r\n")));
    bytes.push_str("\r\n");
    [bytes.as_bytes(), body].concat()
}

/// A whole reply.
pub(crate) fn reply(text: &str) -> Vec<u8> {
    answer(200, &["Content-Type: application/json"], completion(text).to_string())
}

pub(crate) fn completion(text: &str) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
    })
}
