//! The tables of `docs/options.md` are those of `--help`, and are written from it.

use std::{env, fmt::Write, fs, path::Path};

use benchmark_cli::{args, worker_args};
use benchmark_scenarios::{Key, Program};
use clap::{Arg, Command};

/// What stands before a table and names it, and what stands after it.
const BEGIN: &str = "<!-- flags of ";
const END: &str = "<!-- end -->";

/// The table of a name: `run-benchmark: Load`, `benchmark-worker: Tuning`, or a command.
fn table(name: &str) -> String {
    let (run, worker) = (args::command(), worker_args::command());
    let (command, heading, program) = match name.split_once(": ") {
        Some(("run-benchmark", heading)) => (&run, Some(heading), Some(Program::Run)),
        Some(("benchmark-worker", heading)) => (&worker, Some(heading), Some(Program::Worker)),
        _ => {
            let command = run.find_subcommand(name);
            let program = (name == "join").then_some(Program::Join);
            (command.unwrap_or_else(|| panic!("no command {name}")), None, program)
        }
    };
    let is_meant = |arg: &&Arg| {
        !arg.is_positional()
            && match (heading, program) {
                (Some(_), _) => arg.get_help_heading() == heading,
                // The options of a run have headings in the commands that take them.
                (None, None) => arg.get_help_heading().is_none(),
                (None, Some(_)) => true,
            }
    };
    let arguments: Vec<&Arg> = command.get_arguments().filter(is_meant).collect();
    assert!(!arguments.is_empty(), "nothing is {name}");
    let mut text = match program {
        Some(_) => "| flag | variable | default | meaning |\n|---|---|---|---|\n",
        None => "| flag | default | meaning |\n|---|---|---|\n",
    }
    .to_owned();
    for arg in arguments {
        let (default, meaning) = default_and_meaning(arg);
        let variables = program.map_or(String::new(), |program| format!(" {} |", variables(program, arg)));
        writeln!(text, "| {} |{variables} {default} | {meaning} |", flag(arg)).unwrap();
    }
    text
}

/// The flag with the name of its value, in code.
fn flag(arg: &Arg) -> String {
    let long = arg.get_long().expect("every option has a long flag");
    let value = arg
        .get_value_names()
        .and_then(|names| names.first())
        .map(|name| name.replace('|', "\\|"));
    let many = arg.get_num_args().is_some_and(|values| values.max_values() > 1);
    match value.filter(|_| arg.get_action().takes_values()) {
        Some(name) if arg.is_require_equals_set() => format!("`--{long}[={name}]`"),
        Some(name) => format!("`--{long} {name}{}`", if many { "…" } else { "" }),
        None => format!("`--{long}`"),
    }
}

/// What there is when it is not given, and what the help says besides.
fn default_and_meaning(arg: &Arg) -> (String, String) {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let (meaning, told) = match help.split_once(" [default: ") {
        Some((meaning, default)) => (meaning, Some(default.trim_end_matches(']').to_owned())),
        None => (help.as_str(), None),
    };
    let set = || Some(arg.get_default_values().first()?.to_string_lossy().into_owned());
    let default = match arg.get_action().takes_values() {
        true if arg.is_required_set() => "required".to_owned(),
        true => told.or_else(set).unwrap_or_else(|| "none".to_owned()),
        false => told.unwrap_or_else(|| "off".to_owned()),
    };
    (marked(&default), marked(meaning))
}

/// Flags in code, and what a table would take for a cell.
fn marked(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let bare = word.trim_end_matches([',', ';', ':', '.', ')']);
        match bare.starts_with("--") {
            true => format!("`{bare}`{}", &word[bare.len()..]),
            false => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// The variables of an option, the stronger first.
fn variables(program: Program, arg: &Arg) -> String {
    let key = Key::by_name(arg.get_id().as_str());
    let names = key.map_or(&[][..], |key| key.variables(program));
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", else ")
}

#[test]
fn tables_are_those_of_the_help() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/options.md");
    let old = fs::read_to_string(&path).unwrap();
    let mut new = String::new();
    let mut rest = old.as_str();
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (name, after) = after.split_once(" -->").unwrap();
        let (_, after) = after
            .split_once(END)
            .unwrap_or_else(|| panic!("the table of {name} does not end"));
        write!(new, "{before}{BEGIN}{name} -->\n\n{}\n{END}", table(name)).unwrap();
        rest = after;
    }
    new += rest;
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &new).unwrap();
    }
    assert!(
        new == old || env::var_os("UPDATE_DOCS").is_some(),
        "docs/options.md differs from --help: write it with UPDATE_DOCS=1 cargo test --workspace --test options_doc"
    );
}

#[test]
fn every_option_has_a_table() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/options.md")).unwrap();
    let named: Vec<&str> = text
        .split(BEGIN)
        .skip(1)
        .filter_map(|after| Some(after.split_once(" -->")?.0))
        .collect();
    let of_headings = |program: &str, command: &Command| {
        let mut headings: Vec<String> = Vec::new();
        for heading in command.get_arguments().filter_map(Arg::get_help_heading) {
            let name = format!("{program}: {heading}");
            if !headings.contains(&name) {
                headings.push(name);
            }
        }
        headings
    };
    let mut expected = of_headings("run-benchmark", &args::command());
    expected.extend(of_headings("benchmark-worker", &worker_args::command()));
    let run = args::command();
    let commands = run.get_subcommands().filter(|command| !command.is_hide_set());
    let with_own = commands.filter(|command| {
        // Those of a run stand above.
        let mut own = command.get_arguments().filter(|arg| !arg.is_positional());
        own.any(|arg| arg.get_help_heading().is_none())
    });
    expected.extend(with_own.map(|command| command.get_name().to_owned()));
    expected.sort();
    let mut named: Vec<String> = named.into_iter().map(str::to_owned).collect();
    named.sort();
    assert_eq!(named, expected);
}
