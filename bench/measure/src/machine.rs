//! Where and when, for the report.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// The machine, the day and the source that were measured.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    /// Year-month-day, UTC.
    pub(crate) date: String,
    pub(crate) commit: String,
}

impl Machine {
    pub(crate) fn look(source: &Path) -> Self {
        let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = processors
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let kernel = first_line("uname", &["-sr"]);
        let root = source.to_string_lossy();
        let git = |arguments: &[&str]| first_line("git", &[&["-C", &*root], arguments].concat());
        let mut commit = git(&["rev-parse", "--short", "HEAD"]);
        if !git(&[
            "status",
            "--porcelain",
            "--untracked-files=no",
            "--",
            "crates",
        ])
        .is_empty()
        {
            commit.push_str(" and changes not committed");
        }
        Self {
            processor: model.map_or_else(
                || "unknown processor".to_owned(),
                |(_, name)| name.to_owned(),
            ),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel,
            date: date(
                SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .map_or(0, |since| since.as_secs()),
            ),
            commit,
        }
    }
}

/// The first line that a command prints; empty when it fails.
pub(crate) fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map_or_else(|_| Vec::new(), |output| output.stdout);
    String::from_utf8_lossy(&text)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// The day of a time in seconds since 1970.
fn date(seconds: u64) -> String {
    let mut days = seconds / 86_400;
    let mut year = 1970;
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_400), "2000-02-29");
        assert_eq!(date(951_868_800), "2000-03-01");
        assert_eq!(date(1_767_603_600), "2026-01-05");
        assert_eq!(date(1_735_689_599), "2024-12-31");
    }
}
