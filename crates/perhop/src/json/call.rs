//! Calls as JSON.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use perhop_verify::call::{Call, CallMedia, Calls};
use serde::Serialize;

use crate::json::Seconds;

/// What signalling in the clear says.
#[derive(Debug, Serialize)]
pub(crate) struct JsonCalls<'a> {
    evicted: u64,
    list: Vec<JsonCall<'a>>,
}

/// One call.
#[derive(Debug, Serialize)]
struct JsonCall<'a> {
    id: &'a str,
    from: &'a str,
    to: &'a str,
    frame: u64,
    first: Seconds,
    last: Seconds,
    messages: u64,
    status: Option<u16>,
    ended: bool,
    media: Vec<JsonMedia<'a>>,
    flows: Vec<usize>,
}

#[derive(Debug, Serialize)]
struct JsonMedia<'a> {
    media: &'static str,
    address: IpAddr,
    port: u16,
    codecs: Vec<JsonCodec<'a>>,
}

#[derive(Debug, Serialize)]
struct JsonCodec<'a> {
    payload_type: u8,
    name: &'a str,
    clock: u32,
}

impl<'a> JsonCalls<'a> {
    /// What is written of the calls; `flows` are those that the document lists.
    pub(crate) fn of(calls: &'a Calls, flows: impl Iterator<Item = Option<Arc<Call>>>) -> Self {
        let mut of_call: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        // Without calls there is nothing to ask the flows.
        let asked = if calls.list.is_empty() { 0 } else { usize::MAX };
        for (at, call) in flows.take(asked).enumerate() {
            if let Some(call) = call {
                of_call.entry(call.id.clone()).or_default().push(at);
            }
        }
        let list = calls.list.iter().map(|call| {
            let flows = of_call.remove(call.id.as_str()).unwrap_or_default();
            JsonCall::of(call, flows)
        });
        Self {
            evicted: calls.evicted,
            list: list.collect(),
        }
    }
}

impl<'a> JsonCall<'a> {
    fn of(call: &'a Call, flows: Vec<usize>) -> Self {
        Self {
            id: &call.id,
            from: &call.from,
            to: &call.to,
            frame: call.frame,
            first: Seconds(call.first),
            last: Seconds(call.last),
            messages: call.messages,
            status: call.status,
            ended: call.ended,
            media: call.media.iter().map(JsonMedia::of).collect(),
            flows,
        }
    }
}

impl<'a> JsonMedia<'a> {
    fn of(media: &'a CallMedia) -> Self {
        let codecs = media
            .codecs
            .iter()
            .map(|(payload_type, name, clock)| JsonCodec {
                payload_type: *payload_type,
                name,
                clock: *clock,
            });
        Self {
            media: media.media.name(),
            address: media.endpoint.ip(),
            port: media.endpoint.port(),
            codecs: codecs.collect(),
        }
    }
}
