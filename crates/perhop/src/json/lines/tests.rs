use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

use super::*;
use crate::json::Seconds;

fn written(value: &impl Serialize) -> String {
    let mut out = Vec::new();
    write(&mut out, value).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn members_and_elements_have_lines() {
    #[derive(Serialize)]
    struct Report {
        name: &'static str,
        rows: Vec<BTreeMap<u8, u64>>,
        none: Vec<u8>,
        raw: Vec<Raw<'static>>,
        at: Option<Seconds>,
        no: Option<u8>,
    }
    let report = Report {
        name: "a \"b\"\n\u{1}ü",
        rows: vec![[(7, 1), (9, u64::MAX)].into(), BTreeMap::new()],
        none: Vec::new(),
        raw: vec![Raw(b"1,\n\"a\"")],
        at: Some(Seconds(-1_000_000_001)),
        no: None,
    };
    let expected = [
        r#"{"#,
        r#""name":"a \"b\"\n\u0001ü","#,
        r#""rows":["#,
        r#"{"7":1,"9":18446744073709551615},"#,
        r#"{}"#,
        r#"],"#,
        r#""none":[],"#,
        r#""raw":["#,
        r#"1,"#,
        r#""a""#,
        r#"],"#,
        r#""at":-1.000000001,"#,
        r#""no":null"#,
        r#"}"#,
        r#""#,
    ];
    assert_eq!(written(&report), expected.join("\n"));
}

#[test]
fn a_long_line_is_passed_on_in_pieces() {
    struct Pieces(Vec<usize>);
    impl Write for Pieces {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.len());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let rows: BTreeMap<&str, Vec<Vec<u32>>> = [("rows", vec![(0..100_000).collect()])].into();
    let mut pieces = Pieces(Vec::new());
    write(&mut pieces, &rows).unwrap();
    assert!(pieces.0.iter().all(|piece| *piece < 2 * FULL));
    assert_eq!(pieces.0.iter().sum::<usize>(), written(&rows).len());
    assert_eq!(
        serde_json::from_str::<BTreeMap<String, Vec<Vec<u32>>>>(&written(&rows)).unwrap()["rows"]
            [0],
        (0..100_000).collect::<Vec<u32>>()
    );
}

#[test]
fn joined_objects_are_as_one() {
    #[derive(Serialize)]
    struct One {
        a: u8,
        b: (u8, Option<u8>),
    }
    #[derive(Serialize)]
    struct Two {
        c: BTreeMap<u8, u8>,
    }
    let parts = || {
        let c = [(7, 1)].into();
        (One { a: 1, b: (2, None) }, Two { c })
    };
    let lines = "{\n\"a\":1,\n\"b\":[\n2,\nnull\n],\n\"c\":{\"7\":1}\n}\n";
    assert_eq!(written(&Joined(parts())), lines);
    let rows = "[{\"a\":1,\"b\":[2,null],\"c\":{\"7\":1}}]\n";
    assert_eq!(written(&[Joined(parts())]), rows);
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| json!(f64::from(number) / 4.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn elements_are_written_as_in_a_list(list in prop::collection::vec(values(), 1..9)) {
        let raw = elements(list.iter()).unwrap();
        prop_assert_eq!(written(&[[Raw(&raw)]]), written(&[&list]));
    }

    #[test]
    fn what_is_written_is_read_again(value in values()) {
        let text = written(&value);
        let again: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(again, value, "{}", text);
    }
}
