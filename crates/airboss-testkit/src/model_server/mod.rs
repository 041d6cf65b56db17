//! A scripted model server on 127.0.0.1, so that real agent programs can be flown in tests.
//!
//! It speaks the Anthropic Messages API (`/v1/messages`, `/count_tokens`), the
//! OpenAI Responses API (`/v1/responses`) and `/v1/models`. The base URL names the
//! scenario and a tag: `http://127.0.0.1:PORT/s/SCENARIO/TAG`. What is answered
//! follows from the request alone (see [`rules`]), so that retries and parallel
//! agents need no care; only `flaky500` counts requests, by tag.

mod anthropic;
mod http;
mod responses;
pub mod rules;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use self::http::{Connection, Request};
use self::rules::{Failure, Reply, Scenario};

/// How long a hanging answer hangs; longer than any agent is given.
const HANG: Duration = Duration::from_secs(600);

/// A running server; dropping it stops it.
#[derive(Debug)]
pub struct ModelServer {
    /// The port on 127.0.0.1.
    pub port: u16,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

/// What connections share. Locks, because each connection has its own thread and
/// tests read the log while agents still talk; each is held for one push or copy.
#[derive(Debug, Default)]
struct Shared {
    log: Mutex<BTreeMap<String, Vec<Value>>>,
    /// How many requests with tools each tag has made.
    turns: Mutex<BTreeMap<String, u64>>,
    ids: AtomicU64,
    stopping: Mutex<bool>,
    stopped: Condvar,
}

impl ModelServer {
    /// Starts a server on a free port.
    ///
    /// # Errors
    /// When no port can be bound.
    pub fn start() -> io::Result<Self> {
        Self::on(0)
    }

    /// Starts a server on this port.
    ///
    /// # Errors
    /// When the port cannot be bound.
    pub fn on(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || accept(&listener, &for_thread));
        Ok(Self {
            port,
            shared,
            listener: Some(thread),
        })
    }

    /// The base URL of a scenario. Requests are logged under `tag`.
    #[must_use]
    pub fn base_url(&self, scenario: &str, tag: &str) -> String {
        format!("http://127.0.0.1:{}/s/{scenario}/{tag}", self.port)
    }

    /// The requests made under `tag`, in order: `method`, `path`, `headers` (without
    /// the values of keys), `body`.
    #[must_use]
    pub fn requests(&self, tag: &str) -> Vec<Value> {
        lock(&self.shared.log).get(tag).cloned().unwrap_or_default()
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        *lock(&self.shared.stopping) = true;
        self.shared.stopped.notify_all();
        // Wakes the listener from its wait; it then sees that it is over.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        if let Some(thread) = self.listener.take() {
            drop(thread.join());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if *lock(&shared.stopping) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            // A client that goes away in the middle is not this server's error.
            drop(serve(stream, &shared));
        });
    }
}

/// Answers requests until the client or an answer closes the connection.
fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut connection = Connection::new(stream);
    while let Some(request) = Request::read(&mut reader, &mut connection)? {
        if !answer(&request, &mut connection, shared)? || *lock(&shared.stopping) {
            break;
        }
    }
    connection.close()
}

/// Answers one request; `false` closes the connection.
fn answer(request: &Request, connection: &mut Connection, shared: &Shared) -> io::Result<bool> {
    let (scenario, tag, path) = route(&request.path);
    lock(&shared.log)
        .entry(tag.to_owned())
        .or_default()
        .push(request.log());
    let Some(scenario) = Scenario::parse(scenario) else {
        let message = format!(
            "unknown scenario `{scenario}`; known are {}",
            rules::SCENARIOS.join(", ")
        );
        return connection
            .json(404, &[], &error_body("not_found_error", &message))
            .map(|()| true);
    };
    let api = match (request.method.as_str(), path) {
        ("HEAD", _) => return connection.json(200, &[], &json!({})).map(|()| true),
        ("POST", path) if path.ends_with("/count_tokens") => {
            return connection
                .json(200, &[], &json!({"input_tokens": 100}))
                .map(|()| true);
        }
        ("GET", path) if path.ends_with("/models") => {
            let models = json!({"object": "list", "has_more": false, "models": [], "data": [
                {"id": "mock-model", "object": "model", "type": "model", "display_name": "mock"}]});
            return connection.json(200, &[], &models).map(|()| true);
        }
        ("POST", path) if path.ends_with("/messages") => Api::Anthropic,
        ("POST", path) if path.ends_with("/responses") => Api::Responses,
        (method, path) => {
            let message = format!("no endpoint {method} {path}");
            return connection
                .json(404, &[], &error_body("not_found_error", &message))
                .map(|()| true);
        }
    };
    converse(api, scenario, tag, request, connection, shared)
}

/// Which API a request speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Api {
    Anthropic,
    Responses,
}

/// What is needed to write one answer.
struct Answer<'a> {
    /// A number that no other answer has.
    number: u64,
    model: &'a str,
    stream: bool,
    headers: Vec<(String, String)>,
    reply: Reply,
    /// Where the answer breaks off, if it does.
    failure: Option<Failure>,
}

fn converse(
    api: Api,
    scenario: Scenario,
    tag: &str,
    request: &Request,
    connection: &mut Connection,
    shared: &Shared,
) -> io::Result<bool> {
    let body = &request.body;
    let conversation = match api {
        Api::Anthropic => anthropic::read(body),
        Api::Responses => responses::read(body),
    };
    let turn = {
        let mut turns = lock(&shared.turns);
        let turn = turns.entry(tag.to_owned()).or_default();
        *turn += u64::from(!conversation.tools.is_empty());
        *turn
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs());
    if let Some((status, headers, error)) = rules::refusal(scenario, turn, now) {
        let kind = error.0;
        let body = match api {
            Api::Anthropic => error_body(kind, error.1),
            Api::Responses => {
                json!({"error": {"type": kind, "code": kind, "message": error.1, "param": null}})
            }
        };
        return connection.json(status, &headers, &body).map(|()| true);
    }
    let failure = rules::failure(scenario);
    match failure {
        Some(Failure::Drop) => return Ok(false),
        Some(Failure::Hang) => {
            shared.hang();
            return Ok(false);
        }
        _ => {}
    }
    // Requests without tools are side requests, such as titles; they always succeed.
    let side = conversation.tools.is_empty();
    let answer = Answer {
        number: shared.ids.fetch_add(1, Ordering::Relaxed),
        model: body["model"].as_str().unwrap_or("mock"),
        stream: body["stream"] == true,
        headers: rules::headers(scenario, now),
        reply: rules::reply(scenario, &conversation),
        failure: failure.filter(|_| !side),
    };
    let whole = match api {
        Api::Anthropic => anthropic::write(&answer, connection)?,
        Api::Responses => responses::write(&answer, connection)?,
    };
    if !whole && answer.failure == Some(Failure::HangMidway) {
        shared.hang();
    }
    Ok(!answer.stream)
}

impl Shared {
    /// Waits until the server stops, but not for ever.
    fn hang(&self) {
        let stopping = lock(&self.stopping);
        drop(
            self.stopped
                .wait_timeout_while(stopping, HANG, |stopping| !*stopping),
        );
    }
}

/// Scenario, tag and the rest of a path; a path without them is scenario `ok`.
fn route(path: &str) -> (&str, &str, &str) {
    let path = path.split('?').next().unwrap_or(path);
    let parts = path.strip_prefix("/s/").and_then(|rest| {
        let (scenario, rest) = rest.split_once('/')?;
        let (tag, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Some((scenario, tag, rest))
    });
    parts.unwrap_or(("ok", "untagged", path))
}

fn error_body(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_mock"})
}

/// A text in pieces of at most so many characters, as a model would write it.
fn pieces(text: &str, size: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters
        .chunks(size)
        .map(|piece| piece.iter().collect())
        .collect()
}
