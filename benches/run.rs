//! What a run of the program costs, beside the barest loop over the same HTTP client: `cargo bench --bench run`.
//!
//! `SVITGEN_TEST_HOSTILE` names the server, which answers at once or after a fixed time. The bare loop sends the same
//! number of requests of the same size and looks for the pairs with a line scanner; it keeps nothing. Each side runs in
//! turn, and the better of two counts. Ratios hold on any machine, times on one.
//!
//! `SVITGEN_BENCH_IMAGES` sets the larger number of images of the rows of CPU and memory (100,000; the smaller one is 2,000),
//! `SVITGEN_BENCH_LATE` the number of requests of the row with latency (20,000).

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints and may fail by panicking")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use futures::StreamExt;
use serde_json::{Value, json};

const PROMPT_BYTES: usize = 6_000;
const REPLY_BYTES: &str = "3400";

fn main() {
    // `cargo test --benches` and its list are not for it.
    if env::args().any(|argument| argument == "--list" || argument == "--test") {
        return;
    }
    let Some(server) = env::var_os("SVITGEN_TEST_HOSTILE").map(PathBuf::from).filter(|path| path.is_file()) else {
        println!("SVITGEN_TEST_HOSTILE names no hostile server: nothing is measured");
        return;
    };
    if env::var_os("SVITGEN_BENCH_BARE").is_some() {
        return bare_loop();
    }
    println!("{:<52}{:>12}{:>14}", "what", "figure", "of a bare loop");
    let n_images = [2_000, number("SVITGEN_BENCH_IMAGES", 100_000)];
    n_images.into_iter().for_each(|n| processor_time(&server, n));
    concurrency(&server);
    n_images.into_iter().for_each(|n| memory(&server, n));
    first_request(&server);
}

fn number(name: &str, default: usize) -> usize {
    env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// CPU seconds of 1,000 requests out of `n`, nothing to wait for.
fn processor_time(server: &Path, n: usize) {
    let (mut program, mut bare) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..2 {
        program = program.min(Server::start(server, 0).run(n, 64).processor.as_secs_f64());
        bare = bare.min(Server::start(server, 0).bare(n, 64).processor.as_secs_f64());
    }
    let per_thousand = |seconds: f64| seconds * 1_000.0 / n as f64;
    let (program, bare) = (per_thousand(program), per_thousand(bare));
    row(
        &format!("CPU of 1,000 requests of {n}, 64 in flight"),
        format!("{program:.3} s"),
        format!("{:.2} x {bare:.3} s", program / bare),
    );
}

/// The least time that so many requests can take, as a share of the time they take.
fn concurrency(server: &Path) {
    let n = number("SVITGEN_BENCH_LATE", 20_000);
    let ideal = n.div_ceil(256) as f64 * 0.2;
    let program = ideal / Server::start(server, 200).run(n, 256).time.as_secs_f64();
    let bare = ideal / Server::start(server, 200).bare(n, 256).time.as_secs_f64();
    row("share of concurrency, 200 ms, 256 in flight", percent(program), percent(bare));
}

fn memory(server: &Path, n: usize) {
    let peak_kib = Server::start(server, 0).run(n, 64).peak_kib;
    let mebibytes = peak_kib as f64 / 1024.0;
    row(&format!("peak memory, {n} images, 64 in flight"), format!("{mebibytes:.1} MiB"), String::new());
}

/// From the start of the process to the first request at the server.
fn first_request(server: &Path) {
    let times = (0..5).map(|_| {
        let server = Server::start(server, 0);
        let started = server.uptime();
        let usage = server.run(1, 1);
        (server.first_request().unwrap() - started, usage.time)
    });
    let (best, whole) = times.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    row("start to first request", format!("{:.0} ms", best * 1e3), String::new());
    row("a run of one image, whole", format!("{:.0} ms", whole.as_secs_f64() * 1e3), String::new());
}

fn row(what: &str, figure: String, beside: String) {
    println!("{what:<52}{figure:>12}   {beside}");
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

struct Server {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

/// What a process took.
struct Usage {
    time: Duration,
    processor: Duration,
    peak_kib: u64,
}

impl Server {
    fn start(program: &Path, latency_ms: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port_file = folder.path().join("port");
        let child = Command::new(program)
            .args(["--port", "0", "--quiet", "--reply-bytes", REPLY_BYTES, "--latency-ms", &latency_ms.to_string()])
            .arg("--port-file")
            .arg(&port_file)
            .arg("--log")
            .arg(folder.path().join("log"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let port = (0..600).find_map(|_| {
            thread::sleep(Duration::from_millis(50));
            fs::read_to_string(&port_file).ok()?.trim().parse().ok()
        });
        Self { child, port: port.unwrap(), folder }
    }

    fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// Seconds since it started, by its own clock.
    fn uptime(&self) -> f64 {
        let mut connection = std::net::TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        connection.write_all(b"GET /stats HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let answer = std::io::read_to_string(connection).unwrap();
        let stats: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        stats["uptime_s"].as_f64().unwrap()
    }

    /// When the first request came, by the same clock; the log is written a little later.
    fn first_request(&self) -> Option<f64> {
        (0..400).find_map(|_| {
            thread::sleep(Duration::from_millis(25));
            let log = fs::read_to_string(self.folder.path().join("log")).ok()?;
            let (line, _) = log.split_once('\n')?;
            serde_json::from_str::<Value>(line).ok()?["t"].as_f64()
        })
    }

    /// The program about so many images.
    fn run(&self, n: usize, concurrency: usize) -> Usage {
        let records = self.folder.path().join("records.jsonl");
        write_records(&records, n);
        let mut command = Command::new(env!("CARGO_BIN_EXE_svitgen"));
        command
            .args(["generate", "--task", "complex_reasoning", "--top-ups", "0", "--llm", "openai", "--model", "m"])
            .args(["--quiet", "--base-url", &self.base_url(), "--concurrency", &concurrency.to_string(), "--records"])
            .arg(records)
            .arg("--out")
            .arg(self.folder.path().join("run"));
        measure(&mut command)
    }

    /// The bare loop, in a process of its own.
    fn bare(&self, n: usize, concurrency: usize) -> Usage {
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .env("SVITGEN_BENCH_BARE", self.base_url())
            .env("SVITGEN_BENCH_N", n.to_string())
            .env("SVITGEN_BENCH_CONCURRENCY", concurrency.to_string());
        measure(&mut command)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Runs a command to its end. CPU time and memory are those that Linux reports, looked up until it is gone.
fn measure(command: &mut Command) -> Usage {
    let start = Instant::now();
    let mut child = command.env("NO_PROXY", "127.0.0.1").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let before = children_processor_time();
    let mut peak_kib = 0;
    let status = loop {
        let memory = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = memory.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak_kib = peak_kib.max(line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        thread::sleep(Duration::from_millis(2));
    };
    assert!(status.success(), "{status}");
    Usage { time: start.elapsed(), processor: children_processor_time() - before, peak_kib }
}

/// CPU time of the children that have ended, in the kernel's ticks of 10 ms.
fn children_processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis((ticks(13) + ticks(14)) * 10)
}

/// Images whose prompts have about 6 KB.
fn write_records(path: &Path, n: usize) {
    let mut file = std::io::BufWriter::new(fs::File::create(path).unwrap());
    for index in 0..n {
        // In thousandths, as boxes in files mostly are.
        let edge = |i: usize, plus: usize| ((i * 37 + index) % 50 * 10 + plus) as f64 / 1_000.0;
        let objects: Vec<Value> = (0..30)
            .map(|i| json!({"names": [format!("thing{i}")], "bbox": [edge(i, 0), edge(i + 1, 0), edge(i, 300), edge(i + 1, 400)]}))
            .collect();
        let regions: Vec<Value> = (0..50)
            .map(|i| json!({"phrase": format!("the thing {i} of picture {index} stands near the old wall"), "bbox": [edge(i, 0), edge(i + 2, 0), edge(i, 200), edge(i + 2, 300)]}))
            .collect();
        let caption = format!("Things near a wall, image_id img{index}");
        let record = json!({"id": index, "width": 640, "height": 480, "captions": [caption], "objects": objects, "regions": regions});
        writeln!(file, "{record}").unwrap();
    }
    file.flush().unwrap();
}

/// Requests in a loop, a scanner for lines, and nothing else.
fn bare_loop() {
    let base_url = env::var("SVITGEN_BENCH_BARE").unwrap();
    let n = number("SVITGEN_BENCH_N", 1);
    // The same crypto as the program's; nothing here is encrypted.
    rustls::crypto::ring::default_provider().install_default().ok();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let prompt = "Question: a line of a prompt, as long as those of the program. ".repeat(PROMPT_BYTES / 63);
    let calls = futures::stream::iter(0..n).map(|index| {
        let content = format!("{prompt} image_id img{index}");
        let body = json!({"model": "m", "messages": [{"role": "user", "content": content}]}).to_string();
        let request = client.post(format!("{base_url}/chat/completions")).header("content-type", "application/json");
        async move {
            let bytes = request.body(body).send().await.unwrap().bytes().await.unwrap();
            let reply: Value = serde_json::from_slice(&bytes).unwrap();
            let text = reply["choices"][0]["message"]["content"].as_str().unwrap();
            text.lines().filter(|line| line.starts_with("Question:") || line.starts_with("Answer:")).count()
        }
    });
    let concurrency = number("SVITGEN_BENCH_CONCURRENCY", 64);
    let n_lines: usize = runtime.block_on(calls.buffer_unordered(concurrency).fold(0, |sum, n| async move { sum + n }));
    assert!(n_lines > 0);
}
