//! Names and numbers of interfaces.
#![expect(unsafe_code, reason = "calls of the C library")]

use std::ffi::{CStr, CString};
use std::io;

use super::CaptureError;

/// Names of the interfaces of this network namespace, in the order of the system.
#[must_use]
pub fn interfaces() -> Vec<String> {
    // SAFETY: no arguments; a null pointer or a list that ends with index 0, to be freed by `if_freenameindex`.
    let list = unsafe { libc::if_nameindex() };
    if list.is_null() {
        return Vec::new();
    }
    let mut names = Vec::new();
    let mut at = list;
    loop {
        // SAFETY: `at` starts at the list's first entry and is moved on only past entries that are not the last.
        let entry = unsafe { &*at };
        if entry.if_index == 0 || entry.if_name.is_null() {
            break;
        }
        // SAFETY: the name of an entry is a string that ends with 0 and lives as long as the list.
        let name = unsafe { CStr::from_ptr(entry.if_name) };
        names.push(name.to_string_lossy().into_owned());
        // SAFETY: the entry was not the last, so the next one belongs to the same list.
        at = unsafe { at.add(1) };
    }
    // SAFETY: the list is that of `if_nameindex`, is freed once, and nothing borrows it any more.
    unsafe { libc::if_freenameindex(list) };
    names
}

/// Whether an interface has this number. A name can be given to another interface, a number that was used is not.
pub(super) fn exists(index: i32) -> bool {
    let Ok(index) = u32::try_from(index) else {
        return false;
    };
    let mut name = [0; libc::IF_NAMESIZE];
    // SAFETY: the buffer has the size that the call asks for and outlives it.
    !unsafe { libc::if_indextoname(index, name.as_mut_ptr()) }.is_null()
}

/// The number of an interface.
pub(super) fn index(name: &str) -> Result<i32, CaptureError> {
    let missing = || CaptureError::NoInterface {
        name: name.to_owned(),
        known: interfaces(),
    };
    let text = CString::new(name).map_err(|_| missing())?;
    // SAFETY: a string that ends with 0 and outlives the call.
    let index = unsafe { libc::if_nametoindex(text.as_ptr()) };
    match i32::try_from(index) {
        Ok(index) if index > 0 => Ok(index),
        _ => match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::ENODEV) => Err(missing()),
            error => Err(CaptureError::system("ask for the interface", error)),
        },
    }
}
