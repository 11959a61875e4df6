//! Signals, in a process of their own.
#![cfg(unix)]
#![expect(unsafe_code, reason = "a signal is raised by a call of the C library")]

use perhop_host::interrupt::Interrupt;

#[test]
fn the_first_signal_is_heard_and_the_second_of_its_kind_is_not() {
    let interrupt = Interrupt::install().unwrap();
    assert!(!interrupt.is_raised());
    // SAFETY: the signal has a handler, which only stores to an atomic.
    assert_eq!(unsafe { libc::raise(libc::SIGTERM) }, 0);
    assert!(interrupt.is_raised());
    // SAFETY: a C struct of integers and pointers, which the call fills.
    let mut now: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: no action is set, and the place for the present one is whole.
    let result = unsafe { libc::sigaction(libc::SIGTERM, std::ptr::null(), &raw mut now) };
    assert_eq!((result, now.sa_sigaction), (0, libc::SIG_DFL));
    // SAFETY: as above.
    let result = unsafe { libc::sigaction(libc::SIGINT, std::ptr::null(), &raw mut now) };
    assert_eq!(result, 0);
    assert_ne!(now.sa_sigaction, libc::SIG_DFL);
}
