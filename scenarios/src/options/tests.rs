//! The table itself, and what every option of it answers to a value that is none.

use std::collections::BTreeSet;

use super::*;
use crate::{Asked, Given, HostDefaults, Problem, resolve, resolve_join, resolve_worker};

/// Texts that are no value of anything but a free text; beyond every bound, not a number, two values, a typing error, nothing.
const BAD: [&str; 6] = ["99999999999999999999999999999999", "-1", "1 2", "trve", "\u{7}", ""];

#[test]
fn every_option_has_its_own_name_and_a_program_that_takes_it() {
    let names: BTreeSet<_> = Key::all().map(Key::name).collect();
    assert_eq!(names.len(), Key::all().count());
    assert_eq!((Key::RampUp.flag(), Key::Cleanup.flag()), ("--ramp-up", "--no-cleanup"));
    for key in Key::all() {
        assert_eq!(Key::by_name(key.name()), Some(key));
        assert!(key.entry().uses.iter().flatten().next().is_some(), "{key:?}");
    }
}

#[test]
fn help_holds_bounds_and_defaults() {
    let help = |key: Key| key.help(Program::Run);
    assert_eq!(
        help(Key::MaxLag),
        "Age at which a waiting start is given up and counted as dropped, 1ms to 1h [default: 1s]"
    );
    assert!(help(Key::Rate).contains("0.1 to 50000"), "{}", help(Key::Rate));
    assert!(
        help(Key::ActivityCpu).contains("up to 20s"),
        "{}",
        help(Key::ActivityCpu)
    );
    assert!(Key::ConnectTimeout.help(Program::Worker).contains("1ms to 24h"));
    for program in Program::ALL {
        for key in program.options() {
            let help = key.help(program);
            assert!(!help.contains("{}") && !help.contains("{most}"), "{key:?}: {help}");
            let stated = ["  ", " ,", "rest,  ", ", [default", ", ;"];
            assert!(
                !stated.iter().any(|gap| help.contains(gap)),
                "a bound that is none: {key:?}: {help}"
            );
        }
    }
}

/// What a program answers to what was given.
fn answer(program: Program, all: &[(Key, Given)]) -> Result<(), Problem> {
    let mut asked = Asked::new();
    for (key, given) in all {
        asked.add(*key, given.clone());
    }
    let facts = HostDefaults {
        cores: 2,
        task_queue: "queue".to_owned(),
    };
    match program {
        Program::Run => resolve(&asked, &facts).map(|_| ()),
        Program::Join => resolve_join(&asked).map(|_| ()),
        Program::Worker => resolve_worker(&asked).map(|_| ()),
    }
}

/// What a remedy says to type, with values for its placeholders.
fn remedy(problem: &Problem) -> Vec<(Key, Given)> {
    let report = problem.report();
    let what = report.rsplit("try  ").next().unwrap_or_default();
    let what = what.split("   or   ").next().unwrap_or_default();
    let words: Vec<&str> = what.split(' ').collect();
    let said = words.chunks(2).filter_map(|pair| {
        let key = Key::all().find(|key| key.flag() == pair[0])?;
        let value = match pair.get(1).copied().unwrap_or("true") {
            "HOST:PORT" => "h:1",
            "IP:PORT" => "127.0.0.1:0",
            "N" => "1",
            "URL" => "http://h:1",
            "FILE" | "NAME" => "it",
            value => value,
        };
        Some((key, Given::by_flag(key.flag(), value)))
    });
    said.collect()
}

/// What a program answers to an option once everything is given that it needs to apply: each answer to its flag says itself
/// what that is.
fn answer_where_it_applies(program: Program, key: Key, given: Given) -> Result<(), Problem> {
    let mut all = vec![(key, Given::by_flag(key.flag(), given.text.clone()))];
    for _ in 0..4 {
        let Err(problem) = answer(program, &all) else { break };
        let headline = problem.headline().to_owned();
        let lacks = ["does not apply", "as well", "no server is given", "address is missing"];
        if !lacks.iter().any(|lack| headline.contains(lack)) {
            break;
        }
        match (program, headline.contains("address is missing")) {
            (Program::Join, true) => all.push((Key::Join, Given::by_flag("join", "h:1"))),
            _ => all.extend(remedy(&problem)),
        }
    }
    all[0].1 = given;
    answer(program, &all)
}

/// Everything that can give an option to a program a value: its flag, and its variables.
fn givers(program: Program, key: Key, text: &str) -> Vec<Given> {
    let variables = key.variables(program).iter();
    let by_variable = variables.map(|name| Given::by_environment(name, text));
    std::iter::once(Given::by_flag(key.flag(), text))
        .chain(by_variable)
        .collect()
}

#[test]
fn a_value_that_is_none_is_answered_by_one_line_with_its_giver_and_what_is_allowed() {
    for program in Program::ALL {
        // A secret is looked at where it is used, and here stands for itself.
        for key in program.options().into_iter().filter(|key| key.secret_file().is_none()) {
            let mut refused = 0;
            for (text, given) in BAD
                .iter()
                .flat_map(|text| givers(program, key, text).into_iter().map(move |g| (*text, g)))
            {
                let quote = given.quote(key);
                let Err(problem) = answer_where_it_applies(program, key, given) else {
                    assert!(!text.is_empty(), "{program:?}: {quote} is taken");
                    continue;
                };
                let line = problem.headline();
                assert!(!line.contains('\n') && line.starts_with(&quote), "{quote}: {line}");
                if let Some((_, allowed)) = line.split_once(" is not allowed: ") {
                    assert!(!allowed.is_empty(), "{line}");
                    refused += 1;
                }
            }
            assert!(refused > 0, "{program:?} takes anything for {key:?}");
        }
    }
}

#[test]
fn a_constant_default_is_a_value() {
    for program in Program::ALL {
        for key in program.options() {
            let Otherwise::Constant(text, _) = key.otherwise(program) else {
                continue;
            };
            let answer = answer_where_it_applies(program, key, Given::by_flag(key.flag(), text));
            assert_eq!(
                answer.map_err(|problem| problem.report()),
                Ok(()),
                "{program:?} {key:?}"
            );
        }
    }
}
