//! The ring of blocks that the kernel and the process hand to each other.
#![expect(unsafe_code, reason = "memory that is shared with the kernel")]

use std::io;
use std::mem::offset_of;
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{AtomicU32, Ordering};

use super::CaptureError;
use super::socket::Socket;
use crate::capture::Options;

/// The mapped ring of a socket.
#[derive(Debug)]
pub(super) struct Ring {
    base: NonNull<u8>,
    block: usize,
    count: usize,
    next: usize,
}

// SAFETY: the mapping belongs to the ring alone and is the same from every thread.
unsafe impl Send for Ring {}

/// A block while it belongs to the process; it goes back to the kernel when this is dropped.
#[derive(Debug)]
pub(super) struct Block<'a> {
    bytes: &'a mut [u8],
    status: &'a AtomicU32,
}

impl Ring {
    /// Asks the kernel for a ring and maps it.
    pub(super) fn new(socket: &Socket, options: &Options) -> Result<Self, CaptureError> {
        let version = libc::tpacket_versions::TPACKET_V3 as libc::c_int;
        socket.set_packet(libc::PACKET_VERSION, &version, "use packet ring version 3")?;
        socket.set_packet(
            libc::PACKET_RESERVE,
            &RESERVE,
            "reserve room in the packet ring",
        )?;
        let bytes = u64::from(options.block_bytes) * u64::from(options.blocks);
        let no_memory = || CaptureError::NoMemory { bytes };
        let frames = u32::try_from(bytes / u64::from(FRAME)).map_err(|_| no_memory())?;
        let request = libc::tpacket_req3 {
            tp_block_size: options.block_bytes,
            tp_block_nr: options.blocks,
            tp_frame_size: FRAME,
            tp_frame_nr: frames,
            tp_retire_blk_tov: u32::try_from(options.retire.as_millis())
                .unwrap_or(u32::MAX)
                .max(1),
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        socket
            .set_packet(libc::PACKET_RX_RING, &request, "set up the packet ring")
            .map_err(|error| match error {
                CaptureError::System { source, .. } if is_no_memory(&source) => no_memory(),
                other => other,
            })?;
        let size = usize::try_from(bytes).map_err(|_| no_memory())?;
        // SAFETY: a new mapping at an address that the kernel chooses touches no memory of ours.
        let base = unsafe {
            libc::mmap(
                ptr::null_mut(),
                size,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                socket.fd(),
                0,
            )
        };
        let base = match NonNull::new(base.cast::<u8>()) {
            Some(start) if base != libc::MAP_FAILED => start,
            _ => {
                return Err(CaptureError::system(
                    "map the packet ring",
                    io::Error::last_os_error(),
                ));
            }
        };
        Ok(Self {
            base,
            block: options.block_bytes as usize,
            count: options.blocks as usize,
            next: 0,
        })
    }

    /// How many blocks there are.
    pub(super) const fn blocks(&self) -> usize {
        self.count
    }

    /// The next block, when the kernel has handed it over.
    pub(super) fn take(&mut self) -> Option<Block<'_>> {
        let at = self.next * self.block;
        // SAFETY: `next` is less than `count`, so the block lies within the mapping.
        let start = unsafe { self.base.add(at) };
        // SAFETY: a block is longer than its header, in which the status lies.
        let status = unsafe { start.add(STATUS) }.cast::<u32>();
        // SAFETY: it is aligned (blocks start at pages, the status at a multiple of 4), lives as long as the mapping and
        // therefore as long as `self` is borrowed; it is only used as an atomic: the bytes given out begin after it.
        let status = unsafe { AtomicU32::from_ptr(status.as_ptr()) };
        if status.load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        // SAFETY: within the block, as above.
        let body = unsafe { start.add(BODY) };
        // SAFETY: the rest of the block after its status is initialised memory within the mapping. The kernel does not
        // touch a block that it has handed over until the status is set back, which only dropping the `Block` does; and
        // only one `Block` exists, since it borrows the ring mutably.
        let bytes = unsafe { slice::from_raw_parts_mut(body.as_ptr(), self.block - BODY) };
        self.next = (self.next + 1) % self.count;
        Some(Block { bytes, status })
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the mapping of `new` with its size; no block is borrowed any more.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.block * self.count) };
    }
}

/// The bytes of a block from [`BODY`] on.
impl Deref for Block<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

impl DerefMut for Block<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.bytes
    }
}

impl Drop for Block<'_> {
    fn drop(&mut self) {
        self.status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
    }
}

fn is_no_memory(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOMEM)
}

/// Where a block's status lies in it.
const STATUS: usize =
    offset_of!(libc::tpacket_block_desc, hdr) + offset_of!(libc::tpacket_hdr_v1, block_status);
/// Where the bytes begin that are the process's own while it has the block: after the status.
pub(super) const BODY: usize = STATUS + size_of::<u32>();
/// Room kept before every packet, for a tag that is put back and for a header that is put before it.
const RESERVE: libc::c_uint = 16;
/// Version 3 packs packets of any size; the size of a frame only has to be a divisor of a block's.
const FRAME: u32 = 2048;
