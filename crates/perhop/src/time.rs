//! Times as people read them, from nanoseconds since 1970.

/// Nanoseconds in a second.
const SECOND: i64 = 1_000_000_000;

/// `2026-11-22 00:31:07 UTC`.
pub(crate) fn utc(nanoseconds: i64) -> String {
    let (year, month, day) = date(nanoseconds.div_euclid(86_400 * SECOND));
    format!("{year:04}-{month:02}-{day:02} {} UTC", clock(nanoseconds))
}

/// `2026-11-22 00:31:07.250`, in UTC, as spreadsheets take it for a time.
pub(crate) fn sheet(nanoseconds: i64) -> String {
    let text = utc(nanoseconds);
    let milliseconds = nanoseconds.rem_euclid(SECOND) / 1_000_000;
    format!("{}.{milliseconds:03}", text.trim_end_matches(" UTC"))
}

/// `00:31:07`, without a date.
pub(crate) fn clock(nanoseconds: i64) -> String {
    let seconds = nanoseconds.div_euclid(SECOND).rem_euclid(86_400);
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// `28.7 s`, `12 min 5 s`, `3 h 20 min`.
pub(crate) fn duration(nanoseconds: i64) -> String {
    let seconds = nanoseconds.max(0) as f64 / SECOND as f64;
    let whole = seconds.round() as u64;
    match whole {
        0..=59 if seconds < 0.1 => format!("{:.1} ms", seconds * 1e3),
        0..=59 => format!("{seconds:.1} s"),
        60..=3599 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

/// Seconds since 1970 with all nine decimals, as JSON and CSV have them.
pub(crate) fn decimal(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let magnitude = nanoseconds.unsigned_abs();
    let second = SECOND.unsigned_abs();
    format!("{sign}{}.{:09}", magnitude / second, magnitude % second)
}

/// The Gregorian date of a day since 1970, by the count of days in 400, 100, 4 and 1 years.
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468; // from 0000-03-01, so that leap days end their years
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(1_700_086_399 * SECOND), "2023-11-15 22:13:19 UTC");
        assert_eq!(utc(951_782_400 * SECOND), "2000-02-29 00:00:00 UTC");
        assert_eq!(utc(-1), "1969-12-31 23:59:59 UTC");
        assert_eq!(utc(4_107_542_400 * SECOND), "2100-03-01 00:00:00 UTC");
        assert_eq!(sheet(-1), "1969-12-31 23:59:59.999");
        for extreme in [i64::MIN, i64::MAX] {
            assert!(utc(extreme).ends_with(" UTC"));
        }
    }

    #[test]
    fn durations() {
        assert_eq!(duration(28_700_000_000), "28.7 s");
        assert_eq!(duration(2_500_000), "2.5 ms");
        assert_eq!(duration(725 * SECOND), "12 min 5 s");
        assert_eq!(duration(12_000 * SECOND), "3 h 20 min");
        assert_eq!(duration(-5), "0.0 ms");
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(decimal(1_700_086_399_950_000_001), "1700086399.950000001");
        assert_eq!(decimal(-1), "-0.000000001");
        assert_eq!(decimal(i64::MIN), "-9223372036.854775808");
    }
}
