//! A file as a form of several parts, sent while it is read.

use std::io::{self, Read};

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use reqwest::Body;

/// A form, its type and its length.
pub(in crate::llm::openai) struct Form {
    pub(in crate::llm::openai) content_type: &'static str,
    pub(in crate::llm::openai) body: Body,
    pub(in crate::llm::openai) length: u64,
}

/// Lines of JSON start with a brace and hold no line ends, so none of them can be taken for this.
const CONTENT_TYPE: &str = "multipart/form-data; boundary=svitgen-requests-of-a-batch";
const TAIL: &str = "\r\n--svitgen-requests-of-a-batch--\r\n";

/// How much is read at a time, in bytes.
const PIECE: usize = 64 << 10;

pub(super) fn form(name: &str, content: impl Read + Send + 'static, length: u64) -> Form {
    let name: String = name.chars().map(|c| if c.is_control() || matches!(c, '"' | '\\') { '_' } else { c }).collect();
    let head = format!(
        "--svitgen-requests-of-a-batch\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n\
         --svitgen-requests-of-a-batch\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: application/jsonl\r\n\r\n"
    );
    let total = (head.len() + TAIL.len()) as u64 + length;
    let pieces = stream::iter(Pieces(content.take(length)));
    let ends = |text: String| stream::iter([io::Result::Ok(Bytes::from(text))]);
    let body = Body::wrap_stream(ends(head).chain(pieces).chain(ends(TAIL.to_owned())));
    Form { content_type: CONTENT_TYPE, body, length: total }
}

struct Pieces<R>(R);

impl<R: Read> Iterator for Pieces<R> {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut piece = vec![0; PIECE];
        match self.0.read(&mut piece) {
            Ok(0) => None,
            Ok(length) => {
                piece.truncate(length);
                Some(Ok(piece.into()))
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Some(Ok(Bytes::new())),
            Err(error) => Some(Err(error)),
        }
    }
}
