//! From packets and flows to verdicts, findings and causes.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod attribution;
mod cases;
mod causes;
mod contoso;
mod docs;
mod fixture;
mod laws;
mod packets;
mod read;
mod remarked;
mod shared;
mod synth;
mod verdicts;
