//! Takes exported boards back: `cargo run -p benchmark-dashboards -- tidy FILE`.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

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

fn main() -> ExitCode {
    let Command::Tidy { check: look, files } = Args::parse().command;
    let files = match files.is_empty() {
        true => benchmark_dashboards::files(),
        false => files,
    };
    let known = Known::all();
    let mut code = ExitCode::SUCCESS;
    for file in files {
        for wrong in put_back(&file, look, &known).unwrap_or_else(|error| vec![error]) {
            code = ExitCode::FAILURE;
            let _ = writeln!(io::stderr(), "{wrong}");
        }
    }
    code
}

/// Makes a file tidy unless it is only to `look`, and says what is wrong with the board.
fn put_back(file: &Path, look: bool, known: &Known) -> Result<Vec<String>, String> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| format!("{name} cannot be read: {error}"))?;
    let tidied = tidy(&text).map_err(|error| format!("{name}: {error}"))?;
    let board = Board::read(&tidied).map_err(|error| format!("{name}: {error}"))?;
    let mut wrong = Vec::new();
    if tidied != text {
        match look {
            true => wrong.push(format!(
                "{name}: not tidy: cargo run -p benchmark-dashboards -- tidy {name}"
            )),
            false => fs::write(file, &tidied).map_err(|error| format!("{name} cannot be written: {error}"))?,
        }
    }
    wrong.extend(check(&board, known).iter().map(ToString::to_string));
    Ok(wrong)
}
