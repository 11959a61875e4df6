//! Flows as people and spreadsheets read them.

use std::collections::{BTreeSet, BinaryHeap};
use std::io::{self, Write};

use perhop_verify::call::Call;
use perhop_verify::engine::Ledger;
use perhop_verify::flow::{DscpCounts, Flow};
use perhop_verify::quality::{self, Assumptions, Estimate};
use perhop_verify::stream::{MediaType, Stream};

use crate::json::flow::{signs, tunnel};
use crate::render::grid::{Cell, Column, Needs, wrap};
use crate::render::{counted_u64, grouped};
use crate::table::csv::Csv;
use crate::time;
use crate::ui::{BOLD, DIM, WARN, paint};

/// Writes the list of flows for a terminal: those with media first, then by packets. A flow is made when it is looked at,
/// and none is kept: the rows are made once for the widths of the columns and once to be written. `dropped` packets are not
/// in the captures.
///
/// # Errors
/// The writer's.
pub(crate) fn human(
    out: &mut dyn Write,
    found: &Ledger,
    dropped: u64,
    limit: usize,
    width: Option<usize>,
) -> io::Result<()> {
    let (ranks, streams) = ranked(found, limit);
    out.write_all(summary(found, streams, dropped).as_bytes())?;
    if ranks.is_empty() {
        return Ok(());
    }
    let flows = || ranks.iter().map(|(_, number)| found.flow(*number as usize));
    let mut needs = Needs::new([
        Column::text("Flow", 24),
        Column::number("Packets"),
        Column::text("DSCP", 12),
        Column::text("What", 16),
    ]);
    let (mut scored, mut has_score) = (0, false);
    for flow in flows() {
        if !has_score && scored < MOST_SCORED {
            let some = flow.rtp.iter().take(MOST_SCORED - scored);
            has_score = some.clone().any(|stream| mos(stream).is_some());
            scored += some.len();
        }
        needs.add(&cells(&flow));
    }
    let layout = needs.layout(width);
    let mut text = layout.head();
    for flow in flows() {
        layout.row(&cells(&flow), &mut text);
        out.write_all(text.as_bytes())?;
        text.clear();
    }
    if has_score {
        for line in wrap(&mos_assumes(), width.unwrap_or(WIDTH)) {
            text.push_str(&paint(DIM, &format!("{line}\n")));
        }
    }
    if ranks.len() < found.len() {
        text.push_str(&paint(
            DIM,
            &format!(
                "and {} more; `--limit 0` or `--format json` shows them\n",
                grouped((found.len() - ranks.len()) as u64)
            ),
        ));
    }
    out.write_all(text.as_bytes())
}

/// What is listed of a flow.
fn cells(flow: &Flow) -> [Cell; 4] {
    [
        Cell::from(format!(
            "{} {} >\n{}",
            flow.key.protocol_text(),
            end(flow, true),
            end(flow, false)
        )),
        grouped(flow.packets).into(),
        marks(&flow.dscp).into(),
        what(flow).into(),
    ]
}

/// The numbers of the flows to be listed, in their order, at most `limit` unless that is 0, each behind what it is ranked by;
/// and how many streams there are in all.
fn ranked(found: &Ledger, limit: usize) -> (Vec<(u64, u32)>, usize) {
    let most = if limit == 0 {
        found.len()
    } else {
        limit.min(found.len())
    };
    let (mut streams, mut ranks) = (0, BinaryHeap::with_capacity(most + 1));
    for (number, flow) in (0..).zip(found.flows()) {
        streams += flow.rtp.len();
        let fewer = MOST_PACKETS - flow.packets.min(MOST_PACKETS);
        let behind = if flow.has_media() { 0 } else { 1 << 63 };
        ranks.push((behind | fewer, number));
        if ranks.len() > most {
            ranks.pop();
        }
    }
    (ranks.into_sorted_vec(), streams)
}

/// One or two lines about the whole.
fn summary(found: &Ledger, streams: usize, dropped: u64) -> String {
    let totals = found.totals();
    let calls = match found.calls().list.len() as u64 {
        0 => String::new(),
        count => format!(", {}", counted_u64(count, "call")),
    };
    let mut out = paint(
        BOLD,
        &format!(
            "{}, {}, {}{calls}",
            counted_u64(totals.packets, "packet"),
            counted_u64(found.len() as u64, "flow"),
            counted_u64(streams as u64, "RTP stream")
        ),
    );
    if let Some((first, last)) = totals.time {
        out.push_str(&format!(
            "; {}, {}",
            time::utc(first),
            time::duration(last.saturating_sub(first))
        ));
    }
    out.push('\n');
    if dropped > 0 {
        out.push_str(&paint(
            WARN,
            &format!(
                "{} passed and could not be captured; loss in the streams may be theirs\n",
                counted_u64(dropped, "packet")
            ),
        ));
    }
    for row in &totals.undecoded {
        out.push_str(&paint(
            DIM,
            &format!(
                "{} not decoded: {} ({})\n",
                counted_u64(row.packets, "packet"),
                row.cause,
                row.layer
            ),
        ));
    }
    out.push('\n');
    out
}

/// `46 (EF)`, or each value with its packets.
pub(crate) fn marks(counts: &DscpCounts) -> String {
    match counts.only() {
        Some(dscp) => dscp.to_string(),
        None => {
            let parts: Vec<String> = counts
                .iter()
                .map(|(dscp, packets)| format!("{dscp} × {}", grouped(packets)))
                .collect();
            parts.join(", ")
        }
    }
}

/// One end of a flow.
fn end(flow: &Flow, sender: bool) -> String {
    let (address, port) = if sender {
        (flow.key.src, flow.key.src_port)
    } else {
        (flow.key.dst, flow.key.dst_port)
    };
    if port == 0 {
        address.to_string()
    } else {
        std::net::SocketAddr::new(address, port).to_string()
    }
}

/// The streams, or what else is known.
fn what(flow: &Flow) -> String {
    let mut lines: Vec<String> = flow.rtp.iter().take(4).map(stream).collect();
    if flow.rtp.len() > 4 {
        lines.push(format!("and {} streams more", flow.rtp.len() - 4));
    }
    if lines.is_empty() {
        let seen = signs(&flow.signs);
        if !seen.is_empty() {
            lines.push(seen.join(", "));
        }
    }
    lines.extend(
        flow.call
            .as_deref()
            .map(|call| format!("call {}", call.parties())),
    );
    if let Some(kind) = flow.tunnel {
        lines.push(format!(
            "in {}, outside {}",
            tunnel(kind),
            marks(&flow.outer_dscp)
        ));
    }
    lines.join("\n")
}

/// `audio PCMU, loss 3.6 %, jitter 4.1 ms, MOS 3.9`.
pub(crate) fn stream(stream: &Stream) -> String {
    let mut text = stream.media.map_or("media", MediaType::name).to_owned();
    match &stream.codec {
        Some(codec) => text.push_str(&format!(" {}", codec.name)),
        None => text.push_str(&format!(" type {}", stream.payload_type)),
    }
    text.push_str(&format!(", loss {:.1} %", 100.0 * stream.sequence.loss()));
    match &stream.jitter {
        Some(jitter) => text.push_str(&format!(", jitter {:.1} ms", jitter.mean_ms)),
        None => text.push_str(", jitter unknown"),
    }
    if let Some(found) = mos(stream) {
        text.push_str(&format!(", MOS {:.1}", found.mos));
    }
    text
}

/// What a MOS assumes, for under a list.
pub(crate) fn mos_assumes() -> String {
    let assumed = Assumptions::default();
    format!(
        "MOS: E-model (ITU-T G.107), narrowband; network {:.0} ms one way where RTCP gives no round trip, jitter buffer {:.0} \
         ms or twice the largest jitter",
        assumed.network_ms, assumed.buffer_ms
    )
}

/// What was likely heard of a stream, where that can be stated.
fn mos(stream: &Stream) -> Option<Estimate> {
    quality::estimate(stream, &Assumptions::default()).ok()
}

/// Packets by which flows are ranked, at most.
const MOST_PACKETS: u64 = u64::MAX >> 1;
/// Columns where nothing else is said.
const WIDTH: usize = 100;
/// A MOS is looked for in so many streams before its assumptions are told.
const MOST_SCORED: usize = 1000;

/// Headings of the lines that [`csv`] and the report's CSV begin with.
pub(crate) const FLOW_HEADINGS: [&str; 24] = [
    "proto",
    "src",
    "src_port",
    "dst",
    "dst_port",
    "packets",
    "bytes",
    "first",
    "last",
    "dscp",
    "outer_dscp",
    "rtp_streams",
    "rtp_packets",
    "rtp_lost",
    "rtp_loss_percent",
    "jitter_ms_mean",
    "codec",
    "mos",
    "mos_assumes",
    "remote_loss_percent",
    "round_trip_ms",
    "call_id",
    "call_from",
    "call_to",
];

/// The cells under [`FLOW_HEADINGS`].
pub(crate) fn flow_cells(flow: &Flow) -> Vec<String> {
    let sum = |pick: fn(&Stream) -> u64| flow.rtp.iter().map(pick).sum::<u64>();
    let missing = sum(|stream| stream.sequence.missing);
    let loss = flow.has_media().then(|| {
        let expected = sum(|stream| stream.sequence.expected).max(1);
        100.0 * missing as f64 / expected as f64
    });
    let jitter = flow
        .rtp
        .iter()
        .filter_map(|stream| stream.jitter)
        .map(|jitter| jitter.mean_ms)
        .reduce(f64::max);
    let estimates = flow.rtp.iter().filter_map(mos);
    let worst = estimates.min_by(|one, two| one.mos.total_cmp(&two.mos));
    let codecs: BTreeSet<&str> = flow
        .rtp
        .iter()
        .filter_map(|one| one.codec.as_ref().map(|codec| &*codec.name))
        .collect();
    let remote = || flow.rtp.iter().filter_map(|one| one.remote.as_deref());
    let lost = remote()
        .filter_map(|one| one.worst_loss())
        .reduce(f64::max)
        .map(|share| 100.0 * share);
    let trip = remote()
        .filter_map(|one| one.round_trip_ms())
        .reduce(f64::min);
    let call =
        |pick: fn(&Call) -> &String| flow.call.as_deref().map(pick).cloned().unwrap_or_default();
    let number = |value: Option<f64>| value.map_or_else(String::new, |one| format!("{one:.3}"));
    vec![
        flow.key.protocol_name(),
        flow.key.src.to_string(),
        flow.key.src_port.to_string(),
        flow.key.dst.to_string(),
        flow.key.dst_port.to_string(),
        flow.packets.to_string(),
        flow.bytes.to_string(),
        time::decimal(flow.first),
        time::decimal(flow.last),
        values(&flow.dscp),
        values(&flow.outer_dscp),
        flow.rtp.len().to_string(),
        sum(|stream| stream.packets).to_string(),
        missing.to_string(),
        number(loss),
        number(jitter),
        codecs.into_iter().collect::<Vec<_>>().join(" "),
        number(worst.map(|one| one.mos)),
        worst.map_or_else(String::new, |one| one.to_string()),
        number(lost),
        number(trip),
        call(|call| &call.id),
        call(|call| &call.from),
        call(|call| &call.to),
    ]
}

/// `46:1200 0:3`, a value and its packets each.
fn values(counts: &DscpCounts) -> String {
    let each = counts.iter();
    let each: Vec<String> = each
        .map(|(dscp, packets)| format!("{}:{packets}", dscp.value()))
        .collect();
    each.join(" ")
}

/// Writes all flows, one a line.
///
/// # Errors
/// The writer's.
pub(crate) fn csv(out: &mut dyn Write, found: &Ledger) -> io::Result<()> {
    Csv::write(
        out,
        &FLOW_HEADINGS,
        found.flows().map(|flow| flow_cells(&flow)),
    )
}
