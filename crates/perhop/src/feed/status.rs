//! How it goes while packets come in, on stderr while somebody watches.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use perhop_policy::Dscp;
use perhop_wire::capture::CapturedPacket;
use perhop_wire::packet::dissect;

use super::from::Stop;
use crate::render::{counted_u64, grouped};
use crate::ui::Ui;

/// Time between two lines.
pub(super) const PACE: Duration = Duration::from_millis(250);

/// Columns of a terminal that does not say how many it has.
const NARROW: usize = 80;

/// What the line says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    /// Packets so far.
    pub(super) packets: u64,
    /// Flows so far.
    pub(super) flows: u64,
    /// Packets lost so far.
    pub(super) dropped: u64,
    /// The marks so far, where they are counted.
    pub(super) marks: Marks,
}

/// Packets by their DSCP.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marks([u64; 64]);

impl Default for Marks {
    fn default() -> Self {
        Self([0; 64])
    }
}

impl Marks {
    /// Counts a packet by its innermost IP header.
    pub(super) fn count(&mut self, packet: &CapturedPacket<'_>) {
        if let Ok(seen) = dissect(packet.link, packet.data, packet.wire_len) {
            self.0[usize::from(seen.ds.dscp().value())] += 1;
        }
    }

    /// `46 (EF) 1,200`, one for each mark: those of most packets first, what is not marked last.
    fn words(&self) -> impl Iterator<Item = String> {
        let mut seen: Vec<(Dscp, u64)> = (0..)
            .map_while(Dscp::try_new)
            .zip(self.0)
            .filter(|(_, packets)| *packets > 0)
            .collect();
        seen.sort_by_key(|(dscp, packets)| (dscp.value() == 0, Reverse(*packets)));
        seen.into_iter()
            .map(|(dscp, packets)| format!("{dscp} {}", grouped(packets)))
    }
}

/// The line.
pub(super) struct Status<'a> {
    ui: Option<&'a Ui>,
    told: Option<Instant>,
    packets: u64,
}

impl<'a> Status<'a> {
    /// Says what is listened to and how it ends.
    pub(super) fn new(what: &str, stop: &Stop, ui: &'a Ui) -> Self {
        let end = match stop.duration() {
            Some(duration) => format!("for {}, or until Ctrl-C", length(duration)),
            None => "until Ctrl-C".to_owned(),
        };
        ui.tell(&format!("{what} {end}\n"));
        Self {
            ui: ui.is_watched().then_some(ui),
            told: None,
            packets: 0,
        }
    }

    /// Called now and then; `counts` is asked only when the line is due.
    pub(super) fn tick(&mut self, stop: &Stop, counts: impl FnOnce() -> Counts) {
        let Some(ui) = self.ui else { return };
        let now = Instant::now();
        let since = self.told.map(|told| now - told);
        if since.is_some_and(|since| since < PACE) {
            return;
        }
        let counts = counts();
        let rate = since
            .map(|since| counts.packets.saturating_sub(self.packets) as f64 / since.as_secs_f64());
        (self.told, self.packets) = (Some(now), counts.packets);
        let width = ui.width().unwrap_or(NARROW);
        let line = line(stop.spent(), stop.duration(), counts, rate, width);
        ui.tell(&format!("\r{line}\u{1b}[K"));
    }

    /// Takes the line away.
    pub(super) fn clear(&mut self) {
        if let (Some(ui), Some(_)) = (self.ui, self.told) {
            ui.tell("\r\u{1b}[K");
        }
    }
}

/// `12 s of 60 s  12,345 packets  1,024/s  87 flows  0 dropped  46 (EF) 1,200  0 (DF) 11,145`, with as many marks as there
/// is room for: a line that wraps could not be taken away.
fn line(
    spent: Duration,
    whole: Option<Duration>,
    counts: Counts,
    rate: Option<f64>,
    width: usize,
) -> String {
    let mut line = length(spent);
    if let Some(whole) = whole {
        line.push_str(&format!(" of {}", length(whole)));
    }
    line.push_str(&format!("  {}", counted_u64(counts.packets, "packet")));
    if let Some(rate) = rate {
        line.push_str(&format!("  {}/s", grouped(rate.round() as u64)));
    }
    line.push_str(&format!(
        "  {}  {} dropped",
        counted_u64(counts.flows, "flow"),
        grouped(counts.dropped)
    ));
    for mark in counts.marks.words() {
        if line.len() + 2 + mark.len() >= width {
            break;
        }
        line.push_str(&format!("  {mark}"));
    }
    line
}

/// `45 s`, `12 min 5 s`, `1 h`.
fn length(time: Duration) -> String {
    let seconds = time.as_secs();
    let parts = [
        (seconds / 3600, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let said: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if said.is_empty() {
        "0 s".to_owned()
    } else {
        said.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_it_goes() {
        let counts = Counts {
            packets: 12_345,
            flows: 1,
            ..Counts::default()
        };
        assert_eq!(
            line(
                Duration::from_millis(12_900),
                Some(Duration::from_secs(60)),
                counts,
                Some(1023.6),
                80
            ),
            "12 s of 1 min  12,345 packets  1,024/s  1 flow  0 dropped"
        );
        assert_eq!(
            line(Duration::ZERO, None, Counts::default(), None, 80),
            "0 s  0 packets  0 flows  0 dropped"
        );
        let mut marks = Marks::default();
        (marks.0[0], marks.0[34], marks.0[46]) = (11_000, 345, 1000);
        let marked = |width| {
            line(
                Duration::ZERO,
                None,
                Counts { marks, ..counts },
                None,
                width,
            )
        };
        let short = "0 s  12,345 packets  1 flow  0 dropped";
        assert_eq!(
            marked(100),
            format!("{short}  46 (EF) 1,000  34 (AF41) 345  0 (DF) 11,000")
        );
        assert_eq!(marked(60), format!("{short}  46 (EF) 1,000"));
        assert_eq!(marked(40), short);
        assert_eq!(length(Duration::from_secs(3725)), "1 h 2 min 5 s");
        assert_eq!(length(Duration::from_secs(3600)), "1 h");
    }
}
