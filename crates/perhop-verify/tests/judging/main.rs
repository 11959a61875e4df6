//! From packets and flows to verdicts, findings and causes.

mod attribution;
mod cases;
mod causes;
mod contoso;
mod docs;
mod fixture;
mod laws;
mod read;
mod shared;
mod synth;
mod verdicts;
