//! How a running agent is asked: one line on a Unix socket, one JSON text back.

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::failure::Failure;

/// Longer than any question.
const LONGEST: u64 = 8192;
/// How long one side waits for the other.
const PATIENCE: Duration = Duration::from_secs(10);

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    Status,
    Sockets,
    Reload(Option<PathBuf>),
    Stop,
}

impl Question {
    fn read(line: &str) -> Option<Self> {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("status", "") => Some(Self::Status),
            ("sockets", "") => Some(Self::Sockets),
            ("stop", "") => Some(Self::Stop),
            ("reload", "") => Some(Self::Reload(None)),
            ("reload", plan) => Some(Self::Reload(Some(PathBuf::from(plan)))),
            _ => None,
        }
    }

    fn line(&self) -> String {
        match self {
            Self::Status => "status\n".to_owned(),
            Self::Sockets => "sockets\n".to_owned(),
            Self::Stop => "stop\n".to_owned(),
            Self::Reload(None) => "reload\n".to_owned(),
            Self::Reload(Some(plan)) => format!("reload {}\n", plan.display()),
        }
    }
}

/// Where questions come in. The file goes when this does.
#[derive(Debug)]
pub(super) struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Begins to listen; only the owner may ask.
    ///
    /// # Errors
    /// Another agent is there, or the folder cannot be written.
    pub(super) fn listen(path: &Path) -> Result<Self, Failure> {
        if UnixStream::connect(path).is_ok() {
            return Err(
                Failure::failed(format!("another agent answers at `{}`", path.display())).help(
                    "end it with `perhop agent stop`, or give this one a `--socket` of its own",
                ),
            );
        }
        let failed = |error: io::Error| {
            Failure::file("listen at", path, &error)
                .help("run the command with `sudo`, or name another place with `--socket`")
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        // Left by an agent that was killed.
        let _ = fs::remove_file(path);
        let listener = UnixListener::bind(path).map_err(failed)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
        })
    }

    /// Answers everyone who waits.
    pub(super) fn serve(&self, mut answer: impl FnMut(&Question) -> Vec<u8>) {
        while let Ok((mut stream, _)) = self.listener.accept() {
            let _ = stream.set_nonblocking(false);
            let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
            let _ = stream.set_write_timeout(Some(Duration::from_secs(2)));
            if let Ok(line) = line(&mut stream) {
                let text = Question::read(&line).map_or_else(Vec::new, |asked| answer(&asked));
                let _ = stream.write_all(&text);
            }
        }
    }
}

impl AsRawFd for Control {
    fn as_raw_fd(&self) -> RawFd {
        self.listener.as_raw_fd()
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether an agent answers at a socket.
pub(super) fn is_there(path: &Path) -> bool {
    UnixStream::connect(path).is_ok()
}

/// Asks the agent at a socket.
///
/// # Errors
/// No agent there, or one that does not answer.
pub(super) fn ask(path: &Path, question: &Question) -> Result<Vec<u8>, Failure> {
    let mut stream = UnixStream::connect(path).map_err(|error| {
        Failure::failed(format!(
            "no agent answers at `{}`: {}",
            path.display(),
            crate::failure::cause(&error)
        ))
        .help("begin with `sudo perhop agent run PLAN`; only its owner may ask it")
    })?;
    let mut talk = || -> io::Result<Vec<u8>> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(question.line().as_bytes())?;
        let mut out = Vec::new();
        stream.read_to_end(&mut out)?;
        Ok(out)
    };
    talk().map_err(|error| Failure::file("ask the agent at", path, &error))
}

fn line(stream: &mut UnixStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut one = [0; 256];
    while !bytes.contains(&b'\n') && (bytes.len() as u64) < LONGEST {
        match stream.read(&mut one)? {
            0 => break,
            got => bytes.extend(&one[..got]),
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_read_as_written() {
        for question in [
            Question::Status,
            Question::Sockets,
            Question::Stop,
            Question::Reload(None),
            Question::Reload(Some(PathBuf::from("/etc/a plan.toml"))),
        ] {
            assert_eq!(Question::read(question.line().trim_end()), Some(question));
        }
        assert_eq!(Question::read("status now"), None);
    }
}
