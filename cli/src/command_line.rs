//! What the command lines of all programs have in common.

use std::{
    ffi::OsString,
    fmt,
    io::{self, Write},
};

use clap::{Arg, Command, Subcommand};
use clap_complete::Shell;

/// Width of the help: a terminal's usual 80, whatever the terminal, so that it reads the same everywhere.
pub const HELP_WIDTH: usize = 80;

/// What a program writes about itself.
#[derive(Subcommand, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manual {
    /// Write completions for a shell on stdout
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual page on stdout
    Man,
}

impl Manual {
    /// Writes it, from the definition of the program's command line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(self, mut command: Command, out: &mut impl Write) -> io::Result<()> {
        match self {
            Manual::Completions { shell } => {
                // What it is written to must be endless, or the library panics.
                let mut text = Vec::new();
                let name = command.get_name().to_owned();
                clap_complete::generate(shell, &mut command, name, &mut text);
                out.write_all(&text)
            }
            Manual::Man => clap_mangen::Man::new(command).render(out),
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
pub fn lenient(command: Command) -> Command {
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

/// Makes up for [`lenient`]: in `--rate --duration 5s` the second option is not the value of the first. Returns both; the
/// second may be a secret that begins with dashes.
pub fn missing_value<'a>(command: &Command, argv: &'a [OsString]) -> Option<(&'a OsString, &'a OsString)> {
    let subcommand = argv.get(1).and_then(|name| command.find_subcommand(name));
    let names: Vec<String> = subcommand
        .unwrap_or(command)
        .get_arguments()
        .filter(|arg| takes_value(arg))
        .filter_map(|arg| Some(format!("--{}", arg.get_long()?)))
        .collect();
    let missing = argv.windows(2).find(|pair| {
        let takes_value = names.iter().any(|name| pair[0] == name.as_str());
        takes_value && pair[1].to_str().is_some_and(|next| next.starts_with("--"))
    })?;
    Some((&missing[0], &missing[1]))
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values() && !arg.is_require_equals_set()
}
