//! Runs the real binary.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot run must fail")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run gave.
pub(crate) struct Run {
    /// Exit status; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

/// The binary, with an environment that does not depend on the machine.
pub(crate) fn perhop() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perhop"));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "TERM"] {
        command.env_remove(name);
    }
    command
}

/// Runs it with arguments.
pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Run {
    finish(perhop().args(args).stdin(Stdio::null()))
}

/// Runs it with bytes on its standard input.
pub(crate) fn run_with_stdin(args: &[&str], stdin: &[u8]) -> Run {
    let mut child = perhop()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let bytes = stdin.to_vec();
    let writer = std::thread::spawn(move || {
        let _ = pipe.write_all(&bytes);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    read(output)
}

/// Runs a prepared command.
pub(crate) fn finish(command: &mut Command) -> Run {
    read(command.output().unwrap())
}

fn read(output: std::process::Output) -> Run {
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("what is printed is UTF-8"),
        err: String::from_utf8(output.stderr).expect("what is printed is UTF-8"),
    }
}

impl Run {
    /// Checks the exit status, and shows everything when it is another.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.out,
            self.err
        );
        self
    }

    /// Checks that stdout holds a text.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(
            self.out.contains(text),
            "no `{text}` in stdout:\n{}\nstderr:\n{}",
            self.out,
            self.err
        );
        self
    }

    /// Checks that stderr holds a text.
    #[track_caller]
    pub(crate) fn complains(self, text: &str) -> Self {
        assert!(
            self.err.contains(text),
            "no `{text}` in stderr:\n{}\nstdout:\n{}",
            self.err,
            self.out
        );
        self
    }
}

/// A file of the project.
pub(crate) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// A folder of test data outside the project; when it is not there, says so and gives `None`.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(path);
    if path.exists() {
        Some(path)
    } else {
        eprintln!("skipped: there is no {}", path.display());
        None
    }
}

/// A folder that is removed in the end.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Writes a file in it and gives its path.
pub(crate) fn file(folder: &tempfile::TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// A small sound plan.
pub(crate) const PLAN: &str = r#"plan = "Contoso"
platforms = ["lync-2013"]

[class]
audio = { dscp = "EF" }
video = { dscp = "AF41" }

[clients.ports]
audio = "20000-20039"
video = "20040-20079"

[servers.ports]
audio = "49152-57499"
video = "57501-65534"
app-sharing = "40803-49150"

[phones]

[edge]
internal = ["192.0.2.10"]
"#;
