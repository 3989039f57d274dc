//! `connect` and `exec`: finding a task, and handing over to the AWS CLI. There is no public address: people come through
//! Session Manager.

use std::{
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
};

use aws_sdk_ecs::types::Task;
use benchmark_scenarios::Problem;
use serde_json::json;

use crate::{
    args::{ConnectArgs, ExecArgs, Target},
    doctor::needs,
    ecs,
    facts::WORKERS,
    session::{Session, call},
};

/// Forwards a port of this machine to a service. It does not come back: the AWS CLI takes its place.
///
/// # Errors
/// When the port is in use, no task runs, or the AWS CLI is not there.
pub async fn connect(session: &Session, args: &ConnectArgs) -> Result<ExitCode, Problem> {
    let key = match args.target {
        Target::Ui => "ui",
        Target::Grafana => "grafana",
        Target::Loki => "loki",
        Target::Frontend => "frontend",
    };
    let service = session.facts.service(key)?;
    let port = service.port.ok_or_else(|| {
        Problem::new(format!("facts: {key} has no port")).remedy("terraform apply, then the facts anew")
    })?;
    let local = args.port.unwrap_or(port);
    check_port(local)?;
    let place = session.place(key).await?;
    let words = forward(&session.facts.region, &session.facts.cluster.name, &place, port, local);
    let scheme = if args.target == Target::Frontend { "" } else { "http://" };
    let sentence = format!("{key} is at {scheme}localhost:{local}; Ctrl-C ends it");
    session.hand_over("ssm:StartSession", &words, &sentence)
}

/// A shell, or a command, in a task. It does not come back either.
///
/// # Errors
/// When there is no such service, no task of it runs or takes commands, or the AWS CLI is not there.
pub async fn exec(session: &Session, args: &ExecArgs) -> Result<ExitCode, Problem> {
    let key = &args.service;
    let place = session.place(key).await?;
    if !place.takes_commands {
        return Err(Problem::new(format!(
            "{key}: its tasks take no commands: they have no shell, and nothing can be written there"
        ))
        .remedy("its log: benchmark-cluster connect loki"));
    }
    let words = execute(
        &session.facts.region,
        &session.facts.cluster.name,
        &place,
        &args.command,
    );
    session.hand_over("ecs:ExecuteCommand", &words, &format!("{key}, task {}", place.task))
}

/// A container that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    /// The task's id.
    task: String,
    container: String,
    /// Docker's id of the container, by which Session Manager knows it.
    runtime: String,
    takes_commands: bool,
}

impl Place {
    /// The first of these tasks whose container runs.
    fn of(tasks: &[Task], container: &str) -> Option<Place> {
        tasks
            .iter()
            .filter(|task| task.last_status() == Some("RUNNING"))
            .find_map(|task| {
                let found = task.containers().iter().find(|one| one.name() == Some(container))?;
                Some(Place {
                    task: ecs::id(task.task_arn()?).to_owned(),
                    container: container.to_owned(),
                    runtime: found.runtime_id()?.to_owned(),
                    takes_commands: task.enable_execute_command(),
                })
            })
    }
}

impl Session {
    /// A running task of a service, the workers' among them.
    async fn place(&self, key: &str) -> Result<Place, Problem> {
        let service = self.facts.service(key)?;
        let remedy = match key {
            WORKERS => "benchmark-cluster workers 1".to_owned(),
            key => format!("benchmark-cluster up --only {key}"),
        };
        let tasks = self.tasks(&service.family, false).await?;
        Place::of(&tasks, &service.container).ok_or_else(|| {
            let begin = match tasks.len() {
                0 => String::new(),
                tasks => format!("; {tasks} begin"),
            };
            Problem::new(format!("{key}: no task runs{begin}")).remedy(remedy)
        })
    }

    /// Gives this process to the AWS CLI, which needs the plug-in; its exit code is this one's.
    fn hand_over(&self, action: &str, words: &[String], sentence: &str) -> Result<ExitCode, Problem> {
        if self.console.is_dry {
            let line = call(action, &json!({ "command": shown(words) }));
            self.tell(
                "call",
                line,
                json!({ "action": action, "arguments": { "command": words } }),
            );
            return Ok(ExitCode::SUCCESS);
        }
        needs("aws")?;
        needs("session-manager-plugin")?;
        self.say("session", sentence);
        let error = Command::new("aws").args(words).exec();
        Err(Problem::new(format!("aws: {error}")))
    }
}

/// Whether a port of this machine is free. Whoever has it may be another environment's forward.
fn check_port(port: u16) -> Result<(), Problem> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) => {
            let other = port.checked_add(10_000).unwrap_or(port - 10_000);
            Err(Problem::new(format!("--port {port}: {error}")).remedy(format!("--port {other}")))
        }
    }
}

/// Words of `aws` that forward a port.
fn forward(region: &str, cluster: &str, place: &Place, port: u16, local: u16) -> Vec<String> {
    let target = format!("ecs:{cluster}_{}_{}", place.task, place.runtime);
    let parameters = json!({ "portNumber": [port.to_string()], "localPortNumber": [local.to_string()] }).to_string();
    let session = ["ssm", "start-session", "--region", region, "--target", &target];
    let document = ["--document-name", "AWS-StartPortForwardingSession"];
    let words = session.into_iter().chain(document).chain(["--parameters", &parameters]);
    words.map(str::to_owned).collect()
}

/// Words of `aws` that start a command in a container: one text, which the agent there splits as a shell would.
fn execute(region: &str, cluster: &str, place: &Place, command: &[String]) -> Vec<String> {
    let command = match command {
        [] => "sh".to_owned(),
        words => shown(words),
    };
    let task = [
        "ecs",
        "execute-command",
        "--region",
        region,
        "--cluster",
        cluster,
        "--task",
        &place.task,
    ];
    let container = ["--container", &place.container, "--interactive", "--command", &command];
    task.into_iter().chain(container).map(str::to_owned).collect()
}

/// Words as they are typed.
fn shown(words: &[String]) -> String {
    let is_plain = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&byte))
    };
    let quoted = words.iter().map(|word| match is_plain(word) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::Container;
    use proptest::prelude::*;

    use super::*;

    fn place() -> Place {
        Place {
            task: "0123abcd".into(),
            container: "temporal-ui".into(),
            runtime: "fedc-42".into(),
            takes_commands: true,
        }
    }

    #[test]
    fn a_forward_names_cluster_task_and_runtime() {
        let words = forward("eu-west-1", "bench-cluster", &place(), 8080, 18080);
        insta::assert_snapshot!(shown(&words), @"ssm start-session --region eu-west-1 --target ecs:bench-cluster_0123abcd_fedc-42 --document-name AWS-StartPortForwardingSession --parameters '{\"portNumber\":[\"8080\"],\"localPortNumber\":[\"18080\"]}'");
    }

    #[test]
    fn a_command_is_one_text() {
        let words = |command: &[&str]| {
            let command: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
            shown(&execute("eu-west-1", "bench-cluster", &place(), &command))
        };
        insta::assert_snapshot!(words(&[]), @"ecs execute-command --region eu-west-1 --cluster bench-cluster --task 0123abcd --container temporal-ui --interactive --command sh");
        insta::assert_snapshot!(words(&["tdbg", "shard", "describe", "--shard-id", "it's 1"]), @"ecs execute-command --region eu-west-1 --cluster bench-cluster --task 0123abcd --container temporal-ui --interactive --command 'tdbg shard describe --shard-id '\\''it'\\''\\'\\'''\\''s 1'\\'''");
    }

    #[test]
    fn the_first_task_whose_container_runs_is_the_place() {
        let task = |id: &str, status: &str, runtime: Option<&str>| {
            let container = Container::builder()
                .name("temporal-ui")
                .set_runtime_id(runtime.map(str::to_owned));
            Task::builder()
                .task_arn(format!("arn:aws:ecs:eu-west-1:111122223333:task/bench-cluster/{id}"))
                .last_status(status)
                .enable_execute_command(true)
                .containers(Container::builder().name("log-router").runtime_id("other").build())
                .containers(container.build())
                .build()
        };
        let tasks = [
            task("a", "PENDING", Some("1")),
            task("b", "RUNNING", None),
            task("c", "RUNNING", Some("3")),
        ];
        let found = Place::of(&tasks, "temporal-ui").expect("a place");
        assert_eq!((found.task.as_str(), found.runtime.as_str()), ("c", "3"));
        assert_eq!(Place::of(&tasks[..2], "temporal-ui"), None);
    }

    #[test]
    fn a_port_in_use_is_refused() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = taken.local_addr().expect("an address").port();
        let problem = check_port(port).expect_err("in use");
        assert!(
            problem
                .headline()
                .starts_with(&format!("--port {port}: Address already in use")),
            "{problem}"
        );
        drop(taken);
        check_port(port).expect("free");
    }

    proptest! {
        /// A shell takes the text apart into the same words.
        #[test]
        fn words_come_through_a_shell(words in prop::collection::vec("[ -~]{0,12}", 1..5)) {
            let given = Command::new("sh").args(["-c", &format!("printf '%s\\n' {}", shown(&words))]).output().expect("sh");
            let given = String::from_utf8_lossy(&given.stdout).into_owned();
            prop_assert_eq!(given.lines().map(str::to_owned).collect::<Vec<_>>(), words);
        }
    }
}
