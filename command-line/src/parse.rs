//! Parsing of a command line.

use std::ffi::OsString;

use clap::{Arg, Command, CommandFactory, Error, FromArgMatches, error::ErrorKind};

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
    if let Some(line) = missing_value(&command, &argv) {
        return Err(command.error(ErrorKind::InvalidValue, line));
    }
    refuse(&mut command, &argv)?;
    let matches = command.try_get_matches_from_mut(argv)?;
    C::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
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
/// What is wrong, when an option has no value.
fn missing_value(mut command: &Command, argv: &[OsString]) -> Option<String> {
    let mut known: Vec<&Arg> = command.get_arguments().collect();
    let find = |known: &[&Arg], word: &str| {
        let name = word.strip_prefix("--")?;
        known
            .iter()
            .find(|arg| arg.get_long() == Some(name))
            .map(|arg| takes_value(arg))
    };
    let mut words = argv.iter().skip(1).map(|word| word.to_string_lossy());
    while let Some(word) = words.next().filter(|word| *word != "--") {
        if let Some(inner) = command.find_subcommand(&*word) {
            known.retain(|arg| arg.is_global_set());
            known.extend(inner.get_arguments());
            command = inner;
        } else if find(&known, &word) == Some(true) {
            let next = words.next().filter(|next| next.starts_with("--"));
            let Some(next) = next else { continue };
            let next = next.split('=').next().unwrap_or_default();
            return Some(match find(&known, next) {
                Some(_) => format!("{word} needs a value, and {next} is another option"),
                // It might be a secret that begins with dashes; the name of an option is none.
                None => format!("{word} needs a value, and what follows is another option"),
            });
        }
    }
    None
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values() && !arg.is_require_equals_set()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser, Debug)]
    #[command(name = "program")]
    struct Typed {
        #[arg(long, global = true)]
        folder: Option<String>,
        #[arg(long)]
        own: Option<u32>,
        #[command(subcommand)]
        command: Option<Outer>,
    }

    #[derive(clap::Subcommand, Debug)]
    enum Outer {
        #[command(subcommand)]
        Outer(Inner),
        Other {
            #[arg(long)]
            count: Option<u32>,
            #[arg(last = true)]
            words: Vec<String>,
        },
    }

    #[derive(clap::Subcommand, Debug)]
    enum Inner {
        Inner {
            #[arg(long, short)]
            secret: Option<String>,
        },
    }

    fn taken(line: &str) -> Result<Typed, String> {
        parse(line.split(' '), |_, _| Ok(())).map_err(|error| error.to_string())
    }

    #[test]
    fn an_option_without_a_value_is_told_at_any_depth() {
        for (line, said) in [
            (
                "program --own --folder x",
                "--own needs a value, and --folder is another option",
            ),
            (
                "program --folder --own=3",
                "--folder needs a value, and --own is another option",
            ),
            (
                "program outer --folder --x",
                "--folder needs a value, and what follows is another option",
            ),
            (
                "program outer inner --secret --folder x",
                "--secret needs a value, and --folder is another option",
            ),
            (
                "program --folder x outer inner --secret --hush",
                "--secret needs a value, and what follows",
            ),
            ("program other --count -- a", "--count needs a value, and what follows"),
            ("program other --own 3", "unexpected argument '--own'"),
            (
                "program other --count -1",
                "invalid value '-1' for '--count <COUNT>': -1 is not in 0..=4294967295",
            ),
        ] {
            let error = taken(line).unwrap_err();
            assert!(error.contains(said) && !error.contains("hush"), "{line}: {error}");
        }
    }

    #[test]
    fn values_may_begin_with_a_dash_or_be_called_as_a_command_is() {
        let Some(Outer::Outer(Inner::Inner { secret })) =
            taken("program --folder other outer inner --secret -x").unwrap().command
        else {
            panic!("not inner")
        };
        assert_eq!(secret.as_deref(), Some("-x"));
        let Some(Outer::Other { words, .. }) = taken("program other -- --count --folder").unwrap().command else {
            panic!("not other")
        };
        assert_eq!(words, ["--count", "--folder"]);
    }
}
