//! What few streams have: made for a stream with the first thing that goes into it.

use super::loss::Windows;
use super::sequence::Gaps;

/// What loss and disorder leave behind, and a place for the rest.
#[derive(Debug, Clone, Default)]
pub(super) struct Rare {
    pub(super) gaps: Gaps,
    pub(super) windows: Windows,
    /// Packets whose number came again with the same IPv4 identification.
    pub(super) seen_twice: u32,
    odd: Option<Box<Odd>>,
}

/// What fewer streams have.
#[derive(Debug, Clone)]
pub(super) struct Odd {
    /// Packets per payload type, all but the one in the hot record.
    pub(super) other_types: Vec<(u8, u32)>,
    /// When RTCP said goodbye; [`NEVER`] when it did not.
    pub(super) bye: i64,
    /// Arrival of the latest telephone event, or [`NEVER`].
    pub(super) last_event: i64,
    /// Arrival of the packet from which the clock is measured, or [`NEVER`] when it is the first.
    pub(super) timed_from: i64,
    /// How often the payload bytes in the hot record ran over.
    pub(super) payload_runs: u32,
    /// Packets that are not in the jitter's mean, the first aside.
    pub(super) uncounted: u32,
    /// Packets and sum of the jitter by a clock that was given up for another.
    pub(super) timed_before: u64,
    pub(super) jitter_before: f64,
    pub(super) strays: u32,
    /// The number that would follow the last jump, with bit 16 set; 0 when there was none.
    pub(super) after_jump: u32,
}

/// The time of what has not been.
pub(super) const NEVER: i64 = i64::MIN;

impl Rare {
    /// What fewer streams have, if this one has it.
    pub(super) fn odd(&self) -> Option<&Odd> {
        self.odd.as_deref()
    }

    /// The same, to be changed; made when it is missing.
    pub(super) fn odd_mut(&mut self) -> &mut Odd {
        self.odd.get_or_insert_default()
    }
}

impl Default for Odd {
    fn default() -> Self {
        Self {
            other_types: Vec::new(),
            bye: NEVER,
            last_event: NEVER,
            timed_from: NEVER,
            payload_runs: 0,
            uncounted: 0,
            timed_before: 0,
            jitter_before: 0.0,
            strays: 0,
            after_jump: 0,
        }
    }
}
