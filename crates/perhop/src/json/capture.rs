//! Captures and what is known of them as a whole, as JSON.

use perhop_verify::engine::Totals;
use serde::Serialize;

use crate::feed::{self, Capture};
use crate::json::{Histogram, Seconds};

/// One capture that was read.
#[derive(Debug, Serialize)]
pub(crate) struct JsonCapture<'a> {
    file: &'a str,
    compression: Option<&'a str>,
    packets: u64,
    bytes: u64,
    first: Option<Seconds>,
    last: Option<Seconds>,
    dropped: u64,
    damage: &'a [String],
    damages: u64,
}

impl<'a> JsonCapture<'a> {
    /// What is written of a capture.
    pub(crate) fn of(capture: &'a Capture) -> Self {
        Self {
            file: &capture.name,
            compression: capture.compression,
            packets: capture.packets,
            bytes: capture.bytes,
            first: capture.time.map(|(first, _)| Seconds(first)),
            last: capture.time.map(|(_, last)| Seconds(last)),
            dropped: capture.dropped,
            damage: &capture.damage,
            damages: capture.damages,
        }
    }
}

/// Counts over all captures.
#[derive(Debug, Serialize)]
pub(crate) struct JsonTotals<'a> {
    packets: u64,
    captured_bytes: u64,
    ip_packets: u64,
    ip_bytes: u64,
    untimed: u64,
    dropped: u64,
    undecoded: Vec<JsonUndecoded>,
    evicted: JsonEvicted<'a>,
}

#[derive(Debug, Serialize)]
struct JsonUndecoded {
    layer: String,
    cause: String,
    packets: u64,
}

#[derive(Debug, Serialize)]
struct JsonEvicted<'a> {
    flows: u64,
    unlisted: u64,
    packets: u64,
    bytes: u64,
    dscp: Histogram<'a>,
}

impl<'a> JsonTotals<'a> {
    /// What is written of the totals.
    pub(crate) fn of(totals: &'a Totals, captures: &[Capture]) -> Self {
        Self {
            packets: totals.packets,
            captured_bytes: totals.captured_bytes,
            ip_packets: totals.ip_packets,
            ip_bytes: totals.ip_bytes,
            untimed: totals.untimed,
            dropped: feed::dropped(captures),
            undecoded: totals
                .undecoded
                .iter()
                .map(|row| JsonUndecoded {
                    layer: row.layer.to_string(),
                    cause: row.cause.to_string(),
                    packets: row.packets,
                })
                .collect(),
            evicted: JsonEvicted {
                flows: totals.evicted.flows,
                unlisted: totals.evicted.unlisted,
                packets: totals.evicted.packets,
                bytes: totals.evicted.bytes,
                dscp: Histogram(&totals.evicted.dscp),
            },
        }
    }
}
