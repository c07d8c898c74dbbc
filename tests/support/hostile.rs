//! A hostile server for whoever needs one: a program that `SVITGEN_TEST_HOSTILE` names.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use crate::support::say;

/// The program, or `None`, said aloud.
pub(crate) fn program() -> Option<PathBuf> {
    let program = env::var_os("SVITGEN_TEST_HOSTILE").map(PathBuf::from).filter(|program| program.is_file());
    if program.is_none() {
        say("skipped: SVITGEN_TEST_HOSTILE names no hostile server");
    }
    program
}

/// A hostile server, stopped when it is dropped.
pub(crate) struct Hostile {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Hostile {
    /// Starts one with these arguments; without the program this says that it skips.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port_file = folder.path().join("port");
        let child = Command::new(program()?)
            .args(["--port", "0", "--quiet", "--max-seconds", "300", "--port-file"])
            .arg(&port_file)
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let read = || fs::read_to_string(&port_file).ok().and_then(|port| port.trim().parse().ok());
        let port = (0..600).find_map(|_| {
            thread::sleep(Duration::from_millis(50));
            read()
        });
        Some(Self { child, port: port.unwrap(), _folder: folder })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
