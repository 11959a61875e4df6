//! `mmap`, and the signal of what cannot be read (mmap(2), sigaction(2)).
#![expect(
    unsafe_code,
    reason = "others can change a file that is mapped; signals are heard by calls of the C library"
)]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use memmap2::{Mmap, MmapOptions, UncheckedAdvice};

/// A file seen as memory, of the size that it had.
#[derive(Debug)]
pub struct Mapped {
    file: File,
    map: Mmap,
    place: &'static Place,
}

/// A mapping as the signal's handler knows it.
#[derive(Debug)]
struct Place {
    is_taken: AtomicBool,
    start: AtomicUsize,
    /// 0 while there is no mapping.
    size: AtomicUsize,
    is_cut: AtomicBool,
}

/// Files that can be mapped at a time; of more, the others are read.
static PLACES: [Place; 4] = [const { Place::new() }; 4];

/// What was done at SIGBUS before.
static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

/// Bytes of a page.
static PAGE: AtomicUsize = AtomicUsize::new(0);

impl Mapped {
    /// Maps the first `size` bytes of a file.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::ResourceBusy`] when too many files are mapped, and
    /// [`io::ErrorKind::InvalidInput`] for no bytes.
    pub fn new(file: &File, size: u64) -> io::Result<Self> {
        let size = usize::try_from(size).map_err(|_| io::ErrorKind::OutOfMemory)?;
        if size == 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        hear()?;
        let file = file.try_clone()?;
        let place = PLACES
            .iter()
            .find(|place| !place.is_taken.swap(true, Ordering::AcqRel))
            .ok_or(io::ErrorKind::ResourceBusy)?;
        // SAFETY: nothing in this process writes to the file. Where it loses its end the handler puts zeros. Another process
        // may write to it: a capture grows at its end, which lies behind `size`; who reads what is overwritten meanwhile gets
        // bytes that are neither the old nor the new, and takes each length from a header once.
        match unsafe { MmapOptions::new().len(size).map(&file) } {
            Ok(map) => {
                place.begin(map.as_ptr() as usize, size);
                Ok(Self { file, map, place })
            }
            Err(error) => {
                place.end();
                Err(error)
            }
        }
    }

    /// The bytes of the file. Those that it no longer has are 0, and so may be what stood before them; see
    /// [`is_cut`](Self::is_cut).
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Whether the file no longer has all of these bytes, or some that were asked for could not be read. What was read since
    /// the last time that this was false must not be used.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        // The rest of a page after the end of a file is zeros without a signal.
        let is_short = |size: u64| usize::try_from(size).is_ok_and(|size| size < self.map.len());
        let size = self.file.metadata().map_or(0, |meta| meta.len());
        self.has_zeros() || is_short(size)
    }

    /// Whether the handler put zeros somewhere.
    fn has_zeros(&self) -> bool {
        self.place.is_cut.load(Ordering::Acquire)
    }

    /// Lets go of the memory of a part of the file that is not needed any more. It can still be looked at.
    pub fn release(&self, part: Range<u64>) {
        let within =
            |at: u64| usize::try_from(at).map_or(self.map.len(), |at| at.min(self.map.len()));
        let (start, end) = (within(part.start), within(part.end));
        if start >= end || self.has_zeros() {
            return;
        }
        // SAFETY: the mapping is of a file and shared, so what is looked at again is read from the file again; zeros that the
        // handler put there stay, since nothing is released of a file with such.
        let advised = unsafe {
            self.map
                .unchecked_advise_range(UncheckedAdvice::DontNeed, start, end - start)
        };
        // What the system does not let go of it keeps: that changes no byte.
        drop(advised);
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        self.place.end();
    }
}

impl Place {
    const fn new() -> Self {
        Self {
            is_taken: AtomicBool::new(false),
            start: AtomicUsize::new(0),
            size: AtomicUsize::new(0),
            is_cut: AtomicBool::new(false),
        }
    }

    fn begin(&self, start: usize, size: usize) {
        self.is_cut.store(false, Ordering::Release);
        self.start.store(start, Ordering::Release);
        self.size.store(size, Ordering::Release);
    }

    fn end(&self) {
        self.size.store(0, Ordering::Release);
        self.is_taken.store(false, Ordering::Release);
    }

    fn has(&self, address: usize) -> bool {
        let size = self.size.load(Ordering::Acquire);
        address.wrapping_sub(self.start.load(Ordering::Acquire)) < size
    }
}

/// Begins to hear SIGBUS; once for the process.
fn hear() -> io::Result<()> {
    static HEARD: OnceLock<Result<(), i32>> = OnceLock::new();
    let heard = HEARD.get_or_init(|| {
        // SAFETY: a question that touches no memory.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        PAGE.store(usize::try_from(page).unwrap_or(4096), Ordering::Release);
        // SAFETY: `sigaction` is a C struct of integers and a nullable function pointer: all zero is a value of it.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        let mut before = action;
        type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);
        action.sa_sigaction = on_bus_error as Handler as libc::sighandler_t;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: both are whole and outlive the call. The handler only uses atomics and system calls.
        let result = unsafe { libc::sigaction(libc::SIGBUS, &raw const action, &raw mut before) };
        if result != 0 {
            return Err(io::Error::last_os_error().raw_os_error().unwrap_or(0));
        }
        BEFORE.get_or_init(|| before);
        Ok(())
    });
    heard.map_err(io::Error::from_raw_os_error)
}

/// Puts zeros where a mapped file has no bytes. Of any other memory it gives the signal back to whom it belonged.
extern "C" fn on_bus_error(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    _context: *mut libc::c_void,
) {
    // SAFETY: the kernel gives a handler with SA_SIGINFO a whole record.
    let info = unsafe { &*info };
    // SAFETY: of SIGBUS the record has an address.
    let address = unsafe { info.si_addr() } as usize;
    if let Some(place) = PLACES.iter().find(|place| place.has(address)) {
        place.is_cut.store(true, Ordering::Release);
        let page = PAGE.load(Ordering::Acquire).max(1);
        // SAFETY: one page of the mapping, at whose bytes nobody could look so far; it becomes memory of zeros.
        let put = unsafe {
            libc::mmap(
                (address / page * page) as *mut libc::c_void,
                page,
                libc::PROT_READ,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
                -1,
                0,
            )
        };
        if put != libc::MAP_FAILED {
            return;
        }
    }
    let before = BEFORE.get().map_or(ptr::null(), ptr::from_ref);
    if before.is_null() {
        // SAFETY: the system's own way with a signal is always there. The access is tried again and ends the process.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    } else {
        // SAFETY: the record that the system gave when this handler was set. The access is tried again, and then heard
        // there.
        unsafe { libc::sigaction(signal, before, ptr::null_mut()) };
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use super::*;

    fn file(bytes: &[u8]) -> (tempfile::TempDir, File) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .unwrap();
        (folder, file)
    }

    #[test]
    fn the_bytes_are_the_files() {
        let bytes: Vec<u8> = (0..100_000u32).map(|at| (at % 251) as u8).collect();
        let (_folder, file) = file(&bytes);
        let mapped = Mapped::new(&file, bytes.len() as u64).unwrap();
        assert_eq!(mapped.bytes(), bytes);
        mapped.release(0..u64::MAX);
        mapped.release(5000..5001);
        assert_eq!(mapped.bytes(), bytes);
        assert!(!mapped.is_cut());
        assert!(Mapped::new(&file, 0).is_err());
    }

    #[test]
    fn a_file_that_is_cut_is_zeros_and_said_to_be() {
        let bytes = vec![7; 1 << 20];
        let (_folder, file) = file(&bytes);
        let (mapped, other) = (Mapped::new(&file, 1 << 20), Mapped::new(&file, 4096));
        let (mapped, other) = (mapped.unwrap(), other.unwrap());
        assert!(!mapped.is_cut());
        file.set_len(10_000).unwrap();
        assert!(mapped.is_cut() && !other.is_cut());
        assert_eq!(mapped.bytes()[9_999..10_001], [7, 0]);
        assert!(!mapped.has_zeros());
        assert!(mapped.bytes()[12_288..].iter().all(|byte| *byte == 0));
        assert!(mapped.has_zeros() && !other.has_zeros());
        mapped.release(0..1 << 20);
        assert_eq!(mapped.bytes()[(1 << 20) - 1], 0);
        drop(mapped);
        // The place can be taken again.
        let again: Vec<_> = (0..3).map(|_| Mapped::new(&file, 100).unwrap()).collect();
        assert!(
            again
                .iter()
                .all(|one| !one.is_cut() && one.bytes() == [7; 100])
        );
    }
}
