//! One request to a daemon's socket and its answer, over HTTP/1.0, so that the body is neither chunked nor
//! followed by anything (RFC 1945). Nothing of TLS or ssh: those daemons are not changed from here.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A stop waits for the program's own time to end; docker's usual one is 10 s.
const PATIENCE: Duration = Duration::from_secs(120);
/// To come to an agreement with a machine that is not there.
const CONNECT: Duration = Duration::from_secs(5);
/// No answer to these questions is larger.
const LARGEST: u64 = 8 << 20;

/// An answer's status and body.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// Over a socket file.
pub(super) fn by_socket(
    socket: &Path,
    method: &str,
    target: &str,
    body: &str,
) -> io::Result<Answer> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    exchange(stream, "docker", method, target, body)
}

/// Over plain TCP.
pub(super) fn by_tcp(
    authority: &str,
    method: &str,
    target: &str,
    body: &str,
) -> io::Result<Answer> {
    let mut addresses = authority.to_socket_addrs()?;
    let address = addresses.next().ok_or(io::ErrorKind::NotFound)?;
    let stream = TcpStream::connect_timeout(&address, CONNECT)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    exchange(stream, authority, method, target, body)
}

fn exchange(
    mut stream: impl Read + Write,
    authority: &str,
    method: &str,
    target: &str,
    body: &str,
) -> io::Result<Answer> {
    write!(
        stream,
        "{method} {target} HTTP/1.0\r\nHost: {authority}\r\nUser-Agent: why137\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    stream.flush()?;
    let mut text = Vec::new();
    stream.take(LARGEST).read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let not_http = || io::Error::new(io::ErrorKind::InvalidData, "it does not speak HTTP");
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(not_http)?;
    let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
    let status = status.and_then(|word| word.trim().parse().ok()).ok_or_else(not_http)?;
    Ok(Answer { status, body: body.to_owned() })
}
