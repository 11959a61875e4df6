//! Timing of the streams that need it: those of video, and those whose clock is not known yet.

use super::arena::StreamId;
use super::jitter::Timing;
use crate::engine::chunks::Roomy;

/// Records of timing, each lent to a stream for as long as it needs one.
#[derive(Debug, Default)]
pub(super) struct Timings {
    /// By stream, where its record is; 0 for streams that have none.
    places: Roomy<u32>,
    /// The first is nobody's.
    records: Roomy<Timing>,
    free: Vec<u32>,
}

impl Timings {
    /// Takes the next stream in, without a record.
    pub(super) fn push(&mut self) {
        self.places.push(0);
    }

    /// Reads from both cache lines of a stream's record; from those of nobody's when it has none.
    #[inline(always)]
    pub(super) fn touch(&self, id: StreamId) -> u32 {
        let place = self.places.get(id as usize).map_or(0, |place| *place);
        self.records.get(place as usize).map_or(0, Timing::touch)
    }

    /// The record of a stream.
    #[inline]
    pub(super) fn of(&self, id: StreamId) -> Option<&Timing> {
        match self.places[id as usize] {
            0 => None,
            place => Some(&self.records[place as usize]),
        }
    }

    /// The same, to be changed.
    #[inline]
    pub(super) fn of_mut(&mut self, id: StreamId) -> Option<&mut Timing> {
        match self.places[id as usize] {
            0 => None,
            place => self.records.get_mut(place as usize),
        }
    }

    /// The record of a stream, made when it has none.
    pub(super) fn make(&mut self, id: StreamId) -> &mut Timing {
        if self.places[id as usize] == 0 {
            self.places[id as usize] = self.take_free();
        }
        &mut self.records[self.places[id as usize] as usize]
    }

    fn take_free(&mut self) -> u32 {
        if let Some(place) = self.free.pop() {
            return place;
        }
        if self.records.len() == 0 {
            self.records.push(Timing::default());
        }
        self.records.push(Timing::default());
        (self.records.len() - 1) as u32
    }

    /// Takes the record of a stream back.
    pub(super) fn give_back(&mut self, id: StreamId) {
        let place = std::mem::take(&mut self.places[id as usize]);
        if place != 0 {
            self.records[place as usize] = Timing::default();
            self.free.push(place);
        }
    }
}
