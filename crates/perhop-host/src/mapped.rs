//! Files seen as memory: what the system holds of them, without a copy.
//!
//! Reading copies every byte of a file; of packets only the headers are looked at. There is a price: where a file loses its end while it is read, or its disk fails, there is no error to return,
//! but a signal in the middle of a calculation. [`Mapped`] takes that signal, puts zeros in the place and remembers it;
//! whoever reads asks [`Mapped::is_cut`] before the bytes count. On other systems than Linux there are no such files here.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::Mapped;

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::Mapped;
