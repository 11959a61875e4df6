use std::io::{Cursor, Read};

use proptest::prelude::*;

use super::*;

fn file(sheets: Vec<Sheet<'_>>, most: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_within(&mut bytes, "<t>", sheets, most).unwrap();
    bytes
}

fn part(bytes: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut text = String::new();
    archive
        .by_name(name)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    text
}

/// What stands in the cells of a sheet, row by row.
fn cells(bytes: &[u8], number: usize) -> Vec<Vec<String>> {
    let xml = part(bytes, &format!("xl/worksheets/sheet{number}.xml"));
    let xml = roxmltree::Document::parse(&xml).unwrap();
    let named = |node: &roxmltree::Node<'_, '_>, name: &str| node.tag_name().name() == name;
    let rows = xml.descendants().filter(|node| named(node, "row"));
    rows.map(|row| {
        row.children()
            .map(|cell| {
                let texts = cell
                    .descendants()
                    .filter(roxmltree::Node::is_text)
                    .filter_map(|node| node.text());
                texts.collect()
            })
            .collect()
    })
    .collect()
}

#[test]
fn the_same_content_gives_the_same_bytes_and_nothing_is_refused() {
    let sheets = || {
        let rows = vec![
            vec!["x".repeat(40_000).into(), Value::Number(f64::MAX)],
            vec![Value::Time(i64::MIN), Value::number(Some(f64::NAN))],
            vec!["=1+1".into()],
        ];
        vec![
            Sheet::new("One", &["a", "b"], rows),
            Sheet::new("Empty", &[], Vec::new()),
        ]
    };
    let bytes = file(sheets(), MOST_ROWS);
    assert_eq!(bytes, file(sheets(), MOST_ROWS));
    let rows = cells(&bytes, 1);
    assert_eq!(rows[0], ["a", "b"]);
    assert_eq!(rows[1][0].len(), sheet::LONGEST);
    assert_eq!(rows[3], ["=1+1"]);
    assert!(part(&bytes, "docProps/core.xml").contains("<dc:title>&lt;t&gt;</dc:title>"));
    for name in [
        "[Content_Types].xml",
        "_rels/.rels",
        "xl/workbook.xml",
        "xl/styles.xml",
    ] {
        roxmltree::Document::parse(&part(&bytes, name)).unwrap();
    }
}

proptest! {
    #[test]
    fn no_row_is_lost_between_sheets(len in 0..40usize, most in 2..9usize) {
        let rows = (0..len).map(|number| vec![Value::Number(number as f64)]);
        let bytes = file(vec![Sheet::lazy("Flows", &["number"], len, rows)], most);
        let names = names_within("Flows", len, most);
        let mut found = Vec::new();
        for number in 1..=names.len() {
            let rows = cells(&bytes, number);
            prop_assert!(rows.len() <= most);
            prop_assert_eq!(&rows[0][0], "number");
            found.extend(rows[1..].iter().map(|row| row[0].parse::<usize>().unwrap()));
        }
        prop_assert_eq!(found, (0..len).collect::<Vec<_>>());
        let book = part(&bytes, "xl/workbook.xml");
        for name in &names {
            let sheet = format!("<sheet name=\"{name}\"");
            prop_assert!(book.contains(&sheet));
        }
        let further = format!("<sheet name=\"Flows {}\"", names.len() + 1);
        prop_assert!(!book.contains(&further));
    }

    #[test]
    fn any_text_is_well_formed(text in "\\PC{0,20}|[\u{0}-\u{20}_x0-9A-F]{0,20}") {
        let bytes = file(vec![Sheet::new("One", &["a"], vec![vec![text.into()]])], MOST_ROWS);
        prop_assert_eq!(cells(&bytes, 1).len(), 2);
    }
}
