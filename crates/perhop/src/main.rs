//! perhop: one plan for real-time media, made true from the plan to the packet.
//!
//! This crate reads arguments and files, and renders; it owns no rule of QoS. Everything it says about marks comes from
//! the other crates, which print nothing.
#![forbid(unsafe_code)]

mod args;
mod cmd;
mod codes;
mod draft;
mod failure;
mod feed;
mod html;
mod input;
mod json;
mod listing;
mod observed;
mod outdir;
mod render;
mod report;
mod source;
mod table;
mod time;
mod ui;
mod workbook;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let ui = ui::Ui::new(cli.color);
    match cmd::run(&cli.command, &ui) {
        Ok(outcome) => outcome.into(),
        Err(failure) => {
            ui.fail(&failure);
            failure.outcome.into()
        }
    }
}
