//! The table itself, and what every option of it answers to a value that is none.

use std::collections::BTreeSet;

use super::*;
use crate::{Asked, Given, HostFacts, Problem, resolve, resolve_join, resolve_worker};

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

/// What a program answers to options that were typed.
fn answer(program: Program, typed: &[(Key, String)]) -> Result<(), Problem> {
    let mut asked = Asked::new();
    for (key, text) in typed {
        asked.add(*key, Given::by_flag(key.flag(), text.clone()));
    }
    let facts = HostFacts {
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
fn remedy(problem: &Problem) -> Vec<(Key, String)> {
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
        Some((key, value.to_owned()))
    });
    said.collect()
}

/// What a program answers to an option once everything is given that it needs to apply: each answer says itself what that
/// is.
fn answer_where_it_applies(program: Program, key: Key, text: &str) -> Result<(), Problem> {
    let mut typed = vec![(key, text.to_owned())];
    for _ in 0..4 {
        let problem = match answer(program, &typed) {
            Ok(()) => return Ok(()),
            Err(problem) => problem,
        };
        let headline = problem.headline().to_owned();
        let lacks = ["does not apply", "as well", "no server is given", "address is missing"];
        if !lacks.iter().any(|lack| headline.contains(lack)) {
            return Err(problem);
        }
        match (program, headline.contains("address is missing")) {
            (Program::Join, true) => typed.push((Key::Join, "h:1".to_owned())),
            _ => typed.extend(remedy(&problem)),
        }
    }
    answer(program, &typed)
}

#[test]
fn a_value_that_is_none_is_answered_by_one_line_with_flag_value_and_what_is_allowed() {
    for program in Program::ALL {
        for key in program.options() {
            let mut refused = 0;
            for text in BAD {
                let Err(problem) = answer_where_it_applies(program, key, text) else {
                    continue;
                };
                let line = problem.headline();
                // A secret is looked at where it is used, and here stands for itself.
                assert!(!line.contains('\n'), "{line}");
                assert!(line.contains(key.flag()), "{key:?}: {line}");
                if line.contains("is not allowed: ") {
                    let quote = Given::by_flag(key.flag(), text).quote(key);
                    assert!(line.starts_with(&quote), "{quote}: {line}");
                    assert!(line.len() > quote.len() + " is not allowed: give ".len(), "{line}");
                    refused += 1;
                }
            }
            assert!(
                refused > 0 || key.secret_file().is_some(),
                "{program:?} takes anything for {key:?}"
            );
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
            let answer = answer_where_it_applies(program, key, text);
            assert_eq!(
                answer.map_err(|problem| problem.report()),
                Ok(()),
                "{program:?} {key:?}"
            );
        }
    }
}
