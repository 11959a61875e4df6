//! The table as a workbook: one sheet of rules, one of the port ranges that software and services are given.

use std::io::{self, Write};

use perhop_policy::{Family, PolicySet, Producer, ProducerKind, Subject};

use crate::table::Table;
use crate::workbook::{self, Row, Sheet, Value};

/// Headings of the second sheet.
const PRODUCER_HEADINGS: [&str; 10] = [
    "System",
    "Software or service",
    "For",
    "Used for",
    "First port",
    "Last port",
    "Count",
    "DSCP",
    "802.1p",
    "Marking",
];

/// Writes the whole file. The same table gives the same bytes.
///
/// # Errors
/// The writer's.
pub(crate) fn write(out: &mut dyn Write, table: &Table, policy: &PolicySet) -> io::Result<()> {
    let rules = table.rows.iter().map(|row| {
        let cells = table.cells(row).into_iter().enumerate();
        cells
            .map(|(index, text)| match index {
                3 => Value::Number(row.dscp.into()),
                _ => Value::Text(text),
            })
            .collect()
    });
    let headings = table.headings();
    let producers = policy.producers().iter().flat_map(producer).collect();
    let sheets = vec![
        Sheet::new("Rules", &headings, rules.collect()),
        Sheet::new("Port ranges", &PRODUCER_HEADINGS, producers),
    ];
    workbook::write(out, &table.plan, sheets)
}

/// One row a range; one row without a range for what only marks.
fn producer(producer: &Producer) -> Vec<Row> {
    let fixed = || {
        vec![
            Value::Text(system(producer.family).to_owned()),
            Value::Text(kind(&producer.kind)),
            Value::Text(subject(&producer.subject)),
        ]
    };
    let marks = || {
        [
            producer
                .dscp
                .map_or(Value::Empty, |dscp| Value::Number(dscp.value().into())),
            producer
                .pcp
                .map_or(Value::Empty, |pcp| Value::Number(pcp.value().into())),
            producer.marking.map_or(Value::Empty, |on| {
                Value::Text(if on { "on" } else { "off" }.to_owned())
            }),
        ]
    };
    if producer.ranges.is_empty() {
        let mut row = fixed();
        row.extend((0..4).map(|_| Value::Empty));
        row.extend(marks());
        return vec![row];
    }
    producer
        .ranges
        .iter()
        .map(|range| {
            let mut row = fixed();
            row.push(Value::Text(range.used_for.as_str().to_owned()));
            row.push(Value::Number(range.ports.first().into()));
            row.push(Value::Number(range.ports.last().into()));
            row.push(Value::Number(range.ports.count().into()));
            row.extend(marks());
            row
        })
        .collect()
}

const fn system(family: Family) -> &'static str {
    match family {
        Family::LyncServer => "Lync Server, Skype for Business Server",
        Family::Teams => "Microsoft Teams",
        Family::Own => "own software",
    }
}

fn kind(kind: &ProducerKind) -> String {
    match kind {
        ProducerKind::Clients => "clients",
        ProducerKind::Phones => "phones",
        ProducerKind::OtherDevices => "devices without Windows",
        ProducerKind::ConferencingService => "conferencing service",
        ProducerKind::ApplicationService => "application service",
        ProducerKind::MediationService => "mediation service",
        ProducerKind::MediaRelay => "A/V Edge service",
        ProducerKind::WebService => "web service",
        ProducerKind::ApplicationPool => "trusted application pool",
        ProducerKind::Software(name) => return name.clone(),
    }
    .to_owned()
}

fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Global => "all".to_owned(),
        Subject::Site(site) => format!("site {site}"),
        Subject::Service(service) => service.clone(),
    }
}
