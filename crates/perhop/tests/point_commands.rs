//! `verify --at`: several capture points on one path, in every form.
#![allow(clippy::unwrap_used, reason = "a test that cannot run must fail")]

#[path = "support/schema.rs"]
mod schema;
#[path = "support/binary.rs"]
mod support;

use std::fs;

use serde_json::Value;
use support::{Run, folder, perhop, project, run, shared};

fn contoso(name: &str) -> String {
    project("examples/contoso").join(name).display().to_string()
}

/// The plan, and the two captures of the example as points.
fn example() -> Vec<String> {
    let mut args = vec!["verify".to_owned(), contoso("plan.toml")];
    for name in ["sender", "receiver"] {
        args.extend(["--at".to_owned(), name.to_owned()]);
        args.push(contoso(&format!("two-points/at-{name}.pcapng")));
    }
    args
}

/// A plan, written into a folder, and captures of the two sides of an address translator.
fn translated(temp: &tempfile::TempDir) -> Option<(String, [String; 2])> {
    let folder = shared("captures/synthetic")?;
    let captures = ["points-A.pcap", "points-B-nat.pcap"];
    let plan = support::file(temp, "plan.toml", support::PLAN);
    Some((
        plan.display().to_string(),
        captures.map(|name| folder.join(name).display().to_string()),
    ))
}

fn with(mut args: Vec<String>, more: &[&str]) -> Run {
    args.extend(more.iter().map(|arg| (*arg).to_owned()));
    run(args)
}

fn json(run: &Run) -> Value {
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let schema = fs::read_to_string(project("docs/schema/verify.json")).unwrap();
    let faults = schema::faults(&serde_json::from_str(&schema).unwrap(), &report);
    assert!(faults.is_empty(), "{faults:#?}");
    report
}

fn find<'a>(list: &'a Value, key: &str, value: &str) -> Vec<&'a Value> {
    let list = list.as_array().unwrap().iter();
    list.filter(|one| one[key] == value).collect()
}

#[test]
fn the_example_tells_which_segment_changed_what() {
    let temp = folder();
    let page = temp.path().join("report.html").display().to_string();
    let run = with(example(), &["--html", &page])
        .exits(1)
        .says("not as planned: marks are changed between the points")
        .says("from sender to receiver")
        .says("error[verify/segment-remarked]: `video` is re-marked between `sender` and `receiver`: 34 to 2")
        .says("warning[verify/segment-loss]")
        .says("ToS precedence")
        .says("the clocks' offset")
        .says("seen at points sender, receiver")
        .complains("wrote");
    assert!(
        run.out.starts_with("not as planned"),
        "the verdict comes first"
    );
    let page = fs::read_to_string(page).unwrap();
    for text in [
        "By class and point",
        "Between the points",
        "From sender to receiver",
        "Late: half",
    ] {
        assert!(page.contains(text), "no `{text}` in the page");
    }
    let narrow = support::finish(perhop().args(example()).env("COLUMNS", "80"));
    for line in narrow.out.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn the_json_of_points_keeps_to_its_schema_and_adds_up() {
    let report = json(&with(example(), &["--format", "json"]).exits(1));
    let points = report["points"].as_array().unwrap();
    assert_eq!(points.len(), 2);
    assert_eq!(
        (&points[0]["vantage"], &points[1]["vantage"]),
        (&"sender".into(), &"receiver".into())
    );
    let segment = &report["segments"][0];
    // Everything in the example goes one way.
    assert_eq!(segment["clock"]["basis"], "forward");
    assert_eq!(segment["clock"]["least_delay_ms"], Value::Null);
    assert!(segment["clock"]["offset_ms"].as_f64().unwrap().abs() < 1.0);
    let video = find(&segment["classes"], "class", "video")[0];
    // The README's rows 13 and 15, and their RTCP.
    let marks = video["marks"].as_array().unwrap();
    assert_eq!(marks.len(), 1, "{marks:?}");
    assert_eq!(
        (&marks[0]["from"], &marks[0]["to"]),
        (&34.into(), &2.into())
    );
    assert_eq!(
        marks[0]["packets"].as_u64().unwrap() + video["missing"].as_u64().unwrap(),
        528
    );
    let audio = find(&segment["classes"], "class", "audio")[0];
    let by_mark = audio["by_mark"].as_array().unwrap();
    let missing: Vec<(u64, u64)> = by_mark
        .iter()
        .map(|row| {
            (
                row["mark"].as_u64().unwrap(),
                row["missing"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(missing, [(0, 29), (40, 34), (46, 0)]);
    // What is lost between is what the later point misses and the earlier one has.
    for (key, at) in [("from", "sender"), ("to", "receiver")] {
        let flows = segment["flows"].as_array().unwrap();
        assert!(!flows.is_empty());
        for flow in flows {
            let own =
                &report["flows"][usize::try_from(flow[key]["flow"].as_u64().unwrap()).unwrap()];
            assert_eq!(
                (&own["point"], &own["src_port"]),
                (&at.into(), &flow[key]["src_port"])
            );
        }
    }
    // The later point's bleached video is told once, as a thing of the segment.
    let told: Vec<&Value> = report["findings"].as_array().unwrap().iter().collect();
    let remarked = told
        .iter()
        .filter(|one| one["code"] == "verify/segment-remarked");
    assert_eq!(remarked.count(), 1);
    assert!(
        told.iter()
            .filter(|one| one["point"] == "receiver" && one["severity"] == "error")
            .all(|one| one["explained"] == true)
    );
}

#[test]
fn the_lines_of_flows_say_at_which_point() {
    let run = with(example(), &["--format", "csv"]).exits(1);
    let mut lines = run.out.lines();
    assert!(lines.next().unwrap().starts_with("point,verdict,"));
    let (sender, receiver): (Vec<&str>, Vec<&str>) =
        lines.partition(|line| line.starts_with("sender,"));
    assert!(sender.len() > 10 && receiver.len() > 10);
    assert!(receiver.iter().all(|line| line.starts_with("receiver,")));
    with(example(), &["--format", "junit"])
        .exits(1)
        .says("audio at sender, Branch is marked as planned")
        .says("verify/segment-remarked");
}

/// A capture held against itself: everything is found again, nothing is lost, changed or late.
#[test]
fn one_capture_at_two_points_shows_no_difference() {
    let same = contoso("two-points/at-sender.pcapng");
    let args = [
        "verify",
        &contoso("plan.toml"),
        "--at",
        "a",
        &same,
        "--at",
        "b",
        &same,
        "--format",
        "json",
    ];
    let report = json(&run(args).exits(1));
    let segment = &report["segments"][0];
    assert_eq!(segment["clock"]["offset_ms"], 0.0);
    assert!(segment["matched"].as_u64().unwrap() > 5000);
    for row in segment["classes"].as_array().unwrap() {
        assert_eq!(
            (&row["missing"], &row["extra"]),
            (&0.into(), &0.into()),
            "{row}"
        );
        assert!(
            row["marks"]
                .as_array()
                .unwrap()
                .iter()
                .all(|mark| mark["from"] == mark["to"])
        );
        assert_eq!(row["delay"]["max_ms"], 0.0);
    }
    assert!(
        report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["segment"] == Value::Null)
    );
}

#[test]
fn three_points_have_two_segments() {
    let Some(folder) = shared("captures/synthetic") else {
        return;
    };
    let [a, b] =
        ["points-A.pcap", "points-B.pcap"].map(|name| folder.join(name).display().to_string());
    let plan = contoso("plan.toml");
    let args = [
        "verify", &plan, "--at", "pc", &a, "--at", "core", &b, "--at", "server", &b, "--format",
        "json",
    ];
    let report = json(&run(args).exits(1));
    let segments = report["segments"].as_array().unwrap();
    let ends: Vec<(&Value, &Value)> = segments
        .iter()
        .map(|one| (&one["from"], &one["to"]))
        .collect();
    assert_eq!(
        ends,
        [
            (&"pc".into(), &"core".into()),
            (&"core".into(), &"server".into())
        ]
    );
    let changed = |segment: &Value| -> usize {
        let rows = segment["classes"].as_array().unwrap().iter();
        let marks = rows.flat_map(|row| row["marks"].as_array().unwrap());
        marks.filter(|mark| mark["from"] != mark["to"]).count()
    };
    assert!(changed(&segments[0]) > 0);
    assert_eq!(changed(&segments[1]), 0);
}

/// Past an address translator nothing but the content tells which packets they are, and the report says so.
#[test]
fn packets_are_found_past_an_address_translator() {
    let temp = support::folder();
    let Some((plan, [a, b])) = translated(&temp) else {
        return;
    };
    let args = ["verify", &plan, "--at", "inside", &a, "--at", "outside", &b];
    run(args)
        .exits(1)
        .says("other addresses or ports at `outside`")
        .says("error[verify/segment-bleached]: `audio` loses its mark between `inside` and `outside`: 46 to 0");
    let mut args = args.to_vec();
    args.extend(["--format", "json"]);
    let report = json(&run(args).exits(1));
    let flows = report["segments"][0]["flows"].as_array().unwrap();
    assert!(flows.iter().all(|flow| flow["pairing"] == "translated"));
    assert_eq!(flows.len(), 5);
}

/// Inside, the ports are the plan's; outside they are the translator's, whichever point is given first, and at one more
/// point out there too. Every point has the classes that the plan gives the ends.
#[test]
fn every_point_has_the_classes_of_the_ends() {
    let temp = support::folder();
    let Some((plan, [inside, outside])) = translated(&temp) else {
        return;
    };
    for points in [
        [&inside, &outside, &outside],
        [&outside, &outside, &inside],
        [&outside, &inside, &outside],
    ] {
        let names = ["a", "b", "c"];
        let at = names
            .iter()
            .zip(points)
            .flat_map(|(name, file)| ["--at", name, file]);
        let args: Vec<&str> = ["verify", &plan, "--format", "csv"]
            .into_iter()
            .chain(at)
            .collect();
        let csv = run(args).exits(1).out;
        for (name, file) in names.iter().zip(points) {
            let mut classes: Vec<&str> = csv
                .lines()
                .filter_map(|line| line.strip_prefix(&format!("{name},")))
                .map(|line| line.split(',').nth(1).unwrap())
                .collect();
            classes.sort_unstable();
            let all = ["audio", "audio", "audio", "audio", "video", "video"];
            let expected = if file == &inside { &all[..] } else { &all[1..] };
            assert_eq!(classes, expected, "at {name} of {points:?}");
        }
    }
}

#[test]
fn points_that_cannot_be_meant_are_refused() {
    let plan = contoso("plan.toml");
    let capture = contoso("call.pcapng");
    run(["verify", &plan, "--at", "one", &capture])
        .exits(2)
        .complains("`one` is the only point")
        .complains("= help: give `--at NAME FILE` once for each point");
    run(["verify", &plan, "--at", " ", &capture])
        .exits(2)
        .complains("a point needs a name");
    run(["verify", &plan, &capture, "--at", "a", &capture])
        .exits(2)
        .complains("cannot be used with");
    run(["verify", &plan, "--at", "a", "-", "--at", "b", "-"])
        .exits(2)
        .complains("once");
    run([
        "verify",
        &plan,
        "--at",
        "a",
        &capture,
        "--at",
        "b",
        "nope.pcap",
    ])
    .exits(3)
    .complains("nope.pcap`: no such file");
}
