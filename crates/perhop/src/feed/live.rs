//! Packets of an interface, while they pass.

use std::time::Duration;

use perhop_host::capture::{CaptureError, Live, Options, Turn};
use perhop_wire::capture::CapturedPacket;

use super::from::Stop;
use super::status::{Counts, Marks, PACE, Status};
use super::{Capture, Sink};
use crate::failure::Failure;
use crate::ui::Ui;

/// Captures until it is time; what had passed by then is all given out.
///
/// # Errors
/// An interface that cannot be captured from.
pub(super) fn read(
    interface: &str,
    duration: Option<Duration>,
    ui: &Ui,
    sink: &mut dyn Sink,
) -> Result<Capture, Failure> {
    let mut live =
        Live::open(interface, &Options::default()).map_err(|error| refused(interface, &error))?;
    let stop = Stop::new(duration)?;
    let mut status = Status::new(&format!("capturing from `{interface}`"), &stop, ui);
    let mut capture = Capture {
        name: format!("<{interface}>"),
        ..Capture::default()
    };
    let (mut end, mut marks) = (None, Marks::default());
    while end.is_none() && !stop.is_due() {
        let turn = live.turn(stop.wait(PACE), &mut |packet| {
            if ui.is_watched() {
                marks.count(packet);
            }
            capture.caught(packet, sink);
        });
        match turn {
            Ok(Turn::Packets(_) | Turn::Idle) => {}
            Ok(Turn::Down) => {
                status.clear();
                ui.warn(&format!(
                    "`{interface}` went down; the capture goes on when it comes up"
                ));
            }
            Ok(Turn::Gone) => end = Some("the interface was removed".to_owned()),
            Err(error) => end = Some(error.to_string()),
        }
        status.tick(&stop, || {
            let statistics = live.statistics().unwrap_or_default();
            Counts {
                packets: capture.packets,
                flows: sink.flows(),
                dropped: statistics.dropped,
                marks,
            }
        });
    }
    status.clear();
    if let Some(end) = end {
        capture.damaged(format!("the capture ended early: {end}"));
    }
    match live.finish(&mut |packet| capture.caught(packet, sink)) {
        Ok(statistics) => capture.dropped = statistics.dropped,
        Err(error) => capture.damaged(error.to_string()),
    }
    Ok(capture)
}

impl Capture {
    fn caught(&mut self, packet: &CapturedPacket<'_>, sink: &mut dyn Sink) {
        self.bytes += packet.data.len() as u64;
        self.take(std::slice::from_ref(packet), sink);
    }
}

fn refused(interface: &str, error: &CaptureError) -> Failure {
    let failure = match error {
        CaptureError::NoInterface { .. } => Failure::wrong(error.to_string()),
        CaptureError::Down { .. } => Failure::failed(error.to_string()),
        _ => Failure::failed(format!("cannot capture from `{interface}`: {error}")),
    };
    error.remedies().into_iter().fold(failure, Failure::help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Outcome;

    #[test]
    fn a_refusal_says_what_helps() {
        let failure = refused(
            "eth7",
            &CaptureError::NoInterface {
                name: "eth7".into(),
                known: vec!["lo".into(), "eth0".into()],
            },
        );
        assert_eq!(failure.outcome, Outcome::Wrong);
        assert_eq!(
            failure.to_string(),
            "there is no interface `eth7`\n  = help: these exist: `lo`, `eth0`; `any` takes all of them\n"
        );
        let failure = refused("eth0", &CaptureError::NoPrivilege);
        assert_eq!(failure.outcome, Outcome::Failed);
        let text = failure.to_string();
        assert!(
            text.starts_with(
                "cannot capture from `eth0`: capturing needs the capability CAP_NET_RAW"
            )
        );
        assert!(text.contains("= help: ") && text.contains("setcap cap_net_raw+ep"));
        let text = refused("eth0", &CaptureError::NotSupported).to_string();
        assert!(text.contains("only on Linux") && text.contains("| perhop flows -"));
    }
}
