//! A server of images on this machine, and what it was asked for.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Size of all its images in pixels.
const SIZE: (u32, u32) = (64, 48);

/// Serves until the process ends: whoever asks gets an image, below `/redirected/` the address of another one.
pub(crate) struct ImageServer {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl ImageServer {
    /// `elsewhere` is where the images below `/redirected/` are said to be.
    pub(crate) fn start(elsewhere: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, elsewhere) = (asked.clone(), elsewhere.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, elsewhere) = (log.clone(), elsewhere.clone());
                // A browser opens connections ahead of need; a thread each, so that none waits for another.
                std::thread::spawn(move || {
                    // One that goes away, or says nothing, is no fault of the test.
                    let _ = answer(stream, &log, &elsewhere);
                });
            }
        });
        Self { port, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The paths that were asked for, sorted, each once.
    pub(crate) fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort();
        asked.dedup();
        asked
    }
}

fn answer(stream: TcpStream, log: &Mutex<Vec<String>>, elsewhere: &str) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut lines = BufReader::new(&stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    // Connections that are opened ahead of need ask nothing.
    let Some(path) = request.split(' ').nth(1) else { return Ok(()) };
    log.lock().unwrap().push(path.to_owned());
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let mut stream = &stream;
    if path.contains("/redirected/") {
        return write!(stream, "HTTP/1.1 302 Found\r\nLocation: {elsewhere}{path}\r\nConnection: close\r\n\r\n");
    }
    let image = bitmap();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: image/bmp\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        image.len()
    )?;
    stream.write_all(&image)
}

/// Colours that change from corner to corner, as BMP.
fn bitmap() -> Vec<u8> {
    let (width, height) = SIZE;
    let n_bytes = width * height * 3;
    let mut bytes = b"BM".to_vec();
    for number in [54 + n_bytes, 0, 54, 40, width, height, 1 | 24 << 16, 0, n_bytes, 2835, 2835, 0, 0] {
        bytes.extend(number.to_le_bytes());
    }
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        bytes.extend([180, (y * 4) as u8, (x * 3) as u8]);
    }
    bytes
}
