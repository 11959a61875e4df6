//! The user wants an end: Ctrl-C, or SIGTERM from a service manager.
#![expect(
    unsafe_code,
    reason = "handlers of signals are set by calls of the C library"
)]

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

static RAISED: AtomicBool = AtomicBool::new(false);
#[cfg(unix)]
static HUNG_UP: AtomicBool = AtomicBool::new(false);

/// Hears SIGINT and SIGTERM. The first asks for an end, the second of the same kind ends the process at once, as it would
/// have without this.
#[derive(Debug, Clone, Copy)]
pub struct Interrupt(());

impl Interrupt {
    /// Begins to hear. Once for the process is enough; again does no harm.
    ///
    /// # Errors
    /// What the system says.
    pub fn install() -> io::Result<Self> {
        hear(libc::SIGINT)?;
        hear(libc::SIGTERM)?;
        Ok(Self(()))
    }

    /// Whether an end was asked for since the process began to hear.
    #[must_use]
    pub fn is_raised(self) -> bool {
        RAISED.load(Ordering::Relaxed)
    }
}

/// Hears SIGHUP, by which services are asked to read their configuration again.
#[cfg(unix)]
#[derive(Debug, Clone, Copy)]
pub struct Hangup(());

#[cfg(unix)]
impl Hangup {
    /// Begins to hear.
    ///
    /// # Errors
    /// What the system says.
    pub fn install() -> io::Result<Self> {
        set(libc::SIGHUP, hang_up, 0)?;
        Ok(Self(()))
    }

    /// Whether it was heard since the last question.
    #[must_use]
    pub fn take(self) -> bool {
        HUNG_UP.swap(false, Ordering::Relaxed)
    }
}

#[cfg(unix)]
extern "C" fn hang_up(_signal: libc::c_int) {
    HUNG_UP.store(true, Ordering::Relaxed);
}

extern "C" fn raise(_signal: libc::c_int) {
    RAISED.store(true, Ordering::Relaxed);
}

/// Without `SA_RESTART`, so that waiting calls return; with `SA_RESETHAND`, so that the second signal is not heard.
#[cfg(unix)]
fn hear(signal: libc::c_int) -> io::Result<()> {
    set(signal, raise, libc::SA_RESETHAND)
}

#[cfg(unix)]
fn set(
    signal: libc::c_int,
    handler: extern "C" fn(libc::c_int),
    flags: libc::c_int,
) -> io::Result<()> {
    // SAFETY: `sigaction` is a C struct of integers and a nullable function pointer: all zero is a value of it.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as libc::sighandler_t;
    action.sa_flags = flags;
    // SAFETY: `action` is whole and outlives the call, which copies it; the old action is not asked for. The handler only
    // stores to an atomic, which may be done in a signal handler.
    let result = unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The C runtime of Windows calls the handler on a thread of its own, once.
#[cfg(windows)]
fn hear(signal: libc::c_int) -> io::Result<()> {
    let handler = raise as extern "C" fn(libc::c_int) as libc::sighandler_t;
    // SAFETY: the handler has the type that `signal` calls and only stores to an atomic.
    let result = unsafe { libc::signal(signal, handler) };
    if result == libc::SIG_ERR as libc::sighandler_t {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
