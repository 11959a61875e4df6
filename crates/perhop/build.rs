//! Makes a table of the pages under `docs/codes`, so that `perhop explain` needs no file.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let root = manifest.join("../../docs/codes");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut pages = Vec::new();
    collect(&root, "", &mut pages)?;
    pages.sort();
    let mut text = String::from(
        "/// Codes and their pages, sorted by code.\npub(crate) static PAGES: &[(&str, &str)] = &[\n",
    );
    for (code, path) in pages {
        writeln!(
            text,
            "    ({code:?}, include_str!({:?})),",
            path.display().to_string()
        )
        .expect("a string takes everything");
    }
    text.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("pages.rs"), text)
}

/// Every `stage/slug.md`, as `stage/slug`.
fn collect(folder: &Path, prefix: &str, pages: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), pages)?;
        } else if let Some(slug) = name.strip_suffix(".md").filter(|_| !prefix.is_empty()) {
            pages.push((format!("{prefix}{slug}"), path));
        }
    }
    Ok(())
}
