use super::*;

/// A file to write: its path below the folder with `/`, and its bytes.
type File<'a> = (&'a str, &'a [u8]);

fn write(folder: &Path, files: &[File<'_>], before: &Before) -> Result<(), Failure> {
    let mut stage = Stage::open(folder, before)?;
    for (path, bytes) in files {
        stage.put(path, bytes)?;
    }
    stage.commit()
}

fn manifest_of(files: &[File<'_>]) -> Vec<u8> {
    let entries: Vec<_> = files
        .iter()
        .map(|(path, bytes)| {
            serde_json::json!({ "path": path, "sha256": perhop_targets::manifest::sha256_hex(bytes) })
        })
        .collect();
    serde_json::json!({ "schema": perhop_targets::manifest::SCHEMA, "files": entries })
        .to_string()
        .into_bytes()
}

fn put(folder: &Path, files: &[File<'_>]) -> Result<(), Failure> {
    let manifest = manifest_of(files);
    let mut all = files.to_vec();
    all.push((MANIFEST, &manifest));
    write(folder, &all, &Before::look(folder)?)
}

fn names(folder: &Path) -> Vec<String> {
    let mut found = BTreeSet::new();
    list(folder, "", &mut found).unwrap();
    found.into_iter().collect()
}

#[test]
fn a_new_folder_gets_all_files_and_the_stage_is_gone() {
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("deep/er/out");
    put(&out, &[("a/x.reg", b"1"), ("b.md", b"2")]).unwrap();
    assert_eq!(names(&out), ["a/x.reg", "b.md", "manifest.json"]);
    assert_eq!(
        names(out.parent().unwrap()).len(),
        3,
        "the stage is left behind"
    );
}

#[test]
fn only_what_the_manifest_lists_is_replaced_or_removed() {
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("out");
    put(
        &out,
        &[("a/x.reg", b"1"), ("b/y.reg", b"2"), ("c.md", b"3")],
    )
    .unwrap();
    fs::write(out.join("b/notes.txt"), "mine").unwrap();
    fs::write(out.join("c.md"), "edited").unwrap();
    let before = Before::look(&out).unwrap();
    assert_eq!(before.edited, ["c.md"]);
    assert_eq!(before.others.iter().collect::<Vec<_>>(), ["b/notes.txt"]);
    put(&out, &[("c.md", b"4"), ("d/z.reg", b"5")]).unwrap();
    assert_eq!(
        names(&out),
        ["b/notes.txt", "c.md", "d/z.reg", "manifest.json"]
    );
    assert_eq!(fs::read(out.join("c.md")).unwrap(), b"4");
    assert!(!out.join("a").exists());
}

#[test]
fn somebody_elses_file_is_never_overwritten() {
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("out");
    put(&out, &[("a.reg", b"1")]).unwrap();
    fs::write(out.join("Mine.reg"), "mine").unwrap();
    let error = put(&out, &[("a.reg", b"2"), ("mine.reg", b"3")]).unwrap_err();
    assert!(error.message.unwrap().contains("is in the way"));
    assert_eq!(fs::read(out.join("a.reg")).unwrap(), b"1");
    assert_eq!(fs::read(out.join("Mine.reg")).unwrap(), b"mine");
}

#[test]
fn an_error_half_way_takes_everything_back() {
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("out");
    put(&out, &[("a.reg", b"1"), ("b.reg", b"2")]).unwrap();
    fs::write(out.join("c"), "a file where a folder must be").unwrap();
    let before = names(&out);
    assert!(put(&out, &[("a.reg", b"3"), ("c/x.reg", b"4")]).is_err());
    assert_eq!(names(&out), before);
    assert_eq!(fs::read(out.join("a.reg")).unwrap(), b"1");
    assert_eq!(names(temp.path()).len(), before.len());
}

#[test]
fn no_path_leaves_the_folder() {
    for path in [
        "../x",
        "a/../../x",
        "/x",
        "a//b",
        "",
        ".",
        "a/.",
        "c:/x",
        "a\\..\\b",
        "nul",
        "aux.txt",
        "x.",
        "x ",
        "a:b",
        "a\nb",
    ] {
        assert!(checked(path).is_err(), "{path:?}");
    }
    for path in [
        "a",
        "windows-gpo/{12-34}/DomainSysvol/GPO/Machine/registry.pol",
        "ü/x y.reg",
    ] {
        assert!(checked(path).is_ok(), "{path:?}");
    }
}

#[test]
fn a_manifest_that_lies_takes_nothing_else_along() {
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::write(temp.path().join("precious"), "p").unwrap();
    fs::write(
        out.join(MANIFEST),
        manifest_of(&[("../precious", b"p"), ("/etc/hosts", b"")]),
    )
    .unwrap();
    let before = Before::look(&out).unwrap();
    assert!(before.ours.len() <= 1, "{before:?}");
    put(&out, &[("a.reg", b"1")]).unwrap_or_default();
    assert!(temp.path().join("precious").exists());
}

#[cfg(unix)]
#[test]
fn a_link_in_the_folder_is_not_followed() {
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("out");
    put(&out, &[("a/x.reg", b"1")]).unwrap();
    let elsewhere = temp.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::remove_dir_all(out.join("a")).unwrap();
    std::os::unix::fs::symlink(&elsewhere, out.join("a")).unwrap();
    assert!(put(&out, &[("a/x.reg", b"2")]).is_err());
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}
