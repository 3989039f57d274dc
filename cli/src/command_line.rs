//! What the command lines of all programs have in common.

use std::{
    ffi::OsString,
    fmt,
    io::{self, Write},
    path::PathBuf,
};

use benchmark_scenarios::Problem;
use clap::{Arg, Command, CommandFactory, Error, FromArgMatches, Subcommand, error::ErrorKind};
use clap_complete::Shell;

use crate::console::printed;

/// Width of the help: a terminal's usual 80, whatever the terminal, so that it reads the same everywhere.
const HELP_WIDTH: usize = 80;

/// The definition of a program's command line, for help, completions and manual pages.
pub fn definition<C: CommandFactory>() -> Command {
    lenient(C::command().term_width(HELP_WIDTH))
}

/// Takes a command line apart. What the program must `refuse` of it is refused before anything else is said of it, which
/// might repeat what was typed.
///
/// # Errors
/// When it makes no sense, and when help or version is asked for: `clap::Error::exit_code` tells 2 from 0.
pub fn parse<C: CommandFactory + FromArgMatches>(
    argv: impl IntoIterator<Item = impl Into<OsString>>,
    refuse: impl FnOnce(&mut Command, &[OsString]) -> Result<(), Error>,
) -> Result<C, Error> {
    let argv: Vec<OsString> = argv.into_iter().map(Into::into).collect();
    let mut command = definition::<C>();
    require_values(&mut command, &argv)?;
    refuse(&mut command, &argv)?;
    let matches = command.try_get_matches_from_mut(argv)?;
    C::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

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
    /// Writes it, from the definition of the program's command line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, mut command: Command) -> Result<(), Problem> {
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
            Manual::Man { folder: Some(folder) } => std::fs::create_dir_all(folder)
                .and_then(|()| clap_mangen::generate_to(command, folder))
                .map_err(|error| Problem::new(format!("{} cannot be written: {error}", folder.display()))),
        }
    }
}

/// A text that must not be shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HiddenText(String);

impl HiddenText {
    /// The text itself, for whom it is meant and nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HiddenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HiddenText(..)")
    }
}

impl From<String> for HiddenText {
    fn from(text: String) -> Self {
        HiddenText(text)
    }
}

/// Lets a value begin with a dash, so that `--rate -1` is answered by what a rate is and not by "unexpected argument '-1'".
/// Not where any number of values may follow one another: the next option would be one of them.
fn lenient(command: Command) -> Command {
    command
        .mut_args(|arg| {
            let one = arg.get_num_args().is_none_or(|values| values.max_values() == 1);
            if takes_value(&arg) && one && !arg.is_positional() {
                arg.allow_hyphen_values(true)
            } else {
                arg
            }
        })
        .mut_subcommands(lenient)
}

/// Makes up for [`lenient`]: in `--rate --duration 5s` the second option is not the value of the first. clap's own
/// `allow_negative_numbers` would do for numbers, but not for a secret that begins with dashes, which it would repeat.
///
/// # Errors
/// When an option has no value.
fn require_values(command: &mut Command, argv: &[OsString]) -> Result<(), Error> {
    let subcommand = argv.get(1).and_then(|name| command.find_subcommand(name));
    let known: Vec<(String, bool)> = subcommand
        .unwrap_or(command)
        .get_arguments()
        .filter_map(|arg| Some((format!("--{}", arg.get_long()?), takes_value(arg))))
        .collect();
    let missing = argv.windows(2).find(|pair| {
        let takes_value = known
            .iter()
            .any(|(name, takes_value)| *takes_value && pair[0] == name.as_str());
        takes_value && pair[1].to_str().is_some_and(|next| next.starts_with("--"))
    });
    let Some([option, next]) = missing else {
        return Ok(());
    };
    let (option, next) = (option.to_string_lossy(), next.to_string_lossy());
    let next = next.split('=').next().unwrap_or_default();
    let line = match known.iter().any(|(name, _)| name == next) {
        true => format!("{option} needs a value, and {next} is another option"),
        // It might be a secret that begins with dashes; the name of an option is none.
        false => format!("{option} needs a value, and what follows is another option"),
    };
    Err(command.error(ErrorKind::InvalidValue, line))
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values() && !arg.is_require_equals_set()
}
