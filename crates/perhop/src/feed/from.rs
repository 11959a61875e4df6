//! Where packets come from and when that ends, by the arguments.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use perhop_host::interrupt::Interrupt;

use crate::failure::{Failure, cause};

/// Where packets come from.
#[derive(Debug, clap::Args)]
pub(crate) struct From {
    /// Captures, or folders of captures such as a ring buffer; `-` is stdin
    #[arg(required_unless_present = "live")]
    pub(crate) capture: Vec<PathBuf>,
    /// Capture from this interface instead, until --duration or Ctrl-C; `any` is all of them [Linux only]
    #[arg(
        long,
        value_name = "IFACE",
        conflicts_with = "capture",
        group = "running"
    )]
    pub(super) live: Option<String>,
    /// Go on with what is being written to the folder or file, until --duration or Ctrl-C
    #[arg(long, conflicts_with = "live", group = "running")]
    pub(super) follow: bool,
    /// With --live or --follow, end after so long: 90s, 10m, 1h
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "running")]
    pub(super) duration: Option<Duration>,
    /// Read with so many threads; as many as there are processors, at most 8, without it
    #[arg(long, value_name = "COUNT", value_parser = threads)]
    threads: Option<usize>,
}

impl From {
    /// Captures that are stored.
    pub(crate) const fn stored(capture: Vec<PathBuf>) -> Self {
        Self {
            capture,
            live: None,
            follow: false,
            duration: None,
            threads: None,
        }
    }

    /// Whether stdin is one of the captures.
    pub(crate) fn stdin_count(&self) -> usize {
        self.capture.iter().filter(|path| is_stdin(path)).count()
    }

    /// How many threads to read with.
    pub(crate) fn threads(&self) -> usize {
        let usual = || thread::available_parallelism().map_or(1, |count| count.get().min(8));
        self.threads.unwrap_or_else(usual)
    }

    /// The one folder or file to be followed.
    pub(super) fn followed(&self) -> Result<&Path, Failure> {
        match &self.capture[..] {
            [path] if !is_stdin(path) => Ok(path),
            _ => Err(Failure::wrong("`--follow` takes one folder or one file")
                .help("a pipe needs no `--follow`: it is read until it ends")),
        }
    }
}

/// `-`.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// When to end.
#[derive(Debug)]
pub(super) struct Stop {
    interrupt: Interrupt,
    began: Instant,
    duration: Option<Duration>,
    #[cfg(test)]
    pub(super) ended: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Stop {
    /// Begins to count, and to hear Ctrl-C.
    pub(super) fn new(duration: Option<Duration>) -> Result<Self, Failure> {
        let interrupt = Interrupt::install()
            .map_err(|error| Failure::failed(format!("cannot hear Ctrl-C: {}", cause(&error))))?;
        Ok(Self {
            interrupt,
            began: Instant::now(),
            duration,
            #[cfg(test)]
            ended: std::sync::Arc::default(),
        })
    }

    /// Whether it is time.
    pub(super) fn is_due(&self) -> bool {
        #[cfg(test)]
        if self.ended.load(std::sync::atomic::Ordering::Relaxed) {
            return true;
        }
        self.interrupt.is_raised() || self.left().is_some_and(|left| left.is_zero())
    }

    /// How long it has lasted.
    pub(super) fn spent(&self) -> Duration {
        self.began.elapsed()
    }

    /// How long it will last, when that was said.
    pub(super) const fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// A wait of at most `pace` that does not go past the end.
    pub(super) fn wait(&self, pace: Duration) -> Duration {
        self.left().map_or(pace, |left| left.min(pace))
    }

    fn left(&self) -> Option<Duration> {
        Some(self.duration?.saturating_sub(self.began.elapsed()))
    }
}

/// A number of threads.
fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=MOST_THREADS) => Ok(count),
        _ => Err(format!("it is a number from 1 to {MOST_THREADS}")),
    }
}

/// More would only wait for each other.
const MOST_THREADS: usize = 64;

/// `90s`, `10m`, `1h`, `2d`, or a plain number of seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a time such as 90s, 10m or 1h");
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    match number.checked_mul(seconds) {
        Some(0) => Err("it must be longer than nothing".to_owned()),
        // A century is more than any clock here has to bear.
        Some(seconds) if seconds < 100 * 365 * 86_400 => Ok(Duration::from_secs(seconds)),
        _ => Err("it must be shorter than a century".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbers_with_a_unit() {
        for (text, seconds) in [
            ("90s", 90),
            ("90", 90),
            ("10m", 600),
            ("2min", 120),
            ("1h", 3600),
            ("7d", 604_800),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "s",
            "1.5h",
            "-3s",
            "3 s",
            "10x",
            "0",
            "0m",
            "ß",
            "99999999999999999999",
            "40000d",
            "9999999999999999999d",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn it_ends_when_the_time_is_over() {
        let stop = Stop::new(Some(Duration::from_millis(40))).unwrap();
        assert!(!stop.is_due());
        assert!(stop.wait(Duration::from_secs(9)) <= Duration::from_millis(40));
        thread::sleep(Duration::from_millis(50));
        assert!(stop.is_due());
        assert_eq!(stop.wait(Duration::from_secs(9)), Duration::ZERO);
        let stop = Stop::new(None).unwrap();
        assert!(!stop.is_due());
        assert_eq!(stop.wait(Duration::from_secs(9)), Duration::from_secs(9));
    }
}
