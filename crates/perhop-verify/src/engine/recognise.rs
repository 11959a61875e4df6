//! Which packets are RTP: by the behaviour of their sequence numbers, not by a look at one (verification by structure).

use super::signs;
use super::table::{Recognition, Slot, Table};
use crate::stream::Beginning;
use crate::stream::arena::{NONE, StreamId};
use crate::stream::arrival::Arrival;
use crate::stream::update::{HINTED, Taken};

impl Table {
    /// Takes a packet that can be RTP.
    #[inline(always)]
    pub(super) fn rtp(&mut self, slot: Slot, p: &Arrival) {
        let hot = &self.hot[slot as usize];
        if hot.recognition == Recognition::Refused {
            return;
        }
        let stream = hot.stream;
        if stream != NONE && self.streams.ssrc(stream) == p.ssrc {
            let least = least(hot.recognition);
            let taken = self.streams.take(stream, p, least);
            if taken != Taken::Counted || hot.recognition != Recognition::Media {
                self.settle(slot, stream, p, taken);
            }
            return;
        }
        self.other_source(slot, p);
    }

    /// STUN, DTLS or RTCP on a flow: RTP is likely too.
    pub(super) fn expect(&mut self, slot: Slot) {
        let hot = &mut self.hot[slot as usize];
        let told = signs::STUN | signs::DTLS | signs::RTCP;
        if hot.recognition == Recognition::Open && hot.signs & told != 0 {
            hot.recognition = Recognition::Expected;
        }
    }

    /// A packet of another SSRC than the one before.
    #[inline(never)]
    fn other_source(&mut self, slot: Slot, p: &Arrival) {
        let Some(stream) = self.bring_to_front(slot, p.ssrc) else {
            return self.begin(slot, p);
        };
        let least = least(self.hot[slot as usize].recognition);
        let taken = self.streams.take(stream, p, least);
        self.settle(slot, stream, p, taken);
    }

    /// Draws conclusions for the flow from what became of a packet.
    fn settle(&mut self, slot: Slot, stream: StreamId, p: &Arrival, taken: Taken) {
        let hot = &mut self.hot[slot as usize];
        match taken {
            Taken::Counted => {
                hot.fits = hot.fits.saturating_add(1);
                self.test(slot);
            }
            Taken::Accepted => {
                hot.recognition = Recognition::Media;
                let beginning = self.beginning(slot, stream);
                self.streams.set_beginning(stream, beginning);
            }
            Taken::Misfit => self.test(slot),
            Taken::Drop => {
                self.drop_stream(slot, stream);
                self.begin(slot, p);
            }
            Taken::Stray => {}
            Taken::Restart => {
                let again = self.start(slot, p, false);
                self.streams.set_beginning(again, Beginning::Restart);
            }
        }
    }

    /// Begins a candidate with a packet whose payload type is one that RTP uses.
    fn begin(&mut self, slot: Slot, p: &Arrival) {
        let recognition = self.hot[slot as usize].recognition;
        let usable = match p.payload_type() {
            0..=34 | 96..=127 => true,
            35..=63 => recognition != Recognition::Open,
            _ => false,
        };
        if usable {
            self.start(slot, p, true);
        }
        self.test(slot);
    }

    /// Begins a stream and puts it in front; a candidate may push out the one not seen for longest.
    fn start(&mut self, slot: Slot, p: &Arrival, candidate: bool) -> StreamId {
        let (mut candidates, mut streams, mut last) = (0, 0, NONE);
        let mut id = self.hot[slot as usize].stream;
        while id != NONE {
            if self.streams.is_candidate(id) {
                candidates += 1;
                last = id;
            } else {
                streams += 1;
            }
            id = self.streams.next(id);
        }
        if candidate && candidates >= MOST_CANDIDATES || streams >= MOST_STREAMS && last != NONE {
            self.drop_stream(slot, last);
        }
        let front = self.hot[slot as usize].stream;
        let new = self.streams.begin(p, front, candidate);
        self.hot[slot as usize].stream = new;
        new
    }

    /// Gives a flow up when most packets fit nothing.
    fn test(&mut self, slot: Slot) {
        let hot = &mut self.hot[slot as usize];
        if hot.recognition != Recognition::Open {
            return;
        }
        hot.tests = hot.tests.saturating_add(1);
        let few = u32::from(hot.fits) * 100 < u32::from(hot.tests) * LEAST_FITTING;
        if hot.tests >= TESTS && (few || hot.tests >= MOST_TESTS) {
            hot.recognition = Recognition::Refused;
            self.drop_all(slot);
        }
    }

    /// RTCP said goodbye for a source on this flow.
    pub(super) fn bye(&mut self, slot: Slot, ssrc: u32, time: i64) {
        let mut id = self.hot[slot as usize].stream;
        while id != NONE {
            if self.streams.ssrc(id) == ssrc && !self.streams.is_candidate(id) {
                return self.streams.end(id, time);
            }
            id = self.streams.next(id);
        }
    }

    /// The streams of a flow, latest first.
    pub(super) fn streams_of(&self, slot: Slot) -> impl Iterator<Item = StreamId> + '_ {
        let mut id = self.hot[slot as usize].stream;
        std::iter::from_fn(move || {
            let this = Some(id).filter(|id| *id != NONE)?;
            id = self.streams.next(this);
            Some(this)
        })
    }

    /// Whether another source had a stream on the flow before.
    fn beginning(&self, slot: Slot, stream: StreamId) -> Beginning {
        let earlier = self
            .streams_of(slot)
            .any(|id| id != stream && !self.streams.is_candidate(id));
        if earlier {
            Beginning::AnotherSource
        } else {
            Beginning::First
        }
    }

    /// Finds the stream of an SSRC and puts it in front.
    fn bring_to_front(&mut self, slot: Slot, ssrc: u32) -> Option<StreamId> {
        let front = self.hot[slot as usize].stream;
        let (mut before, mut id) = (NONE, front);
        while id != NONE && self.streams.ssrc(id) != ssrc {
            (before, id) = (id, self.streams.next(id));
        }
        if id == NONE {
            return None;
        }
        if before != NONE {
            let after = self.streams.next(id);
            self.streams.set_next(before, after);
            self.streams.set_next(id, front);
            self.hot[slot as usize].stream = id;
        }
        Some(id)
    }

    fn drop_stream(&mut self, slot: Slot, stream: StreamId) {
        let after = self.streams.next(stream);
        let mut id = self.hot[slot as usize].stream;
        if id == stream {
            self.hot[slot as usize].stream = after;
        } else {
            while self.streams.next(id) != stream {
                id = self.streams.next(id);
            }
            self.streams.set_next(id, after);
        }
        self.streams.release(stream);
    }

    /// Gives back all streams of a flow.
    pub(super) fn drop_all(&mut self, slot: Slot) {
        let mut id = self.hot[slot as usize].stream;
        self.hot[slot as usize].stream = NONE;
        while id != NONE {
            let next = self.streams.next(id);
            self.streams.release(id);
            id = next;
        }
    }
}

/// How many packets that go together make a stream.
const fn least(recognition: Recognition) -> u8 {
    match recognition {
        Recognition::Open | Recognition::Refused => 4,
        Recognition::Expected | Recognition::Media => HINTED,
    }
}

/// A flow is judged after so many packets that can be RTP.
const TESTS: u8 = 20;
/// A flow is given up after so many packets without a stream, however well they fit.
const MOST_TESTS: u8 = 250;
/// Of those, so many in a hundred must fit a candidate.
const LEAST_FITTING: u32 = 60;
/// Candidates of one flow.
const MOST_CANDIDATES: u32 = 8;
/// Recognised streams of one flow.
const MOST_STREAMS: u32 = 64;
