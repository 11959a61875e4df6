//! Counters for Prometheus (text format 0.0.4) over the simplest HTTP.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;

use super::status::Status;
use crate::failure::{Failure, cause};

/// How long one who asks may take.
const PATIENCE: Duration = Duration::from_millis(300);

/// Where counters are asked for.
#[derive(Debug)]
pub(super) enum Metrics {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Metrics {
    /// Begins to listen at `ADDRESS:PORT` or a path.
    ///
    /// # Errors
    /// An address that is none, or is taken.
    pub(super) fn listen(at: &str) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::failed(format!("cannot listen at `{at}`: {}", cause(&error)))
        };
        if at.contains('/') {
            let path = PathBuf::from(at);
            let _ = std::fs::remove_file(&path);
            let listener = UnixListener::bind(&path).map_err(failed)?;
            listener.set_nonblocking(true).map_err(failed)?;
            return Ok(Self::Unix(listener, path));
        }
        let address: SocketAddr = at.parse().map_err(|_| {
            Failure::wrong(format!("`{at}` is no address with a port, and no path"))
                .help("such as `127.0.0.1:9466`, `[::1]:9466` or `/run/perhop/metrics.sock`")
        })?;
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Self::Tcp(listener))
    }

    /// Answers everyone who waits.
    pub(super) fn serve(&self, status: impl Fn() -> Option<Status>) {
        match self {
            Self::Tcp(listener) => {
                while let Ok((stream, _)) = listener.accept() {
                    let _ = stream.set_nonblocking(false);
                    let _ = stream.set_read_timeout(Some(PATIENCE));
                    let _ = stream.set_write_timeout(Some(PATIENCE));
                    answer(stream, &status);
                }
            }
            Self::Unix(listener, _) => {
                while let Ok((stream, _)) = listener.accept() {
                    let _ = stream.set_nonblocking(false);
                    let _ = stream.set_read_timeout(Some(PATIENCE));
                    let _ = stream.set_write_timeout(Some(PATIENCE));
                    answer(stream, &status);
                }
            }
        }
    }
}

impl AsRawFd for Metrics {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Tcp(listener) => listener.as_raw_fd(),
            Self::Unix(listener, _) => listener.as_raw_fd(),
        }
    }
}

impl Drop for Metrics {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn answer(mut stream: impl Read + Write, status: &impl Fn() -> Option<Status>) {
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") && head.len() < 8192 {
        match stream.read(&mut part) {
            Ok(got) if got > 0 => head.extend(&part[..got]),
            _ => break,
        }
    }
    let wanted = head.starts_with(b"GET /metrics ") || head.starts_with(b"GET / ");
    let (code, body) = match (wanted, status()) {
        (false, _) => ("404 Not Found", "see /metrics\n".to_owned()),
        (true, None) => ("503 Service Unavailable", String::new()),
        (true, Some(status)) => ("200 OK", text(&status)),
    };
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {code}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
}

/// The counters as text.
pub(super) fn text(status: &Status) -> String {
    let mut out = String::new();
    let count = [
        ("packets", "Packets under the rule."),
        (
            "bytes",
            "Bytes of the packets under the rule, link headers included.",
        ),
        ("rewritten", "Packets whose DSCP was written."),
        (
            "kept",
            "Packets whose DSCP was left as the application set it.",
        ),
    ];
    for (name, help) in count {
        let _ = writeln!(out, "# HELP perhop_agent_{name}_total {help}");
        let _ = writeln!(out, "# TYPE perhop_agent_{name}_total counter");
        for rule in &status.rules {
            let value = match name {
                "packets" => Some(rule.packets),
                "bytes" => Some(rule.bytes),
                "rewritten" => rule.rewritten,
                _ => rule.kept,
            };
            let Some(value) = value else { continue };
            let _ = writeln!(
                out,
                "perhop_agent_{name}_total{{scope=\"{}\",rule=\"{}\",class=\"{}\",dscp=\"{}\"}} {value}",
                label(&status.scope),
                label(&rule.name),
                label(&rule.class),
                rule.dscp
            );
        }
    }
    let _ = writeln!(
        out,
        "# HELP perhop_agent_interfaces Interfaces at which packets are marked."
    );
    let _ = writeln!(out, "# TYPE perhop_agent_interfaces gauge");
    let _ = writeln!(out, "perhop_agent_interfaces {}", status.interfaces.len());
    out
}

fn label(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
