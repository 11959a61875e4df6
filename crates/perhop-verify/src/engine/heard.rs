//! What signalling said, to be asked for flows once the capture is read.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use super::calls::{Book, Record, Said};
use crate::call::{Call, CallMedia, Calls};
use crate::flow::{Flow, FlowKey};
use crate::stream::{Announced, MediaType};

/// Calls, and what was announced of each endpoint, in order.
#[derive(Debug, Default)]
pub(super) struct Heard {
    calls: Calls,
    by_endpoint: BTreeMap<SocketAddr, Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    frame: u64,
    /// Of this and all entries before it, the latest.
    time: i64,
    /// Place in the list of calls.
    call: usize,
    /// All that the call said of the endpoint up to here.
    announced: Announced,
}

impl Heard {
    /// Puts the books of all partitions together. The two sides of a proxy may be in different ones.
    pub(super) fn new(books: Vec<Book>) -> Self {
        let mut heard = Self::default();
        let mut by_id: BTreeMap<String, Record> = BTreeMap::new();
        let mut records = Vec::new();
        for book in books {
            let (found, evicted) = book.finish();
            heard.calls.evicted += evicted;
            records.extend(found);
        }
        records.sort_by_key(|record| record.call.frame);
        for record in records {
            match by_id.get_mut(&record.call.id) {
                Some(known) => known.merge(record),
                None => {
                    by_id.insert(record.call.id.clone(), record);
                }
            }
        }
        let mut records: Vec<Record> = by_id.into_values().filter(Record::is_call).collect();
        records.sort_by_key(|record| record.call.frame);
        for (at, record) in records.into_iter().enumerate() {
            heard.add(at, record);
        }
        for entries in heard.by_endpoint.values_mut() {
            entries.sort_by_key(|entry| entry.frame);
            put_together(entries);
        }
        heard
    }

    fn add(&mut self, at: usize, record: Record) {
        let mut call = record.call;
        call.media = media(&record.said);
        self.calls.list.push(Arc::new(call));
        for said in record.said {
            self.by_endpoint
                .entry(said.endpoint)
                .or_default()
                .push(Entry {
                    frame: said.frame,
                    time: said.time,
                    call: at,
                    announced: said.announced,
                });
        }
    }

    /// Whether SDP names the receiver's or the sender's endpoint.
    pub(super) fn knows(&self, key: &FlowKey) -> bool {
        [key.dst_endpoint(), key.src_endpoint()]
            .iter()
            .any(|endpoint| self.by_endpoint.contains_key(endpoint))
    }

    /// SDP's word on the receiver's endpoint, else on the sender's, for a stream that lasted until a time.
    pub(super) fn announced(&self, key: &FlowKey, until: i64) -> Option<&Announced> {
        self.last_call(key, until).map(|(_, announced)| announced)
    }

    /// The call that a flow of media or its RTCP belongs to.
    pub(super) fn call_of(&self, flow: &Flow) -> Option<Arc<Call>> {
        if self.by_endpoint.is_empty() {
            return None;
        }
        let key = flow.key;
        let below = FlowKey {
            src_port: key.src_port.wrapping_sub(1),
            dst_port: key.dst_port.wrapping_sub(1),
            ..key
        };
        let beside = || flow.signs.rtcp.then(|| self.last_call(&below, flow.last))?;
        let (call, _) = self.last_call(&key, flow.last).or_else(beside)?;
        self.calls.list.get(call).cloned()
    }

    /// The calls themselves.
    pub(super) const fn calls(&self) -> &Calls {
        &self.calls
    }

    /// The call that spoke last of an endpoint before a time, with all that it had said of it by then.
    fn last_call(&self, key: &FlowKey, until: i64) -> Option<(usize, &Announced)> {
        let of = |endpoint| self.by_endpoint.get(&endpoint);
        let entries = of(key.dst_endpoint()).or_else(|| of(key.src_endpoint()))?;
        // An answer may come after the first packets, but not long.
        let until = until.saturating_add(LATE);
        let before = entries.partition_point(|entry| entry.time <= until);
        let entry = entries.get(before.max(1) - 1)?;
        Some((entry.call, &entry.announced))
    }
}

/// Lets every entry have what its call said before, and makes the times rise.
fn put_together(entries: &mut [Entry]) {
    for at in 1..entries.len() {
        let (before, after) = entries.split_at_mut(at);
        let entry = &mut after[0];
        entry.time = entry.time.max(before[at - 1].time);
        let near = before.iter().rev().take(NEAR);
        if let Some(known) = near.into_iter().find(|known| known.call == entry.call) {
            let mut whole = known.announced.clone();
            whole.update(std::mem::take(&mut entry.announced));
            entry.announced = whole;
        }
    }
}

/// What a call announced, each endpoint once, as it was said last.
fn media(said: &[Said]) -> Vec<CallMedia> {
    let mut media: Vec<CallMedia> = Vec::new();
    for one in said {
        let new = CallMedia {
            endpoint: one.endpoint,
            media: one.announced.media.unwrap_or(MediaType::Application),
            codecs: one.announced.types.clone(),
        };
        match media
            .iter_mut()
            .find(|known| known.endpoint == one.endpoint)
        {
            Some(known) => *known = new,
            None => media.push(new),
        }
    }
    media.truncate(Call::MOST_MEDIA);
    media
}

/// Nanoseconds by which an announcement may come after a stream's last packet.
const LATE: i64 = 2_000_000_000;
/// A call that spoke of an endpoint is looked for among so many entries before.
const NEAR: usize = 8;
