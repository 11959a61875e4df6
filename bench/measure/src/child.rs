//! Running one command and what it cost.

use std::ffi::{OsStr, OsString};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

/// First argument of this program when it is to run one command and report on it.
pub(crate) const ALONE: &str = "--alone";

/// What one run of a command cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// User and system time of all threads.
    pub(crate) cpu: Duration,
    /// Peak of resident memory in bytes.
    pub(crate) memory: u64,
}

/// Runs a command with its output thrown away. It runs under a process of its own, whose children's usage is then this
/// command's only.
pub(crate) fn cost(command: &[OsString], accepted: &[i32]) -> Result<Cost, String> {
    let this =
        std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    let output = Command::new(this)
        .arg(ALONE)
        .args(command)
        .stderr(Stdio::piped())
        .output();
    let output = output.map_err(|error| format!("cannot run `{}`: {error}", shown(command)))?;
    let report = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<u64> = report
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let [wall, cpu, memory, status] = numbers[..] else {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "`{}` could not be run: {}",
            shown(command),
            said.trim()
        ));
    };
    if !accepted
        .iter()
        .any(|code| u64::try_from(*code) == Ok(status))
    {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "`{}` ended with status {status}: {}",
            shown(command),
            said.trim()
        ));
    }
    Ok(Cost {
        wall: Duration::from_nanos(wall),
        cpu: Duration::from_micros(cpu),
        memory,
    })
}

/// Runs a command as the only child of this process and prints nanoseconds, microseconds of CPU, bytes and status.
pub(crate) fn alone(command: &[OsString]) -> ExitCode {
    let Some((program, arguments)) = command.split_first() else {
        return ExitCode::from(2);
    };
    let start = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    let wall = start.elapsed();
    match (status, getrusage(UsageWho::RUSAGE_CHILDREN)) {
        (Ok(status), Ok(usage)) => {
            let micros = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
            let cpu = micros(usage.user_time()) + micros(usage.system_time());
            // Killed by a signal: no status that any command is allowed to have.
            let code = status.code().unwrap_or(255);
            println!(
                "{} {cpu} {} {code}",
                wall.as_nanos(),
                usage.max_rss() * 1024
            );
            ExitCode::SUCCESS
        }
        (Err(error), _) => {
            eprintln!("{error}");
            ExitCode::from(3)
        }
        (_, Err(error)) => {
            eprintln!("{error}");
            ExitCode::from(3)
        }
    }
}

/// Runs a command for its standard output.
pub(crate) fn answer(command: &[OsString], accepted: &[i32]) -> Result<Vec<u8>, String> {
    let (program, arguments) = command.split_first().ok_or("no command")?;
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    let output = output.map_err(|error| format!("cannot run `{}`: {error}", shown(command)))?;
    if output
        .status
        .code()
        .is_some_and(|code| accepted.contains(&code))
    {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "`{}` failed ({}): {}",
        shown(command),
        output.status,
        said.trim()
    ))
}

/// A command as one would type it.
pub(crate) fn shown(command: &[OsString]) -> String {
    command
        .iter()
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The words of a command.
pub(crate) fn words<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(words: I) -> Vec<OsString> {
    words
        .into_iter()
        .map(|word| word.as_ref().to_owned())
        .collect()
}
