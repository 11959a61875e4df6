//! Waiting for several descriptors.
#![expect(unsafe_code, reason = "poll(2) is a call of the C library")]

use std::io;
use std::os::fd::RawFd;
use std::time::Duration;

/// Waits until one of the descriptors can be read from, at most so long; which can. A signal ends the wait: none can.
///
/// # Errors
/// What the system says.
pub fn wait(descriptors: &[RawFd], longest: Duration) -> io::Result<Vec<bool>> {
    let mut polled: Vec<libc::pollfd> = descriptors
        .iter()
        .map(|&fd| libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        })
        .collect();
    let milliseconds = i32::try_from(longest.as_millis()).unwrap_or(i32::MAX);
    let count = polled.len() as libc::nfds_t;
    // SAFETY: the array is writable and has as many entries as is said.
    let result = unsafe { libc::poll(polled.as_mut_ptr(), count, milliseconds) };
    if result < 0 {
        let error = io::Error::last_os_error();
        return match error.kind() {
            io::ErrorKind::Interrupted => Ok(vec![false; descriptors.len()]),
            _ => Err(error),
        };
    }
    Ok(polled.iter().map(|one| one.revents != 0).collect())
}
