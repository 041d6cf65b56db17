//! As much of HTTP/1.1 (RFC 9112) as agent programs use against a server on this machine.

use std::io::{self, BufRead, Read, Write};
use std::net::{Shutdown, TcpStream};

use serde_json::{Value, json};

/// The longest header line and the largest body; real requests stay far below.
const LINE_LIMIT: u64 = 64 * 1024;
const BODY_LIMIT: usize = 64 * 1024 * 1024;
const HEADERS_LIMIT: usize = 200;

/// A request with its whole body.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    headers: Vec<(String, String)>,
    /// The body as JSON; a text that is none is kept under `unparsed`.
    pub(super) body: Value,
}

impl Request {
    /// The next request, or `None` when the client is done.
    pub(super) fn read(
        reader: &mut impl BufRead,
        connection: &mut Connection,
    ) -> io::Result<Option<Self>> {
        let first = line(reader)?;
        let mut words = first.split(' ');
        let (Some(method), Some(path)) = (words.next(), words.next()) else {
            return Ok(None);
        };
        let (method, path) = (method.to_owned(), path.to_owned());
        let mut headers = Vec::new();
        loop {
            let header = line(reader)?;
            if header.is_empty() {
                break;
            }
            if headers.len() == HEADERS_LIMIT {
                return Err(io::Error::other("too many headers"));
            }
            if let Some((name, value)) = header.split_once(':') {
                headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        let mut request = Self {
            method,
            path,
            headers,
            body: Value::Null,
        };
        if request
            .header("expect")
            .is_some_and(|expect| expect.eq_ignore_ascii_case("100-continue"))
        {
            connection.bytes(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let raw = request.read_body(reader)?;
        request.body = match serde_json::from_slice(&raw) {
            _ if raw.is_empty() => json!({}),
            Ok(body) => body,
            Err(_) => json!({"unparsed": String::from_utf8_lossy(&raw[..raw.len().min(2000)])}),
        };
        Ok(Some(request))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }

    fn read_body(&self, reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
        let chunked = self
            .header("transfer-encoding")
            .is_some_and(|encoding| encoding.eq_ignore_ascii_case("chunked"));
        let mut body = Vec::new();
        if !chunked {
            let length = self
                .header("content-length")
                .and_then(|length| length.parse().ok())
                .unwrap_or(0);
            part(reader, length, &mut body)?;
            return Ok(body);
        }
        loop {
            let size = line(reader)?;
            let size = size.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
            if size == 0 {
                // Trailers, if any, end with an empty line.
                while !line(reader)?.is_empty() {}
                return Ok(body);
            }
            part(reader, size, &mut body)?;
            line(reader)?;
        }
    }

    /// The request for the log; keys are no one's business.
    pub(super) fn log(&self) -> Value {
        const SECRET: [&str; 3] = ["authorization", "x-api-key", "cookie"];
        let headers = self.headers.iter().map(|(name, value)| {
            let shown = if SECRET.contains(&name.as_str()) {
                "<redacted>"
            } else {
                value
            };
            (name.clone(), json!(shown))
        });
        let headers: serde_json::Map<String, Value> = headers.collect();
        json!({"method": self.method, "path": self.path, "headers": headers, "body": self.body})
    }
}

/// A line without its end; empty at the end of the stream.
fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    reader.take(LINE_LIMIT).read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

fn part(reader: &mut impl BufRead, length: usize, body: &mut Vec<u8>) -> io::Result<()> {
    if length > BODY_LIMIT || body.len() + length > BODY_LIMIT {
        return Err(io::Error::other("the body is too large"));
    }
    let start = body.len();
    body.resize(start + length, 0);
    reader.read_exact(&mut body[start..])
}

/// The answering side.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
}

impl Connection {
    pub(super) const fn new(stream: TcpStream) -> Self {
        Self { stream }
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub(super) fn close(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Both)
    }

    /// A whole answer; the connection stays open.
    pub(super) fn json(
        &mut self,
        status: u16,
        headers: &[(String, String)],
        body: &Value,
    ) -> io::Result<()> {
        let body = body.to_string();
        let length = body.len();
        let answer = format!(
            "{}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}",
            head(status, headers)
        );
        self.bytes(answer.as_bytes())
    }

    /// The head of an event stream, which ends with the connection.
    pub(super) fn start_events(&mut self, headers: &[(String, String)]) -> io::Result<()> {
        let mut answer = head(200, headers);
        answer.push_str("content-type: text/event-stream\r\ncache-control: no-cache\r\nconnection: close\r\n\r\n");
        self.bytes(answer.as_bytes())
    }

    /// One server-sent event, named by its own type.
    pub(super) fn event(&mut self, data: &Value) -> io::Result<()> {
        let name = data["type"].as_str().unwrap_or("message");
        self.bytes(format!("event: {name}\ndata: {data}\n\n").as_bytes())
    }
}

fn head(status: u16, headers: &[(String, String)]) -> String {
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    format!("HTTP/1.1 {status} Scripted\r\n{headers}")
}
