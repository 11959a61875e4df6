//! A file's inode and device as the kernel has them inside. `stat` says others on btrfs and overlayfs; a mapping of the
//! file, as `/proc/self/maps` lists it, says these.
#![expect(unsafe_code, reason = "a file is mapped by a call of the C library")]

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

/// Inode, major and minor of the device.
pub(super) fn of(path: &Path) -> io::Result<(u64, u32, u32)> {
    // Opening a pipe would wait for its other end.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let file = File::open(path)?;
    let page = 4096;
    // SAFETY: a new mapping at a place that the kernel chooses; its bytes are never read.
    let place = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            page,
            libc::PROT_READ,
            libc::MAP_PRIVATE,
            file.as_raw_fd(),
            0,
        )
    };
    if place == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let maps = fs::read_to_string("/proc/self/maps");
    // SAFETY: the mapping made above, which nothing refers to.
    unsafe { libc::munmap(place, page) };
    let start = format!("{:x}-", place as usize);
    maps?
        .lines()
        .find(|line| line.trim_start_matches('0').starts_with(&start))
        .and_then(entry)
        .ok_or_else(|| io::Error::other("the mapping is not listed"))
}

/// Reads `address permissions offset major:minor inode path`.
fn entry(line: &str) -> Option<(u64, u32, u32)> {
    let mut words = line.split_whitespace().skip(3);
    let (major, minor) = words.next()?.split_once(':')?;
    Some((
        words.next()?.parse().ok()?,
        u32::from_str_radix(major, 16).ok()?,
        u32::from_str_radix(minor, 16).ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_and_two_files_differ() {
        let program = std::env::current_exe().unwrap();
        let one = of(&program).unwrap();
        assert_eq!(one, of(&program).unwrap());
        assert_ne!(one, of(Path::new("/proc/self/status")).unwrap_or_default());
        assert!(of(Path::new("/dev/null")).is_err());
        assert!(of(Path::new("/no/such/file")).is_err());
    }
}
