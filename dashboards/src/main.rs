//! Takes exported boards back: `cargo run -p benchmark-dashboards -- tidy FILE`.

use std::{fs, io::Write, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use benchmark_dashboards::{Board, Known, check, tidy::tidy};
use clap::{Parser, Subcommand};

/// Looks after the boards in dashboards/.
#[derive(Debug, Parser)]
#[command(name = "benchmark-dashboards", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Rewrite exported boards such that a diff shows what was changed, and say what is wrong with them
    Tidy {
        /// Only look: fail where a board does not look as this would leave it, or something is wrong with it
        #[arg(long)]
        check: bool,
        /// Exports of Grafana's classic model [default: the boards of this folder]
        files: Vec<PathBuf>,
    },
}

fn main() -> Result<ExitCode> {
    let Command::Tidy { check: look, files } = Args::parse().command;
    let files = match files.is_empty() {
        true => benchmark_dashboards::files(),
        false => files,
    };
    let known = Known::all();
    let mut said = anstream::stderr();
    let mut sound = true;
    for file in files {
        let name = file.display();
        let text = fs::read_to_string(&file).with_context(|| format!("{name} cannot be read"))?;
        let tidied = tidy(&text).with_context(|| name.to_string())?;
        if tidied != text {
            if look {
                sound = false;
                writeln!(
                    said,
                    "{name}: not tidy: cargo run -p benchmark-dashboards -- tidy {name}"
                )?;
            } else {
                fs::write(&file, &tidied).with_context(|| format!("{name} cannot be written"))?;
            }
        }
        for finding in check(&Board::read(&tidied)?, &known) {
            sound = false;
            writeln!(said, "{finding}")?;
        }
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
