//! One GET request at a time over a UNIX socket, TCP, TLS or ssh, with a deadline and a size cap.
//!
//! A connection is used once: the daemon is near and the calls are few. Only over ssh, where a
//! connection is a login, one carries all calls. What came before a deadline
//! or a broken connection is kept and said to be cut: half of the event history is still evidence,
//! only its silence is not. RFC 9112 is spoken by `hyper`; nothing is written but the request.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::host::Host;
use super::ssh::{Helper, Ssh};

/// No answer is read beyond this: the longest honest one (an event history) is far below.
const CAP: usize = 64 << 20;

/// Why a call gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// Nobody could be reached.
    #[error("could not connect to `{host}`")]
    Connect {
        /// The address.
        host: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Nothing, or only a part, came in time.
    #[error("no complete answer to `GET {path}` came within {seconds} s")]
    Deadline {
        /// What was asked.
        path: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The daemon answered with an error.
    #[error("docker answered `GET {path}` with {status}: {message}")]
    Refused {
        /// What was asked.
        path: String,
        /// HTTP status.
        status: u16,
        /// The daemon's words.
        message: String,
    },
    /// The connection broke, or what came is not HTTP.
    #[error("the connection broke while reading the answer to `GET {path}`")]
    Broken {
        /// What was asked.
        path: String,
        /// What hyper said.
        #[source]
        source: hyper::Error,
    },
    /// The answer is longer than anything docker says.
    #[error("the answer to `GET {path}` is longer than {} MiB", CAP >> 20)]
    TooLong {
        /// What was asked.
        path: String,
    },
    /// The path and host do not make a request.
    #[error("`{path}` cannot be asked")]
    Request {
        /// What was asked.
        path: String,
        /// Why.
        #[source]
        source: hyper::http::Error,
    },
    /// The task that carried the call ended early.
    #[error("the call `GET {path}` was given up")]
    GivenUp {
        /// What was asked.
        path: String,
        /// What tokio said.
        #[source]
        source: tokio::task::JoinError,
    },
    /// The answer came, and is not what the API promises.
    #[error("the answer to `GET {path}` is not the JSON that docker promises")]
    Shape {
        /// What was asked.
        path: String,
        /// What the reader said.
        #[source]
        source: serde_json::Error,
    },
}

impl ApiError {
    /// In plain words, with the cause, for a gap or a refusal.
    pub(crate) fn plain(&self) -> String {
        use std::error::Error;
        let first = self.source();
        let deepest = std::iter::successors(first, |error| (*error).source()).last();
        match (self, deepest) {
            (Self::Connect { source, .. }, _)
                if source.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                "this user may not connect to it".to_owned()
            }
            (Self::Connect { source, .. }, _) => crate::found::plain(source),
            (_, Some(source)) => format!("{self} ({source})"),
            (_, None) => self.to_string(),
        }
    }

    /// Whether the daemon says that there is no such thing.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }
}

/// What came.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The body, whole or up to the cut.
    pub(crate) body: Vec<u8>,
    /// Why it ends early, if it does.
    pub(crate) cut: Option<ApiError>,
    /// The header `Server`.
    pub(crate) server: Option<String>,
}

impl Answer {
    /// The text, if it is whole.
    pub(crate) fn whole(self) -> Result<String, ApiError> {
        match self.cut {
            Some(cut) => Err(cut),
            None => Ok(String::from_utf8_lossy(&self.body).into_owned()),
        }
    }
}

/// A call under way.
pub(crate) struct Call {
    path: String,
    task: JoinHandle<Result<Answer, ApiError>>,
}

impl Call {
    /// What came.
    pub(crate) async fn answer(self) -> Result<Answer, ApiError> {
        let path = self.path;
        self.task.await.map_err(|source| ApiError::GivenUp { path, source })?
    }

    /// What came, if it is whole.
    pub(crate) async fn text(self) -> Result<String, ApiError> {
        self.answer().await?.whole()
    }
}

/// A daemon that can be asked.
#[derive(Debug, Clone)]
pub(crate) struct Daemon {
    /// Its address.
    pub(crate) host: Host,
    /// How long one call may take.
    pub(crate) patience: Duration,
    /// When all calls together must be over.
    pub(crate) until: Instant,
    /// The one connection of a login by ssh, once it is there.
    line: Arc<Mutex<Option<Line>>>,
}

/// A connection that carries one call after the other.
#[derive(Debug)]
struct Line {
    sender: http1::SendRequest<Empty<Bytes>>,
    helper: Helper,
}

/// All calls together: a daemon that lists and then hangs must not cost a deadline for each.
const ALTOGETHER: Duration = Duration::from_secs(10);

/// One call to a daemon on this machine; one that hangs is asked twice before that is said.
const NEAR: Duration = Duration::from_secs(4);

/// A daemon far away: a login by ssh alone may take some seconds.
const BY_SSH: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(30));
/// Another machine's daemon, spoken to directly.
const BY_TLS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(15));

/// A request's path without its query, which tells a reader nothing.
fn resource(path: &str) -> String {
    path.split('?').next().unwrap_or(path).to_owned()
}

impl Daemon {
    /// The daemon at this address.
    pub(crate) fn at(host: Host) -> Self {
        let (patience, altogether) = match &host {
            Host::Unix(_) | Host::Tcp { .. } => (NEAR, ALTOGETHER),
            Host::Tls { .. } => BY_TLS,
            Host::Ssh(_) => BY_SSH,
        };
        Self { until: Instant::now() + altogether, ..Self::with_patience(host, patience) }
    }

    /// The daemon at this address, asked with another patience.
    pub(crate) fn with_patience(host: Host, patience: Duration) -> Self {
        Self { host, patience, until: Instant::now() + ALTOGETHER, line: Arc::default() }
    }

    /// Asks without waiting: several calls can be under way at once.
    pub(crate) fn start(&self, path: &str) -> Call {
        let (daemon, asked) = (self.clone(), path.to_owned());
        let task = tokio::spawn(async move { daemon.fetch_part(&asked).await });
        Call { path: resource(path), task }
    }

    /// Asks and wants the whole answer.
    pub(crate) async fn fetch(&self, path: &str) -> Result<String, ApiError> {
        self.fetch_part(path).await?.whole()
    }

    /// Asks and takes what comes in time. An error status is an error whatever follows it.
    pub(crate) async fn fetch_part(&self, path: &str) -> Result<Answer, ApiError> {
        let until = self.until.min(Instant::now() + self.patience);
        let late = || ApiError::Deadline { path: resource(path), seconds: self.patience.as_secs() };
        let response = match timeout_at(until, self.ask(path)).await {
            Ok(response) => response?,
            Err(_elapsed) => return Err(late()),
        };
        let status = response.status();
        let server = response.headers().get("Server");
        let server = server.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut answer = Answer { body: Vec::new(), cut: None, server };
        let mut body = response.into_body();
        answer.cut = match timeout_at(until, read_body(&mut body, path, &mut answer.body)).await {
            Ok(read) => read.err(),
            Err(_elapsed) => Some(late()),
        };
        if status.is_success() {
            return Ok(answer);
        }
        let (path, status) = (path.to_owned(), status.as_u16());
        Err(ApiError::Refused { path, status, message: refusal(&answer.body) })
    }

    async fn ask(&self, path: &str) -> Result<Response<Incoming>, ApiError> {
        let connect = |source| ApiError::Connect { host: self.host.to_string(), source };
        match &self.host {
            Host::Unix(socket) => {
                let stream = UnixStream::connect(socket).await.map_err(connect)?;
                send(stream, "docker", path, path).await
            }
            Host::Tcp { authority, prefix } => {
                let stream = TcpStream::connect(authority).await.map_err(connect)?;
                send(stream, authority, &format!("{prefix}{path}"), path).await
            }
            Host::Tls { authority, prefix, tls, .. } => {
                let stream = tls.connect(authority).await.map_err(connect)?;
                send(stream, authority, &format!("{prefix}{path}"), path).await
            }
            Host::Ssh(ssh) => self.ask_by_ssh(ssh, path).await,
        }
    }

    /// Asks over the one connection; it waits until the answer before has been read.
    async fn ask_by_ssh(&self, ssh: &Ssh, path: &str) -> Result<Response<Incoming>, ApiError> {
        let connect = |source| ApiError::Connect { host: ssh.to_string(), source };
        let broken = |source| ApiError::Broken { path: resource(path), source };
        let mut line = self.line.lock().await;
        if line.as_ref().is_none_or(|line| line.sender.is_closed()) {
            let (stream, helper) = ssh.connect().map_err(connect)?;
            *line = Some(Line { sender: handshake(stream, path).await?, helper });
        }
        let Some(open) = line.as_mut() else {
            return Err(connect(std::io::ErrorKind::NotConnected.into()));
        };
        let request = request("docker.example.com", path, path)?;
        let answer = match open.sender.ready().await {
            Ok(()) => open.sender.send_request(request).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(response) => Ok(response),
            Err(error) => {
                let complaint = open.helper.complaint().await;
                *line = None;
                Err(complaint
                    .map_or_else(|| broken(error), |words| connect(std::io::Error::other(words))))
            }
        }
    }

    /// The process that made the listening socket, as the kernel remembers it: dockerd, or systemd
    /// when the socket was made for it.
    pub(crate) async fn listener_pid(&self) -> Option<u32> {
        let stream = UnixStream::connect(self.host.socket()?).await.ok()?;
        // 0 is a process that this pid namespace cannot see.
        u32::try_from(stream.peer_cred().ok()?.pid()?).ok().filter(|pid| *pid > 0)
    }
}

async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    authority: &str,
    target: &str,
    path: &str,
) -> Result<Response<Incoming>, ApiError> {
    let request = request(authority, target, path)?;
    let mut sender = handshake(stream, path).await?;
    let broken = |source| ApiError::Broken { path: resource(path), source };
    sender.send_request(request).await.map_err(broken)
}

fn request(authority: &str, target: &str, path: &str) -> Result<Request<Empty<Bytes>>, ApiError> {
    Request::get(target)
        .header("Host", authority)
        .header("User-Agent", "why137")
        .body(Empty::<Bytes>::new())
        .map_err(|source| ApiError::Request { path: resource(path), source })
}

async fn handshake(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    path: &str,
) -> Result<http1::SendRequest<Empty<Bytes>>, ApiError> {
    let broken = |source| ApiError::Broken { path: resource(path), source };
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // A broken connection shows in the request's own answer as well.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

async fn read_body(body: &mut Incoming, path: &str, into: &mut Vec<u8>) -> Result<(), ApiError> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|source| ApiError::Broken { path: resource(path), source })?;
        if let Ok(piece) = frame.into_data() {
            into.extend_from_slice(&piece);
        }
        if into.len() > CAP {
            return Err(ApiError::TooLong { path: resource(path) });
        }
    }
    Ok(())
}

/// `{"message": "…"}`, or the beginning of whatever came.
fn refusal(body: &[u8]) -> String {
    let message = serde_json::from_slice::<serde_json::Value>(body)
        .ok()
        .and_then(|answer| answer.get("message")?.as_str().map(str::to_owned));
    message.unwrap_or_else(|| {
        let text = String::from_utf8_lossy(body);
        text.trim().chars().take(200).collect()
    })
}

#[cfg(test)]
pub(crate) mod scripted {
    //! A daemon that says what a test wrote down.

    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;
    use std::path::Path;
    use std::thread;
    use std::time::Duration;

    /// What to do with a request.
    #[derive(Clone)]
    pub(crate) enum Act {
        /// A whole answer of this status and body.
        Answer(u16, String),
        /// Promise more bytes than come, then close.
        Half(String),
        /// These bytes of a chunked body, and then nothing, with the connection open.
        Stall(String),
        /// Never say a word.
        Hang,
        /// Close at once.
        Reset,
        /// Bytes that are no HTTP.
        Noise,
    }

    /// Serves on a socket until the test ends; `script` gets the path of each request.
    pub(crate) fn serve(socket: &Path, script: impl Fn(&str) -> Act + Send + Sync + 'static) {
        let listener = UnixListener::bind(socket).unwrap();
        let script = std::sync::Arc::new(script);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let script = script.clone();
                thread::spawn(move || answer(stream, &*script));
            }
        });
    }

    fn answer(mut stream: impl Read + Write, script: &dyn Fn(&str) -> Act) {
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => request.push(byte[0]),
                _ => return,
            }
        }
        let head = String::from_utf8(request).unwrap();
        let path = head.split(' ').nth(1).unwrap();
        let said = match script(path) {
            Act::Answer(status, body) => {
                let length = body.len();
                format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}")
            }
            Act::Half(body) => format!("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n{body}"),
            Act::Stall(body) => {
                let length = body.len();
                format!(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n"
                )
            }
            Act::Hang | Act::Reset => String::new(),
            Act::Noise => "SSH-2.0-OpenSSH_9.2\r\n".to_owned(),
        };
        drop(stream.write_all(said.as_bytes()));
        if matches!(script(path), Act::Hang | Act::Stall(_)) {
            thread::sleep(Duration::from_secs(20));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::scripted::{Act, serve};
    use super::*;

    fn ask(act: Act) -> Result<Answer, ApiError> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("docker.sock");
        serve(&socket, move |_| act.clone());
        let patience = Duration::from_millis(300);
        let daemon = Daemon::with_patience(Host::Unix(socket), patience);
        runtime().block_on(daemon.fetch_part("/info"))
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    #[test]
    fn a_whole_answer_is_whole() {
        let answer = ask(Act::Answer(200, "{}".to_owned())).unwrap();
        assert!(answer.cut.is_none());
        assert_eq!(answer.body, b"{}");
    }

    #[test]
    fn half_an_answer_is_kept_and_said_to_be_half() {
        let answer = ask(Act::Half("{\"a\":".to_owned())).unwrap();
        assert_eq!(answer.body, b"{\"a\":");
        assert!(matches!(answer.cut, Some(ApiError::Broken { .. })));
        let answer = ask(Act::Stall("one\n".to_owned())).unwrap();
        assert_eq!(answer.body, b"one\n");
        assert!(matches!(answer.cut, Some(ApiError::Deadline { .. })));
    }

    #[test]
    fn a_daemon_that_hangs_or_breaks_off_is_told_apart() {
        assert!(matches!(ask(Act::Hang).unwrap_err(), ApiError::Deadline { .. }));
        assert!(matches!(ask(Act::Reset).unwrap_err(), ApiError::Broken { .. }));
        assert!(matches!(ask(Act::Noise).unwrap_err(), ApiError::Broken { .. }));
    }

    #[test]
    fn a_refusal_carries_the_daemons_words() {
        let body = r#"{"message":"No such container: x"}"#.to_owned();
        let error = ask(Act::Answer(404, body)).unwrap_err();
        assert!(error.is_not_found());
        assert!(error.to_string().ends_with("404: No such container: x"), "{error}");
        let error = ask(Act::Answer(502, "<html>bad gateway".to_owned())).unwrap_err();
        assert!(error.plain().ends_with("<html>bad gateway"));
    }

    #[test]
    fn a_socket_that_is_not_there_is_said_plainly() {
        let daemon = Daemon::at(Host::Unix("/nonexistent/docker.sock".into()));
        let error = runtime().block_on(daemon.fetch("/info")).unwrap_err();
        assert_eq!(error.plain(), "it does not exist");
    }
}
