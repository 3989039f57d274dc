//! The one table of options: everything that is said about each of them, once.
//!
//! From an entry follow the flags of the programs and their help, the variables, which value wins, what a value may be,
//! `docs/options.md`, and what `ab` may vary. What is done with a value is for [`crate::resolve`] to say.

mod connection;
mod fleet;
mod joining;
mod load;
mod measuring;
mod server;
mod thresholds;
mod workers;
mod workload;

use std::fmt;

use serde::{Serialize, Serializer};

use crate::form::{Bounds, Form};

/// A part of the options that belongs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// When starts are due.
    Load,
    /// What each start executes.
    Workload,
    /// Which server, and how it is reached.
    Connection,
    /// The embedded server.
    Server,
    /// Who executes.
    Workers,
    /// How a run is joined.
    Joining,
    /// Who else takes part.
    Fleet,
    /// How completions are observed.
    Measuring,
    /// What must be reached.
    Thresholds,
}

pub(crate) use connection::{MAX_CONNECTIONS, MAX_THREADS};
pub(crate) use load::LONGEST_DURATION;
pub(crate) use workers::MAX_WORKERS;

/// All tables, in the order of their groups.
static TABLES: [&[Entry]; 9] = [
    load::table::ENTRIES,
    workload::table::ENTRIES,
    connection::table::ENTRIES,
    server::table::ENTRIES,
    workers::table::ENTRIES,
    joining::table::ENTRIES,
    fleet::table::ENTRIES,
    measuring::table::ENTRIES,
    thresholds::table::ENTRIES,
];

/// Each option with the type of its value, for who reads it.
pub(crate) mod opt {
    pub use super::{
        connection::table::opt::*, fleet::table::opt::*, joining::table::opt::*, load::table::opt::*,
        measuring::table::opt::*, server::table::opt::*, thresholds::table::opt::*, workers::table::opt::*,
        workload::table::opt::*,
    };
}

/// A program, or a command of one, that takes options of this table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `run-benchmark` itself, and its commands that make runs.
    Run,
    /// `run-benchmark join`.
    Join,
    /// `benchmark-worker`.
    Worker,
}

impl Program {
    /// Every program.
    pub const ALL: [Program; 3] = [Program::Run, Program::Join, Program::Worker];

    /// Its options, in the order of its help.
    pub fn options(self) -> Vec<Key> {
        let headings: &[&str] = match self {
            Program::Run => &[],
            // What stands below no heading comes first.
            Program::Join => &["Connection"],
            Program::Worker => &["Server", "Tuning", "Joining a run", "Process"],
        };
        let mut options: Vec<Key> = Key::all().filter(|key| key.usage(self).is_some()).collect();
        options.sort_by_key(|key| headings.iter().position(|heading| Some(*heading) == key.heading(self)));
        options
    }

    /// The heading of a group in its help.
    fn heading(self, group: Group) -> Option<&'static str> {
        match (self, group) {
            (Program::Run, _) | (Program::Join, Group::Connection) => Some(group.heading()),
            (Program::Join, _) => None,
            (Program::Worker, Group::Connection) => Some("Server"),
            (Program::Worker, Group::Workers) => Some("Tuning"),
            (Program::Worker, Group::Joining | Group::Fleet) => Some("Joining a run"),
            (Program::Worker, _) => Some("Process"),
        }
    }
}

impl Group {
    const ALL: [Group; TABLES.len()] = [
        Group::Load,
        Group::Workload,
        Group::Connection,
        Group::Server,
        Group::Workers,
        Group::Joining,
        Group::Fleet,
        Group::Measuring,
        Group::Thresholds,
    ];

    /// Its options, in the order in which people read them.
    pub fn options(self) -> impl Iterator<Item = Key> {
        let entries = TABLES[self as usize].iter().zip(0..);
        entries.map(move |(_, index)| Key { group: self, index })
    }

    /// Its heading in the help of a run.
    pub const fn heading(self) -> &'static str {
        match self {
            Group::Load => "Load",
            Group::Workload => "Workload",
            Group::Connection => "Connection",
            Group::Server => "Embedded server",
            Group::Workers => "Workers",
            Group::Joining => "Joining a run",
            Group::Fleet => "Fleet",
            Group::Measuring => "Measuring",
            Group::Thresholds => "Thresholds",
        }
    }
}

/// An option.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    group: Group,
    index: u8,
}

/// What is said of an option.
#[derive(Clone, Copy)]
pub struct Entry {
    name: &'static str,
    /// Its name with dashes before it.
    by_name: &'static str,
    /// Its flag, where that is another.
    own_flag: Option<&'static str>,
    shape: Shape,
    uses: [Option<Use>; 3],
    secret_file: Option<&'static str>,
    alias: Option<Alias>,
    varies: bool,
    bounds: fn() -> Bounds,
}

/// What is typed after a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A value, which help calls so.
    Value(&'static str),
    /// A value behind `=`; `true` without one.
    Optional(&'static str),
    /// Values that make one text, with commas between them.
    List(&'static str),
    /// Values that add up, the flag before each.
    Several(&'static str),
    /// None: the flag stands for this text.
    Switch(&'static str),
}

/// A second flag of an option, which takes no value and stands for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The flag.
    pub flag: &'static str,
    /// What it stands for.
    pub text: &'static str,
    /// What the help says of it.
    pub help: &'static str,
}

/// What an option is in one program.
#[derive(Clone, Copy)]
pub struct Use {
    help: &'static str,
    otherwise: Otherwise,
    variables: &'static [&'static str],
    heading: Option<&'static str>,
    bounds: Option<fn() -> Bounds>,
}

/// What there is when nobody gives a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Otherwise {
    /// Nothing to say, as with a switch.
    Unsaid,
    /// This text, as it could be typed, and why (empty when there is nothing to say).
    Constant(&'static str, &'static str),
    /// What follows from other options, in words.
    Words(&'static str),
}

/// An option whose value has a type.
pub(crate) trait Opt {
    /// The type.
    type Value: 'static;
    /// The option.
    const KEY: Key;
    /// What a value may be.
    fn form() -> Form<Self::Value>;
}

/// Declares the options of a group: `NAME("flag"): TYPE = form, entry;`. `NAME` becomes a constant of [`Key`], and a type in
/// [`opt`].
macro_rules! options {
    ($group:ident: $($(#[$doc:meta])* $option:ident($name:literal): $value:ty = $form:expr, $entry:expr;)*) => {
        pub(crate) mod table {
            use super::*;
            use crate::options::{Group, Key, Opt};

            #[repr(u8)]
            enum Index { $($option,)* }

            #[allow(non_upper_case_globals)]
            impl Key {
                $($(#[$doc])* pub const $option: Key = Key { group: Group::$group, index: Index::$option as u8 };)*
            }

            pub(crate) static ENTRIES: &[crate::options::Entry] = &[$(crate::options::Entry {
                name: $name,
                by_name: concat!("--", $name),
                bounds: || $form.bounds(),
                ..$entry
            },)*];

            pub(crate) mod opt { $($(#[$doc])* pub struct $option;)* }

            $(impl Opt for opt::$option {
                type Value = $value;
                const KEY: Key = Key::$option;
                fn form() -> crate::form::Form<$value> { $form }
            })*
        }
    };
}
use options;

impl Entry {
    const fn new(shape: Shape) -> Self {
        Entry {
            name: "",
            by_name: "",
            own_flag: None,
            shape,
            uses: [None; 3],
            secret_file: None,
            alias: None,
            varies: true,
            bounds: unsaid,
        }
    }

    /// As a run takes it.
    const fn run(mut self, usage: Use) -> Self {
        self.uses[Program::Run as usize] = Some(usage);
        self
    }

    /// As a generator takes it that joins a run.
    const fn join(mut self, usage: Use) -> Self {
        self.uses[Program::Join as usize] = Some(usage);
        self
    }

    /// As a worker process takes it.
    const fn worker(mut self, usage: Use) -> Self {
        self.uses[Program::Worker as usize] = Some(usage);
        self
    }

    /// It changes nothing of what runs: two variants of a run would be the same run.
    const fn outside_of_plans(mut self) -> Self {
        self.varies = false;
        self
    }

    /// It is secret, and a file may hold it, of which the help says this.
    const fn secret(mut self, file: &'static str) -> Self {
        self.secret_file = Some(file);
        self
    }

    /// Its flag is not its name.
    const fn flag(mut self, flag: &'static str) -> Self {
        self.own_flag = Some(flag);
        self
    }

    /// It has a second flag.
    const fn alias(mut self, alias: Alias) -> Self {
        self.alias = Some(alias);
        self
    }
}

fn unsaid() -> Bounds {
    Form::secret().bounds()
}

const fn value(name: &'static str) -> Entry {
    Entry::new(Shape::Value(name))
}

const fn switch() -> Entry {
    Entry::new(Shape::Switch("true"))
}

/// What the help says: `{}` stands for what a value may be, `{most}` for the most that it may be.
const fn says(help: &'static str) -> Use {
    Use {
        help,
        otherwise: Otherwise::Unsaid,
        variables: &[],
        heading: None,
        bounds: None,
    }
}

impl Use {
    /// The value when nobody gives one.
    const fn or(self, text: &'static str) -> Self {
        self.or_since(text, "")
    }

    /// The value when nobody gives one, and why.
    const fn or_since(mut self, text: &'static str, why: &'static str) -> Self {
        self.otherwise = Otherwise::Constant(text, why);
        self
    }

    /// What follows when nobody gives a value, in words.
    const fn otherwise(mut self, words: &'static str) -> Self {
        self.otherwise = Otherwise::Words(words);
        self
    }

    /// Variables that set it, the stronger first.
    const fn variables(mut self, names: &'static [&'static str]) -> Self {
        self.variables = names;
        self
    }

    /// It stands below another heading than its group.
    const fn under(mut self, heading: &'static str) -> Self {
        self.heading = Some(heading);
        self
    }

    /// A value may be something else here.
    const fn allows(mut self, bounds: fn() -> Bounds) -> Self {
        self.bounds = Some(bounds);
        self
    }
}

impl Key {
    /// Every option, in the order in which people read them.
    pub fn all() -> impl Iterator<Item = Key> {
        Group::ALL.into_iter().flat_map(Group::options)
    }

    /// The option of a name.
    pub fn by_name(name: &str) -> Option<Key> {
        Key::all().find(|key| key.name() == name)
    }

    fn entry(self) -> &'static Entry {
        &TABLES[self.group as usize][usize::from(self.index)]
    }

    fn usage(self, program: Program) -> Option<&'static Use> {
        self.entry().uses[program as usize].as_ref()
    }

    /// Its name in a file and in messages: `ramp-up`.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// The flag that sets it: `--ramp-up`.
    pub fn flag(self) -> &'static str {
        let entry = self.entry();
        entry.own_flag.unwrap_or(entry.by_name)
    }

    /// The group that it belongs to.
    pub fn group(self) -> Group {
        self.group
    }

    /// What is typed after its flag.
    pub fn shape(self) -> Shape {
        self.entry().shape
    }

    /// Its second flag.
    pub fn alias(self) -> Option<Alias> {
        self.entry().alias
    }

    /// What the help says of the flag that names a file with it, for a secret.
    pub fn secret_file(self) -> Option<&'static str> {
        self.entry().secret_file
    }

    /// Whether two runs that differ in nothing else are two different runs.
    pub fn varies(self) -> bool {
        self.entry().varies && self.usage(Program::Run).is_some()
    }

    /// The heading that it stands below in a program's help.
    pub fn heading(self, program: Program) -> Option<&'static str> {
        let own = self.usage(program).and_then(|usage| usage.heading);
        own.or_else(|| program.heading(self.group))
    }

    /// What the help of a program says, with the default.
    pub fn help(self, program: Program) -> String {
        let Some(usage) = self.usage(program) else {
            return String::new();
        };
        let bounds = usage.bounds.unwrap_or(self.entry().bounds)();
        let text = usage
            .help
            .replace("{}", &bounds.summary)
            .replace("{most}", &bounds.most);
        match usage.otherwise {
            Otherwise::Unsaid => text,
            Otherwise::Constant(default, _) | Otherwise::Words(default) => format!("{text} [default: {default}]"),
        }
    }

    /// Variables that set it in a program, the stronger first.
    pub fn variables(self, program: Program) -> &'static [&'static str] {
        self.usage(program).map_or(&[], |usage| usage.variables)
    }

    /// What there is in a program when nobody gives a value.
    pub(crate) fn otherwise(self, program: Program) -> Otherwise {
        self.usage(program).map_or(Otherwise::Unsaid, |usage| usage.otherwise)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests;
