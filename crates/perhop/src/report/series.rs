//! Marks, rate, loss and jitter of each class and site over time.

use perhop_policy::{Dscp, PolicySet};
use perhop_verify::attribute::Basis;
use perhop_verify::engine::Ledger;
use perhop_verify::report::site_of;
use perhop_verify::source::FlowSource;
use perhop_verify::timeline::Bin;
use perhop_verify::verdict::{Judged, JudgedFlows};

use crate::report::class_of;
use crate::table::csv::Csv;
use crate::time;

/// All series of a report, by class and site.
#[derive(Debug, Default)]
pub(crate) struct OverTime(pub(crate) Vec<SeriesView>);

/// One class at one site over time.
#[derive(Debug)]
pub(crate) struct SeriesView {
    /// The capture point, where there are several.
    pub(crate) point: Option<String>,
    /// Name of the class.
    pub(crate) class: String,
    /// The sender's site, else the receiver's, when the plan has sites.
    pub(crate) site: Option<String>,
    /// The planned mark.
    pub(crate) expected: Dscp,
    /// Nanoseconds since 1970 at which the first moment begins.
    pub(crate) start: i64,
    /// Length of a moment in nanoseconds.
    pub(crate) step: i64,
    /// What happened.
    pub(crate) moments: Vec<Moment>,
}

/// Packets by what their marks are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Share {
    /// Carry the planned mark.
    pub(crate) planned: u64,
    /// Carry 0 though another mark is planned.
    pub(crate) unmarked: u64,
    /// Carry any other mark.
    pub(crate) other: u64,
}

impl Share {
    /// All of them.
    pub(crate) const fn total(self) -> u64 {
        self.planned + self.unmarked + self.other
    }
}

/// What happened in one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Moment {
    /// Packets.
    pub(crate) share: Share,
    /// Their bytes by the IP headers.
    pub(crate) bytes: u64,
    /// RTP packets that were due.
    pub(crate) expected: u64,
    /// Of those, packets that never came.
    pub(crate) missing: u64,
    /// Mean interarrival jitter in milliseconds.
    pub(crate) jitter_ms: Option<f64>,
}

impl Moment {
    /// Share of the RTP packets that never came, in percent; `None` when none was due.
    pub(crate) fn loss_percent(&self) -> Option<f64> {
        (self.expected > 0).then(|| 100.0 * self.missing as f64 / self.expected as f64)
    }

    fn of(bin: &Bin, planned: Dscp) -> Self {
        let mut share = Share::default();
        for (dscp, packets) in &bin.marks {
            if *dscp == planned {
                share.planned += packets;
            } else if dscp.value() == 0 {
                share.unmarked += packets;
            } else {
                share.other += packets;
            }
        }
        Self {
            share,
            bytes: bin.bytes,
            expected: bin.expected,
            missing: bin.missing,
            jitter_ms: bin.jitter_ms,
        }
    }
}

impl SeriesView {
    /// When a moment begins, in nanoseconds since 1970.
    pub(crate) const fn time(&self, moment: usize) -> i64 {
        self.start + moment as i64 * self.step
    }

    /// 1000 bits a second, IP headers included.
    pub(crate) fn kbit_s(&self, moment: &Moment) -> f64 {
        8e6 * moment.bytes as f64 / self.step as f64
    }

    /// `audio, Redmond`, after the point, where there are several.
    pub(crate) fn name(&self) -> String {
        let mut name = self.class.clone();
        for part in [&self.point, &self.site].into_iter().flatten() {
            name.push_str(&format!(", {part}"));
        }
        name
    }

    /// Packets that do not carry the planned mark.
    pub(crate) fn wrong(&self) -> u64 {
        let shares = self.moments.iter().map(|moment| moment.share);
        shares.map(|share| share.unmarked + share.other).sum()
    }
}

impl OverTime {
    /// Adds the series of the flows of one point; none when the engine did not keep them.
    pub(crate) fn add(
        &mut self,
        policy: &PolicySet,
        found: &Ledger,
        judged: &JudgedFlows,
        point: Option<&str>,
    ) {
        let flows = FlowSource::from(found);
        let groups = found.over_time(|number| {
            let one = &judged[number];
            let class = class_of(policy, one).filter(|_| !is_return(one))?;
            // A flow in no site is behind all others.
            Some((class, site_of(policy, &flows.key(number)).ok_or(())))
        });
        self.0.extend(groups.into_iter().map(|((id, site), bins)| {
            let class = policy.class(id);
            let site = site.ok().map(|index| policy.sites()[index].name.clone());
            let bins_of = bins.bins.iter();
            SeriesView {
                point: point.map(str::to_owned),
                class: class.name.clone(),
                site,
                expected: class.dscp,
                start: bins.start,
                step: bins.step,
                moments: bins_of.map(|bin| Moment::of(bin, class.dscp)).collect(),
            }
        }));
    }
}

/// Whether a flow is under the rule of the other direction.
fn is_return(judged: &Judged) -> bool {
    let attribution = judged.attribution.as_ref();
    attribution.is_some_and(|one| one.basis == Basis::Return)
}

/// Headings of the lines of [`csv`].
pub(crate) const HEADINGS: [&str; 17] = [
    "point",
    "class",
    "site",
    "start_utc",
    "seconds",
    "dscp_planned",
    "packets",
    "packets_planned_mark",
    "packets_unmarked",
    "packets_other_mark",
    "planned_percent",
    "bytes",
    "kbit_s",
    "rtp_expected",
    "rtp_lost",
    "loss_percent",
    "jitter_ms",
];

/// One line for each class, site and moment in which there were packets, or some were due.
pub(crate) fn csv(series: &[SeriesView]) -> String {
    let mut csv = Csv::new(HEADINGS);
    for one in series {
        for (index, moment) in one.moments.iter().enumerate() {
            let Some(values) = values(one, moment) else {
                continue;
            };
            let mut cells = vec![
                one.point.clone().unwrap_or_default(),
                one.class.clone(),
                one.site.clone().unwrap_or_default(),
                time::sheet(one.time(index)),
            ];
            cells.extend(values.map(|value| value.map_or_else(String::new, decimal)));
            csv.line(cells);
        }
    }
    csv.into_text()
}

/// What stands under [`HEADINGS`] from `seconds` on; `None` for a moment in which nothing was.
pub(crate) fn values(series: &SeriesView, moment: &Moment) -> Option<[Option<f64>; 13]> {
    let share = moment.share;
    let total = share.total();
    if total + moment.expected == 0 {
        return None;
    }
    let planned = (total > 0).then(|| 100.0 * share.planned as f64 / total as f64);
    let rtp = (moment.expected > 0).then_some(moment);
    Some([
        Some(series.step as f64 / 1e9),
        Some(series.expected.value().into()),
        Some(total as f64),
        Some(share.planned as f64),
        Some(share.unmarked as f64),
        Some(share.other as f64),
        planned,
        Some(moment.bytes as f64),
        Some(series.kbit_s(moment)),
        rtp.map(|moment| moment.expected as f64),
        rtp.map(|moment| moment.missing as f64),
        moment.loss_percent(),
        moment.jitter_ms,
    ])
}

/// At most three decimals, none without need.
fn decimal(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_happened_and_nothing_of_what_did_not() {
        let series = SeriesView {
            point: None,
            class: "audio".into(),
            site: Some("Branch".into()),
            expected: Dscp::EF,
            start: 1_795_308_048_250_000_000,
            step: 1_000_000_000,
            moments: vec![
                Moment {
                    share: Share {
                        planned: 40,
                        unmarked: 8,
                        other: 2,
                    },
                    bytes: 10_000,
                    expected: 51,
                    missing: 1,
                    jitter_ms: Some(0.123_456),
                },
                Moment::default(),
                Moment {
                    share: Share {
                        planned: 1,
                        ..Share::default()
                    },
                    bytes: 200,
                    ..Moment::default()
                },
            ],
        };
        let text = csv(&[series]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1],
            ",audio,Branch,2026-11-22 00:40:48.250,1,46,50,40,8,2,80,10000,80,51,1,1.961,0.123"
        );
        assert_eq!(
            lines[2],
            ",audio,Branch,2026-11-22 00:40:50.250,1,46,1,1,0,0,100,200,1.6,,,,"
        );
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.matches(',').count() == 16));
    }
}
