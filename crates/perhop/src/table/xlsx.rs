//! The table as a workbook: one sheet of rules, one of the port ranges that software and services are given.

use perhop_policy::{Family, PolicySet, Producer, ProducerKind, Subject};
use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet,
    XlsxError,
};

use crate::table::Table;

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

/// A field of a sheet.
enum Value {
    Text(String),
    Number(u32),
    Empty,
}

/// The whole file. The same table gives the same bytes.
///
/// # Errors
/// What the writer of the format refuses, such as a text beyond Excel's limit of 32,767 characters.
pub(crate) fn render(table: &Table, policy: &PolicySet) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let created = ExcelDateTime::from_ymd(2000, 1, 1)?;
    workbook.set_properties(
        &DocProperties::new()
            .set_title(&table.plan)
            .set_comment("made by perhop")
            .set_creation_datetime(&created),
    );
    let rules: Vec<Vec<Value>> = table
        .rows
        .iter()
        .map(|row| {
            table
                .cells(row)
                .into_iter()
                .enumerate()
                .map(|(index, text)| match index {
                    3 => Value::Number(u32::from(row.dscp)),
                    _ => Value::Text(text),
                })
                .collect()
        })
        .collect();
    sheet(workbook.add_worksheet(), "Rules", table.headings(), &rules)?;
    let producers: Vec<Vec<Value>> = policy.producers().iter().flat_map(producer).collect();
    sheet(
        workbook.add_worksheet(),
        "Port ranges",
        &PRODUCER_HEADINGS,
        &producers,
    )?;
    workbook.save_to_buffer()
}

fn sheet(
    sheet: &mut Worksheet,
    name: &str,
    headings: &[&str],
    rows: &[Vec<Value>],
) -> Result<(), XlsxError> {
    let head = Format::new()
        .set_bold()
        .set_text_wrap()
        .set_align(FormatAlign::Top)
        .set_background_color(Color::RGB(0xe8_ec_f1))
        .set_border_bottom(FormatBorder::Thin);
    let body = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    sheet.set_name(name)?;
    for (column, heading) in (0u16..).zip(headings) {
        sheet.write_string_with_format(0, column, *heading, &head)?;
        let longest = rows
            .iter()
            .map(|row| match &row[usize::from(column)] {
                Value::Text(text) => text
                    .split(", ")
                    .map(|part| part.chars().count())
                    .max()
                    .unwrap_or(0),
                Value::Number(_) | Value::Empty => 6,
            })
            .fold(heading.len() + 3, usize::max);
        let width = u32::try_from(longest.min(48)).expect("at most 48");
        sheet.set_column_width(column, f64::from(width) + 1.0)?;
    }
    for (index, row) in (1u32..).zip(rows) {
        for (column, value) in (0u16..).zip(row) {
            match value {
                Value::Text(text) => sheet.write_string_with_format(index, column, text, &body)?,
                Value::Number(number) => {
                    sheet.write_number_with_format(index, column, *number, &body)?
                }
                Value::Empty => sheet.write_blank(index, column, &body)?,
            };
        }
    }
    let last_row = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let last_column = u16::try_from(headings.len() - 1).unwrap_or(u16::MAX);
    sheet.set_freeze_panes(1, 1)?;
    sheet.autofilter(0, 0, last_row, last_column)?;
    sheet.set_landscape();
    sheet.set_repeat_rows(0, 0)?;
    sheet.set_print_fit_to_pages(1, 0);
    Ok(())
}

/// One row a range; one row without a range for what only marks.
fn producer(producer: &Producer) -> Vec<Vec<Value>> {
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
            row.push(Value::Number(range.ports.count()));
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
