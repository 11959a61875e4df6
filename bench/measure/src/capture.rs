//! Making the captures, and cutting them in pieces.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use generate::{Profile, Shape, Truth, walk};

/// A capture on disk and what is in it.
#[derive(Debug)]
pub(crate) struct Capture {
    pub(crate) name: String,
    pub(crate) profile: Profile,
    pub(crate) file: PathBuf,
    pub(crate) truth: Truth,
    pub(crate) paths: Vec<generate::Path>,
}

impl Capture {
    /// Writes it into a folder.
    pub(crate) fn make(folder: &Path, name: &str, shape: Shape) -> Result<Self, String> {
        let file = folder.join(format!(
            "{name}.{}",
            if shape.pcapng { "pcapng" } else { "pcap" }
        ));
        let failed = |error: io::Error| format!("cannot write `{}`: {error}", file.display());
        let out = File::create(&file).map_err(failed)?;
        let (_, truth, paths) = generate::generate(shape, out).map_err(failed)?;
        Ok(Self {
            name: name.to_owned(),
            profile: shape.profile,
            file,
            truth,
            paths,
        })
    }

    /// Reads it once, so that it is in memory; gives the newlines in it, which is what has to be done to be sure that
    /// it was read.
    pub(crate) fn warm(&self) -> Result<(), String> {
        let failed = |error: io::Error| format!("cannot read `{}`: {error}", self.file.display());
        let mut file = File::open(&self.file).map_err(failed)?;
        let mut buffer = vec![0; 1 << 20];
        while file.read(&mut buffer).map_err(failed)? > 0 {}
        Ok(())
    }

    /// Cuts it in pieces beside it, each a capture of its own, in order.
    pub(crate) fn cut(&self, pieces: usize) -> Result<Pieces, String> {
        let failed = |error: io::Error| format!("cannot cut `{}`: {error}", self.file.display());
        let whole = fs::read(&self.file).map_err(failed)?;
        let cuts = walk::cuts(&whole, pieces).map_err(failed)?;
        let mut made = Pieces { files: Vec::new() };
        for (number, cut) in cuts.windows(2).enumerate() {
            let ending = self
                .file
                .extension()
                .map_or_else(String::new, |ending| ending.to_string_lossy().into_owned());
            let file = self.file.with_extension(format!("piece{number}.{ending}"));
            let mut out = File::create(&file).map_err(failed)?;
            made.files.push(file);
            io::Write::write_all(&mut out, &whole[..cuts[0]]).map_err(failed)?;
            io::Write::write_all(&mut out, &whole[cut[0]..cut[1]]).map_err(failed)?;
        }
        Ok(made)
    }
}

/// Pieces of a capture; removed when dropped.
#[derive(Debug)]
pub(crate) struct Pieces {
    pub(crate) files: Vec<PathBuf>,
}

impl Drop for Pieces {
    fn drop(&mut self) {
        for file in &self.files {
            // What cannot be removed stays in a folder for captures.
            let _ = fs::remove_file(file);
        }
    }
}
