//! One figure for each class and site: packets by mark, and below them rate, loss and jitter, on one axis of time.

use super::{LEGEND, WIDTH, key, rect, text};
use crate::html::Html;
use crate::render::grouped;
use crate::report::series::{Moment, SeriesView};
use crate::time;

/// Figures; of more, those with the most wrong packets are shown.
const MOST: usize = 24;
/// Height of the plane of packets.
const PLANE: f64 = 96.0;
/// Height of the plane of a line.
const LINE: f64 = 40.0;
/// Room above a line for its name.
const HEAD: f64 = 26.0;
/// Room at the left for numbers.
const LEFT: f64 = 48.0;

/// The section; nothing without series.
pub(super) fn section(series: &[SeriesView], html: &mut Html) {
    let mut shown: Vec<usize> = (0..series.len())
        .filter(|at| !series[*at].moments.is_empty())
        .collect();
    if shown.is_empty() {
        return;
    }
    let more = shown.len().saturating_sub(MOST);
    shown.sort_by_key(|at| (std::cmp::Reverse(series[*at].wrong()), *at));
    shown.truncate(MOST);
    shown.sort_unstable();
    html.leaf("h2", &[], "Over time");
    html.within("div", &[("class", "charts")], |html| {
        for at in shown {
            figure(&series[at], html);
        }
    });
    if more > 0 {
        html.leaf(
            "p",
            &[("class", "note")],
            &format!(
                "{} more, with fewer packets that are not as planned, are left out; `--series` and `--xlsx` have all.",
                grouped(more as u64)
            ),
        );
    }
}

/// Values of a line, moment by moment.
struct Line {
    name: String,
    values: Vec<Option<f64>>,
}

fn lines(series: &SeriesView) -> Vec<Line> {
    let all = |value: &dyn Fn(&Moment) -> Option<f64>| -> Vec<Option<f64>> {
        series.moments.iter().map(value).collect()
    };
    let rates = all(&|moment| Some(series.kbit_s(moment)));
    let most = rates.iter().flatten().copied().fold(0.0, f64::max);
    let (unit, scale) = if most >= 10_000.0 {
        ("Mbit/s", 1e-3)
    } else {
        ("kbit/s", 1.0)
    };
    let rate = Line {
        name: format!("rate, {unit}"),
        values: rates
            .into_iter()
            .map(|value| value.map(|value| value * scale))
            .collect(),
    };
    let loss = Line {
        name: "RTP loss, %".to_owned(),
        values: all(&Moment::loss_percent),
    };
    let jitter = Line {
        name: "jitter, ms".to_owned(),
        values: all(&|moment| moment.jitter_ms),
    };
    let is_there = |line: &Line| line.values.iter().any(Option::is_some);
    [rate, loss, jitter].into_iter().filter(is_there).collect()
}

fn figure(series: &SeriesView, html: &mut Html) {
    let label = format!("{} over time", series.name());
    let lines = lines(series);
    let height = 8.0 + PLANE + lines.len() as f64 * (HEAD + LINE) + 22.0;
    html.within("figure", &[], |html| {
        html.within("figcaption", &[], |html| {
            html.text(&label);
            let remark = format!(
                " packets each {}, planned {}",
                time::duration(series.step),
                series.expected
            );
            html.leaf("small", &[], &remark);
        });
        let view_box = format!("0 0 {WIDTH} {height}");
        let attrs = [
            ("viewBox", view_box.as_str()),
            ("role", "img"),
            ("aria-label", &label),
        ];
        html.within("svg", &attrs, |html| {
            packets(series, html);
            let mut top = 8.0 + PLANE;
            for line in &lines {
                drawn(line, top + HEAD, html);
                top += HEAD + LINE;
            }
            clock(series, top, html);
        });
        key(&LEGEND, html);
    });
}

fn packets(series: &SeriesView, html: &mut Html) {
    let totals = series.moments.iter().map(|moment| moment.share.total());
    let top = nice(totals.max().unwrap_or(0).max(1));
    let floor = PLANE + 8.0;
    let width = (WIDTH - LEFT) / series.moments.len() as f64;
    let height = |count: u64| count as f64 / top as f64 * PLANE;
    for (index, moment) in series.moments.iter().enumerate() {
        let left = LEFT + index as f64 * width;
        let gap = if width > 4.0 { 0.8 } else { 0.0 };
        let share = moment.share;
        let mut base = floor;
        for (count, class) in [
            (share.planned, "f-planned"),
            (share.unmarked, "f-unmarked"),
            (share.other, "f-other"),
        ] {
            if count > 0 {
                base -= height(count);
                let at = time::clock(series.time(index));
                let label = format!("{at}: {} packets", grouped(count));
                let wide = (width - gap).max(0.3);
                rect(left, base, wide, height(count), class, &label, html);
            }
        }
    }
    axis(8.0, &count(top), html);
    axis(floor, "0", html);
}

/// A round number, short enough for the room at the left.
fn count(number: u64) -> String {
    match number {
        0..100_000 => grouped(number),
        100_000..1_000_000 => format!("{} k", number / 1000),
        _ => format!("{} M", grouped(number / 1_000_000)),
    }
}

/// A line in steps, broken where there is no value.
fn drawn(line: &Line, top: f64, html: &mut Html) {
    let most = line.values.iter().flatten().copied().fold(0.0, f64::max);
    let end = round(most);
    let width = (WIDTH - LEFT) / line.values.len() as f64;
    let mut path = String::new();
    let mut before = false;
    for (index, value) in line.values.iter().enumerate() {
        if let Some(value) = value {
            let left = LEFT + index as f64 * width;
            let y = top + LINE - value / end * LINE;
            if before {
                path.push_str(&format!("V{y:.1}"));
            } else {
                path.push_str(&format!("M{left:.1},{y:.1}"));
            }
            path.push_str(&format!("H{:.1}", left + width));
        }
        before = value.is_some();
    }
    text(LEFT, top - 7.0, "strong", "start", &line.name, html);
    let largest = format!("largest {}", shown(most));
    text(WIDTH, top - 7.0, "", "end", &largest, html);
    axis(top, &shown(end), html);
    axis(top + LINE, "0", html);
    html.leaf("path", &[("class", "line"), ("d", &path)], "");
}

fn axis(y: f64, number: &str, html: &mut Html) {
    let path = format!("M{LEFT},{y:.1} H{WIDTH}");
    html.leaf("path", &[("class", "axis"), ("d", &path)], "");
    text(LEFT - 6.0, y + 4.0, "", "end", number, html);
}

fn clock(series: &SeriesView, floor: f64, html: &mut Html) {
    let (begin, end) = (series.start, series.time(series.moments.len()));
    let at = floor + 17.0;
    text(LEFT, at, "", "start", &time::clock(begin), html);
    let end = format!("{} UTC", time::clock(end));
    text(WIDTH, at, "", "end", &end, html);
}

/// The next round number at or above a number, at most twice as large; 1 for 0.
fn nice(number: u64) -> u64 {
    let mut unit = 1u64;
    loop {
        for factor in [1, 2, 3, 4, 5, 6, 8] {
            let step = unit.saturating_mul(factor);
            if step >= number {
                return step;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// The same for numbers below 1 too.
fn round(number: f64) -> f64 {
    let mut unit = 1.0;
    let mut number = number;
    while number > 0.0 && number <= 1.0 && unit < 1e6 {
        (number, unit) = (number * 10.0, unit * 10.0);
    }
    nice(number.ceil() as u64).max(1) as f64 / unit
}

/// `1,200`, `3.6`, `0.04`.
fn shown(number: f64) -> String {
    if number >= 100.0 {
        return grouped(number.round() as u64);
    }
    let text = if number >= 1.0 {
        format!("{number:.1}")
    } else {
        format!("{number:.3}")
    };
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (number, top) in [(1, 1), (3, 3), (50, 50), (51, 60), (81, 100), (1201, 2000)] {
            assert_eq!(nice(number), top);
        }
        assert!(nice(u64::MAX) >= u64::MAX / 2);
        for (number, top) in [
            (0.0, 1.0),
            (0.04, 0.04),
            (0.31, 0.4),
            (1.0, 1.0),
            (7.2, 8.0),
        ] {
            assert!(
                (round(number) - top).abs() < 1e-9,
                "{number}: {}",
                round(number)
            );
        }
        assert!(round(f64::MAX).is_finite() && round(1e-300) > 0.0);
    }

    #[test]
    fn numbers_are_short() {
        for (number, text) in [
            (1234.5, "1,235"),
            (3.0, "3"),
            (3.62, "3.6"),
            (0.04, "0.04"),
            (0.0, "0"),
        ] {
            assert_eq!(shown(number), text);
        }
        for (number, text) in [
            (80_000, "80,000"),
            (800_000, "800 k"),
            (2_000_000, "2 M"),
            (30_000_000, "30 M"),
        ] {
            assert_eq!(count(number), text);
        }
    }
}
