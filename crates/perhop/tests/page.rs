//! The report in a real browser: it shows its text, loads nothing, complains of nothing and fits every screen.
#![allow(clippy::unwrap_used, reason = "a test that cannot run must fail")]

#[path = "support/binary.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::{file, folder, project, run};

/// The browser; when there is none, says so.
fn browser() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|path| path.is_file());
    if found.is_none() {
        eprintln!("skipped: there is no Chromium to look at the page with");
    }
    found
}

/// What one visit gave.
struct Visit {
    /// The document after it was shown.
    dom: String,
    /// What the browser logged.
    log: String,
    /// Everything it asked of the network, as its own log has it.
    net: String,
}

impl Visit {
    /// Addresses that were asked for over the network, other than by the browser for itself.
    fn asked(&self) -> Vec<String> {
        let urls = self
            .net
            .split("\"url\":\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next());
        let mut asked: Vec<String> = urls
            .filter(|url| !url.starts_with("file:") && !url.starts_with("data:"))
            .filter(|url| {
                !["google", "gvt1", "chrome:"]
                    .iter()
                    .any(|own| url.contains(own))
            })
            .map(str::to_owned)
            .collect();
        asked.sort_unstable();
        asked.dedup();
        asked
    }
}

fn visit(browser: &Path, page: &Path, width: u32, dark: bool) -> Visit {
    let temp = folder();
    let net = temp.path().join("net.json");
    let (out, err) = (temp.path().join("out"), temp.path().join("err"));
    let mut command = Command::new(browser);
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-sync",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-extensions",
        ])
        .args([
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--allow-file-access-from-files",
        ])
        .args([
            "--enable-logging=stderr",
            "--virtual-time-budget=3000",
            "--dump-dom",
        ])
        .arg(format!("--log-net-log={}", net.display()))
        .arg(format!(
            "--user-data-dir={}",
            temp.path().join("profile").display()
        ))
        .arg(format!("--window-size={width},900"))
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .stdout(fs::File::create(&out).unwrap())
        .stderr(fs::File::create(&err).unwrap());
    if dark {
        command.arg("--blink-settings=preferredColorScheme=0");
    }
    let mut child = command.spawn().unwrap();
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(90) {
            child.kill().unwrap();
            panic!(
                "the browser did not end: {}",
                fs::read_to_string(&err).unwrap_or_default()
            );
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let read =
        |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
    Visit {
        dom: read(&out),
        log: read(&err),
        net: read(&net),
    }
}

fn report(temp: &tempfile::TempDir, plan: &Path, capture: &str) -> PathBuf {
    let page = temp.path().join("report.html");
    let capture = project("examples/contoso").join(capture);
    let args = [
        "verify",
        &plan.display().to_string(),
        &capture.display().to_string(),
        "--html",
        &page.display().to_string(),
    ]
    .map(str::to_owned);
    run(args);
    page.canonicalize().unwrap()
}

/// The report of the example's two points.
fn report_of_points(temp: &tempfile::TempDir) -> PathBuf {
    let page = temp.path().join("report.html");
    let mut args = vec!["verify".to_owned()];
    args.push(project("examples/contoso/plan.toml").display().to_string());
    for name in ["sender", "receiver"] {
        let capture = project("examples/contoso/two-points").join(format!("at-{name}.pcapng"));
        args.extend(["--at".to_owned(), name.to_owned()]);
        args.push(capture.display().to_string());
    }
    args.extend(["--html".to_owned(), page.display().to_string()]);
    run(args).exits(1);
    page.canonicalize().unwrap()
}

#[test]
fn the_page_of_points_shows_the_way_between() {
    let Some(browser) = browser() else { return };
    let temp = folder();
    let visit = visit(&browser, &report_of_points(&temp), 1200, true);
    for text in [
        "Not as planned: marks are changed between the points",
        "By class and point",
        "Between the points",
        "From sender to receiver",
        "the clocks' offset",
        "audio, sender, Branch over time",
        "verify/segment-remarked",
        "ok, then changed",
    ] {
        assert!(visit.dom.contains(text), "no `{text}` in the page");
    }
    assert!(!visit.log.contains("CONSOLE"), "{}", visit.log);
    assert_eq!(visit.asked(), Vec::<String>::new());
}

/// On paper: nothing is lost, charts and all, and it is not a book.
#[test]
fn the_page_prints() {
    let Some(browser) = browser() else { return };
    if Command::new("pdftotext").arg("-v").output().is_err() {
        eprintln!("skipped: there is no `pdftotext` to read the print with");
        return;
    }
    let temp = folder();
    let page = report_of_points(&temp);
    let paper = temp.path().join("report.pdf");
    let printed = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
        ])
        .args(["--disable-background-networking", "--no-pdf-header-footer"])
        .arg(format!(
            "--user-data-dir={}",
            temp.path().join("profile").display()
        ))
        .arg(format!("--print-to-pdf={}", paper.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let text = Command::new("pdftotext")
        .args(["-layout"])
        .arg(&paper)
        .arg("-")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    for part in [
        "Not as planned",
        "Over time",
        "RTP loss, %",
        "jitter, ms",
        "From sender to receiver",
        "Check next",
    ] {
        assert!(
            text.contains(part),
            "no `{part}` on paper: {}",
            String::from_utf8_lossy(&printed.stderr)
        );
    }
    let pages = text.matches('\u{c}').count();
    assert!((2..=8).contains(&pages), "{pages} pages");
}

#[test]
fn the_page_shows_its_text_and_asks_nobody_for_anything() {
    let Some(browser) = browser() else { return };
    let temp = folder();
    let page = report(&temp, &project("examples/contoso/plan.toml"), "call.pcapng");
    let visit = visit(&browser, &page, 1200, false);
    for text in [
        "Not as planned",
        "By class and site",
        "DSCP by class",
        "audio, Branch over time",
        "RTP loss, %",
        "Likely cause",
        "Check next",
        "Flows that are not as planned",
        "ip.src == 198.51.100.13",
        "How this was judged",
    ] {
        assert!(visit.dom.contains(text), "no `{text}` in the page");
    }
    assert!(visit.dom.matches("<svg").count() > 5);
    assert!(
        !visit.log.contains("CONSOLE"),
        "the console has: {}",
        visit.log
    );
    assert!(
        !visit.net.is_empty(),
        "the browser kept no log of the network"
    );
    assert_eq!(visit.asked(), Vec::<String>::new());
}

/// Without this, the test above could not fail.
#[test]
fn a_page_that_asks_or_complains_is_noticed() {
    let Some(browser) = browser() else { return };
    let temp = folder();
    let page = file(
        &temp,
        "bad.html",
        "<img src='http://perhop.invalid/x.png'><script>console.error('no')</script>",
    );
    let visit = visit(&browser, &page.canonicalize().unwrap(), 800, false);
    assert_eq!(visit.asked(), ["http://perhop.invalid/x.png"]);
    assert!(visit.log.contains("CONSOLE"), "{}", visit.log);
}

/// A page around the report that measures it: nothing is wider than the screen, and text stands out from what is behind.
const MEASURE: &str = r#"<!DOCTYPE html><meta charset="utf-8"><body style="margin:0">
<iframe id="f" src="report.html" style="border:0;width:WIDTHpx;height:800px"></iframe>
<pre id="result">none</pre>
<script>
function luminance(color) {
  const [r, g, b] = color.match(/[\d.]+/g).map(Number).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  return .2126 * r + .7152 * g + .0722 * b;
}
document.getElementById('f').onload = e => {
  const doc = e.target.contentDocument, view = e.target.contentWindow;
  const back = node => {
    for (; node; node = node.parentElement) {
      const color = view.getComputedStyle(node).backgroundColor;
      if (!/, 0\)$/.test(color) && color !== 'transparent') return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const faint = [...doc.querySelectorAll('h1, h2, h3, p, li, td, th, dt, dd, small, .tag, a, code')]
    .filter(node => node.textContent.trim() && node.offsetParent)
    .map(node => {
      const [a, b] = [luminance(view.getComputedStyle(node).color), luminance(back(node))].sort((x, y) => y - x);
      return [(a + .05) / (b + .05), node.tagName + '.' + node.className];
    })
    .filter(([contrast]) => contrast < 4.5);
  document.getElementById('result').textContent = 'measured ' + JSON.stringify({
    over: doc.documentElement.scrollWidth - doc.documentElement.clientWidth,
    faint: faint.slice(0, 3),
    unreachable: [...doc.querySelectorAll('*')]
      .filter(node => view.getComputedStyle(node).overflowX === 'auto' && node.tabIndex < 0)
      .map(node => node.tagName + '.' + node.className),
    dark: luminance(view.getComputedStyle(doc.body).backgroundColor) < .2,
  });
};
</script>"#;

#[test]
fn the_page_fits_every_screen_and_reads_in_light_and_dark() {
    let Some(browser) = browser() else { return };
    let temp = folder();
    let plan = project("examples/contoso/plan.toml");
    for (points, width, dark) in [
        (false, 1200, false),
        (false, 1200, true),
        (false, 400, false),
        (false, 360, true),
        (true, 1200, true),
        (true, 400, false),
    ] {
        if points {
            report_of_points(&temp);
        } else {
            report(&temp, &plan, "call.pcapng");
        }
        let frame = file(
            &temp,
            "measure.html",
            MEASURE.replace("WIDTH", &width.to_string()),
        );
        let visit = visit(&browser, &frame.canonicalize().unwrap(), 1300, dark);
        let result = visit
            .dom
            .split("measured ")
            .nth(1)
            .unwrap_or_else(|| panic!("nothing measured: {}", visit.log));
        let result: serde_json::Value =
            serde_json::from_str(result.split("</pre>").next().unwrap()).unwrap();
        assert_eq!(result["over"], 0, "too wide at {width}: {result}");
        assert_eq!(
            result["faint"],
            serde_json::json!([]),
            "too faint at {width}: {result}"
        );
        assert_eq!(
            result["unreachable"],
            serde_json::json!([]),
            "not scrolled by keys: {result}"
        );
        assert_eq!(result["dark"], dark, "{result}");
    }
}

#[test]
fn hostile_names_stay_text() {
    let temp = folder();
    let name = r#"</style><script>alert(1)</script><img src=x onerror=alert(1)>"#;
    let plan = fs::read_to_string(project("examples/contoso/plan.toml")).unwrap();
    let plan = plan
        .lines()
        .map(|line| {
            if line.starts_with("plan = ") {
                format!("plan = '{name}'")
            } else {
                line.to_owned()
            }
        })
        .collect::<Vec<_>>()
        .join("\n");
    let plan = file(&temp, "plan.toml", plan);
    let page = report(&temp, &plan, "call.pcapng");
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("&lt;script&gt;alert(1)"), "the name is shown");
    assert!(!text.contains("<script") && !text.contains("<img"));
    let Some(browser) = browser() else { return };
    let visit = visit(&browser, &page, 1200, false);
    assert!(!visit.dom.contains("<script") && !visit.dom.contains("<img"));
}
