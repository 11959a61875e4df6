//! The program that is measured, and the answers it gives.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::child::{answer, words};

/// Exit statuses that are answers: as planned, and findings.
pub(crate) const ANSWERS: [i32; 2] = [0, 1];

/// A perhop to run.
#[derive(Debug)]
pub(crate) struct Perhop {
    program: PathBuf,
    has_threads: bool,
    has_verify: bool,
}

impl Perhop {
    /// Asks the program what it can do.
    pub(crate) fn look(program: &Path) -> Result<Self, String> {
        let help = |command: &str| {
            answer(
                &words([program.as_os_str(), command.as_ref(), "--help".as_ref()]),
                &[0],
            )
        };
        let flows = help("flows")?;
        Ok(Self {
            program: program.to_owned(),
            has_threads: String::from_utf8_lossy(&flows).contains("--threads"),
            has_verify: help("verify").is_ok(),
        })
    }

    /// Whether the number of threads can be chosen.
    pub(crate) const fn has_threads(&self) -> bool {
        self.has_threads
    }

    /// Whether it can hold a capture to a plan.
    pub(crate) const fn has_verify(&self) -> bool {
        self.has_verify
    }

    /// `perhop flows`, with a number of threads when it can be chosen.
    pub(crate) fn flows<P: AsRef<Path>>(
        &self,
        files: &[P],
        threads: Option<usize>,
    ) -> Vec<OsString> {
        let mut command = words([self.program.as_os_str(), "flows".as_ref()]);
        self.finish(&mut command, files, threads);
        command
    }

    /// `perhop flows` as it prints for people: the analysis with little output.
    pub(crate) fn text(&self, file: &Path) -> Vec<OsString> {
        let mut command = words([self.program.as_os_str(), "flows".as_ref(), file.as_os_str()]);
        if self.has_threads {
            command.extend(words(["--threads", "1"]));
        }
        command
    }

    /// `perhop verify`.
    pub(crate) fn verify<P: AsRef<Path>>(
        &self,
        plan: &Path,
        files: &[P],
        threads: Option<usize>,
    ) -> Vec<OsString> {
        let mut command = words([
            self.program.as_os_str(),
            "verify".as_ref(),
            plan.as_os_str(),
        ]);
        self.finish(&mut command, files, threads);
        command
    }

    fn finish<P: AsRef<Path>>(
        &self,
        command: &mut Vec<OsString>,
        files: &[P],
        threads: Option<usize>,
    ) {
        command.extend(
            files
                .iter()
                .map(|file| file.as_ref().as_os_str().to_owned()),
        );
        command.extend(words(["--format", "json"]));
        if let Some(threads) = threads.filter(|_| self.has_threads) {
            command.extend(words(["--threads".to_owned(), threads.to_string()]));
        }
    }
}

/// The part of the answer that is checked.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer<'a> {
    /// Every flow as it was written.
    #[serde(borrow)]
    pub(crate) flows: &'a RawValue,
}

/// A flow in the answer.
#[derive(Debug, Deserialize)]
pub(crate) struct Flow {
    pub(crate) src: String,
    pub(crate) src_port: Option<u16>,
    pub(crate) dst: String,
    pub(crate) dst_port: Option<u16>,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) dscp: BTreeMap<u8, u64>,
    #[serde(default)]
    pub(crate) rtp: Vec<RtpStream>,
    #[serde(default)]
    pub(crate) verdict: Option<String>,
}

/// An RTP stream of a flow in the answer.
#[derive(Debug, Deserialize)]
pub(crate) struct RtpStream {
    pub(crate) ssrc: String,
    pub(crate) payload_type: u8,
    pub(crate) packets: u64,
    pub(crate) lost: i64,
}
