//! The small parts of a workbook: what it consists of, its title, its styles.

use std::fmt::Write;

use super::Extent;
use super::sheet::{column, escape};

/// Number of the style of headings in [`STYLES`].
pub(super) const HEAD: u8 = 1;
/// Number of the style of text and numbers.
pub(super) const BODY: u8 = 2;
/// Number of the style of times.
pub(super) const TIME: u8 = 3;

/// Where the parts are that say what the file is.
pub(super) const RELATIONS: &str = concat!(
    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n",
    r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">"#,
    r#"<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/>"#,
    r#"<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/>"#,
    "</Relationships>"
);

/// Fonts, colours and forms of numbers.
pub(super) const STYLES: &str = concat!(
    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n",
    r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">"#,
    r#"<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy-mm-dd hh:mm:ss.000"/></numFmts>"#,
    r#"<fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>"#,
    r#"<font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>"#,
    r#"<fills count="3"><fill><patternFill patternType="none"/></fill>"#,
    r#"<fill><patternFill patternType="gray125"/></fill><fill><patternFill patternType="solid">"#,
    r#"<fgColor rgb="FFE8ECF1"/><bgColor indexed="64"/></patternFill></fill></fills>"#,
    r#"<borders count="2"><border><left/><right/><top/><bottom/><diagonal/></border>"#,
    r#"<border><left/><right/><top/><bottom style="thin"><color auto="1"/></bottom><diagonal/></border></borders>"#,
    r#"<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>"#,
    r#"<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>"#,
    r#"<xf numFmtId="0" fontId="1" fillId="2" borderId="1" xfId="0" applyFont="1" applyFill="1" applyBorder="1" applyAlignment="1">"#,
    r#"<alignment vertical="top" wrapText="1"/></xf>"#,
    r#"<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>"#,
    r#"<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyAlignment="1">"#,
    r#"<alignment vertical="top" wrapText="1"/></xf></cellXfs>"#,
    r#"<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>"#,
    "</styleSheet>"
);

/// What kind each part is.
pub(super) fn content_types(sheets: usize) -> String {
    let mut xml = begin("Types", "package/2006/content-types");
    for (extension, kind) in [
        (
            "rels",
            "application/vnd.openxmlformats-package.relationships+xml",
        ),
        ("xml", "application/xml"),
    ] {
        let _ = write!(
            xml,
            r#"<Default Extension="{extension}" ContentType="{kind}"/>"#
        );
    }
    let mut part = |name: &str, kind: &str| {
        let _ = write!(
            xml,
            r#"<Override PartName="{name}" ContentType="application/vnd.openxmlformats-{kind}+xml"/>"#
        );
    };
    part("/docProps/core.xml", "package.core-properties");
    part(
        "/xl/workbook.xml",
        "officedocument.spreadsheetml.sheet.main",
    );
    part("/xl/styles.xml", "officedocument.spreadsheetml.styles");
    for number in 1..=sheets {
        part(
            &format!("/xl/worksheets/sheet{number}.xml"),
            "officedocument.spreadsheetml.worksheet",
        );
    }
    xml.push_str("</Types>");
    xml
}

/// Where the workbook's own parts are; sheets have the first numbers.
pub(super) fn book(sheets: usize) -> String {
    let mut xml = begin("Relationships", "package/2006/relationships");
    let mut relation = |number: usize, kind: &str, target: &str| {
        let _ = write!(
            xml,
            r#"<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{target}"/>"#
        );
    };
    for number in 1..=sheets {
        relation(
            number,
            "worksheet",
            &format!("worksheets/sheet{number}.xml"),
        );
    }
    relation(sheets + 1, "styles", "styles.xml");
    xml.push_str("</Relationships>");
    xml
}

/// The title. The time of creation is always the same, so that the bytes are.
pub(super) fn core(title: &str) -> String {
    let mut text = String::new();
    escape(title, &mut text);
    let time = r#"xsi:type="dcterms:W3CDTF">2000-01-01T00:00:00Z"#;
    format!(
        concat!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n",
            r#"<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties""#,
            r#" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/""#,
            r#" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">"#,
            "<dc:title>{text}</dc:title><dc:description>made by perhop</dc:description>",
            "<dcterms:created {time}</dcterms:created><dcterms:modified {time}</dcterms:modified></cp:coreProperties>"
        ),
        text = text,
        time = time
    )
}

/// The sheets by name; what is filtered in each, and what is repeated on each page when it is printed.
pub(super) fn workbook(sheets: &[Extent]) -> String {
    let mut xml = format!(
        "{HEADER}<workbook xmlns=\"{FORMATS}/spreadsheetml/2006/main\" xmlns:r=\"{OFFICE}\"><bookViews>\
         <workbookView xWindow=\"240\" yWindow=\"15\" windowWidth=\"16095\" windowHeight=\"9660\"/></bookViews><sheets>"
    );
    for (number, sheet) in (1..).zip(sheets) {
        let _ = write!(
            xml,
            r#"<sheet name="{}" sheetId="{number}" r:id="rId{number}"/>"#,
            sheet.name
        );
    }
    xml.push_str("</sheets><definedNames>");
    for (number, sheet) in sheets.iter().enumerate() {
        let range = sheet.range(|at, row| format!("${}${row}", column(at)));
        let _ = write!(
            xml,
            r#"<definedName name="_xlnm._FilterDatabase" localSheetId="{number}" hidden="1">'{}'!{range}</definedName>"#,
            sheet.name
        );
    }
    for (number, sheet) in sheets.iter().enumerate() {
        let _ = write!(
            xml,
            r#"<definedName name="_xlnm.Print_Titles" localSheetId="{number}">'{}'!$1:$1</definedName>"#,
            sheet.name
        );
    }
    xml.push_str("</definedNames></workbook>");
    xml
}

fn begin(element: &str, namespace: &str) -> String {
    format!("{HEADER}<{element} xmlns=\"{FORMATS}/{namespace}\">")
}

/// The first line of every part.
pub(super) const HEADER: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
/// Where the namespaces of the formats begin.
pub(super) const FORMATS: &str = "http://schemas.openxmlformats.org";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
