//! Where the RTCP of a capture is, found by the 5-tuple of its flow.

use std::hash::BuildHasher;

use super::table::Slot;
use crate::flow::FlowKey;
use crate::secret::Secret;

/// Where a flow is: in a table, or among those that made room and were kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u32);

impl Place {
    /// In the table of this number.
    pub(super) const fn in_table(table: usize, slot: Slot) -> Self {
        Self((table as u32) << SLOT_BITS | slot)
    }

    /// The kept flow of this number.
    pub(super) const fn kept(number: usize) -> Self {
        Self(KEPT + number as u32)
    }

    /// Table and slot, or the number of the kept flow.
    pub(super) const fn parts(self) -> Result<(usize, Slot), usize> {
        if self.0 < KEPT {
            let slot = self.0 & ((1 << SLOT_BITS) - 1);
            Ok(((self.0 >> SLOT_BITS) as usize, slot))
        } else {
            Err((self.0 - KEPT) as usize)
        }
    }
}

/// Flows with RTCP, by 5-tuple: open addressing over their places. It is filled once, and only ever asked for one 5-tuple,
/// so its order is of no account.
#[derive(Debug, Default)]
pub(super) struct Directory {
    /// 0 for empty, else a place plus 1.
    buckets: Vec<u32>,
    secret: Secret,
}

impl Directory {
    /// An empty one with room for so many flows.
    pub(super) fn new(flows: usize) -> Self {
        let buckets = match flows {
            0 => 0,
            some => (2 * some).next_power_of_two(),
        };
        Self {
            buckets: vec![0; buckets],
            secret: Secret::default(),
        }
    }

    /// Whether there is no flow in it.
    pub(super) const fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Adds a flow.
    pub(super) fn add(&mut self, key: &FlowKey, place: Place) {
        let mask = self.buckets.len() - 1;
        let mut at = self.start(key);
        while self.buckets[at] != 0 {
            at = (at + 1) & mask;
        }
        self.buckets[at] = place.0 + 1;
    }

    /// The last flow added that is one of those with this 5-tuple, as `is` says of places.
    pub(super) fn find(&self, key: &FlowKey, is: impl Fn(Place) -> bool) -> Option<Place> {
        if self.is_empty() {
            return None;
        }
        let mask = self.buckets.len() - 1;
        let (mut at, mut found) = (self.start(key), None);
        while let Some(place) = self.buckets[at].checked_sub(1).map(Place) {
            if is(place) {
                found = Some(place);
            }
            at = (at + 1) & mask;
        }
        found
    }

    fn start(&self, key: &FlowKey) -> usize {
        self.secret.hash_one(key) as usize & (self.buckets.len() - 1)
    }
}

/// Bits of a slot.
const SLOT_BITS: u32 = 23;
/// Places from here on are of kept flows: there are at most 16 tables.
const KEPT: u32 = 16 << SLOT_BITS;

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use super::*;

    fn key(number: u16) -> FlowKey {
        FlowKey {
            src: IpAddr::V4(Ipv4Addr::from(u32::from(number))),
            dst: IpAddr::V6(Ipv6Addr::LOCALHOST),
            protocol: 17,
            src_port: number,
            dst_port: 1,
        }
    }

    #[test]
    fn the_last_flow_of_a_key_is_found() {
        let keys: Vec<FlowKey> = (0..500).chain(0..250).map(key).collect();
        let mut directory = Directory::new(keys.len());
        for (number, key) in keys.iter().enumerate() {
            directory.add(key, Place::kept(number));
        }
        let is = |wanted: FlowKey| {
            let keys = &keys;
            move |place: Place| keys[place.parts().unwrap_err()] == wanted
        };
        for number in 0..500 {
            let last = usize::from(if number < 250 { number + 500 } else { number });
            let found = directory.find(&key(number), is(key(number)));
            assert_eq!(found, Some(Place::kept(last)));
        }
        assert_eq!(directory.find(&key(500), is(key(500))), None);
        assert_eq!(Directory::new(0).find(&key(1), is(key(1))), None);
    }

    #[test]
    fn places_are_told_apart() {
        let most = super::super::table::MOST_FLOWS as Slot - 1;
        let all = [
            Place::in_table(0, 0),
            Place::in_table(0, most),
            Place::in_table(15, 7),
            Place::in_table(15, most),
            Place::kept(0),
            Place::kept(16 * most as usize),
        ];
        assert!(all.is_sorted());
        let parts = all.map(Place::parts);
        assert_eq!(parts[1..4], [Ok((0, most)), Ok((15, 7)), Ok((15, most))]);
        assert_eq!(parts[4..], [Err(0), Err(16 * most as usize)]);
    }
}
