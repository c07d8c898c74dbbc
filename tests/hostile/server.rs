//! A hostile server, and what it says it was asked.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use serde::Deserialize;

use crate::support::say;

/// A running server, ended when it is dropped.
pub(crate) struct Server {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

/// One request, in the words of the server's log.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    /// Seconds from the start of the server to the request.
    pub(crate) t: f64,
    pub(crate) key: String,
    pub(crate) attempt: u64,
    pub(crate) fault: String,
    pub(crate) outcome: String,
    /// Whether a correct client can use the reply.
    pub(crate) usable: bool,
}

impl Request {
    /// Whether somebody pays for it and can have something of it.
    pub(crate) fn is_paid(&self) -> bool {
        self.usable && self.outcome == "sent"
    }

    /// The id of its completion.
    pub(crate) fn completion_id(&self) -> String {
        format!("chatcmpl-{}-{}", self.key, self.attempt)
    }
}

/// The program that is the server, or `None`, said aloud.
pub(crate) fn program() -> Option<PathBuf> {
    let program = env::var_os("SVITGEN_TEST_HOSTILE").map(PathBuf::from).filter(|program| program.is_file());
    if program.is_none() {
        say("skipped: SVITGEN_TEST_HOSTILE names no hostile server");
    }
    program
}

impl Server {
    /// Starts one with these arguments, if there is one.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        let program = program()?;
        let folder = tempfile::tempdir().unwrap();
        let port_file = folder.path().join("port");
        let child = Command::new(program)
            .args(["--port", "0", "--quiet", "--max-seconds", "600", "--port-file"])
            .arg(&port_file)
            .arg("--log")
            .arg(folder.path().join("log"))
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { child, port: 0, folder };
        server.port = (0..1200)
            .find_map(|_| {
                thread::sleep(Duration::from_millis(25));
                fs::read_to_string(&port_file).ok()?.trim().parse().ok()
            })
            .unwrap();
        Some(server)
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// How many requests have come in.
    pub(crate) fn n_requests(&self) -> usize {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        connection.write_all(b"GET /stats HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let stats: serde_json::Value = serde_json::from_str(body).unwrap();
        usize::try_from(stats["requests"].as_u64().unwrap()).unwrap()
    }

    /// Waits until so many requests have come in; a minute at most.
    pub(crate) fn wait_for_requests(&self, n_requests: usize) {
        wait_until(|| self.n_requests() >= n_requests);
    }

    /// All requests that have ended, in that order. Those that are cut off get a while to be noticed.
    pub(crate) fn log(&self) -> Vec<Request> {
        let lines = || fs::read_to_string(self.folder.path().join("log")).unwrap();
        let n_requests = self.n_requests();
        wait_until(|| {
            let lines = lines();
            lines.ends_with('\n') && lines.lines().count() >= n_requests || n_requests == 0
        });
        lines().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The requests of each image, by attempt.
    pub(crate) fn log_by_key(&self) -> BTreeMap<String, Vec<Request>> {
        let mut keys: BTreeMap<String, Vec<Request>> = BTreeMap::new();
        for request in self.log() {
            keys.entry(request.key.clone()).or_default().push(request);
        }
        for requests in keys.values_mut() {
            requests.sort_by_key(|request| request.attempt);
        }
        keys
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Waits for something that comes sooner or later, a minute at most.
fn wait_until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() && start.elapsed() < Duration::from_secs(60) {
        thread::sleep(Duration::from_millis(20));
    }
}
