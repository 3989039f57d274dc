//! `follow`: what becomes of a run, until its result is on this disk and nothing is left running.

mod announcements;
mod end;

use std::{
    cell::Cell,
    collections::VecDeque,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use aws_sdk_ecs::types::Task;
use benchmark_results::text;
use benchmark_scenarios::{Problem, units};
use jiff::Timestamp;
use serde_json::json;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, sleep},
};

use self::announcements::Announcements;
pub use self::end::all_or_first;
use crate::{
    args::FollowArgs,
    bucket::{Bucket, is_plain},
    ecs,
    facts::{ATTENDANT, KEEP_WORKERS},
    log::Follow,
    session::Session,
};

/// What is said where this program leaves and the run does not end.
pub const GOES_ON: &str = "the run goes on, and ends by itself; for it there are\n  \
    benchmark-cluster follow         attaches to it\n  \
    benchmark-cluster stop           ends it in order\n  \
    benchmark-cluster results get    brings its result to this disk";

/// Between two looks at the task and its log.
const LOOK: Duration = Duration::from_secs(1);

/// Between two looks at workers and pools.
const CAPACITY: Duration = Duration::from_secs(5);

/// How long AWS may refuse to tell before following ends. The run goes on meanwhile.
const PATIENCE: Duration = Duration::from_secs(90);

/// How long a generator may wait for an instance where no time to live is known.
const PLACING: Duration = Duration::from_secs(1800);

/// How long the last lines of a log are waited for, and after how many looks without one no longer.
const LAST_LINES: Duration = Duration::from_secs(10);
const QUIET: u32 = 3;

/// Lines of the log that are remembered: as many as a summary has.
const REMEMBERED: usize = 300;

/// Exit code of a user who left.
const LEFT: u8 = 130;

/// The run that is followed.
#[derive(Clone, Debug)]
pub struct Following {
    /// ARN of the generator's task.
    pub arn: String,
    /// The run's token.
    pub token: String,
    /// Whether workers stay as they are.
    pub keep_workers: bool,
    /// Folder in which `runs/RUN-ID` is put.
    pub to: PathBuf,
    /// How long it may live from now on, where that is known.
    pub ttl: Option<Duration>,
}

impl Following {
    /// The run of a generator's task.
    ///
    /// # Errors
    /// When the task was not started by this program.
    pub fn of(task: &Task, keep_workers: bool, to: PathBuf) -> Result<Following, Problem> {
        let arn = task.task_arn().unwrap_or_default();
        let token = task
            .started_by()
            .filter(|token| is_plain(token))
            .ok_or_else(|| Problem::new(format!("task {}: not started by benchmark-cluster run", ecs::id(arn))))?;
        let overrides = task.overrides().map(|overrides| overrides.container_overrides());
        let is_kept = overrides.unwrap_or_default().iter().any(|one| {
            let keeps = |variable: &aws_sdk_ecs::types::KeyValuePair| {
                variable.name() == Some(KEEP_WORKERS) && variable.value() == Some("true")
            };
            one.name() == Some(ATTENDANT) && one.environment().iter().any(keeps)
        });
        Ok(Following {
            arn: arn.to_owned(),
            token: token.to_owned(),
            keep_workers: keep_workers || is_kept,
            to,
            ttl: None,
        })
    }

    /// Id of the task.
    pub fn id(&self) -> &str {
        ecs::id(&self.arn)
    }
}

/// Attaches to the run in progress.
///
/// # Errors
/// When there is none, or as [`to_the_end`].
pub async fn follow(session: &Session, args: &FollowArgs) -> Result<ExitCode, Problem> {
    let mut interrupts = listen(SignalKind::interrupt())?;
    let task = session.run_in_progress().await?.ok_or_else(none_in_progress)?;
    let mut following = Following::of(&task, args.keep_workers, args.to.clone())?;
    let left = session
        .end()
        .await?
        .map(|end| end.as_second() - Timestamp::now().as_second());
    following.ttl = left.and_then(|left| u64::try_from(left).ok()).map(Duration::from_secs);
    session.tell(
        "task",
        format!("task {} of {}", following.id(), session.facts.task("generator")?.family),
        json!({ "task": following.arn }),
    );
    to_the_end(session, following, &mut interrupts).await
}

/// A signal from now on.
///
/// # Errors
/// When the system does not give it.
pub fn listen(kind: SignalKind) -> Result<Signal, Problem> {
    signal(kind).map_err(|error| Problem::new(format!("no signals: {error}")))
}

/// What is said where there is no run.
pub fn none_in_progress() -> Problem {
    Problem::new("no run is in progress")
        .remedy("benchmark-cluster run --workers N -- --rate 400")
        .remedy("benchmark-cluster results list")
}

impl Session {
    /// The generator's task of the run in progress, or of one that is ending.
    ///
    /// # Errors
    /// When ECS refuses, or the environment has no benchmark.
    pub async fn run_in_progress(&self) -> Result<Option<Task>, Problem> {
        let family = &self.facts.task("generator")?.family;
        let running = self.tasks(family, false).await?.into_iter().next();
        if running.is_some() {
            return Ok(running);
        }
        let ended = self.tasks(family, true).await?;
        Ok(ended.into_iter().find(|task| !ecs::has_stopped(task)))
    }
}

/// Follows a run to its end; an interrupt detaches from it.
///
/// # Errors
/// When the generator was killed or lost, or something could not be done at the end: its result is not on this disk, or
/// workers are left.
pub async fn to_the_end(session: &Session, following: Following, interrupts: &mut Signal) -> Result<ExitCode, Problem> {
    let has_ended = Cell::new(false);
    let whole = async {
        let mut watch = Watch::new(session, &following)?;
        let task = watch.watch().await?;
        has_ended.set(true);
        end::end(session, &following, task.as_ref(), &watch.lines).await
    };
    tokio::select! {
        done = Box::pin(whole) => done,
        _ = interrupts.recv() => {
            let sentence = match has_ended.get() {
                false => GOES_ON,
                true => "the run has ended, and its result is in the bucket: benchmark-cluster results get",
            };
            session.tell("detached", sentence, json!({ "task": following.arn }));
            Ok(ExitCode::from(LEFT))
        }
    }
}

/// A run that is watched.
struct Watch<'a> {
    session: &'a Session,
    following: &'a Following,
    log: Option<Follow>,
    lines: VecDeque<String>,
    announcements: Announcements,
    begun: (Instant, SystemTime),
    next_capacity: Instant,
    /// Since when AWS does not tell.
    trouble: Option<Instant>,
    is_stopped: bool,
}

impl<'a> Watch<'a> {
    fn new(session: &'a Session, following: &'a Following) -> Result<Watch<'a>, Problem> {
        let generator = session.facts.task("generator")?;
        Ok(Watch {
            session,
            following,
            log: Some(Follow::new(generator, following.id())),
            lines: VecDeque::new(),
            announcements: Announcements::default(),
            begun: (Instant::now(), SystemTime::now()),
            next_capacity: Instant::now(),
            trouble: None,
            is_stopped: false,
        })
    }

    /// Tells what happens until the run has ended; gives the task as it was then, nothing where ECS has forgotten it.
    async fn watch(&mut self) -> Result<Option<Task>, Problem> {
        loop {
            match self.look().await {
                Ok(Look::Going) => self.trouble = None,
                Ok(Look::Ended(task)) => {
                    self.last_lines().await;
                    return Ok(task.map(|task| *task));
                }
                // What cannot be asked has not ended.
                Err(problem) => {
                    let since = *self.trouble.get_or_insert_with(Instant::now);
                    if since.elapsed() > PATIENCE {
                        return Err(GOES_ON
                            .lines()
                            .fold(problem, |problem, line| problem.explain(line.trim())));
                    }
                    if let Some(sentence) = self.announcements.once(&format!("{problem}; it is asked again")) {
                        self.session.say("problem", sentence);
                    }
                }
            }
            sleep(LOOK).await;
        }
    }

    async fn look(&mut self) -> Result<Look, Problem> {
        let (session, following) = (self.session, self.following);
        let Some(task) = session.task(&following.arn).await? else {
            return Ok(Look::Ended(None));
        };
        let generator = session.facts.task("generator")?;
        let status = task.last_status().unwrap_or_default();
        let wanted = task.desired_status().unwrap_or_default();
        if let Some(sentence) = self
            .announcements
            .task(status, wanted, generator.pool.as_deref().unwrap_or("Fargate"))
        {
            session.tell(
                "task",
                sentence,
                json!({ "task": following.arn, "status": status, "desired": wanted }),
            );
        }
        self.new_lines().await;
        if status == "STOPPED" {
            return Ok(Look::Ended(Some(Box::new(task))));
        }
        if wanted == "STOPPED" {
            // The attendant may be done long before ECS has taken the task's network down.
            let bucket = Bucket::new(&session.aws, session.facts.bucket()?);
            let attended = match ecs::exit_code(&task, &generator.container) {
                Some(_) => bucket.attended(&following.token).await?,
                None => None,
            };
            if attended.is_some_and(|attended| attended.ended) {
                return Ok(Look::Ended(Some(Box::new(task))));
            }
            return Ok(Look::Going);
        }
        let limit = following.ttl.unwrap_or(PLACING);
        if status != "RUNNING" && !self.is_stopped && self.begun.0.elapsed() > limit {
            let sentence = format!(
                "no room for the generator within {}: it is stopped",
                units::format(limit)
            );
            session.tell("task", sentence, json!({ "task": following.arn }));
            session
                .stop_task(&following.arn, "no room within its time to live")
                .await?;
            self.is_stopped = true;
        }
        if Instant::now() >= self.next_capacity {
            self.next_capacity = Instant::now() + CAPACITY;
            self.capacity(status).await?;
        }
        Ok(Look::Going)
    }

    /// How far the workers are, and why not further.
    async fn capacity(&mut self, status: &str) -> Result<(), Problem> {
        let session = self.session;
        let workers = &session.facts.workers()?.service;
        let Some(service) = session.workers_service().await? else {
            return Ok(());
        };
        let counts = (
            service.desired_count(),
            service.running_count(),
            service.pending_count(),
        );
        if let Some(sentence) = self.announcements.workers(counts) {
            let more = json!({ "desired": counts.0, "running": counts.1, "pending": counts.2 });
            session.tell("workers", sentence, more);
        }
        if counts.1 >= counts.0 && status == "RUNNING" {
            return Ok(());
        }
        let mut why: Vec<String> = Vec::new();
        let since = Timestamp::try_from(self.begun.1).unwrap_or_default().as_second();
        for event in service.events() {
            let at = event.created_at().map_or(0, aws_sdk_ecs::primitives::DateTime::secs);
            let message = event.message().unwrap_or_default();
            // Of the many that say what was done, those that say what was not.
            if at >= since && message.contains("unable") {
                why.push(text::line(message, 300));
            }
        }
        for task in session.tasks(&workers.family, true).await? {
            if task.created_at().is_some_and(|at| at.secs() >= since) && ecs::has_stopped(&task) {
                why.push(format!("a worker has stopped: {}", ecs::ending(&task)));
            }
        }
        let generator = session.facts.task("generator")?;
        for name in [Some(&workers.pool), generator.pool.as_ref()].into_iter().flatten() {
            if let Some(pool) = session.facts.pools.get(name) {
                for refusal in session.refusals(pool, self.begun.1).await? {
                    why.push(format!("pool {name}: {}; {}", refusal.said, refusal.remedy()));
                }
            }
        }
        for sentence in why {
            if let Some(sentence) = self.announcements.once(&sentence) {
                session.say("capacity", sentence);
            }
        }
        Ok(())
    }

    /// Prints the generator's lines that are new; gives how many there were. A log that cannot be read is no end of the run.
    async fn new_lines(&mut self) -> usize {
        let Some(log) = &mut self.log else { return 0 };
        match log.read(self.session).await {
            Ok(lines) => {
                for line in &lines {
                    let line = text::line(line, 2_000);
                    self.session.say("line", &line);
                    self.lines.push_back(line);
                }
                while self.lines.len() > REMEMBERED {
                    self.lines.pop_front();
                }
                lines.len()
            }
            Err(problem) => {
                self.log = None;
                self.session
                    .say("problem", format!("{problem}: its lines are not shown"));
                0
            }
        }
    }

    /// Lines are on their way for some seconds after the end.
    async fn last_lines(&mut self) {
        let mut quiet = 0;
        let until = Instant::now() + LAST_LINES;
        while self.log.is_some() && quiet < QUIET && Instant::now() < until {
            quiet = match self.new_lines().await {
                0 => quiet + 1,
                _ => 0,
            };
            sleep(LOOK).await;
        }
    }
}

enum Look {
    Going,
    Ended(Option<Box<Task>>),
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{ContainerOverride, KeyValuePair, TaskOverride};

    use super::*;

    fn task(started_by: &str, container: &str, value: &str) -> Task {
        let variable = KeyValuePair::builder().name(KEEP_WORKERS).value(value).build();
        let container = ContainerOverride::builder()
            .name(container)
            .environment(variable)
            .build();
        Task::builder()
            .task_arn("arn:aws:ecs:r:1:task/c/0a1b")
            .started_by(started_by)
            .overrides(TaskOverride::builder().container_overrides(container).build())
            .build()
    }

    #[test]
    fn a_run_is_known_by_its_task_alone() {
        let following = |task: &Task, keep| Following::of(task, keep, PathBuf::new());
        let run = following(&task("abc123", ATTENDANT, "true"), false).expect("a run");
        assert_eq!(
            (run.id(), run.token.as_str(), run.keep_workers),
            ("0a1b", "abc123", true)
        );
        assert!(
            !following(&task("abc123", ATTENDANT, "false"), false)
                .expect("a run")
                .keep_workers
        );
        assert!(
            !following(&task("abc123", "generator", "true"), false)
                .expect("a run")
                .keep_workers
        );
        assert!(
            following(&task("abc123", "generator", "true"), true)
                .expect("a run")
                .keep_workers
        );
        // Somebody else's task, whose name would be part of a key in the bucket.
        let problem = following(&task("ecs-svc/../x", ATTENDANT, ""), false).expect_err("refused");
        assert_eq!(problem.to_string(), "task 0a1b: not started by benchmark-cluster run");
    }
}
