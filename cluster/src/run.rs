//! `run`: once, from nothing: the end first, then inputs, workers and generators; then it is followed.

pub mod arguments;
mod cluster_json;
mod plan;
pub mod token;

use std::{fs, process::ExitCode, time::Duration};

use benchmark_results::format::plural;
use benchmark_scenarios::{Problem, units};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind};

use self::arguments::{FACTS, Input};
use crate::{
    args::RunArgs,
    bucket::{Bucket, INDEX, input_key},
    ecs::{self, Wish},
    facts::{ATTENDANT, KEEP_WORKERS, Task},
    follow::{self, Following},
    session::Session,
    wait::Wait,
    workers::check_room,
};

/// How long a run before may take to end: its attendant has two minutes, and ECS its own time.
const ENDING: Duration = Duration::from_secs(240);

/// Most tasks that one RunTask starts.
const TASKS_A_CALL: u32 = 10;

/// Exit code of what was interrupted before there was a run.
const INTERRUPTED: u8 = 130;

/// Runs once.
///
/// # Errors
/// When it cannot be begun; then what was changed is as it was.
pub async fn run(session: &Session, args: &RunArgs) -> Result<ExitCode, Problem> {
    let mut interrupts = follow::listen(SignalKind::interrupt())?;
    let Some(prepared) = until_interrupted(&mut interrupts, Prepared::new(session, args)).await? else {
        session.say("interrupted", "interrupted: nothing was changed");
        return Ok(ExitCode::from(INTERRUPTED));
    };
    let began = match until_interrupted(&mut interrupts, prepared.capacity(session)).await {
        // What was asked of ECS is heard out: an interrupt then detaches from the run that there is.
        Ok(Some(())) => prepared.begin(session).await.map(Some),
        Ok(None) => Ok(None),
        Err(problem) => Err(problem),
    };
    let arn = match began {
        Ok(Some(arn)) => arn,
        Ok(None) => {
            prepared.undo(session).await?;
            session.say("interrupted", "interrupted: nothing runs");
            return Ok(ExitCode::from(INTERRUPTED));
        }
        Err(problem) => {
            return Err(match prepared.undo(session).await {
                Ok(()) => problem,
                Err(undoing) => problem.explain(format!("and what was changed stays: {undoing}")),
            });
        }
    };
    if session.console.is_dry {
        return Ok(ExitCode::SUCCESS);
    }
    let sentence = format!("task {} of {} is asked for", ecs::id(&arn), prepared.generator.family);
    session.tell("task", sentence, json!({ "task": arn, "token": prepared.token }));
    if args.detach {
        session.tell("detached", follow::GOES_ON, json!({ "task": arn }));
        return Ok(ExitCode::SUCCESS);
    }
    let following = Following {
        arn,
        token: prepared.token.clone(),
        keep_workers: args.keep_workers,
        to: args.to.clone(),
        ttl: Some(args.ttl),
    };
    follow::to_the_end(session, following, &mut interrupts).await
}

async fn until_interrupted<T>(
    interrupts: &mut Signal,
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<Option<T>, Problem> {
    tokio::select! {
        done = work => done.map(Some),
        _ = interrupts.recv() => Ok(None),
    }
}

/// A run that may begin: all is checked, and nothing is changed yet.
struct Prepared<'a> {
    args: &'a RunArgs,
    generator: &'a Task,
    token: String,
    inputs: Vec<Input>,
    workers: u32,
    /// How many there are, and whether their end is written.
    before: (u32, bool),
    command: Vec<String>,
}

impl<'a> Prepared<'a> {
    async fn new(session: &'a Session, args: &'a RunArgs) -> Result<Prepared<'a>, Problem> {
        let facts = &session.facts;
        let (generator, bucket) = (facts.task("generator")?, facts.bucket()?);
        facts.workers()?;
        if args.generators > generator.max {
            return Err(
                Problem::new(format!("--generators {}: at most {}", args.generators, generator.max))
                    .remedy("terraform apply with a larger generator_max_instances"),
            );
        }
        if args.ttl < Duration::from_secs(60) {
            return Err(Problem::new(format!(
                "--ttl {}: less than a minute, which is what schedules are exact to",
                units::format(args.ttl)
            )));
        }
        let inputs = arguments::inputs(&args.input)?;
        arguments::check(&args.arguments, &inputs)?;
        // Before anybody is asked: it is refused whatever runs.
        if let Some(count) = args.workers {
            check_room(facts, count, "--workers")?;
        }
        session.no_run_in_progress(generator).await?;
        let there = session
            .workers_service()
            .await?
            .map_or(0, |service| service.desired_count());
        let there = u32::try_from(there).unwrap_or(0);
        let workers = args.workers.unwrap_or(there);
        if workers == 0 && args.workers.is_none() {
            return Err(Problem::new("there are no workers, and none are asked for")
                .remedy("--workers N")
                .remedy("--workers 0, where workers of another cluster poll"));
        }
        let token = token::new()?;
        let prepared = Prepared {
            args,
            generator,
            command: arguments::command(&args.arguments, &inputs, workers, args.generators),
            inputs,
            workers,
            before: (there, session.end().await?.is_some()),
            token,
        };
        arguments::check_length(
            &prepared.command,
            &generator.container,
            ATTENDANT,
            &prepared.environment(),
        )?;
        let fleet = arguments::fleet(&args.arguments, workers, args.generators);
        let planned: Vec<String> = args.arguments.iter().cloned().chain(fleet).collect();
        session.check_plan(generator, &planned).await?;
        let sentence = format!(
            "{}, {}, at most {}; results in s3://{bucket}",
            plural(workers.into(), "worker"),
            plural(args.generators.into(), "generator"),
            units::format(args.ttl)
        );
        session.tell(
            "run",
            sentence,
            json!({ "workers": workers, "generators": args.generators }),
        );
        Ok(prepared)
    }

    /// Variables of the attendant.
    fn environment(&self) -> Vec<(&'static str, String)> {
        let ttl = format!("{}s", self.args.ttl.as_secs());
        let mut all = vec![("ATTEND_INPUTS", self.token.clone()), ("ATTEND_TTL", ttl)];
        if self.args.keep_workers {
            all.push((KEEP_WORKERS, "true".to_owned()));
        }
        all
    }

    /// Everything before the generator: the end, the inputs, the workers.
    async fn capacity(&self, session: &Session) -> Result<(), Problem> {
        session.write_end(self.args.ttl).await?;
        let bucket = Bucket::new(&session.aws, session.facts.bucket()?);
        let put = async |name: &str, bytes: Vec<u8>| {
            let key = input_key(&self.token, name);
            let arguments = json!({ "bucket": bucket.name(), "key": key });
            session
                .change("s3:PutObject", arguments, bucket.put(&key, bytes))
                .await
                .map(drop)
        };
        let surroundings = session.surroundings(self.workers, self.args.generators).await?;
        put(FACTS, surroundings.to_string().into_bytes()).await?;
        for input in &self.inputs {
            let bytes = fs::read(&input.path)
                .map_err(|error| Problem::new(format!("--input {}: {error}", input.path.display())))?;
            put(&input.name, bytes).await?;
        }
        let names = self.inputs.iter().map(|input| input.name.as_str()).chain([FACTS]);
        put(INDEX, json!(Vec::from_iter(names)).to_string().into_bytes()).await?;
        if self.workers != self.before.0 {
            session
                .set_count(&session.facts.workers()?.service.name, self.workers)
                .await?;
        }
        Ok(())
    }

    /// Starts the generators; gives the ARN of the one that leads, nothing where nothing is to be changed.
    async fn begin(&self, session: &Session) -> Result<String, Problem> {
        let environment = self.environment();
        let wish = Wish {
            command: &self.command,
            beside: Some(ATTENDANT),
            environment: &environment,
            count: 1,
            token: &self.token,
            started_by: &self.token,
        };
        let arn = session.run_task(self.generator, &wish).await?.into_iter().next();
        let arn = arn.unwrap_or_default();
        if arn.is_empty() && !session.console.is_dry {
            return Err(Problem::new("ecs:RunTask: ECS started nothing and gave no reason"));
        }
        if let Err(problem) = self.join(session, &arn).await {
            if !arn.is_empty() {
                session.stop_task(&arn, "the run could not be begun whole").await?;
            }
            return Err(problem);
        }
        Ok(arn)
    }

    /// What is left when there is a generator: the others, and a look at whether it is the only run.
    async fn join(&self, session: &Session, arn: &str) -> Result<(), Problem> {
        if !session.console.is_dry {
            session.is_alone(self.generator, arn).await?;
            // One that ended just now may have removed it.
            if session.end().await?.is_none() {
                session.write_end(self.args.ttl).await?;
            }
        }
        let mut left = self.args.generators - 1;
        while left > 0 {
            let count = left.min(TASKS_A_CALL);
            let wish = Wish {
                count,
                token: &format!("{}-{left}", self.token),
                started_by: &self.token,
                ..Wish::default()
            };
            session.run_task(session.facts.task("generator_join")?, &wish).await?;
            left -= count;
        }
        Ok(())
    }

    /// Puts workers and end back to what they were: nothing is to be left of a run that there is not.
    async fn undo(&self, session: &Session) -> Result<(), Problem> {
        if session.console.is_dry {
            return Ok(());
        }
        // Somebody else's, who was first: it has set what it needs.
        if session.in_progress().await?.is_some() {
            return Ok(());
        }
        let (count, has_end) = self.before;
        session.set_count(&session.facts.workers()?.service.name, count).await?;
        if !has_end && count == 0 {
            session.remove_end().await?;
        }
        Ok(())
    }
}

impl Session {
    /// Refuses while a run is in progress; waits for one that is ending, since its attendant still ends workers.
    async fn no_run_in_progress(&self, generator: &Task) -> Result<(), Problem> {
        if let Some(progress) = self.in_progress().await? {
            return Err(Problem::new(format!("a run is in progress ({})", progress.name()))
                .remedy("benchmark-cluster follow")
                .remedy("benchmark-cluster stop")
                .remedy("benchmark-cluster status"));
        }
        let mut wait = Wait::new(ENDING);
        let mut is_said = false;
        loop {
            let ended = self.tasks(&generator.family, true).await?;
            let ending = ended.iter().find(|task| !ecs::has_stopped(task));
            let Some(id) = ending.and_then(|task| task.task_arn()).map(ecs::id) else {
                return Ok(());
            };
            if !is_said {
                self.say(
                    "ending",
                    format!("the run before (task {id}) is ending; waiting for it"),
                );
                is_said = true;
            }
            if !wait.next().await {
                return Err(
                    Problem::new(format!("the run before (task {id}) has not ended")).remedy("benchmark-cluster stop")
                );
            }
        }
    }

    /// Refuses when somebody else began a run in the same moment: the one that is older goes on.
    async fn is_alone(&self, generator: &Task, arn: &str) -> Result<(), Problem> {
        let running = self.tasks(&generator.family, false).await?;
        let key = |task: &aws_sdk_ecs::types::Task| {
            let at = task.created_at().map(aws_sdk_ecs::primitives::DateTime::as_nanos);
            (at.unwrap_or(i128::MAX), task.task_arn().unwrap_or_default().to_owned())
        };
        let oldest = running.iter().map(key).min();
        match oldest {
            Some((_, oldest)) if oldest != arn && running.iter().any(|task| task.task_arn() == Some(arn)) => {
                Err(Problem::new(format!(
                    "another run was begun in the same moment (task {})",
                    ecs::id(&oldest)
                ))
                .remedy("benchmark-cluster follow"))
            }
            _ => Ok(()),
        }
    }
}
