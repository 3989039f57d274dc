//! Completions and manual pages, from the definition of a program's command line.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use benchmark_scenarios::Problem;
use clap::{Command, Subcommand};
use clap_complete::Shell;

use crate::output::printed;

/// What a program writes about itself.
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum Manual {
    /// Write completions for a shell on stdout
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual page on stdout, or that of each command into a folder
    Man {
        /// Folder, which is made where it is missing [default: stdout, for the program's own page]
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

impl Manual {
    /// Writes it, from the program's [`definition`](crate::definition).
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, mut command: Command) -> Result<ExitCode, Problem> {
        let mut out = io::stdout().lock();
        match self {
            Manual::Completions { shell } => {
                // What it is written to must be endless, or the library panics.
                let mut text = Vec::new();
                let name = command.get_name().to_owned();
                clap_complete::generate(*shell, &mut command, name, &mut text);
                printed(out.write_all(&text))
            }
            Manual::Man { folder: None } => printed(clap_mangen::Man::new(command).render(&mut out)),
            Manual::Man { folder: Some(folder) } => fs::create_dir_all(folder)
                .and_then(|()| clap_mangen::generate_to(command, folder))
                .map_err(|error| Problem::new(format!("{} cannot be written: {error}", folder.display()))),
        }
        .map(|()| ExitCode::SUCCESS)
    }
}
