//! From what the user typed to what the generator's container is told: files of this machine become those of the task, and
//! what this program decides is added.

use std::path::{Path, PathBuf};

use benchmark_results::text;
use benchmark_scenarios::Problem;
use serde_json::json;

use crate::bucket::{INDEX, is_plain};

/// Where the attendant puts the inputs.
const INPUTS: &str = "/runs/inputs";

/// The surroundings' facts, an input that is ours.
pub const FACTS: &str = "cluster.json";

/// How long workers may take to join: the first boot of an instance takes minutes.
const FLEET_TIMEOUT: &str = "20m";

/// What ECS takes as overrides, characters of their JSON.
const LONGEST: usize = 8192;

/// Options of run-benchmark that are decided here or by Terraform, and why or what to give in their place.
const OURS: [(&str, &str); 7] = [
    ("--expect-workers", "give --workers N before the --"),
    ("--generators", "give --generators N before the --"),
    ("--cluster-facts", "those of this cluster are given by themselves"),
    ("--fleet-listen", "members join where the task definition says"),
    ("--output", "its results come to this disk: give --to DIR before the --"),
    (
        "--fleet-token",
        "the task has it from a secret of Terraform's, and what a task is told can be read by many",
    ),
    (
        "--api-key",
        "give its secret in Terraform's variable temporal_elsewhere: what a task is told can be read by many",
    ),
];

/// What prints something and runs nothing.
const PRINTS: [&str; 4] = ["-h", "--help", "-V", "--version"];

/// A file that the task is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its name in the task.
    pub name: String,
    /// Where it is here.
    pub path: PathBuf,
}

/// The files that were asked for, by their names in the task.
///
/// # Errors
/// When one is missing or no file, or two have one name.
pub fn inputs(paths: &[PathBuf]) -> Result<Vec<Input>, Problem> {
    let mut inputs: Vec<Input> = Vec::new();
    for path in paths {
        let problem = |what: String| Problem::new(format!("--input {}: {what}", path.display()));
        let metadata = path.metadata().map_err(|error| problem(error.to_string()))?;
        if !metadata.is_file() {
            return Err(problem("it is no file".to_owned()));
        }
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !is_plain(name) || [INDEX, FACTS].contains(&name) {
            return Err(problem("a file of this name cannot be given; rename it".to_owned()));
        }
        if let Some(other) = inputs.iter().find(|input| input.name == name) {
            return Err(problem(format!(
                "{} has the same name, and in the task they lie in one folder; rename one",
                other.path.display()
            )));
        }
        let (name, path) = (name.to_owned(), path.clone());
        inputs.push(Input { name, path });
    }
    Ok(inputs)
}

/// An option and its value; an argument that has no `=` may be either.
fn parts(argument: &str) -> (&str, &str) {
    argument.split_once('=').unwrap_or((argument, argument))
}

/// What was typed, held against what is ours.
///
/// # Errors
/// When an option is not the user's to give, or it is no run that was asked for.
pub fn check(typed: &[String], inputs: &[Input]) -> Result<(), Problem> {
    if let Some(first) = typed.first().filter(|first| !first.starts_with('-')) {
        return Err(Problem::new(format!(
            "{}: a run is begun by options of run-benchmark, and by none of its commands",
            text::line(first, 60)
        ))
        .remedy("-- --rate 400"));
    }
    for argument in typed {
        let (option, value) = parts(argument);
        if PRINTS.contains(&option) {
            return Err(Problem::new(format!("{option}: that prints, and runs nothing")).remedy("run-benchmark --help"));
        }
        if let Some((option, instead)) = OURS.iter().find(|(ours, _)| *ours == option) {
            return Err(Problem::new(format!("{option} is not given to a run on the cluster")).explain(*instead));
        }
        // What is here is not there.
        let is_path = value.contains(['/', '.']) && !value.starts_with('-') && Path::new(value).is_file();
        if is_path && input(value, inputs).is_none() {
            let value = text::line(value, 200);
            let said = format!("{value}: a file of this machine, which the task does not have");
            return Err(Problem::new(said).remedy(format!("--input {value} before the --")));
        }
    }
    Ok(())
}

/// What is added for workers and generators, as the plan sees it, too.
pub fn fleet(typed: &[String], workers: u32, generators: u32) -> Vec<String> {
    let mut added = Vec::new();
    if workers > 0 {
        added.extend(["--expect-workers".to_owned(), workers.to_string()]);
    }
    if generators > 1 {
        added.extend(["--generators".to_owned(), generators.to_string()]);
    }
    let is_typed = typed.iter().any(|argument| parts(argument).0 == "--fleet-timeout");
    if !added.is_empty() && !is_typed {
        added.extend(["--fleet-timeout".to_owned(), FLEET_TIMEOUT.to_owned()]);
    }
    added
}

/// The command of the generator's container.
pub fn command(typed: &[String], inputs: &[Input], workers: u32, generators: u32) -> Vec<String> {
    let there = |text: &str| input(text, inputs).map(|input| format!("{INPUTS}/{}", input.name));
    let rewritten = typed.iter().map(|argument| {
        let of_option = || {
            let (option, value) = argument.split_once('=')?;
            Some(format!("{option}={}", there(value)?))
        };
        there(argument).or_else(of_option).unwrap_or_else(|| argument.clone())
    });
    let facts = ["--cluster-facts".to_owned(), format!("{INPUTS}/{FACTS}")];
    let fleet = fleet(typed, workers, generators);
    rewritten.chain(facts).chain(fleet).collect()
}

/// The input that a text names: by the same words, or because it is the same file.
fn input<'a>(text: &str, inputs: &'a [Input]) -> Option<&'a Input> {
    let found = inputs.iter().find(|input| input.path.as_os_str() == text);
    found.or_else(|| {
        let text = Path::new(text).canonicalize().ok()?;
        inputs
            .iter()
            .find(|input| input.path.canonicalize().is_ok_and(|path| path == text))
    })
}

/// Refuses what ECS would.
///
/// # Errors
/// When the overrides are longer than ECS takes.
pub fn check_length(
    command: &[String],
    generator: &str,
    beside: &str,
    environment: &[(&str, String)],
) -> Result<(), Problem> {
    let variables: Vec<_> = environment
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    let overrides = json!({ "containerOverrides": [
        { "name": generator, "command": command },
        { "name": beside, "environment": variables },
    ] });
    let length = overrides.to_string().chars().count();
    if length <= LONGEST {
        return Ok(());
    }
    Err(Problem::new(format!(
        "the arguments make overrides of {length} characters; ECS takes {LONGEST}"
    ))
    .remedy("a file that has them, given by --input"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(|&one| one.to_owned()).collect()
    }

    #[test]
    fn inputs_become_files_of_the_task_as_whole_arguments_and_after_an_equals_sign() {
        let folder = tempfile::tempdir().expect("a folder");
        let (scenario, headers) = (folder.path().join("s.yaml"), folder.path().join("headers"));
        for path in [&scenario, &headers] {
            fs::write(path, "x").expect("a file");
        }
        let given = inputs(&[scenario.clone(), headers.clone()]).expect("inputs");
        let twice = folder.path().join(".").join("s.yaml").display().to_string();
        let typed = texts(&[
            "--scenario",
            &scenario.display().to_string(),
            &format!("--prometheus-headers={}", headers.display()),
            "--rate",
            "400",
            &format!("--other={twice}"),
        ]);
        check(&typed, &given).expect("a run");
        insta::assert_snapshot!(command(&typed, &given, 51, 2).join(" "), @"--scenario /runs/inputs/s.yaml --prometheus-headers=/runs/inputs/headers --rate 400 --other=/runs/inputs/s.yaml --cluster-facts /runs/inputs/cluster.json --expect-workers 51 --generators 2 --fleet-timeout 20m");
        insta::assert_snapshot!(command(&texts(&["--fleet-timeout=5m"]), &[], 1, 1).join(" "), @"--fleet-timeout=5m --cluster-facts /runs/inputs/cluster.json --expect-workers 1");
        insta::assert_snapshot!(command(&texts(&["--rate", "5"]), &[], 0, 1).join(" "), @"--rate 5 --cluster-facts /runs/inputs/cluster.json");
    }

    #[test]
    fn inputs_that_cannot_be_given_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("d")).expect("a folder");
        for name in ["a", "d/a", "cluster.json", "b c"] {
            fs::write(path(name), "x").expect("a file");
        }
        let said = |names: &[&str]| {
            let paths: Vec<PathBuf> = names.iter().map(|name| path(name)).collect();
            inputs(&paths).expect_err("refused").to_string()
        };
        for (names, part) in [
            (&["none"][..], "No such file"),
            (&["d"], "it is no file"),
            (&["a", "d/a"], "has the same name"),
            (&["cluster.json"], "rename it"),
            (&["b c"], "rename it"),
        ] {
            let said = said(names);
            assert!(said.starts_with("--input /") && said.contains(part), "{said}");
        }
    }

    #[test]
    fn what_is_not_the_users_to_give_is_refused_with_what_to_give_instead() {
        let mut said = Vec::new();
        for typed in [
            &["compare", "a", "b"][..],
            &["--rate", "4", "--help"],
            &["--expect-workers", "3"],
            &["--generators=2"],
            &["--output", "x.json"],
            &["--api-key", "secret"],
            &["--fleet-token=secret"],
            &["--tls-ca", "/etc/hostname"],
        ] {
            said.push(check(&texts(typed), &[]).expect_err("refused").report());
        }
        insta::assert_snapshot!(said.join("\n"), @r"
        error: compare: a run is begun by options of run-benchmark, and by none of its commands
          try  -- --rate 400
        error: --help: that prints, and runs nothing
          try  run-benchmark --help
        error: --expect-workers is not given to a run on the cluster
          give --workers N before the --
        error: --generators is not given to a run on the cluster
          give --generators N before the --
        error: --output is not given to a run on the cluster
          its results come to this disk: give --to DIR before the --
        error: --api-key is not given to a run on the cluster
          give its secret in Terraform's variable temporal_elsewhere: what a task is told can be read by many
        error: --fleet-token is not given to a run on the cluster
          the task has it from a secret of Terraform's, and what a task is told can be read by many
        error: /etc/hostname: a file of this machine, which the task does not have
          try  --input /etc/hostname before the --
        ");
        check(&texts(&["--rate", "0.5", "--quiet"]), &[]).expect("a run");
    }

    #[test]
    fn what_ecs_takes_is_counted_as_it_counts() {
        let fits = |length: usize| {
            let command = texts(&[&"x".repeat(length)]);
            check_length(&command, "generator", "attendant", &[("ATTEND_INPUTS", "t".to_owned())])
        };
        let around = r#"{"containerOverrides":[{"name":"generator","command":[""]},{"name":"attendant","environment":[{"name":"ATTEND_INPUTS","value":"t"}]}]}"#.len();
        assert!(fits(LONGEST - around).is_ok());
        let problem = fits(LONGEST - around + 1).expect_err("too long").to_string();
        assert!(problem.contains("8193 characters; ECS takes 8192"), "{problem}");
    }
}
