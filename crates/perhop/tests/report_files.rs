//! Files that `verify` writes beside what it prints: the workbook and the series, read back.
#![allow(clippy::unwrap_used, reason = "a test that cannot run must fail")]

#[path = "support/book.rs"]
mod book;
#[path = "support/binary.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::Value;
use support::{folder, project, run, shared};

fn contoso(name: &str) -> String {
    project("examples/contoso").join(name).display().to_string()
}

/// Fields of a line without quotes in it.
fn fields(line: &str) -> Vec<&str> {
    line.split(',').collect()
}

type Sums = BTreeMap<(String, String), [u64; 3]>;

/// Packets, RTP packets due and lost by class and site, from the series.
fn summed(series: &str) -> Sums {
    let mut sums = Sums::new();
    for line in series.lines().skip(1) {
        let fields = fields(line);
        let number = |at: usize| fields[at].parse().unwrap_or(0);
        let sum = sums
            .entry((fields[1].to_owned(), fields[2].to_owned()))
            .or_default();
        for (sum, at) in sum.iter_mut().zip([6, 13, 14]) {
            *sum += number(at);
        }
    }
    sums
}

/// The same from the classes of JSON, which come from another count.
fn told(report: &Value) -> Sums {
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let rows = report["classes"].as_array().unwrap().iter();
    rows.filter(|row| row["class"] != Value::Null)
        .map(|row| {
            let quality = &row["quality"];
            let numbers = [&row["packets"], &quality["expected"], &quality["lost"]];
            (
                (text(&row["class"]), text(&row["site"])),
                numbers.map(|one| one.as_u64().unwrap()),
            )
        })
        .collect()
}

#[test]
fn the_series_add_up_to_what_the_report_says() {
    let temp = folder();
    let series = temp.path().join("series.csv").display().to_string();
    let mut captures = vec![contoso("call.pcapng")];
    if let Some(folder) = shared("captures/synthetic") {
        captures.push(folder.join("qos-eth.pcap").display().to_string());
        captures.push(folder.join("qos-snap96.pcap").display().to_string());
    }
    for capture in captures {
        let args = [
            "verify",
            &contoso("plan.toml"),
            &capture,
            "--series",
            &series,
            "--format",
            "json",
        ];
        let report = run(args).exits(1).complains("wrote");
        let text = fs::read_to_string(&series).unwrap();
        assert!(text.starts_with("point,class,site,start_utc,seconds,"));
        assert_eq!(
            summed(&text),
            told(&serde_json::from_str(&report.out).unwrap()),
            "{capture}"
        );
    }
}

#[test]
fn the_workbook_has_what_the_report_has() {
    let temp = folder();
    let book = temp.path().join("report.xlsx").display().to_string();
    let json = run([
        "verify",
        &contoso("plan.toml"),
        &contoso("call.pcapng"),
        "--xlsx",
        &book,
        "--format",
        "json",
    ])
    .exits(1)
    .complains("wrote");
    let report: Value = serde_json::from_str(&json.out).unwrap();
    let bytes = fs::read(&book).unwrap();
    let sheets = book::read(&bytes);
    let names: Vec<&str> = sheets.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Verdict", "Classes", "Findings", "Flows", "Series"]);
    let rows = |name: &str| &sheets.iter().find(|(one, _)| one == name).unwrap().1;
    assert_eq!(rows("Verdict")[1][0], "Verdict");
    assert!(rows("Verdict")[1][1].starts_with("not as planned: 15 of 31 flows"));
    assert_eq!(
        rows("Flows").len(),
        1 + report["flows"].as_array().unwrap().len()
    );
    assert_eq!(
        rows("Findings").len(),
        1 + report["findings"].as_array().unwrap().len()
    );
    for (row, finding) in rows("Findings")[1..]
        .iter()
        .zip(report["findings"].as_array().unwrap())
    {
        assert_eq!(
            (&row[1], &row[3]),
            (&text(&finding["code"]), &text(&finding["message"]))
        );
        assert_eq!(row[7], text(&finding["cause"]["check"]));
    }
    let heading = |name: &str, of: &str| rows(name)[0].iter().position(|one| one == of).unwrap();
    let (port, first) = (heading("Flows", "src_port"), heading("Flows", "first"));
    for (row, flow) in rows("Flows")[1..]
        .iter()
        .zip(report["flows"].as_array().unwrap())
    {
        assert_eq!(row[port], flow["src_port"].to_string());
        // Days since the last day of 1899.
        let days: f64 = row[first].parse().unwrap();
        let seconds = (days - 25_569.0) * 86_400.0;
        assert!((seconds - flow["first"].as_f64().unwrap()).abs() < 0.001);
    }
    assert!(rows("Series").len() > 100);
    let rows: Vec<String> = sheets
        .iter()
        .map(|(name, rows)| format!("{name} {}", rows.len()))
        .collect();
    opens(&book, &rows.join(" "));
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Another program reads the workbook, when it is there, and finds the sheets and their rows.
fn opens(book: &str, sheets: &str) {
    let script = "import openpyxl, sys
book = openpyxl.load_workbook(sys.argv[1])
print(' '.join(f'{sheet.title} {len(list(sheet.rows))}' for sheet in book))";
    let output = Command::new("python3").args(["-c", script, book]).output();
    match output {
        Ok(output) if output.status.success() => {
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), sheets);
        }
        Ok(output) if !String::from_utf8_lossy(&output.stderr).contains("ModuleNotFoundError") => {
            panic!("{}", String::from_utf8_lossy(&output.stderr));
        }
        _ => println!("skipped: no openpyxl to read the workbook with"),
    }
}

#[test]
fn points_have_series_each_and_a_sheet_of_segments() {
    let temp = folder();
    let [book, series] =
        ["report.xlsx", "series.csv"].map(|name| temp.path().join(name).display().to_string());
    let (sender, receiver) = (
        contoso("two-points/at-sender.pcapng"),
        contoso("two-points/at-receiver.pcapng"),
    );
    run([
        "verify",
        &contoso("plan.toml"),
        "--at",
        "sender",
        &sender,
        "--at",
        "receiver",
        &receiver,
        "--xlsx",
        &book,
        "--series",
        &series,
    ])
    .exits(1);
    let text = fs::read_to_string(series).unwrap();
    // The branch's loss is between the points.
    let lost = |point: &str| -> u64 {
        let lines = text.lines().filter(|line| line.starts_with(point));
        lines
            .map(|line| fields(line)[14].parse::<u64>().unwrap_or(0))
            .sum()
    };
    assert_eq!((lost("sender,"), lost("receiver,")), (0, 92));
    let sheets = book::read(&fs::read(book).unwrap());
    let (name, rows) = sheets.last().unwrap();
    assert_eq!(name, "Segments");
    let video = rows
        .iter()
        .find(|row| row.get(1).is_some_and(|one| one == "video"))
        .unwrap();
    assert_eq!(
        video[..6],
        [
            "from sender to receiver",
            "video",
            "34",
            "2: 497",
            "528",
            "31"
        ]
    );
    assert!(
        rows.iter()
            .any(|row| row.last().unwrap().contains("the clocks' offset"))
    );
}

#[test]
fn a_file_that_cannot_be_written_is_said() {
    for option in ["--xlsx", "--series"] {
        run([
            "verify",
            &contoso("plan.toml"),
            &contoso("call.pcapng"),
            option,
            "/nowhere/at/all",
        ])
        .exits(3)
        .complains("cannot write");
    }
}
