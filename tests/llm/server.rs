//! The server for tests of clients.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use svitgen::llm::testing::{FaultServer, ServerReply};

/// A client of a few lines; a read that takes a minute is an error.
fn connect(server: &FaultServer) -> TcpStream {
    let address = server.base_url().replace("http://", "").replace("/v1", "");
    let connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    connection
}

fn send(connection: &mut TcpStream, text: &str) {
    let body = serde_json::json!({"messages": [{"role": "user", "content": text}]}).to_string();
    let head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n";
    write!(connection, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
}

fn read_all(connection: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that is reset has said all that it had to say.
    let _ = connection.read_to_end(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

#[test]
fn it_answers_and_misbehaves_as_told() {
    let server = FaultServer::start(|n, request| match n {
        0 => ServerReply::status(429).with_header("Retry-After", "7"),
        1 => ServerReply::completion(&format!("You said {}.", request.last_user_text())).cut_after(40),
        2 => ServerReply::closed(),
        _ => ServerReply::completion("whole").with_delay(Duration::from_millis(1)),
    })
    .unwrap();
    // The first two on one connection.
    let mut connection = connect(&server);
    send(&mut connection, "one");
    send(&mut connection, "two");
    let answers = read_all(&mut connection);
    let (first, second) = answers.split_at(answers.rfind("HTTP/1.1").unwrap());
    assert!(first.starts_with("HTTP/1.1 429 ") && first.contains("Retry-After: 7\r\n"), "{first}");
    let (head, body) = second.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 ") && body.len() == 40, "{second}");
    let announced = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
    assert!(announced.parse::<usize>().unwrap() > 100);

    let mut connection = connect(&server);
    send(&mut connection, "three");
    assert_eq!(read_all(&mut connection), "");

    let requests = server.requests();
    let texts: Vec<&str> = requests.iter().map(|request| request.last_user_text()).collect();
    assert_eq!(texts, ["one", "two", "three"]);
    assert_eq!(requests[0].header("authorization"), Some("Bearer k"));
    assert_eq!(requests[0].path, "/v1/chat/completions");
}

#[test]
fn what_hangs_ends_when_the_server_is_dropped() {
    let server = FaultServer::start(|_, _| ServerReply::hang()).unwrap();
    let mut connection = connect(&server);
    send(&mut connection, "anybody there?");
    connection.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert!(connection.read(&mut [0]).is_err(), "something was answered");
    connection.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    drop(server);
    assert_eq!(read_all(&mut connection), "");
}
