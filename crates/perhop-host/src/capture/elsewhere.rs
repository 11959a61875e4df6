//! Systems without packet sockets.

use std::time::Duration;

use perhop_wire::capture::CapturedPacket;

use super::{CaptureError, Options, Statistics, Turn};

/// A running capture; on this system there is none.
#[derive(Debug)]
pub struct Live(std::convert::Infallible);

impl Live {
    /// Says that it is not supported here.
    ///
    /// # Errors
    /// Always [`CaptureError::NotSupported`].
    pub fn open(_interface: &str, _options: &Options) -> Result<Self, CaptureError> {
        Err(CaptureError::NotSupported)
    }

    /// Waits for packets.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn turn(
        &mut self,
        _wait: Duration,
        _sink: &mut dyn FnMut(&CapturedPacket<'_>),
    ) -> Result<Turn, CaptureError> {
        match self.0 {}
    }

    /// What the kernel has counted so far.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn statistics(&mut self) -> Result<Statistics, CaptureError> {
        match self.0 {}
    }

    /// Ends the capture and gives out what came before the end.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn finish(
        self,
        _sink: &mut dyn FnMut(&CapturedPacket<'_>),
    ) -> Result<Statistics, CaptureError> {
        match self.0 {}
    }
}

/// Names of the interfaces; on this system none can be captured from.
#[must_use]
pub fn interfaces() -> Vec<String> {
    Vec::new()
}
