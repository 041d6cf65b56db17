//! JSON-RPC on standard input and output, one message a line.
//!
//! Lines are bounded. One that is too long or no message is answered with an error and the next
//! one is read: a client's slip never ends the server, and never leaves it waiting in vain.

use std::future::ready;
use std::io::{self, BufRead, Read, Write as _};
use std::thread;

use rmcp::RoleServer;
use rmcp::model::{ErrorCode, ErrorData, JsonRpcMessage, RequestId};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde::Deserialize;
use tokio::sync::mpsc::{Receiver, channel};

/// Bytes of a line: the longest text that a report may have, escaped, fits twice.
const LINE_MAX: usize = 1 << 20;
/// So much of a line that is too long is searched for the id that its answer has to carry.
const SEARCHED_MAX: u64 = 64 << 20;
/// Messages read ahead; a client waits for an answer before it says much more.
const AHEAD: usize = 16;
/// Enough for a message of 128 levels, the most that is read, also in a slow build.
const STACK_BYTES: usize = 8 << 20;

/// The client at the other end.
pub(super) struct Lines {
    incoming: Receiver<RxJsonRpcMessage<RoleServer>>,
    /// A request has come.
    begun: bool,
}

impl Lines {
    /// Reads standard input on a thread of its own, since a read cannot be given up.
    pub(super) fn of_standard_streams() -> io::Result<Self> {
        let (sender, incoming) = channel(AHEAD);
        let reader = thread::Builder::new()
            .name("stdin".to_owned())
            .stack_size(STACK_BYTES);
        reader.spawn(move || {
            let mut input = io::stdin().lock();
            // An input that cannot be read any more has ended.
            while let Ok(Some(line)) = next_line(&mut input) {
                let is_heard = match line {
                    Ok(message) => sender.blocking_send(message).is_ok(),
                    Err(answer) => write(&answer).is_ok(),
                };
                if !is_heard {
                    return;
                }
            }
        })?;
        Ok(Self {
            incoming,
            begun: false,
        })
    }
}

impl Transport<RoleServer> for Lines {
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        // One client, and nothing to do but to answer it: it may be waited for.
        ready(write(&message))
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let message = self.incoming.recv().await?;
            self.begun |= matches!(message, JsonRpcMessage::Request(_));
            // Before the first request there is nothing to notify anybody of.
            if self.begun {
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.incoming.close();
        Ok(())
    }
}

fn write(message: &TxJsonRpcMessage<RoleServer>) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let mut output = io::stdout().lock();
    output.write_all(&line)?;
    output.flush()
}

/// A message, or the answer to what is none.
type Heard = Result<RxJsonRpcMessage<RoleServer>, Box<TxJsonRpcMessage<RoleServer>>>;

/// The next line that says something; `None` at the end.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<Heard>> {
    loop {
        let mut line = Vec::new();
        let bound = LINE_MAX as u64 + 1;
        if input.by_ref().take(bound).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if line.len() > LINE_MAX && !line.ends_with(b"\n") {
            let mut rest = RestOfLine {
                input,
                is_over: false,
            };
            let id = id_in(line.chain(rest.by_ref()).take(SEARCHED_MAX));
            io::copy(&mut rest, &mut io::sink())?;
            let text = format!("a line may have at most {LINE_MAX} bytes");
            let answer = refusal(ErrorCode::INVALID_REQUEST, text, id);
            return Ok(Some(Err(Box::new(answer))));
        }
        if !line.trim_ascii().is_empty() {
            return Ok(Some(message(&line)));
        }
    }
}

fn message(line: &[u8]) -> Heard {
    serde_json::from_slice(line).map_err(|error| {
        let code = if error.is_data() {
            ErrorCode::INVALID_REQUEST
        } else {
            ErrorCode::PARSE_ERROR
        };
        let text = format!("this is no message: {error}");
        Box::new(refusal(code, text, id_in(line)))
    })
}

fn refusal(code: ErrorCode, text: String, id: Option<RequestId>) -> TxJsonRpcMessage<RoleServer> {
    JsonRpcMessage::error(ErrorData::new(code, text, None), id)
}

/// The id of a request, found without keeping the rest of it.
fn id_in(line: impl Read) -> Option<RequestId> {
    #[derive(Deserialize)]
    struct Envelope {
        id: RequestId,
    }
    let envelope: Envelope = serde_json::from_reader(io::BufReader::new(line)).ok()?;
    Some(envelope.id)
}

/// What is left of a line.
struct RestOfLine<'input, R> {
    input: &'input mut R,
    is_over: bool,
}

impl<R: BufRead> Read for RestOfLine<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_over || buffer.is_empty() {
            return Ok(0);
        }
        let available = self.input.fill_buf()?;
        let end = available.iter().position(|byte| *byte == b'\n');
        let count = end.unwrap_or(available.len()).min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.is_over = end == Some(count) || available.is_empty();
        // The line break is read, too, and given to nobody.
        self.input.consume(count + usize::from(end == Some(count)));
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is heard of an input: methods, and the refusals with their ids.
    fn check(input: &[u8], expected: &[&str]) {
        let mut input = io::BufReader::with_capacity(7, input);
        let mut heard = Vec::new();
        while let Some(line) = next_line(&mut input).unwrap() {
            let value = match line {
                Ok(message) => serde_json::to_value(message).unwrap()["method"].to_string(),
                Err(answer) => {
                    let answer = serde_json::to_value(answer).unwrap();
                    let message = answer["error"]["message"].as_str().unwrap();
                    let head = message.split(':').next().unwrap();
                    format!("{} {} {head}", answer["id"], answer["error"]["code"])
                }
            };
            heard.push(value);
        }
        assert_eq!(heard, expected);
    }

    #[test]
    fn a_slip_does_not_hide_what_follows() {
        let ping = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let mut input = b"\r\n{\nnull\n[]\n{\"id\":7}\n\xff\n".to_vec();
        input.extend(ping);
        input.push(b'\n');
        check(
            &input,
            &[
                "null -32700 this is no message",
                "null -32600 this is no message",
                "null -32600 this is no message",
                "7 -32600 this is no message",
                "null -32700 this is no message",
                "\"ping\"",
            ],
        );
    }

    #[test]
    fn a_line_that_is_too_long_is_answered_by_its_id() {
        let long = |before: &str, after: &str| {
            let text = "x".repeat(LINE_MAX);
            format!("{{{before}\"text\":\"{text}\"{after}}}\n")
        };
        let mut input = long("\"id\":3,", "");
        input += &long("", ",\"id\":\"four\"");
        input += &long("", "");
        input += "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ping\"}";
        let told = "-32600 a line may have at most 1048576 bytes";
        check(
            input.as_bytes(),
            &[
                &format!("3 {told}"),
                &format!("\"four\" {told}"),
                &format!("null {told}"),
                "\"ping\"",
            ],
        );
    }
}
