//! The flags of the table of options: what clap is told of them, and what was typed.

use std::{marker::PhantomData, path::PathBuf};

use benchmark_scenarios::{Given, Key, Program, Shape};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches, value_parser};

use crate::secret::Secret;

/// Whose options are meant.
pub trait Takes {
    /// The program.
    const PROGRAM: Program;
}

/// The options of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct OfRun;
/// The options of a generator that joins a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct OfJoin;
/// The options of a worker process.
#[derive(Clone, Copy, Debug, Default)]
pub struct OfWorker;

impl Takes for OfRun {
    const PROGRAM: Program = Program::Run;
}
impl Takes for OfJoin {
    const PROGRAM: Program = Program::Join;
}
impl Takes for OfWorker {
    const PROGRAM: Program = Program::Worker;
}

/// What was typed of a program's options, as texts: what they mean is for the resolution to say, so that a bad value is
/// reported in the same words whether it comes from a flag, a variable or a file.
#[derive(Clone, Debug, Default)]
pub struct Flags<P> {
    given: Vec<(Key, Given)>,
    secrets: Vec<Secret>,
    program: PhantomData<P>,
}

impl<P> Flags<P> {
    /// What was typed of an option that is no secret.
    pub fn given(&self, key: Key) -> Vec<Given> {
        let of_key = self.given.iter().filter(|(typed, _)| *typed == key);
        of_key.map(|(_, given)| given.clone()).collect()
    }

    /// What was typed of a secret.
    pub(crate) fn secret(&self, key: Key) -> Secret {
        let typed = self.secrets.iter().find(|secret| secret.key == key);
        typed.cloned().unwrap_or_else(|| Secret::of(key))
    }
}

impl<P: Takes> Args for Flags<P> {
    fn augment_args(command: Command) -> Command {
        let options = P::PROGRAM.options().into_iter();
        command.args(options.flat_map(|key| arguments(P::PROGRAM, key)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<P: Takes> FromArgMatches for Flags<P> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let (mut given, mut secrets) = (Vec::new(), Vec::new());
        for key in P::PROGRAM.options() {
            match key.secret_file() {
                Some(_) => secrets.push(Secret {
                    text: matches.get_one::<String>(key.name()).cloned().map(Into::into),
                    file: matches.get_one::<PathBuf>(&file_of(key)).cloned(),
                    ..Secret::of(key)
                }),
                None => given.extend(typed(matches, key).into_iter().map(|given| (key, given))),
            }
        }
        Ok(Flags {
            given,
            secrets,
            program: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The flag that names a file with a secret, without its dashes.
fn file_of(key: Key) -> String {
    format!("{}-file", key.name())
}

/// What clap is told of an option.
fn arguments(program: Program, key: Key) -> Vec<Arg> {
    let heading = key.heading(program);
    let flag =
        |id: &'static str, flag: &'static str| Arg::new(id).long(flag.trim_start_matches('-')).help_heading(heading);
    let main = flag(key.name(), key.flag()).help(key.help(program));
    let main = match key.shape() {
        Shape::Value(name) => main.value_name(name),
        Shape::Optional(name) => main
            .value_name(name)
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        Shape::List(name) | Shape::Several(name) => main.value_name(name).action(ArgAction::Append),
        Shape::Switch(_) => main.action(ArgAction::SetTrue),
    };
    match (key.secret_file(), key.alias()) {
        (Some(help), _) => {
            let file = Arg::new(file_of(key)).long(file_of(key)).help_heading(heading);
            let file = file.value_name("FILE").value_parser(value_parser!(PathBuf));
            vec![
                main.conflicts_with(file_of(key)),
                file.help(format!("{help} [default: none]")),
            ]
        }
        (_, Some(alias)) => {
            let other = flag(alias.flag, alias.flag).help(alias.help).action(ArgAction::SetTrue);
            vec![main.conflicts_with(alias.flag), other]
        }
        _ => vec![main],
    }
}

/// What was typed of an option.
fn typed(matches: &ArgMatches, key: Key) -> Vec<Given> {
    let by_flag = |text: &str| Given::by_flag(key.flag(), text);
    let texts = || {
        matches
            .get_many::<String>(key.name())
            .into_iter()
            .flatten()
            .map(String::as_str)
    };
    let mut typed: Vec<Given> = match key.shape() {
        Shape::Value(_) | Shape::Optional(_) | Shape::Several(_) => texts().map(by_flag).collect(),
        Shape::List(_) => {
            let list: Vec<&str> = texts().collect();
            (!list.is_empty())
                .then(|| by_flag(&list.join(",")))
                .into_iter()
                .collect()
        }
        Shape::Switch(text) => matches
            .get_flag(key.name())
            .then(|| by_flag(text))
            .into_iter()
            .collect(),
    };
    if let Some(alias) = key.alias().filter(|alias| matches.get_flag(alias.flag)) {
        typed.push(Given::by_flag(alias.flag, alias.text));
    }
    typed
}
