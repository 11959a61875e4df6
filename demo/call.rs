//! A call or a flood, by the standard library alone: rustc -O demo/call.rs -o phone
//!
//!   phone listen ADDRESS:PORT SECONDS FILE         writes "number delay-in-ms" of each packet that comes
//!   phone call FROM TO SECONDS                     50 packets of 172 bytes a second, as G.711 over RTP
//!   bulk  flood FROM TO SECONDS MBIT               datagrams of 1200 bytes at a rate
//!   phone sink ADDRESS:PORT SECONDS                takes TCP connections; prints the Mbit/s that came by them
//!   bulk  upload TO SECONDS COUNT                  so many TCP connections that send what they can
//!
//! Sender and receiver are on one machine, so they share a clock.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs, io, thread};

fn main() -> io::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["listen", at, seconds, file] => listen(at, span(seconds), file),
        ["call", from, to, seconds] => send(from, to, span(seconds), 172, 50.0),
        ["flood", from, to, seconds, mbit] => {
            let mbit: f64 = mbit.parse().unwrap_or(12.0);
            send(from, to, span(seconds), 1200, mbit * 1e6 / 8.0 / 1242.0)
        }
        ["sink", at, seconds] => sink(at, span(seconds)),
        ["upload", to, seconds, count] => upload(to, span(seconds), count.parse().unwrap_or(4)),
        _ => Err(io::Error::other("see the first lines of demo/call.rs")),
    }
}

fn span(seconds: &str) -> Duration {
    Duration::from_secs_f64(seconds.parse().unwrap_or(10.0))
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() as u64)
}

fn send(from: &str, to: &str, length: Duration, bytes: usize, rate: f64) -> io::Result<()> {
    let socket = UdpSocket::bind(from)?;
    let begin = Instant::now();
    let mut number = 0u64;
    while begin.elapsed() < length {
        let due = Duration::from_secs_f64(number as f64 / rate);
        if let Some(wait) = due.checked_sub(begin.elapsed()) {
            thread::sleep(wait);
        }
        let mut packet = vec![0; bytes];
        packet[..8].copy_from_slice(&number.to_be_bytes());
        packet[8..16].copy_from_slice(&now().to_be_bytes());
        // A full queue of this host is a loss like any other.
        let _ = socket.send_to(&packet, to);
        number += 1;
    }
    println!("{number}");
    Ok(())
}

fn sink(at: &str, length: Duration) -> io::Result<()> {
    let listener = TcpListener::bind(at)?;
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let count = Arc::clone(&counted);
            thread::spawn(move || {
                let mut stream = stream;
                let mut room = vec![0; 1 << 16];
                while let Ok(got @ 1..) = stream.read(&mut room) {
                    count.fetch_add(got as u64, Ordering::Relaxed);
                }
            });
        }
    });
    thread::sleep(length);
    let bits = count.load(Ordering::Relaxed) as f64 * 8.0;
    println!("{:.1}", bits / 1e6 / length.as_secs_f64());
    Ok(())
}

fn upload(to: &str, length: Duration, count: usize) -> io::Result<()> {
    let begin = Instant::now();
    let all: Vec<_> = (0..count)
        .map(|_| {
            let to = to.to_owned();
            thread::spawn(move || -> io::Result<()> {
                let mut stream = TcpStream::connect(to)?;
                stream.set_write_timeout(Some(Duration::from_millis(500)))?;
                while begin.elapsed() < length {
                    // A full window is no failure.
                    let _ = stream.write(&[0; 16384]);
                }
                Ok(())
            })
        })
        .collect();
    // The far end may be gone already.
    all.into_iter().for_each(|one| drop(one.join()));
    Ok(())
}

fn listen(at: &str, length: Duration, file: &str) -> io::Result<()> {
    let socket = UdpSocket::bind(at)?;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    let mut out = io::BufWriter::new(fs::File::create(file)?);
    let begin = Instant::now();
    let mut packet = [0; 2048];
    while begin.elapsed() < length {
        if let Ok(16..) = socket.recv(&mut packet) {
            let number = |at: usize| {
                let mut eight = [0; 8];
                eight.copy_from_slice(&packet[at..at + 8]);
                u64::from_be_bytes(eight)
            };
            let delay = now().saturating_sub(number(8)) as f64 / 1e6;
            writeln!(out, "{} {delay:.3}", number(0))?;
        }
    }
    out.flush()
}
