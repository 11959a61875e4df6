//! The E-model for narrowband speech (ITU-T G.107), with all inputs but codec, loss and delay at their defaults.

/// Inputs of one estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Input {
    /// Equipment impairment factor of the codec (G.113 appendix I).
    pub ie: f64,
    /// Packet-loss robustness factor of the codec (G.113 appendix I), above 0.
    pub bpl: f64,
    /// Packets lost or come too late, in percent: 0 to 100.
    pub loss_percent: f64,
    /// Delay from mouth to ear in ms.
    pub delay_ms: f64,
    /// Mean length of loss bursts beside that of random loss: 1 or more.
    pub burst_ratio: f64,
}

/// The transmission rating factor R: 93.2 less what delay and loss take (G.107 section 7; the delay's part by the fit
/// of Cole and Rosenbluth).
#[must_use]
pub fn rating(input: &Input) -> f64 {
    BEST - delay_impairment(input.delay_ms) - loss_impairment(input)
}

/// The mean opinion score of a rating, 1 to 4.5 (G.107 annex B).
#[must_use]
pub fn mos(r: f64) -> f64 {
    if r <= 0.0 {
        return 1.0;
    }
    if r >= 100.0 {
        return 4.5;
    }
    // The polynomial dips below 1 near 3.
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0)
}

fn delay_impairment(delay_ms: f64) -> f64 {
    let beyond = (delay_ms - NOTICED).max(0.0);
    0.024 * delay_ms + 0.11 * beyond
}

fn loss_impairment(input: &Input) -> f64 {
    let loss = input.loss_percent;
    input.ie + (95.0 - input.ie) * loss / (loss / input.burst_ratio + input.bpl)
}

/// Ro - Is with the defaults of G.107.
const BEST: f64 = 93.2;
/// Delay in ms from which conversation suffers.
const NOTICED: f64 = 177.3;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Ie, Bpl, loss in percent, delay in ms, burst ratio; R, MOS.
    const VECTORS: [([f64; 5], f64, f64); 10] = [
        ([0.0, 25.1, 0.0, 0.0, 1.0], 93.200, 4.4093),
        ([0.0, 25.1, 0.0, 100.0, 1.0], 90.800, 4.3581),
        ([0.0, 25.1, 1.0, 100.0, 1.0], 87.160, 4.2634),
        ([0.0, 25.1, 5.0, 150.0, 1.0], 73.819, 3.7706),
        ([0.0, 25.1, 5.0, 150.0, 2.0], 72.390, 3.7070),
        ([0.0, 4.3, 1.0, 100.0, 1.0], 72.875, 3.7288),
        ([11.0, 19.0, 0.0, 100.0, 1.0], 79.800, 4.0164),
        ([11.0, 19.0, 2.0, 200.0, 1.0], 66.903, 3.4486),
        ([15.0, 16.1, 2.0, 250.0, 1.5], 55.025, 2.8397),
        ([0.0, 25.1, 60.0, 400.0, 1.0], -7.877, 1.0),
    ];

    fn input([ie, bpl, loss_percent, delay_ms, burst_ratio]: [f64; 5]) -> Input {
        Input {
            ie,
            bpl,
            loss_percent,
            delay_ms,
            burst_ratio,
        }
    }

    #[test]
    fn the_test_vectors() {
        for (of, r, score) in VECTORS {
            let found = rating(&input(of));
            assert!((found - r).abs() < 0.0006, "{of:?}: R {found}, not {r}");
            let found = mos(found);
            assert!(
                (found - score).abs() < 0.00006,
                "{of:?}: MOS {found}, not {score}"
            );
        }
    }

    /// G.109's categories of speech quality and the scores at their edges.
    #[test]
    fn the_edges_of_g_109() {
        for (r, score) in [
            (90.0, 4.34),
            (80.0, 4.02),
            (70.0, 3.60),
            (60.0, 3.10),
            (50.0, 2.58),
        ] {
            assert!((mos(r) - score).abs() < 0.006, "{r}: {}", mos(r));
        }
    }

    #[test]
    fn the_score_stays_in_its_range() {
        assert_eq!((mos(-5.0), mos(0.0), mos(3.2)), (1.0, 1.0, 1.0));
        assert_eq!((mos(100.0), mos(148.0)), (4.5, 4.5));
    }

    proptest! {
        /// More loss, more delay and longer bursts are never better.
        #[test]
        fn worse_is_not_better(
            loss in 0.0f64..99.0,
            more in 0.0f64..1.0,
            delay in 0.0f64..2000.0,
            burst in 1.0f64..8.0,
            (ie, bpl) in prop::sample::select(vec![(0.0, 4.3), (0.0, 25.1), (11.0, 19.0), (15.0, 16.1)]),
        ) {
            let base = input([ie, bpl, loss, delay, burst]);
            let r = rating(&base);
            prop_assert!(r <= 93.2);
            let lossy = Input { loss_percent: loss + more, ..base };
            prop_assert!(rating(&lossy) <= r + 1e-9);
            let late = Input { delay_ms: delay + 10.0 * more, ..base };
            prop_assert!(rating(&late) <= r + 1e-9);
            let bursty = Input { burst_ratio: burst + more, ..base };
            prop_assert!(rating(&bursty) <= r + 1e-9);
            let score = mos(r);
            prop_assert!((1.0..=4.5).contains(&score));
        }
    }
}
