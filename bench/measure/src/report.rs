//! The report: Markdown for people, JSON for later comparison.

use std::fmt::Write as _;
use std::time::Duration;

use generate::Profile;
use serde_json::json;

use crate::child::Cost;
use crate::machine::Machine;
use crate::timing::{Row, Section};

/// Middle, least and most of several numbers.
#[derive(Debug, Clone, Copy)]
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(numbers: impl Iterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<_> = numbers.collect();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let half = sorted.len() / 2;
        let odd = !sorted.len().is_multiple_of(2);
        let median = if odd {
            sorted[half]
        } else {
            f64::midpoint(sorted[half - 1], sorted[half])
        };
        Some(Self {
            median,
            least,
            most,
        })
    }
}

/// The numbers of one row.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    wall: Spread,
    cpu: Spread,
    /// Wall time in units of the first row's, round by round.
    ratio: Spread,
    memory: u64,
    packets: f64,
    bytes: f64,
}

impl Numbers {
    fn of(row: &Row, base: &Row, section: &Section) -> Option<Self> {
        let pairs = row.costs.iter().zip(&base.costs);
        Some(Self {
            wall: Spread::of(row.costs.iter().map(|cost| cost.wall.as_secs_f64()))?,
            cpu: Spread::of(row.costs.iter().map(|cost| cost.cpu.as_secs_f64()))?,
            ratio: Spread::of(pairs.map(|(cost, base)| part(cost.wall, base.wall)))?,
            memory: row.costs.iter().map(|cost: &Cost| cost.memory).max()?,
            packets: real(section.capture.truth.packets),
            bytes: real(section.capture.truth.file_bytes),
        })
    }
}

/// The report as Markdown.
pub(crate) fn markdown(machine: &Machine, sections: &[Section], rounds: usize) -> String {
    let mut out = String::new();
    writeln!(
        out,
        "{}, commit {}, {} ({} cores), {}; rounds: {rounds}, medians, files in the page cache.",
        machine.date, machine.commit, machine.processor, machine.cores, machine.kernel
    )
    .expect("writing to a string works");
    for section in sections {
        table(&mut out, section);
    }
    out.push_str(&across(sections));
    out
}

/// The report as JSON.
pub(crate) fn data(machine: &Machine, sections: &[Section], rounds: usize) -> String {
    let sections: Vec<_> = sections.iter().map(section_data).collect();
    let value = json!({
        "schema": "perhop-bench/1",
        "date": machine.date,
        "commit": machine.commit,
        "processor": machine.processor,
        "cores": machine.cores,
        "kernel": machine.kernel,
        "rounds": rounds,
        "captures": sections,
    });
    format!("{value:#}\n")
}

fn section_data(section: &Section) -> serde_json::Value {
    let truth = &section.capture.truth;
    let rows: Vec<_> = section
        .rows
        .iter()
        .filter_map(|row| {
            let numbers = Numbers::of(row, &section.rows[0], section)?;
            let walls: Vec<_> = row
                .costs
                .iter()
                .map(|cost| cost.wall.as_secs_f64())
                .collect();
            let cpus: Vec<_> = row
                .costs
                .iter()
                .map(|cost| cost.cpu.as_secs_f64())
                .collect();
            Some(json!({
                "name": row.name,
                "wall_s": walls,
                "cpu_s": cpus,
                "ratio_to_cat": numbers.ratio.median,
                "limit": row.limit,
                "peak_memory_bytes": numbers.memory,
            }))
        })
        .collect();
    json!({
        "name": section.capture.name,
        "packets": truth.packets,
        "bytes": truth.file_bytes,
        "flows": truth.flows,
        "rtp_streams": truth.heard().count(),
        "rows": rows,
    })
}

fn table(out: &mut String, section: &Section) {
    let truth = &section.capture.truth;
    let heading = format!(
        "\n**{}**: {} packets, {} bytes, {} flows, {} RTP streams\n\n\
         | run | seconds | least–most | × cat | at most | GB/s | Mpackets/s | ns a packet | CPU s | peak MB |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        section.capture.name,
        thousands(truth.packets),
        thousands(truth.file_bytes),
        thousands(truth.flows),
        thousands(truth.heard().map(|_| 1).sum())
    );
    out.push_str(&heading);
    let is_busy = is_busy(section);
    for row in &section.rows {
        let Some(numbers) = Numbers::of(row, &section.rows[0], section) else {
            continue;
        };
        let (wall, median) = (numbers.wall, numbers.wall.median);
        let limit = row.limit.map_or_else(String::new, |limit| {
            let verdict = if is_busy {
                "busy"
            } else {
                met(numbers.ratio.median <= limit)
            };
            format!("{limit:.1} {verdict}")
        });
        writeln!(
            out,
            "| {} | {median:.3} | {:.3}–{:.3} | {:.2} | {limit} | {:.2} | {:.2} | {:.0} | {:.3} | {} |",
            row.name,
            wall.least,
            wall.most,
            numbers.ratio.median,
            numbers.bytes / median / 1e9,
            numbers.packets / median / 1e6,
            median * 1e9 / numbers.packets,
            numbers.cpu.median,
            memory(numbers.memory, row.memory_limit),
        )
        .expect("writing to a string works");
    }
}

/// Whether reading the file waited for something else than the file's bytes, so that ratios to it mean nothing.
fn is_busy(section: &Section) -> bool {
    let base = &section.rows[0];
    Numbers::of(base, base, section).is_some_and(|cat| cat.wall.median > BUSY * cat.cpu.median)
}

/// What compares rows or captures: the programs that count packets, tshark, and many flows against fewer.
fn across(sections: &[Section]) -> String {
    let counting = sections.iter().flat_map(counting);
    let tshark = sections.iter().filter_map(tshark);
    counting.chain(tshark).chain(many_flows(sections)).collect()
}

/// Time of perhop on one thread in that of programs that only count packets, beside what the limits are of these programs
/// on the machine where the limits were set. How fast a processor computes and how fast it copies out of the page cache,
/// which is all that `cat` does, are two things, and the first is what most of the limits ask for.
fn counting(section: &Section) -> Vec<String> {
    let of = |profile| move |peer: &&CountingPeer| peer.profile == profile;
    let peers = COUNTING_PEERS.iter().filter(of(section.capture.profile));
    let compared = peers.filter_map(|peer| {
        let peers_time = numbers_of(section, peer.name)?.wall.median;
        let times = numbers_of(section, "perhop flows")?.wall.median / peers_time;
        let limit = peer.limit_s / peer.took_s;
        Some(format!(
            "\n{}: `perhop flows` takes {times:.2} times the time of `{}`, one thread (the limit was {limit:.2} times it: {}).\n",
            section.capture.name,
            peer.name,
            met(times <= limit)
        ))
    });
    compared.collect()
}

/// A program that only counts packets, on the machine where the limits were set.
struct CountingPeer {
    name: &'static str,
    profile: Profile,
    /// Seconds that it took.
    took_s: f64,
    /// Seconds that the limit is there, for one thread.
    limit_s: f64,
}

/// Two processors of an AMD EPYC (Zen 4), captures of 1 GB of the same kind; `cat` took 0.125 and 0.121 s.
const COUNTING_PEERS: [CountingPeer; 4] = [
    CountingPeer {
        name: "capinfos -c",
        profile: Profile::Full,
        took_s: 0.251,
        limit_s: 1.6 * 0.125,
    },
    CountingPeer {
        name: "tcpdump --count",
        profile: Profile::Full,
        took_s: 0.270,
        limit_s: 1.6 * 0.125,
    },
    CountingPeer {
        name: "capinfos -c",
        profile: Profile::Snap,
        took_s: 0.932,
        limit_s: 4.0 * 0.121,
    },
    CountingPeer {
        name: "tcpdump --count",
        profile: Profile::Snap,
        took_s: 0.442,
        limit_s: 4.0 * 0.121,
    },
];

/// CPU time of tshark in that of perhop, on one thread.
fn tshark(section: &Section) -> Option<String> {
    let median = |what: &str| Some(numbers_of(section, what)?.cpu.median);
    let times = median("tshark")? / median("perhop flows")?;
    let least = if section.capture.profile == Profile::Full {
        100.0
    } else {
        1000.0
    };
    Some(format!(
        "\n{}: tshark takes {times:.0} times the CPU time of `perhop flows` (at least {least:.0}: {}).\n",
        section.capture.name,
        met(times >= least)
    ))
}

/// What a packet costs among many flows, in what it costs among fewer.
fn many_flows(sections: &[Section]) -> Option<String> {
    let per_packet = |name: &str| {
        let section = sections
            .iter()
            .find(|section| section.capture.name == name)?;
        let numbers = numbers_of(section, "perhop flows")?;
        Some(numbers.wall.median / numbers.packets)
    };
    let times = per_packet("many")? / per_packet("snap")?;
    Some(format!(
        "\nmany: {times:.2} times the time a packet of snap, one thread (at most 1.6: {}).\n",
        met(times <= 1.6)
    ))
}

/// The numbers of the first row whose name has this in it.
fn numbers_of(section: &Section, what: &str) -> Option<Numbers> {
    let row = section.rows.iter().find(|row| row.name.contains(what))?;
    Numbers::of(row, &section.rows[0], section)
}

fn memory(used: u64, limit: Option<u64>) -> String {
    let megabytes = |bytes: u64| format!("{:.0}", real(bytes) / 1e6);
    limit.map_or_else(
        || megabytes(used),
        |limit| {
            format!(
                "{} (at most {} {})",
                megabytes(used),
                megabytes(limit),
                met(used <= limit)
            )
        },
    )
}

const fn met(is_met: bool) -> &'static str {
    if is_met { "met" } else { "**missed**" }
}

/// A command that computes all the time takes hardly more time than CPU time; starting it counts as well.
const BUSY: f64 = 1.4;

fn part(time: Duration, whole: Duration) -> f64 {
    time.as_secs_f64() / whole.as_secs_f64().max(1e-9)
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(String::from_utf8_lossy)
        .collect();
    groups.join(" ")
}

#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^53")]
const fn real(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_medians_lie_in_the_middle() {
        assert_eq!(thousands(1), "1");
        assert_eq!(thousands(1_234_567), "1 234 567");
        let median =
            |numbers: &[f64]| Spread::of(numbers.iter().copied()).map(|spread| spread.median);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}
