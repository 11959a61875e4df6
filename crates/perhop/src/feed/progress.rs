//! How far the reading is, on stderr while somebody watches.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::input::Input;
use crate::render::grouped;
use crate::ui::Ui;

/// Silence before the first line: short captures need none.
const PATIENCE: Duration = Duration::from_millis(800);
/// Time between two lines.
const PACE: Duration = Duration::from_millis(250);

/// The line.
pub(super) struct Progress<'a> {
    ui: Option<&'a Ui>,
    counters: Vec<Rc<Cell<u64>>>,
    size: Option<u64>,
    began: Instant,
    told: Option<Instant>,
    packets: u64,
}

impl<'a> Progress<'a> {
    /// Before the first capture is opened.
    pub(super) fn new(ui: &'a Ui) -> Self {
        Self {
            ui: ui.is_watched().then_some(ui),
            ..Self::silent()
        }
    }

    /// One that says nothing.
    pub(super) fn silent() -> Self {
        Self {
            ui: None,
            counters: Vec::new(),
            size: Some(0),
            began: Instant::now(),
            told: None,
            packets: 0,
        }
    }

    /// Another capture that is to be read.
    pub(super) fn add(&mut self, input: &Input) {
        self.size = self.size.zip(input.size).map(|(all, one)| all + one);
        self.count(input);
    }

    /// A capture that was added is opened again.
    pub(super) fn count(&mut self, input: &Input) {
        self.counters.push(input.counter());
    }

    /// Called now and then, with the packets read since.
    pub(super) fn tick(&mut self, packets: u64) {
        let Some(ui) = self.ui else { return };
        self.packets += packets;
        let (due, now) = (
            self.told.map_or(self.began + PATIENCE, |told| told + PACE),
            Instant::now(),
        );
        if now < due {
            return;
        }
        self.told = Some(now);
        let taken = self.counters.iter().map(|counter| counter.get()).sum();
        let line = line(taken, self.size, self.packets, now - self.began);
        ui.tell(&format!("\r{line}\u{1b}[K"));
    }

    /// Takes the line away.
    pub(super) fn finish(&mut self) {
        if let (Some(ui), Some(_)) = (self.ui, self.told) {
            ui.tell("\r\u{1b}[K");
        }
    }
}

/// `45 %  1.2 GB of 2.6 GB  12,345,678 packets  410.0 MB/s  3 s left`
fn line(taken: u64, size: Option<u64>, packets: u64, spent: Duration) -> String {
    let rate = taken as f64 / spent.as_secs_f64().max(1e-9);
    let packets = grouped(packets);
    match size {
        Some(size) if size > 0 => {
            let share = (100.0 * taken as f64 / size as f64).min(100.0);
            let left = size.saturating_sub(taken) as f64 / rate.max(1.0);
            format!(
                "{share:.0} %  {} of {}  {packets} packets  {}/s  {left:.0} s left",
                bytes(taken as f64),
                bytes(size as f64),
                bytes(rate)
            )
        }
        _ => format!(
            "{}  {packets} packets  {}/s",
            bytes(taken as f64),
            bytes(rate)
        ),
    }
}

/// `1.2 GB`, in powers of ten as disks are sold.
pub(crate) fn bytes(count: f64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let mut count = count;
    let mut unit = 0;
    while count >= 999.95 && unit + 1 < units.len() {
        count /= 1000.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{count:.0} {}", units[unit])
    } else {
        format!("{count:.1} {}", units[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_and_how_long() {
        assert_eq!(
            line(
                1_000_000_000,
                Some(4_000_000_000),
                12_345,
                Duration::from_secs(2)
            ),
            "25 %  1.0 GB of 4.0 GB  12,345 packets  500.0 MB/s  6 s left"
        );
        assert_eq!(
            line(999, None, 7, Duration::from_secs(1)),
            "999 B  7 packets  999 B/s"
        );
        assert_eq!(bytes(999_950.0), "1.0 MB");
        assert_eq!(bytes(u64::MAX as f64), "18.4 EB");
    }
}
