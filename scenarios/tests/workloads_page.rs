//! `docs/workloads.md` tells what each workload is.

use std::{env, fmt::Write as _, fs, ops::RangeInclusive, path::Path};

use benchmark_scenarios::{
    Asked, Given, HostDefaults, Key, resolve,
    workloads::{DEFINITIONS, Definition},
};

const BEGIN: &str = "<!-- workloads: begin -->\n";
const END: &str = "<!-- workloads: end -->\n";

fn table() -> String {
    let mut text =
        "| `--workflow-type` | registered as | a workflow | its own options | events | state transitions |\n\
                    |---|---|---|---|---|---|\n"
            .to_owned();
    for definition in DEFINITIONS {
        let Definition {
            name,
            workflow_type,
            does,
            ..
        } = definition;
        let history = definition.by_default().history();
        let (events, transitions) = (range(&history.events), range(&history.state_transitions));
        let options = options(definition);
        let _ = writeln!(
            text,
            "| `{name}` | `{workflow_type}` | {does} | {options} | {events} | {transitions} |"
        );
    }
    text
}

fn options(definition: &Definition) -> String {
    let mut asked = Asked::new();
    let flag = Key::WorkflowType.flag();
    asked.add(Key::WorkflowType, Given::by_flag(flag, definition.name.to_owned()));
    let facts = HostDefaults {
        cores: 1,
        task_queue: "queue".to_owned(),
    };
    let resolved = resolve(&asked, &facts).unwrap();
    let option = |key: &Key| format!("`{}` ({})", key.flag(), resolved.setting(*key).unwrap().value);
    definition.options.iter().map(option).collect::<Vec<_>>().join(", ")
}

fn range(range: &RangeInclusive<u64>) -> String {
    match (range.start(), range.end()) {
        (fewest, most) if fewest == most => fewest.to_string(),
        (fewest, most) => format!("{fewest} to {most}"),
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "who runs the test asks for it by a variable")]
fn the_table_is_what_the_definitions_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/workloads.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the mark of the beginning");
    let (there, after) = rest.split_once(END).expect("the mark of the end");
    let wanted = table();
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
    } else {
        assert_eq!(
            there, wanted,
            "UPDATE_DOCS=1 cargo test -p benchmark-scenarios --test workloads_page"
        );
    }
}
