//! The page and the pictures in a real browser, where `AIRBOSS_TEST_CHROMIUM` names one: no script
//! error, no request, readable in both colour schemes, on a desk and on a telephone.
//!
//! It is driven by the DevTools protocol over a pair of pipes. `AIRBOSS_TEST_SCREENSHOTS` names a
//! directory that pictures of the page are left in, for a person to look at.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says when it is skipped"
)]

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::flown;

/// A browser starts in a second; a busy machine gets very many times that.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a page says that it should not: requests, exceptions, complaints on its console.
#[derive(Debug, Default, PartialEq)]
struct Noise {
    requests: Vec<String>,
    exceptions: Vec<String>,
    complaints: Vec<String>,
}

struct Browser {
    child: Child,
    commands: fs_err::File,
    messages: Receiver<Value>,
    session: Option<String>,
    id: u64,
    noise: Noise,
    scratch: tempfile::TempDir,
}

impl Browser {
    /// Starts the browser; `None`, and a line that says so, when none is named.
    fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("AIRBOSS_TEST_CHROMIUM") else {
            eprintln!("skipped: AIRBOSS_TEST_CHROMIUM names no browser");
            return None;
        };
        let scratch = tempfile::tempdir().unwrap();
        let [commands, answers] = ["commands", "answers"].map(|name| scratch.path().join(name));
        let made = Command::new("mkfifo").arg(&commands).arg(&answers).status();
        assert!(made.unwrap().success());
        // The protocol's pipes are the descriptors 3 and 4.
        let child = Command::new("sh")
            .args([
                "-c",
                r#"in=$1; out=$2; shift 2; exec "$@" 3<"$in" 4>"$out""#,
                "sh",
            ])
            .args([&commands, &answers])
            .arg(program)
            .args([
                "--headless",
                "--remote-debugging-pipe",
                "--no-sandbox",
                "--disable-gpu",
            ])
            .args([
                "--no-first-run",
                "--disable-background-networking",
                "--hide-scrollbars",
            ])
            .arg("--host-resolver-rules=MAP * ~NOTFOUND")
            .arg(format!(
                "--user-data-dir={}",
                scratch.path().join("profile").display()
            ))
            .env("HOME", scratch.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let commands = fs_err::OpenOptions::new()
            .write(true)
            .open(&commands)
            .unwrap();
        let answers = fs_err::File::open(&answers).unwrap();
        let mut browser = Self {
            child,
            commands,
            messages: listen(answers),
            session: None,
            id: 0,
            noise: Noise::default(),
            scratch,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    fn send(&mut self, method: &str, parameters: Value) {
        self.id += 1;
        let mut message = json!({ "id": self.id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let bytes = format!("{message}\0");
        self.commands.write_all(bytes.as_bytes()).unwrap();
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.send(method, parameters);
        let id = self.id;
        let answer = self.until(|message| message["id"] == id);
        assert_eq!(answer["error"], Value::Null, "{method}");
        answer["result"].clone()
    }

    fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self
                .messages
                .recv_timeout(left)
                .expect("the browser answers");
            self.hear(&message);
            if wanted(&message) {
                return message;
            }
        }
    }

    fn hear(&mut self, message: &Value) {
        let parameters = &message["params"];
        let list = match message["method"].as_str() {
            Some("Network.requestWillBeSent") => {
                let url = parameters["request"]["url"].as_str().unwrap().to_owned();
                self.noise.requests.push(url);
                return;
            }
            Some("Runtime.exceptionThrown") => &mut self.noise.exceptions,
            Some("Log.entryAdded" | "Runtime.consoleAPICalled") => &mut self.noise.complaints,
            _ => return,
        };
        list.push(parameters.to_string());
    }

    /// Opens a document and waits until it is loaded; what it did meanwhile.
    fn open(&mut self, name: &str, document: &str) -> Noise {
        let file = self.scratch.path().join(name);
        fs_err::write(&file, document).unwrap();
        self.noise = Noise::default();
        let url = format!("file://{}", file.display());
        self.call("Page.navigate", json!({ "url": url }));
        self.until(|message| message["method"] == "Page.loadEventFired");
        // A turn of the event loop, so that everything that was begun has been told.
        self.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))");
        let mut noise = std::mem::take(&mut self.noise);
        noise.requests.retain(|request| *request != url);
        noise
    }

    fn evaluate(&mut self, expression: &str) -> Value {
        let parameters =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", parameters);
        assert_eq!(answer["exceptionDetails"], Value::Null, "{expression}");
        answer["result"]["value"].clone()
    }

    fn look(&mut self, scheme: &str, (width, height): (u32, u32)) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        );
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Keeps a picture of what is seen, where somebody wants to look at it.
    fn picture(&mut self, name: &str) {
        let shot = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        let bytes = decoded(shot["data"].as_str().unwrap());
        assert!(
            bytes.starts_with(b"\x89PNG") && bytes.len() > 5_000,
            "{name}"
        );
        if let Some(directory) = std::env::var_os("AIRBOSS_TEST_SCREENSHOTS") {
            fs_err::create_dir_all(Path::new(&directory)).unwrap();
            fs_err::write(Path::new(&directory).join(name), bytes).unwrap();
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.session = None;
        if !thread::panicking() {
            self.send("Browser.close", json!({}));
        } else {
            self.child.kill().ok();
        }
        self.child.wait().ok();
    }
}

/// The browser's messages; each ends with a byte of zero.
fn listen(mut answers: fs_err::File) -> Receiver<Value> {
    let (sender, messages) = channel();
    thread::spawn(move || {
        let mut buffer = Vec::new();
        let mut piece = vec![0; 1 << 16];
        while let Ok(count @ 1..) = answers.read(&mut piece) {
            buffer.extend_from_slice(&piece[..count]);
            while let Some(end) = buffer.iter().position(|byte| *byte == 0) {
                let message: Vec<u8> = buffer.drain(..=end).collect();
                let message = serde_json::from_slice(&message[..end]).unwrap();
                if sender.send(message).is_err() {
                    return;
                }
            }
        }
    });
    messages
}

/// Base 64, RFC 4648 section 4.
fn decoded(text: &str) -> Vec<u8> {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for character in text.chars().filter(|it| *it != '=') {
        bits = bits << 6 | u32::try_from(alphabet.find(character).unwrap()).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    bytes
}

/// Every element with text of its own whose contrast against its ground is below 4.5 to 1.
const FAINT: &str = r"(() => {
  const parse = color => color.match(/[\d.]+/g).map(Number);
  const channel = value => (value /= 255) <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
  const ground = element => {
    for (; element; element = element.parentElement) {
      const color = parse(getComputedStyle(element).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const own = element => [...element.childNodes].some(it => it.nodeType === 3 && it.data.trim());
  return [...document.body.querySelectorAll('*:not(svg *)')].filter(own).map(element => {
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), element.outerHTML.slice(0, 80)];
  }).filter(([ratio]) => ratio < 4.5).map(String);
})()";

const WIDER_THAN_THE_SCREEN: &str = "document.documentElement.scrollWidth > innerWidth";

#[test]
fn the_page_is_quiet_and_readable_in_both_schemes_and_sizes() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let page = flown().run(["report", "--html", "-"]).stdout;
    let grounds = [("light", "rgb(255, 255, 255)"), ("dark", "rgb(15, 20, 27)")];
    for (scheme, ground) in grounds {
        for (size, word) in [((1280, 900), "desk"), ((375, 800), "phone")] {
            browser.look(scheme, size);
            let noise = browser.open("page.html", &page);
            assert_eq!(noise, Noise::default(), "{scheme}, {word}");
            let found = browser.evaluate("getComputedStyle(document.body).backgroundColor");
            assert_eq!(found, ground);
            assert_eq!(browser.evaluate(FAINT), json!([]), "{scheme}, {word}");
            assert_eq!(
                browser.evaluate(WIDER_THAN_THE_SCREEN),
                false,
                "{scheme}, {word}"
            );
            assert_eq!(browser.evaluate("document.scripts.length"), 0);
            let lead = browser.evaluate("document.querySelector('.lead').innerText");
            assert_eq!(
                lead,
                "4 of 8 steps verified, 1 failed, 1 waits for you, 1 blocked, 1 skipped"
            );
            browser.picture(&format!("report-{scheme}-{word}.png"));
        }
    }
}

#[test]
fn pictures_are_documents_of_their_own() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    for (command, name) in [("report", "timeline"), ("graph", "graph")] {
        let picture = flown().run([command, "--svg", "-"]).stdout;
        for scheme in ["light", "dark"] {
            browser.look(scheme, (1280, 900));
            let noise = browser.open(&format!("{name}.svg"), &picture);
            assert_eq!(noise, Noise::default(), "{name}");
            // A document that is not well-formed has an element that says so.
            let broken = browser.evaluate("document.querySelectorAll('parsererror').length");
            assert_eq!(broken, 0);
            assert_eq!(browser.evaluate("document.documentElement.tagName"), "svg");
            browser.picture(&format!("{name}-{scheme}.png"));
        }
    }
}

/// What a hostile plan would put into the page, if it could.
const HOSTILE: &str = "<script>nobody()</script><img src=\"http://192.0.2.1/x.png\">";

#[test]
fn the_browser_tells_of_scripts_and_requests_and_the_policy_stops_them() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let open = browser.open("open.html", &format!("<!doctype html><body>{HOSTILE}"));
    assert_eq!(open.requests, ["http://192.0.2.1/x.png"]);
    assert_eq!(open.exceptions.len(), 1, "{open:?}");
    let page = flown().run(["report", "--html", "-"]).stdout;
    let with = page.replace("</body>", &format!("{HOSTILE}</body>"));
    let closed = browser.open("closed.html", &with);
    assert_eq!(closed.exceptions, Vec::<String>::new());
    assert!(closed.complaints.len() >= 2, "{closed:?}");
    let complaints = closed.complaints.join("\n");
    assert!(
        complaints.contains("Content Security Policy"),
        "{complaints}"
    );
}
