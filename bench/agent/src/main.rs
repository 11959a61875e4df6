//! Sends datagrams of 160 bytes from one port and prints the nanoseconds of processor time that each took, the kernel's
//! way down to the far end of the cable included: `agent SOURCE:PORT DESTINATION:PORT COUNT`.

use std::net::UdpSocket;
use std::process::ExitCode;
use std::{env, fs, io};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let [from, to, count] = args.as_slice() else {
        eprintln!("usage: agent SOURCE:PORT DESTINATION:PORT COUNT");
        return ExitCode::from(2);
    };
    match measure(from, to, count.parse().unwrap_or(100_000)) {
        Ok(nanoseconds) => {
            println!("{nanoseconds:.0}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("agent: {error}");
            ExitCode::from(3)
        }
    }
}

fn measure(from: &str, to: &str, count: u32) -> io::Result<f64> {
    let socket = UdpSocket::bind(from)?;
    socket.connect(to)?;
    let payload = [0; 160];
    for _ in 0..1000 {
        socket.send(&payload)?;
    }
    let before = on_processor()?;
    for _ in 0..count {
        socket.send(&payload)?;
    }
    Ok((on_processor()? - before) as f64 / f64::from(count))
}

/// Nanoseconds that this thread ran.
fn on_processor() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let first = text
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok());
    first.ok_or_else(|| io::Error::other("this kernel keeps no schedstat"))
}
