//! Impairment of codecs (ITU-T G.113 appendix I).

use std::fmt;

/// What a codec takes from the rating, and how it bears loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Impairment {
    /// What it is, as the recommendation names it.
    pub codec: &'static str,
    /// Equipment impairment factor.
    pub ie: f64,
    /// Packet-loss robustness factor.
    pub bpl: f64,
    /// The recommendation gives no robustness factor; the one here is assumed.
    pub bpl_assumed: bool,
    /// Bytes of a millisecond of speech.
    bytes_per_ms: f64,
    /// Milliseconds of speech in a frame.
    frame_ms: f64,
    /// Milliseconds that the encoder looks ahead.
    look_ahead_ms: f64,
}

impl Impairment {
    /// Speech in a packet with a payload of so many bytes, and the look-ahead, in ms.
    pub(super) fn packet_ms(&self, payload: f64) -> f64 {
        let frames = payload / self.bytes_per_ms / self.frame_ms;
        frames.round().clamp(1.0, MOST_FRAMES) * self.frame_ms + self.look_ahead_ms
    }
}

impl fmt::Display for Impairment {
    /// `G.711 with concealment (Ie 0, Bpl 25.1)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let assumed = if self.bpl_assumed { " assumed" } else { "" };
        write!(
            f,
            "{} (Ie {}, Bpl {}{assumed})",
            self.codec, self.ie, self.bpl
        )
    }
}

/// The impairment of a codec by its encoding name and its mean payload in bytes; `None` where none is published with a
/// robustness factor, or where the mode cannot be told.
pub(super) fn of(name: &str, payload: f64) -> Option<Impairment> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    if is("PCMU") || is("PCMA") {
        Some(G711)
    } else if is("G729") {
        Some(G729A)
    } else if is("G723") && payload >= 22.0 {
        Some(G7231)
    } else if is("G726-32") || is("AAL2-G726-32") {
        Some(G726)
    } else if is("G728") {
        Some(G728)
    } else if is("GSM-EFR") {
        Some(GSM_EFR)
    } else if is("AMR") && payload >= 30.0 {
        Some(AMR)
    } else {
        None
    }
}

/// Endpoints of today conceal loss.
const G711: Impairment = row("G.711 with concealment", (0.0, 25.1), 8.0, 10.0, 0.0);
const G729A: Impairment = row("G.729A", (11.0, 19.0), 1.0, 10.0, 5.0);
const G7231: Impairment = row("G.723.1 at 6.3 kbit/s", (15.0, 16.1), 0.8, 30.0, 7.5);
const GSM_EFR: Impairment = row("GSM EFR", (5.0, 10.0), 1.55, 20.0, 0.0);
const AMR: Impairment = row("AMR at 12.2 kbit/s", (5.0, 10.0), 1.6, 20.0, 5.0);
const G726: Impairment = assumed(row("G.726 at 32 kbit/s", (7.0, 10.0), 4.0, 10.0, 0.0));
const G728: Impairment = assumed(row("G.728 at 16 kbit/s", (7.0, 10.0), 2.0, 10.0, 0.0));

const fn row(
    codec: &'static str,
    (ie, bpl): (f64, f64),
    bytes_per_ms: f64,
    frame_ms: f64,
    look_ahead_ms: f64,
) -> Impairment {
    Impairment {
        codec,
        ie,
        bpl,
        bpl_assumed: false,
        bytes_per_ms,
        frame_ms,
        look_ahead_ms,
    }
}

const fn assumed(mut row: Impairment) -> Impairment {
    row.bpl_assumed = true;
    row
}

/// A packet of more than so many frames is not sound.
const MOST_FRAMES: f64 = 20.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_g_113() {
        let values = |name, payload| of(name, payload).map(|row| (row.ie, row.bpl));
        assert_eq!(values("PCMU", 160.0), Some((0.0, 25.1)));
        assert_eq!(values("pcma", 160.0), Some((0.0, 25.1)));
        assert_eq!(values("G729", 20.0), Some((11.0, 19.0)));
        assert_eq!(values("G723", 24.0), Some((15.0, 16.1)));
        assert_eq!(values("AMR", 32.0), Some((5.0, 10.0)));
        assert!(of("AAL2-G726-32", 80.0).unwrap().bpl_assumed);
    }

    #[test]
    fn nothing_is_made_up() {
        let names = [
            "opus",
            "SILK",
            "x-msrta",
            "SIREN",
            "G722",
            "GSM",
            "AMR-WB",
            "iLBC",
            "",
            "telephone-event",
        ];
        for name in names {
            assert_eq!(of(name, 60.0), None, "{name}");
        }
        assert_eq!(
            of("G723", 20.0),
            None,
            "5.3 kbit/s has no robustness factor"
        );
        assert_eq!(of("AMR", 18.0), None, "another mode");
    }

    #[test]
    fn the_payload_tells_the_packet_time() {
        let ms = |name, payload| of(name, payload).unwrap().packet_ms(payload);
        assert_eq!(ms("PCMU", 160.0), 20.0);
        assert_eq!(ms("PCMU", 170.0), 20.0, "with an SRTP tag");
        assert_eq!(ms("PCMA", 239.0), 30.0);
        assert_eq!(ms("G729", 20.0), 25.0);
        assert_eq!(ms("G723", 24.0), 37.5);
        assert_eq!(ms("PCMU", 0.0), 10.0);
    }
}
