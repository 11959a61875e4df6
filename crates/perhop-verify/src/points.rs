//! Two capture points and more: the same packets found again, and what became of them between.
//!
//! ```text
//! packets ──Collector──▶ Trace ──┐
//! packets ──Collector──▶ Trace ──┴─compare──▶ Segment ──findings──▶ SegmentFinding
//! ```
//!
//! A [`Collector`] keeps [`Limits::BYTES_A_PACKET`] of each packet that could be found again. [`compare`] pairs flows by
//! their 5-tuples, or by what they carry where an address translator or a relay is between, finds each packet of one point
//! at the other, puts the clocks together, and counts what was lost, what was re-marked and how long packets took.
//! [`findings`] says what of that is not as it should be. Nothing is guessed: what cannot be told from the packets, such as
//! clock offset apart from constant delay in one direction, is left open and said. `docs/POINTS.md` has the definitions.

mod check;
mod clock;
mod collect;
mod compare;
mod ends;
mod identity;
mod matching;
pub mod notes;
mod pair;
mod passage;
mod segment;
mod sums;
mod twice;

pub use check::{CODES, SegmentFinding, findings};
pub use clock::{Clock, ClockBasis, Heading};
pub use collect::{Collector, Counts, Limits, Trace};
pub use compare::{Point, compare};
pub use ends::ends;
pub use pair::Alike;
pub use segment::{
    Doubt, LoneFlow, Queue, Segment, SegmentClass, SegmentCounts, SegmentFlow, SentMark, Spread,
    ToldBy, Transition, Transitions,
};
pub use twice::Twice;
