//! The table that perhop itself writes, as administrators bring it back from a spreadsheet.

mod xlsx;

use std::net::IpAddr;

use ipnet::IpNet;
use perhop_policy::{
    AppMatch, Dscp, DstPorts, PortMatch, Protocol, ProtocolMatch, Rate, Severity, SrcPorts,
};

use crate::codes;
use crate::fact::{Fact, What};
use crate::finding::{Finding, Layer};
use crate::place::Place;
use crate::policy::values::{range, tos};
use crate::policy::{Form, HostPolicy, Raw};
use crate::reading::{FileRead, Format, shortened};
use crate::shell::csv;
use crate::throttle::Throttle;

/// The headings that the table needs; there may be more, in any order.
const NEEDED: [&str; 5] = [
    "Component",
    "Communication type",
    "DSCP",
    "Source ports",
    "Destination ports",
];

/// Reads a workbook; `None` when no sheet in it has the table.
pub(crate) fn workbook(index: usize, name: &str, bytes: &[u8]) -> FileRead {
    let mut file = FileRead::new(name, Format::Workbook);
    let sheets = match xlsx::read(bytes) {
        Ok(sheets) => sheets,
        Err(problem) => {
            file.findings.push(
                Finding::new(
                    Severity::Error,
                    Layer::Plan,
                    codes::DAMAGED,
                    format!("the workbook cannot be read: {problem}"),
                )
                .at(&Place::whole(index))
                .help("save it anew as .xlsx, or as CSV"),
            );
            return file;
        }
    };
    let mut any = false;
    for sheet in sheets {
        let place = |row: usize, column: &str| {
            Place::whole(index).with_path(format!("{} row {row}, {column}", sheet.name))
        };
        if is_table(sheet.rows.first()) {
            any = true;
            table(&mut file, &sheet.rows, &place);
        } else if let Some((row, _)) = sheet.rows.first() {
            file.leave(
                place(*row, "first cell"),
                format!("sheet `{}`", sheet.name),
                "it does not have the headings of the table of rules",
            );
        }
    }
    if !any {
        file.format = Format::Unknown;
    }
    file
}

/// Reads comma-separated values; `None` when they are not the table.
pub(crate) fn list(index: usize, name: &str, text: &str) -> Option<FileRead> {
    let rows = csv::rows(text);
    if !is_table(rows.first()) {
        return None;
    }
    let mut file = FileRead::new(name, Format::TableCsv);
    table(&mut file, &rows, &|row, column| {
        Place::line(index, row).with_path(column)
    });
    Some(file)
}

fn is_table(first: Option<&(usize, Vec<String>)>) -> bool {
    first.is_some_and(|(_, head)| {
        NEEDED.iter().all(|wanted| {
            head.iter()
                .any(|cell| cell.trim().eq_ignore_ascii_case(wanted))
        })
    })
}

fn table(file: &mut FileRead, rows: &[(usize, Vec<String>)], place: &dyn Fn(usize, &str) -> Place) {
    let Some(((_, head), rows)) = rows.split_first() else {
        return;
    };
    let mut component = String::new();
    for (number, cells) in rows {
        let get = |name: &str| -> String {
            head.iter()
                .position(|cell| cell.trim().eq_ignore_ascii_case(name))
                .and_then(|column| cells.get(column))
                // An apostrophe keeps spreadsheets from taking a cell for a formula.
                .map(|cell| cell.trim().trim_start_matches('\'').to_owned())
                .unwrap_or_default()
        };
        // People merge the cells of one component.
        if !get("Component").is_empty() {
            component = get("Component");
        }
        let kind = get("Communication type");
        if kind.is_empty() {
            file.leave(
                place(*number, ""),
                cells.join(", "),
                "a row without a communication type",
            );
            continue;
        }
        let mut base = HostPolicy::new(&format!("{component} {kind}"), Form::Table);
        base.values = head
            .iter()
            .map(|name| Raw {
                name: name.trim().to_owned(),
                data: get(name.trim()),
                kind: "cell",
                place: place(*number, name.trim()),
            })
            .collect();
        let mut reader = Cells {
            policy: &mut base,
            findings: Vec::new(),
        };
        let (sources, destinations) = reader.read();
        let findings = reader.findings;
        file.findings.extend(findings);
        for policy in pairs(&base, &sources, &destinations) {
            file.facts.push(Fact {
                place: place(*number, "Component"),
                layer: Layer::Plan,
                what: What::Policy(policy),
            });
        }
    }
}

/// One policy for each pair of addresses of one family.
fn pairs(base: &HostPolicy, sources: &[IpNet], destinations: &[IpNet]) -> Vec<HostPolicy> {
    let sides = |nets: &[IpNet]| -> Vec<Option<IpNet>> {
        if nets.is_empty() {
            vec![None]
        } else {
            nets.iter().copied().map(Some).collect()
        }
    };
    let mut out = Vec::new();
    for src in sides(sources) {
        for dst in sides(destinations) {
            let mixed = src
                .zip(dst)
                .is_some_and(|(a, b)| a.addr().is_ipv4() != b.addr().is_ipv4());
            if !mixed && out.len() < MOST_PAIRS {
                out.push(HostPolicy {
                    src,
                    dst,
                    ..base.clone()
                });
            }
        }
    }
    out
}

/// The cells of a row on their way into a policy.
struct Cells<'a> {
    policy: &'a mut HostPolicy,
    findings: Vec<Finding>,
}

impl Cells<'_> {
    /// Fills the policy in; source and destination addresses come back.
    fn read(&mut self) -> (Vec<IpNet>, Vec<IpNet>) {
        let app = self.get("Executable");
        self.policy.app = match app.as_str() {
            "any" | "n/a" | "" => AppMatch::Any,
            app => AppMatch::parse(app),
        };
        self.policy.protocol = match self.get("Protocol").to_ascii_lowercase().as_str() {
            "both" | "" | "tcp and udp" | "any" => ProtocolMatch::Both,
            "udp" => ProtocolMatch::Only(Protocol::Udp),
            "tcp" => ProtocolMatch::Only(Protocol::Tcp),
            _ => {
                self.wrong(
                    "Protocol",
                    codes::VALUE_INVALID,
                    "write `udp`, `tcp` or `both`",
                );
                ProtocolMatch::Both
            }
        };
        self.policy.dscp = self.dscp();
        self.policy.throttle = self.throttle();
        self.policy.src_ports = SrcPorts(self.ports("Source ports"));
        self.policy.dst_ports = DstPorts(self.ports("Destination ports"));
        (
            self.addresses("Source IP"),
            self.addresses("Destination IP"),
        )
    }

    fn get(&self, name: &str) -> String {
        let found = self
            .policy
            .values
            .iter()
            .find(|raw| raw.name.eq_ignore_ascii_case(name));
        found.map_or_else(String::new, |raw| raw.data.clone())
    }

    /// A number, `46 (EF)`, or a name.
    fn dscp(&mut self) -> Option<Dscp> {
        let text = self.get("DSCP");
        let first = text.split([' ', '(']).next().unwrap_or_default();
        let number: Option<u32> = first.trim_end_matches(".0").parse().ok();
        let dscp = number
            .and_then(|number| u8::try_from(number).ok())
            .and_then(Dscp::try_new)
            .or_else(|| Dscp::from_name(first));
        if dscp.is_none() {
            match number.and_then(tos) {
                Some(dscp) => {
                    let help = format!("as a DSCP it is {}", dscp.value());
                    self.wrong("DSCP", codes::TOS_FOR_DSCP, &help);
                }
                None => self.wrong(
                    "DSCP",
                    codes::VALUE_INVALID,
                    "give a DSCP from 0 to 63, or its name",
                ),
            }
        }
        dscp
    }

    /// `5 Mbit/s`, or none.
    fn throttle(&mut self) -> Option<Throttle> {
        let text = self.get("Throttle");
        if matches!(text.to_ascii_lowercase().as_str(), "none" | "") {
            return None;
        }
        let throttle =
            Rate::from_text(&text).and_then(|rate| Throttle::from_units(rate.windows_units()));
        if throttle.is_none() {
            self.wrong(
                "Throttle",
                codes::VALUE_INVALID,
                "write a whole number with its unit, such as `5 Mbit/s`, or `none`",
            );
        }
        throttle
    }

    fn ports(&mut self, name: &str) -> PortMatch {
        let text = self.get(name);
        if matches!(text.to_ascii_lowercase().as_str(), "any" | "" | "*") {
            return PortMatch::Any;
        }
        let plain: String = text
            .chars()
            .filter(|c| !c.is_whitespace())
            .map(|c| {
                if matches!(c, '\u{2013}' | '\u{2014}' | ':') {
                    '-'
                } else {
                    c
                }
            })
            .collect();
        match range(plain.trim_end_matches(".0"), '-') {
            Some(range) => PortMatch::Range(range),
            None => {
                self.wrong(
                    name,
                    codes::VALUE_INVALID,
                    "write `20000-20039`, one port, or `any`",
                );
                PortMatch::Any
            }
        }
    }

    fn addresses(&mut self, name: &str) -> Vec<IpNet> {
        let text = self.get(name);
        if matches!(text.to_ascii_lowercase().as_str(), "any" | "" | "*") {
            return Vec::new();
        }
        let mut out = Vec::new();
        let mut bad = false;
        for part in text
            .split([',', ';', '\n'])
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let net = part
                .parse::<IpNet>()
                .ok()
                .or_else(|| part.parse::<IpAddr>().ok().map(IpNet::from));
            match net {
                Some(net) if out.len() < MOST_PAIRS => out.push(net.trunc()),
                Some(_) => {}
                None => bad = true,
            }
        }
        if bad {
            self.wrong(
                name,
                codes::VALUE_INVALID,
                "write addresses or prefixes with commas between, or `any`",
            );
        }
        out
    }

    fn wrong(&mut self, name: &str, code: &'static str, help: &str) {
        self.policy.sound = false;
        let place = self.policy.place_of(name).cloned().unwrap_or_default();
        self.findings.push(
            Finding::new(
                Severity::Error,
                Layer::Plan,
                code,
                format!(
                    "`{name}` of `{}` is `{}`",
                    self.policy.name,
                    shortened(&self.get(name))
                ),
            )
            .at(&place)
            .help(help),
        );
    }
}

/// A row with more addresses than this is none of ours.
const MOST_PAIRS: usize = 1000;
