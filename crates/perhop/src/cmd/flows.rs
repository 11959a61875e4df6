//! `perhop flows`.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use clap::ValueEnum;
use perhop_verify::engine::{Config, Engine, Ledger};
use perhop_wire::capture::CapturedPacket;
use serde::Serialize;

use crate::failure::{Failure, Outcome};
use crate::feed::{self, Capture, Crew, From, Sink};
use crate::json::call::JsonCalls;
use crate::json::capture::{JsonCapture, JsonTotals};
use crate::json::flow::{self, JsonFragmentRow};
use crate::json::{self, Each};
use crate::listing;
use crate::ui::Ui;

/// Name and version of the JSON form.
const SCHEMA: &str = "perhop.flows/1";

/// Show what is in captures: flows of one direction, their DSCP, their RTP streams; needs no plan
///
/// Reads pcap and pcapng, plain or compressed with gzip, zstd or lz4, several at once in time order; a folder that a ring
/// buffer writes; an interface while the packets pass. Tunnels, tags and labels are taken off; media is told by how it
/// behaves, not by its ports. Of a damaged capture everything that can be read is shown, and where the damage is.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  perhop flows call.pcapng
  perhop flows ring_*.pcapng.gz --limit 0
  tcpdump -w - port 3478 | perhop flows -
  perhop flows --live eth0 --duration 60s
  perhop flows /var/captures --follow
  perhop flows call.pcapng --format json | jq '.flows[] | select(.rtp != [])'

Exit status: 0 read, 2 the arguments are wrong, 3 a capture could not be read, or not to its end.")]
pub(crate) struct Args {
    #[command(flatten)]
    from: From,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Print so many flows, those with media and then those with most packets; 0 for all [human only]
    #[arg(long, value_name = "COUNT", default_value_t = 40)]
    limit: usize,
    /// Keep at most so many flows in memory; the oldest idle ones make room
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000, value_parser = at_least_one)]
    max_flows: usize,
}

/// Forms of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// For programs (docs/schema/flows.json)
    Json,
    /// RFC 4180, one line a flow
    Csv,
}

#[derive(Serialize)]
struct Report<'a, F, R> {
    schema: &'static str,
    captures: Vec<JsonCapture<'a>>,
    totals: JsonTotals<'a>,
    flows: F,
    calls: JsonCalls<'a>,
    fragments: R,
}

/// Reads and prints.
///
/// # Errors
/// A capture that cannot be opened.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Outcome, Failure> {
    let config = Config {
        max_flows: args.max_flows,
        ..Config::default()
    };
    let (captures, found) = analyse(&args.from, config, None, ui)?;
    let damaged = feed::complain(&captures, ui);
    match args.format {
        Format::Human if feed::all_unreadable(&captures) => {}
        Format::Human => {
            let dropped = feed::dropped(&captures);
            ui.print_from(|out| listing::human(out, &found, dropped, args.limit, ui.width()))?;
        }
        Format::Csv => {
            ui.data(|out| listing::csv(out, &found))?;
        }
        Format::Json => {
            let report = Report {
                schema: SCHEMA,
                captures: captures.iter().map(JsonCapture::of).collect(),
                totals: JsonTotals::of(found.totals(), &captures),
                flows: flow::Listed {
                    len: found.len(),
                    threads: args.from.threads(),
                    make: |number| flow::Made(found.flow(number)),
                },
                calls: JsonCalls::of(found.calls(), found.flows().map(|flow| flow.call)),
                fragments: Each(found.fragments().iter().map(JsonFragmentRow::of)),
            };
            ui.data(|out| json::lines::write(out, &report))?;
        }
    }
    Ok(if damaged {
        Outcome::Failed
    } else {
        Outcome::AsPlanned
    })
}

/// Reads packets into flows as `config` says; `beside` takes every packet too, in order, and then one thread reads.
///
/// # Errors
/// A capture that cannot be opened, an interface that cannot be captured from.
pub(crate) fn analyse(
    from: &From,
    config: Config,
    beside: Option<Beside<'_>>,
    ui: &Ui,
) -> Result<(Vec<Capture>, Ledger), Failure> {
    let threads = if beside.is_some() { 1 } else { from.threads() };
    let max_flows = config.max_flows;
    let config = Config {
        seed: seed(),
        ..config
    };
    let mut analysis = Analysis {
        engine: Engine::with_lanes(&config, threads),
        threads,
        beside,
    };
    let captures = feed::read(from, ui, &mut analysis)?;
    let found = analysis.engine.into_ledger();
    let evicted = found.totals().evicted.flows;
    if evicted > 0 {
        ui.warn(&format!(
            "{} made room for others, {} of them are not listed; `--max-flows` allows more than {max_flows}",
            crate::render::counted_u64(evicted, "idle flow"),
            crate::render::grouped(found.totals().evicted.unlisted)
        ));
    }
    let forgotten = found.calls().evicted;
    if forgotten > 0 {
        ui.warn(&format!(
            "{} made room for later ones and {} no flows; the signalling of the capture is more than is kept",
            crate::render::counted_u64(forgotten, "call"),
            if forgotten == 1 { "names" } else { "name" }
        ));
    }
    Ok((captures, found))
}

/// Something else that takes every packet.
pub(crate) type Beside<'a> = &'a mut dyn FnMut(&CapturedPacket<'_>);

/// What takes the packets.
struct Analysis<'a> {
    engine: Engine,
    threads: usize,
    beside: Option<Beside<'a>>,
}

impl Sink for Analysis<'_> {
    fn packets(&mut self, packets: &[CapturedPacket<'_>]) {
        self.engine.observe_all(packets);
        if let Some(beside) = &mut self.beside {
            packets.iter().for_each(beside);
        }
    }

    fn flows(&mut self) -> u64 {
        self.engine.flows()
    }

    fn crew(&mut self) -> Option<Crew<'_>> {
        // What is beside sees the packets one after the other.
        let alone = self.beside.is_none();
        alone.then(|| Crew::new(&mut self.engine, self.threads))
    }
}

/// A number that a capture's author does not know.
pub(crate) fn seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A count of one or more.
///
/// # Errors
/// Anything else.
pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1 is needed".to_owned()),
        Ok(count) => Ok(count),
        Err(error) => Err(error.to_string()),
    }
}
