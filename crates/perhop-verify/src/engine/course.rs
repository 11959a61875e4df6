//! What flows did over time: how far a flow had come is noted when it goes from one bin of time to another, so that what
//! happened in a bin is a difference.
//!
//! A note says which bin is left, which one is entered, and the flow's totals so far. Summed over flows, the totals are added
//! to the bin that is left and taken from the one that is entered; the totals at the end are added to the last bin. So notes
//! stand in no order, none refers to another, and wider bins only make notes superfluous. A flow that stays within
//! a bin costs one byte.

mod log;
mod state;

use std::mem;

use super::table::{Slot, Table};
use super::times::NO_TIME;
use crate::stream::arena::StreamId;
use crate::timeline::{Width, since};

use log::Log;
pub(super) use log::Note;
pub(super) use state::State;

/// The course of the flows of a partition.
#[derive(Debug)]
pub(super) struct Course {
    /// When the first packet of the capture came.
    start: Option<i64>,
    width: Width,
    /// The bin of the latest packet: its number, its beginning and its length.
    bin: u8,
    begin: i64,
    length: u64,
    /// The bin of the latest packet of each flow.
    bins: Vec<u8>,
    log: Log,
    /// How many partitions there are.
    partitions: usize,
    /// Flows that make room and are kept.
    away: Vec<Away>,
    note: Note,
}

#[derive(Debug)]
struct Away {
    slot: Slot,
    number: u32,
    streams: Vec<StreamId>,
}

impl Course {
    pub(super) fn new(partitions: usize) -> Self {
        Self {
            start: None,
            width: Width::default(),
            bin: NO_BIN,
            begin: 0,
            length: 0,
            bins: Vec::new(),
            log: Log::default(),
            partitions,
            away: Vec::new(),
            note: Note::default(),
        }
    }

    /// Whether no packet has had a time yet.
    pub(super) const fn is_waiting(&self) -> bool {
        self.start.is_none()
    }

    /// Tells when the capture begins.
    pub(super) const fn set_start(&mut self, time: i64) {
        self.start = Some(time);
    }

    pub(super) const fn start(&self) -> Option<i64> {
        self.start
    }

    pub(super) const fn width(&self) -> Width {
        self.width
    }

    /// Whether a packet is in the bin of the flow's packet before.
    #[inline(always)]
    pub(super) fn stays(&self, slot: Slot, time: i64) -> bool {
        let within = (time.wrapping_sub(self.begin) as u64) < self.length;
        within && self.bins.get(slot as usize) == Some(&self.bin)
    }

    /// Takes the time of a packet that does not stay, before the packet is counted.
    #[inline(never)]
    pub(super) fn turn(&mut self, table: &Table, slot: Slot, time: i64) {
        let Some(bin) = self.find(time) else { return };
        if self.bins.len() <= slot as usize {
            self.bins.resize(slot as usize + 1, NO_BIN);
        }
        let from = mem::replace(&mut self.bins[slot as usize], bin);
        if from == NO_BIN || from == bin {
            return;
        }
        table.state(slot, &mut self.note.state);
        (self.note.flow, self.note.kept) = (slot, false);
        (self.note.from, self.note.to) = (from, bin);
        self.log.push(&self.note);
        let most = room(table.len(), self.partitions) / 4 * 5;
        while self.log.weight() > most && !self.width.is_widest() {
            self.widen();
        }
    }

    /// The bin of a time; `None` for packets without one, and for damaged ones, which go with the packet before.
    fn find(&mut self, time: i64) -> Option<u8> {
        let start = self.start?;
        if time == NO_TIME {
            return None;
        }
        let since = since(start, time)?;
        let bin = loop {
            match self.width.bin(since) {
                Some(bin) => break bin,
                None => self.widen(),
            }
        };
        self.bin = bin;
        self.begin = start + i64::from(bin) * self.width.step();
        self.length = self.width.step().unsigned_abs();
        Some(bin)
    }

    /// Makes bins wider.
    fn widen(&mut self) {
        let (wider, factor) = self.width.wider();
        self.width = wider;
        (self.bin, self.begin, self.length) = (NO_BIN, 0, 0);
        let widened = |bin: u8| if bin == NO_BIN { bin } else { bin / factor };
        self.bins.iter_mut().for_each(|bin| *bin = widened(*bin));
        self.log.rewrite(|note| {
            (note.from, note.to) = (widened(note.from), widened(note.to));
            note.from != note.to
        });
    }

    /// Notes the end of a flow that makes room, and is kept under a number.
    pub(super) fn keep(&mut self, table: &Table, slot: Slot, number: usize) {
        let streams = table.recognised(slot);
        let number = number as u32;
        let from = self.bin_of(slot);
        if from != NO_BIN {
            table.state(slot, &mut self.note.state);
            self.note.rename(number, &streams);
            (self.note.from, self.note.to) = (from, NO_BIN);
            self.log.push(&self.note);
        }
        self.away.push(Away {
            slot,
            number,
            streams,
        });
    }

    /// Takes flows out, as [`Table::remove`] does.
    pub(super) fn remove(&mut self, gone: &[bool]) {
        let mut next = 0;
        let slots: Vec<Slot> = gone
            .iter()
            .map(|gone| {
                next += Slot::from(!gone);
                next.wrapping_sub(1)
            })
            .collect();
        let away = mem::take(&mut self.away);
        self.log.rewrite(|note| {
            let slot = note.flow as usize;
            if note.kept {
                return true;
            }
            if !gone[slot] {
                note.flow = slots[slot];
                return true;
            }
            let Ok(at) = away.binary_search_by_key(&note.flow, |one| one.slot) else {
                return false;
            };
            note.rename(away[at].number, &away[at].streams);
            true
        });
        let mut at = 0;
        self.bins.retain(|_| {
            at += 1;
            !gone[at - 1]
        });
    }

    /// The bin of the latest packet of a flow; [`NO_BIN`] when none had a time.
    pub(super) fn bin_of(&self, slot: Slot) -> u8 {
        self.bins.get(slot as usize).copied().unwrap_or(NO_BIN)
    }

    /// The last bin in which there was a packet.
    pub(super) fn last(&self) -> Option<u8> {
        let mut last = None;
        let mut see = |bin: u8| last = last.max(Some(bin).filter(|bin| *bin != NO_BIN));
        self.bins.iter().copied().for_each(&mut see);
        self.log.each(|note| {
            see(note.from);
            see(note.to);
        });
        last
    }

    /// All notes.
    pub(super) fn each(&self, out: impl FnMut(&Note)) {
        self.log.each(out);
    }
}

/// Gives all partitions the same bins: the narrowest with which there are not too many notes.
pub(super) fn agree(courses: &mut [Course], flows: usize) {
    let widest = courses.iter().map(Course::width).max();
    let mut width = widest.unwrap_or_default();
    loop {
        for course in &mut *courses {
            while course.width < width {
                course.widen();
            }
        }
        let weight: usize = courses.iter().map(|course| course.log.weight()).sum();
        if weight <= room(flows, 1) || width.is_widest() {
            return;
        }
        width = width.wider().0;
    }
}

/// Bytes that the notes of so many flows may have in one of so many partitions: the more flows, the less.
fn room(flows: usize, partitions: usize) -> usize {
    let left = (MOST / partitions).saturating_sub(flows * LESS_A_FLOW);
    left.max(LEAST / partitions)
}

/// No bin.
pub(super) const NO_BIN: u8 = u8::MAX;
/// Bytes that notes may have.
const MOST: usize = 12 << 20;
/// Bytes that they may have less for each flow.
const LESS_A_FLOW: usize = 36;
/// Bytes that they may have with any number of flows.
const LEAST: usize = 3 << 20;

#[cfg(test)]
mod tests;
