//! The golden files read by other people's programs. Each test is skipped, and says so, where its program is missing:
//! Samba's Registry.pol parser (python3-samba), tree-sitter's PowerShell grammar (PyPI: tree-sitter-powershell), xmllint;
//! Wine's `reg import` only with `PERHOP_TEST_WINE=1`. `PERHOP_PYTHON` names the Python to use.

mod support;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use perhop_targets::syntax::regfile::{self, Data, KeyAction};
use perhop_targets::syntax::regpol;

#[test]
fn samba_reads_the_same_from_registry_pol() {
    let Some(python) = python("samba.dcerpc.preg") else {
        return;
    };
    let files = files("pol");
    let output = run(&python, &["-c", SAMBA], &names(&files));
    let mut lines = output.lines();
    for file in &files {
        let bytes = std::fs::read(file).expect("a file");
        for record in regpol::read(&bytes).expect("a file of ours") {
            let expected = format!(
                "{}\t{}\t{}\t{}",
                record.key(),
                record.value(),
                record.kind(),
                record.as_text().expect("REG_SZ")
            );
            assert_eq!(lines.next(), Some(expected.as_str()), "{}", file.display());
        }
        assert_eq!(lines.next(), Some("end"), "{}", file.display());
    }
    assert_eq!(lines.next(), None);
    assert!(files.len() > 10);
}

#[test]
fn tree_sitter_takes_every_script() {
    let Some(python) = python("tree_sitter_powershell") else {
        return;
    };
    let files = files("ps1");
    let output = run(&python, &["-c", TREE_SITTER], &names(&files));
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines.len(), files.len() + 1);
    assert_eq!(lines[0], "the grammar refuses a broken script");
    for (line, file) in lines[1..].iter().zip(&files) {
        assert_eq!(*line, "ok", "{}", file.display());
    }
}

#[test]
fn xmllint_takes_every_document() {
    let Ok(version) = Command::new("xmllint").arg("--version").output() else {
        println!("skipped: there is no xmllint");
        return;
    };
    assert!(version.status.success());
    let status = Command::new("xmllint")
        .arg("--noout")
        .args(files("xml"))
        .status()
        .expect("xmllint runs");
    assert!(status.success());
}

#[test]
fn wine_imports_what_is_written() {
    if std::env::var_os("PERHOP_TEST_WINE").is_none() {
        println!("skipped: PERHOP_TEST_WINE is not set");
        return;
    }
    let prefix = std::env::temp_dir().join(format!("perhop-wine-{}", std::process::id()));
    let reg = |arguments: &[&Path]| {
        let output = Command::new("/usr/lib/wine/wine64")
            .arg("reg")
            .args(arguments)
            .env("WINEPREFIX", &prefix)
            .env("WINEDEBUG", "-all")
            .env_remove("DISPLAY")
            .output()
            .expect("wine runs");
        assert!(output.status.success(), "{arguments:?}");
    };
    let root = Path::new(r"HKLM\Software\Policies\Microsoft\Windows\QoS");
    for file in files("reg")
        .iter()
        .filter(|file| file.ends_with("windows-reg/clients/apply.reg"))
    {
        let exported = prefix.with_extension("reg");
        reg(&[Path::new("import"), file]);
        reg(&[Path::new("export"), root, &exported, Path::new("/y")]);
        assert_eq!(values(&exported), values(file), "{}", file.display());
        reg(&[Path::new("import"), &file.with_file_name("undo.reg")]);
        reg(&[Path::new("export"), root, &exported, Path::new("/y")]);
        assert_eq!(values(&exported), BTreeMap::new(), "{}", file.display());
    }
    std::fs::remove_dir_all(&prefix).expect("the prefix can be removed");
}

/// Policies' values by key and name, in lower case as the registry compares them.
fn values(file: &Path) -> BTreeMap<(String, String), String> {
    let bytes = std::fs::read(file).expect("a file");
    let mut out = BTreeMap::new();
    for block in regfile::read(&bytes).expect("a .reg file") {
        let key = block.key.to_lowercase();
        let KeyAction::Set(values) = block.action else {
            continue;
        };
        for (name, data) in values {
            if let (Data::Text(text), true) = (data, key.contains(r"policies\microsoft")) {
                out.insert((key.clone(), name.to_lowercase()), text);
            }
        }
    }
    out
}

/// The golden files of an extension, in order.
fn files(extension: &str) -> Vec<PathBuf> {
    let mut open: Vec<PathBuf> = support::cases()
        .into_iter()
        .map(|case| case.folder)
        .collect();
    let mut out = Vec::new();
    while let Some(path) = open.pop() {
        for entry in std::fs::read_dir(&path).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                out.push(path);
            }
        }
    }
    out.sort();
    assert!(!out.is_empty(), "no .{extension} files");
    out
}

fn names(files: &[PathBuf]) -> String {
    let lines: Vec<_> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    lines.join("\n")
}

/// A Python that has a module.
fn python(module: &str) -> Option<String> {
    let named = std::env::var("PERHOP_PYTHON").ok();
    for python in named
        .as_deref()
        .into_iter()
        .chain(["python3", "/usr/bin/python3"])
    {
        let probe = Command::new(python)
            .args(["-c", &format!("import {module}")])
            .stderr(Stdio::null())
            .status();
        if probe.is_ok_and(|status| status.success()) {
            return Some(python.to_owned());
        }
    }
    println!("skipped: no Python has `{module}`");
    None
}

fn run(program: &str, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it ran before");
    let mut stdin = child.stdin.take().expect("piped");
    stdin
        .write_all(input.as_bytes())
        .expect("it reads its input");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("UTF-8")
}

const SAMBA: &str = "
import sys
from samba.ndr import ndr_unpack
from samba.dcerpc import preg
sys.stdout.reconfigure(encoding='utf-8')
for name in sys.stdin.read().splitlines():
    whole = ndr_unpack(preg.file, open(name, 'rb').read())
    for e in whole.entries:
        print(e.keyname, e.valuename, e.type, e.data, sep='\\t')
    print('end')
";

const TREE_SITTER: &str = "
import sys
import tree_sitter
import tree_sitter_powershell
parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
broken = parser.parse(b\"$a = 'b\\r\\nif (\").root_node.has_error
print('the grammar refuses a broken script' if broken else 'the grammar takes anything')
for name in sys.stdin.read().splitlines():
    text = open(name, 'rb').read().removeprefix(b'\\xef\\xbb\\xbf')
    print('error' if parser.parse(text).root_node.has_error else 'ok')
";
