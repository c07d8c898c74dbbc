//! As much of HTTP/1.1 as the server needs.

use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use super::{ServerReply, ServerRequest};

/// The next request of a connection; `None` at its end.
pub(super) fn read(reader: &mut impl BufRead) -> io::Result<Option<ServerRequest>> {
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
    let mut request = ServerRequest { path, headers, body: Value::Null, bytes: Vec::new() };
    let n_bytes = request.header("content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
    reader.take(n_bytes).read_to_end(&mut request.bytes)?;
    request.body = serde_json::from_slice(&request.bytes).unwrap_or_default();
    Ok(Some(request))
}

/// Writes the head and the first bytes of the body.
pub(super) fn write(mut stream: &TcpStream, reply: &ServerReply, n_bytes: usize) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Ordered\r\nContent-Length: {}\r\n", reply.status, reply.body.len());
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(&reply.body[..n_bytes]);
    stream.write_all(&bytes)
}
