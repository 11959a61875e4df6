//! What RTCP on a flow says, and round trips seen from the capture point.

use perhop_wire::rtcp::report::{ReportBlock, VoipMetrics};
use perhop_wire::rtcp::{Compound, Content, Protection};

use crate::stream::{RemoteReport, RtcpSummary};

/// RTCP of one direction of a flow. Most flows have one source, one report about another, and few sender reports; a long
/// capture has many such flows.
#[derive(Debug, Clone, Default)]
pub(super) struct RtcpState {
    datagrams: u32,
    encrypted: u32,
    sender_reports: u32,
    /// The source of the first datagram.
    sender: u32,
    /// The first sender report, the fifth, and so on; the others are in [`More::sent`].
    sent: Sent,
    /// What was reported first; not counted when there was nothing.
    report: Report,
    more: Option<Box<More>>,
}

/// What fewer flows have.
#[derive(Debug, Clone, Default)]
struct More {
    /// The second, third and fourth sender report of four.
    sent: [Sent; RECENT - 1],
    lists: Option<Box<Lists>>,
}

/// What few flows have.
#[derive(Debug, Clone, Default)]
struct Lists {
    /// Sources that sent, but the first.
    senders: Vec<u32>,
    /// What was reported of sources, but the first.
    reports: Vec<Report>,
    voip: Vec<VoipMetrics>,
    /// Sources that said goodbye, and when.
    byes: Vec<(u32, i64)>,
}

/// A sender report: its middle NTP time, and when it passed.
#[derive(Debug, Clone, Copy, Default)]
struct Sent {
    middle_ntp: u32,
    time: Time,
}

/// Nanoseconds, in whatever place is free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(Rust, packed(4))]
struct Time(i64);

/// A [`RemoteReport`], packed.
#[derive(Debug, Clone, Copy)]
struct Report {
    reporter: u32,
    count: u32,
    last: ReportBlock,
    worst_jitter: u32,
    /// [`NO_TRIP`] for none.
    round_trip: Time,
    worst_fraction_lost: u8,
}

const _: () = assert!(
    size_of::<RtcpState>() == 88,
    "RTCP of a flow has no holes to speak of"
);

/// What a datagram asks of the flow of the other direction and of the flow's streams.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    /// Reports that name a sender report: place in the summary, its middle NTP time, the delay since.
    pub(super) answers: Vec<(usize, u32, u32)>,
    /// Sources that leave.
    pub(super) byes: Vec<u32>,
}

impl RtcpState {
    /// Takes a datagram.
    pub(super) fn take(&mut self, bytes: &[u8], wire_len: u32, time: i64) -> Outcome {
        let mut outcome = Outcome::default();
        let Ok(rtcp) = Compound::new_checked(bytes, wire_len) else {
            return outcome;
        };
        self.saw(rtcp.sender_ssrc());
        self.datagrams = self.datagrams.saturating_add(1);
        if rtcp.protection() == Protection::Encrypted {
            self.encrypted = self.encrypted.saturating_add(1);
            return outcome;
        }
        for packet in rtcp.packets() {
            let content = packet.content();
            match &content {
                Content::SenderReport { ssrc, info, .. } => {
                    self.remember(info.middle_ntp(), time);
                    self.reports_of(*ssrc, &content, &mut outcome);
                }
                Content::ReceiverReport { ssrc, .. } => {
                    self.reports_of(*ssrc, &content, &mut outcome);
                }
                Content::ExtendedReport { blocks, .. } => {
                    let metrics = blocks.clone().filter_map(|block| block.voip_metrics());
                    metrics.for_each(|metrics| self.take_voip(metrics));
                }
                Content::Bye(bye) => {
                    for source in bye.sources() {
                        outcome.byes.push(source);
                        let byes = &mut self.lists_mut().byes;
                        if byes.len() < RtcpSummary::KEPT {
                            byes.push((source, time));
                        }
                    }
                }
                _ => {}
            }
        }
        outcome
    }

    fn lists(&self) -> Option<&Lists> {
        self.more.as_deref()?.lists.as_deref()
    }

    fn lists_mut(&mut self) -> &mut Lists {
        let more = self.more.get_or_insert_default();
        more.lists.get_or_insert_default()
    }

    fn saw(&mut self, ssrc: u32) {
        if self.datagrams == 0 {
            self.sender = ssrc;
        } else if !self.has_sender(ssrc) {
            let senders = &mut self.lists_mut().senders;
            if senders.len() < RtcpSummary::KEPT - 1 {
                senders.push(ssrc);
            }
        }
    }

    fn remember(&mut self, middle_ntp: u32, time: i64) {
        let sent = Sent {
            middle_ntp,
            time: Time(time),
        };
        match self.sender_reports as usize % RECENT {
            0 => self.sent = sent,
            at => self.more.get_or_insert_default().sent[at - 1] = sent,
        }
        self.sender_reports = self.sender_reports.saturating_add(1);
    }

    fn reports_of(&mut self, reporter: u32, content: &Content<'_>, outcome: &mut Outcome) {
        for block in content.reports() {
            let Some(at) = self.take_report(reporter, block) else {
                continue;
            };
            // Endpoints that do not keep the delay write 0: the answer would seem to have taken seconds.
            if block.last_sr != 0 && block.delay_since_last_sr != 0 {
                let answer = (at, block.last_sr, block.delay_since_last_sr);
                outcome.answers.push(answer);
            }
        }
    }

    fn take_report(&mut self, reporter: u32, block: ReportBlock) -> Option<usize> {
        let same = |known: &Report| known.reporter == reporter && known.last.ssrc == block.ssrc;
        let known = self.packed_reports().position(same);
        let at = match known.unwrap_or_else(|| self.packed_reports().count()) {
            0 => 0,
            at if known.is_some() => at,
            full if full >= RtcpSummary::KEPT => return None,
            next => {
                self.lists_mut().reports.push(Report::default());
                next
            }
        };
        let report = self.report_mut(at)?;
        report.reporter = reporter;
        report.count = report.count.saturating_add(1);
        report.last = block;
        report.worst_fraction_lost = report.worst_fraction_lost.max(block.fraction_lost);
        report.worst_jitter = report.worst_jitter.max(block.jitter);
        Some(at)
    }

    fn packed_reports(&self) -> impl Iterator<Item = &Report> {
        let first = Some(&self.report).filter(|report| report.count > 0);
        let others = self.lists().map(|lists| lists.reports.as_slice());
        first.into_iter().chain(others.unwrap_or_default())
    }

    fn report_mut(&mut self, at: usize) -> Option<&mut Report> {
        match at {
            0 => Some(&mut self.report),
            _ => self.lists_mut().reports.get_mut(at - 1),
        }
    }

    fn take_voip(&mut self, metrics: VoipMetrics) {
        let kept = &mut self.lists_mut().voip;
        match kept.iter().position(|known| known.ssrc == metrics.ssrc) {
            Some(at) => kept[at] = metrics,
            None if kept.len() < RtcpSummary::KEPT => kept.push(metrics),
            None => {}
        }
    }

    /// When the sender report with this middle NTP time passed.
    pub(super) fn passed(&self, middle_ntp: u32) -> Option<i64> {
        let others = self.more.as_deref().map(|more| more.sent);
        let mut recent = [self.sent].into_iter().chain(others.into_iter().flatten());
        let known = recent.find(|sent| sent.middle_ntp == middle_ntp)?;
        Some(known.time.0)
    }

    /// Takes a round trip: the answered report passed at `sent`, the answer at `now`.
    pub(super) fn answered(&mut self, at: usize, sent: i64, now: i64, delay: u32) {
        let delay = i64::from(delay) * 1_000_000_000 / 65_536;
        let round_trip = now.saturating_sub(sent).saturating_sub(delay);
        if round_trip < 0 {
            return;
        }
        if let Some(report) = self.report_mut(at) {
            let least = report.round_trip.0.min(round_trip);
            report.round_trip = Time(least);
        }
    }

    /// Whether a source was among those that sent.
    pub(super) fn has_sender(&self, ssrc: u32) -> bool {
        let others = self.lists().map(|lists| lists.senders.as_slice());
        self.datagrams > 0 && self.sender == ssrc || others.unwrap_or_default().contains(&ssrc)
    }

    /// Sources that said goodbye, and when.
    pub(super) fn byes(&self) -> &[(u32, i64)] {
        self.lists().map_or(&[], |lists| &lists.byes)
    }

    /// Whether it tells something of streams.
    pub(super) fn tells(&self) -> bool {
        self.report.count > 0 || !self.voip().is_empty()
    }

    /// What was reported of sources.
    pub(super) fn reports(&self) -> impl Iterator<Item = RemoteReport> {
        self.packed_reports().map(Report::plain)
    }

    /// Metrics of sources.
    pub(super) fn voip(&self) -> &[VoipMetrics] {
        self.lists().map_or(&[], |lists| &lists.voip)
    }

    /// The finished form.
    pub(super) fn summary(&self) -> RtcpSummary {
        let first = Some(self.sender).filter(|_| self.datagrams > 0);
        let others = self.lists().map(|lists| lists.senders.as_slice());
        let senders = first.iter().chain(others.unwrap_or_default());
        RtcpSummary {
            datagrams: self.datagrams.into(),
            encrypted: self.encrypted.into(),
            sender_reports: self.sender_reports.into(),
            senders: senders.copied().collect(),
            reports: self.reports().collect(),
            voip: self.voip().to_vec(),
        }
    }
}

impl Default for Report {
    fn default() -> Self {
        Self {
            reporter: 0,
            count: 0,
            last: ReportBlock {
                ssrc: 0,
                fraction_lost: 0,
                cumulative_lost: 0,
                highest_sequence: 0,
                jitter: 0,
                last_sr: 0,
                delay_since_last_sr: 0,
            },
            worst_jitter: 0,
            round_trip: NO_TRIP,
            worst_fraction_lost: 0,
        }
    }
}

impl Report {
    fn plain(&self) -> RemoteReport {
        let round_trip = self.round_trip;
        RemoteReport {
            reporter: self.reporter,
            count: self.count.into(),
            last: self.last,
            worst_fraction_lost: self.worst_fraction_lost,
            worst_jitter: self.worst_jitter,
            round_trip: Some(round_trip.0).filter(|_| round_trip != NO_TRIP),
        }
    }
}

/// Longer than any round trip.
const NO_TRIP: Time = Time(i64::MAX);
/// So many sender reports are remembered.
const RECENT: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn report(kind: u8, words: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0x81, kind, 0, words.len() as u8];
        bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        bytes
    }

    #[test]
    fn a_round_trip_is_the_answer_less_its_delay() {
        let (mut there, mut back) = (RtcpState::default(), RtcpState::default());
        let sent = report(
            200,
            &[7, 0x1111_2222, 0x3333_4444, 0, 1, 1, 9, 0, 0, 0, 0, 0, 0],
        );
        there.take(&sent, sent.len() as u32, 1_000_000_000);
        let answer = report(201, &[9, 7, 0x4000_0002, 100, 33, 0x2222_3333, 65_536 / 4]);
        let outcome = back.take(&answer, answer.len() as u32, 1_330_000_000);
        assert_eq!(outcome.answers, [(0, 0x2222_3333, 65_536 / 4)]);
        let passed = there.passed(0x2222_3333).unwrap();
        back.answered(0, passed, 1_330_000_000, 65_536 / 4);
        let report = back.summary().reports[0];
        assert_eq!(report.round_trip, Some(80_000_000));
        assert_eq!(
            (report.worst_fraction_lost, report.worst_jitter),
            (0x40, 33)
        );
        assert_eq!(there.summary().senders, [7]);
    }

    /// Metrics about source 7 from source 9, after an empty receiver report, as RFC 3611 section 4.7 lays them out.
    fn metrics(loss: u8, round_trip: u16) -> Vec<u8> {
        let mut bytes = report(201, &[9]);
        bytes[0] = 0x80;
        bytes.extend([0x80, 207, 0, 10, 0, 0, 0, 9, 7, 0, 0, 8, 0, 0, 0, 7]);
        bytes.extend([loss, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(round_trip.to_be_bytes());
        bytes.extend([0, 10, 127, 127, 127, 16, 82, 127, 41, 40, 0, 0]);
        bytes.extend([0, 40, 0, 60, 0, 120]);
        bytes
    }

    #[test]
    fn the_latest_metrics_of_a_source_are_kept() {
        let mut state = RtcpState::default();
        for (loss, round_trip) in [(1, 90), (13, 120)] {
            let bytes = metrics(loss, round_trip);
            state.take(&bytes, bytes.len() as u32, 1);
        }
        let [last] = *state.voip() else {
            panic!("{:?}", state.voip());
        };
        assert_eq!((last.ssrc, last.loss_rate, last.round_trip), (7, 13, 120));
        assert_eq!(
            (last.r_factor, last.mos_lq, last.mos_cq),
            (Some(82), Some(41), Some(40))
        );
        assert_eq!((last.signal_level, last.external_r_factor), (None, None));
    }

    #[test]
    fn an_answer_without_its_delay_gives_no_round_trip() {
        let mut state = RtcpState::default();
        let answer = report(201, &[9, 7, 0, 100, 33, 0x2222_3333, 0]);
        let outcome = state.take(&answer, answer.len() as u32, 5);
        assert!(outcome.answers.is_empty());
        assert_eq!(state.reports().count(), 1);
    }

    #[test]
    fn srtcp_is_counted_and_left_alone() {
        let mut state = RtcpState::default();
        let mut bytes = report(200, &[7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        bytes.extend([0xab; 20]);
        let end = bytes.len();
        bytes.extend([0x80, 0, 0, 1]);
        bytes.extend([0x5a; 10]);
        assert_eq!(end % 4, 0);
        let outcome = state.take(&bytes, bytes.len() as u32, 5);
        let summary = state.summary();
        assert_eq!((summary.datagrams, summary.encrypted), (1, 1));
        assert_eq!((summary.sender_reports, summary.reports.len()), (0, 0));
        assert_eq!(summary.senders, [7], "the sender is in clear");
        assert!(outcome.answers.is_empty());
    }

    proptest! {
        /// Whatever comes, what is kept is bounded.
        #[test]
        fn hostile_rtcp_is_bounded(
            datagrams in proptest::collection::vec(
                proptest::collection::vec((200u8..208, 0u8..32, any::<[u8; 28]>(), 0usize..400), 1..4),
                1..60,
            ),
            cut in 0usize..40,
        ) {
            let mut state = RtcpState::default();
            for (at, packets) in datagrams.iter().enumerate() {
                let mut bytes = Vec::new();
                for (kind, count, seed, words) in packets {
                    bytes.extend([0x80 | count, *kind, (words >> 8) as u8, *words as u8]);
                    bytes.extend(seed.iter().cycle().take(4 * words));
                }
                let wire_len = bytes.len() as u32;
                bytes.truncate(bytes.len().saturating_sub(cut));
                let outcome = state.take(&bytes, wire_len, at as i64);
                let most = wire_len as usize / 4;
                prop_assert!(outcome.answers.len() + outcome.byes.len() <= most);
            }
            let summary = state.summary();
            prop_assert!(summary.senders.len() <= RtcpSummary::KEPT);
            prop_assert!(summary.reports.len() <= RtcpSummary::KEPT);
            prop_assert!(summary.voip.len() <= RtcpSummary::KEPT);
            prop_assert!(state.byes().len() <= RtcpSummary::KEPT);
        }
    }

    #[test]
    fn goodbyes_are_handed_on() {
        let mut state = RtcpState::default();
        let bye = report(203, &[5]);
        let outcome = state.take(&bye, bye.len() as u32, 3);
        assert_eq!((outcome.byes, state.byes()), (vec![5], &[(5, 3)][..]));
    }
}
