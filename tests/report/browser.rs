//! A browser without a window, driven by the DevTools protocol. Every wait is bounded.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;
use std::{env, fs};

use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

use crate::support::say;

/// How long a browser may take to start or to answer, generously.
const PATIENCE: Duration = Duration::from_secs(90);

/// One browser at a time: a small machine has no room for more.
static TURN: Mutex<()> = Mutex::new(());

/// A page in a browser, and what has happened in it.
pub(crate) struct Browser {
    socket: WebSocket<TcpStream>,
    session: Option<String>,
    n_sent: u64,
    events: Vec<Value>,
    child: Child,
    _profile: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Browser {
    /// Starts the browser; `None`, said aloud, where there is none.
    pub(crate) fn start() -> Option<Self> {
        let Some(program) = program() else {
            say("skipped: no chromium; CHROMIUM names it");
            return None;
        };
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let (child, profile, socket) = launch(&program).or_else(|| launch(&program)).expect("the browser starts");
        let mut browser =
            Self { socket, session: None, n_sent: 0, events: Vec::new(), child, _profile: profile, _turn: turn };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", attach);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Sends a command and waits for what comes back; events that come in between are kept.
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.n_sent += 1;
        let mut command = json!({"id": self.n_sent, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(command.to_string())).unwrap();
        loop {
            let message = self.receive();
            if message["id"] == self.n_sent {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    fn receive(&mut self) -> Value {
        loop {
            // The socket has a time limit of its own.
            if let Message::Text(text) = self.socket.read().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// Opens a file and waits until it is loaded.
    pub(crate) fn open(&mut self, path: &Path, fragment: &str) {
        self.events.clear();
        // Another address first: a fragment alone would load nothing.
        self.call("Page.navigate", json!({"url": "about:blank"}));
        self.wait("document.URL === 'about:blank'");
        self.events.clear();
        let url = format!("file://{}{fragment}", path.display());
        self.call("Page.navigate", json!({"url": url}));
        self.wait("document.URL.startsWith('file:') && document.readyState === 'complete'");
    }

    /// Waits until an expression is true.
    pub(crate) fn wait(&mut self, expression: &str) {
        let step = Duration::from_millis(50);
        for _ in 0..PATIENCE.as_millis() / step.as_millis() {
            if self.evaluate(expression) == json!(true) {
                return;
            }
            sleep(step);
        }
        panic!("never true: {expression}");
    }

    /// The value of an expression in the page.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let result = self.call("Runtime.evaluate", parameters);
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Moves the mouse to the middle of the first element of a selector.
    pub(crate) fn hover(&mut self, selector: &str) {
        let place = self.evaluate(&format!(
            "(() => {{ const e = document.querySelector({selector:?}); e.scrollIntoView({{block: 'center'}}); \
             const r = e.getClientRects()[0]; return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
        ));
        let parameters = json!({"type": "mouseMoved", "x": place[0], "y": place[1]});
        self.call("Input.dispatchMouseEvent", parameters);
    }

    /// Sets the size of the page, whether it is a phone's, and whether it is dark.
    pub(crate) fn look(&mut self, width: u32, height: u32, scheme: &str) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// Saves what is seen, if `SVITGEN_SCREENSHOTS` names a folder.
    pub(crate) fn screenshot(&mut self, name: &str) {
        let Some(folder) = env::var_os("SVITGEN_SCREENSHOTS") else { return };
        let picture = self.call("Page.captureScreenshot", json!({"format": "png"}));
        let data = format!("data:image/png;base64,{}", picture["data"].as_str().unwrap());
        fs::write(PathBuf::from(folder).join(format!("{name}.png")), decode(&data)).unwrap();
    }

    /// What must not happen in any page: requests that leave it, errors, dialogs, other pages.
    pub(crate) fn assert_quiet(&mut self) {
        self.assert_quiet_but("data:");
    }

    /// [`assert_quiet`](Self::assert_quiet) of a page that may load what is below an address.
    pub(crate) fn assert_quiet_but(&mut self, address: &str) {
        // Late events come in with one more answer; scripts may be switched off, so that the page cannot wait by itself.
        sleep(Duration::from_millis(200));
        self.evaluate("1");
        for event in &self.events {
            let method = event["method"].as_str().unwrap_or_default();
            let parameters = &event["params"];
            match method {
                "Network.requestWillBeSent" => {
                    let url = parameters["request"]["url"].as_str().unwrap();
                    let is_own = url.starts_with("file://") && parameters["type"] == "Document";
                    let is_allowed = url.starts_with("data:") || url.starts_with(address);
                    assert!(is_own || is_allowed, "a request left the page: {url}");
                }
                "Log.entryAdded" => assert_ne!(parameters["entry"]["level"], "error", "{parameters}"),
                "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Page.javascriptDialogOpening" => {
                    panic!("{method}: {parameters}")
                }
                _ => {}
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> Option<PathBuf> {
    if let Some(program) = env::var_os("CHROMIUM") {
        return Some(program.into());
    }
    let paths = env::var_os("PATH")?;
    env::split_paths(&paths).map(|folder| folder.join("chromium")).find(|program| program.is_file())
}

/// A browser that listens, with its own empty profile; `None` if it does not come up.
fn launch(program: &Path) -> Option<(Child, TempDir, WebSocket<TcpStream>)> {
    let profile = TempDir::new().unwrap();
    let mut child = Command::new(program)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--disable-dev-shm-usage", "--remote-debugging-port=0"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg("about:blank")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let socket = connect(&profile.path().join("DevToolsActivePort"));
    if socket.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    Some((child, profile, socket?))
}

fn connect(port_file: &Path) -> Option<WebSocket<TcpStream>> {
    let step = Duration::from_millis(100);
    for _ in 0..PATIENCE.as_millis() / step.as_millis() {
        sleep(step);
        let text = fs::read_to_string(port_file).unwrap_or_default();
        let Some((port, path)) = text.trim().split_once('\n') else { continue };
        let Ok(stream) = TcpStream::connect(("127.0.0.1", port.parse().ok()?)) else { continue };
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.set_write_timeout(Some(PATIENCE)).ok()?;
        let config = tungstenite::protocol::WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let url = format!("ws://127.0.0.1:{port}{path}");
        return tungstenite::client::client_with_config(url, stream, Some(config)).ok().map(|(socket, _)| socket);
    }
    None
}

/// The bytes of a `data:` address in base64.
fn decode(data: &str) -> Vec<u8> {
    let digits = data.rsplit(',').next().unwrap().trim_end_matches('=');
    let mut bytes = Vec::new();
    let (mut bits, mut n_bits) = (0_u32, 0);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        bits = (bits << 6 | u32::from(value)) & 0xFF_FFFF;
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            bytes.push((bits >> n_bits) as u8);
        }
    }
    bytes
}
