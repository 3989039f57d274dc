//! `attend`, beside the generator: fetches the inputs, makes the leader known, copies results to the bucket while the run
//! goes on and once more when it has ended, and ends the workers; at the time to live it stops the task.
//!
//! Nothing of a run may be lost: whatever is away for a while is tried again.

mod changes;
mod copy;
mod leader;
mod task;

use std::{
    fmt::Display,
    fs,
    path::Path,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use benchmark_command_line::print;
use benchmark_results::text;
use benchmark_scenarios::{Problem, units};
use tokio::{
    signal::unix::{Signal, SignalKind},
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout},
};

use self::{changes::INPUTS, copy::Copier, leader::Leader, task::Task};
use crate::{
    args::AttendArgs,
    aws::{Answer, Aws},
    bucket::{Bucket, INDEX, input_key, is_plain},
    ecs,
    follow::{all_or_first, listen},
};

/// Says that the load may begin. Hidden, so that it is not copied.
const READY: &str = ".ready";

/// How long getting ready may take. ECS gives up after 110 s: this comes first, and says why.
const START: Duration = Duration::from_secs(90);

/// How often what changed is copied.
const EACH: Duration = Duration::from_secs(10);

/// How long the end may take. ECS kills 120 s after SIGTERM.
const END: Duration = Duration::from_secs(95);

/// How long one try of anything may take: what hangs is tried anew.
const TRY: Duration = Duration::from_secs(20);

/// Time between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// Attends a run until SIGTERM.
///
/// # Errors
/// When it cannot get ready, or something could not be done at the end.
pub async fn attend(args: &AttendArgs) -> Result<ExitCode, Problem> {
    if args.ready {
        return Ok(ExitCode::from(u8::from(!args.runs.join(READY).exists())));
    }
    let workers = checked(args)?;
    let mut end = [listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?];
    let task = Task::find().await?;
    let aws = Aws::new(Some(&task.region)).await;
    let work = Work {
        leader: Leader::new(&aws, &args.leader_service),
        bucket: Bucket::new(&aws, &args.bucket),
        aws,
        task,
        args,
        workers,
    };
    Box::pin(work.attend(&mut end)).await
}

/// Checks what it was asked; gives cluster and service of the workers.
fn checked(args: &AttendArgs) -> Result<(&str, &str), Problem> {
    let given = [
        ("ATTEND_BUCKET", &args.bucket),
        ("ATTEND_LEADER_SERVICE", &args.leader_service),
        ("ATTEND_WORKERS", &args.workers),
    ];
    let missing: Vec<&str> = given
        .iter()
        .filter(|(_, value)| value.is_empty())
        .map(|one| one.0)
        .collect();
    if !missing.is_empty() {
        return Err(Problem::new(format!(
            "{}: not set; the task definition of Terraform's module benchmark does",
            missing.join(", ")
        )));
    }
    let Some(workers) = args.workers.split_once('/') else {
        return Err(Problem::new(format!(
            "ATTEND_WORKERS {}: give CLUSTER/SERVICE",
            args.workers
        )));
    };
    if !args.inputs.is_empty() && !is_plain(&args.inputs) {
        return Err(Problem::new(format!("ATTEND_INPUTS {:?}: no token", args.inputs)));
    }
    Ok(workers)
}

/// Waits for SIGTERM, which ECS sends, or SIGINT of a person who tries it.
async fn any([terminate, interrupt]: &mut [Signal; 2]) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// An attendant at work.
struct Work<'a> {
    args: &'a AttendArgs,
    /// Cluster and service.
    workers: (&'a str, &'a str),
    task: Task,
    aws: Aws,
    bucket: Bucket,
    leader: Leader,
}

impl Work<'_> {
    async fn attend(&self, end: &mut [Signal; 2]) -> Result<ExitCode, Problem> {
        let begun = Instant::now();
        let token = match self.args.inputs.as_str() {
            "" => ecs::id(&self.task.arn),
            token => token,
        };
        let mut copier = Copier::new(self.bucket.clone(), &self.args.runs, token, &self.task.arn);
        let ready = self.args.runs.join(READY);
        let _ = fs::remove_file(&ready);
        let left = tokio::select! {
            left = self.start(&copier) => left,
            () = any(end) => Ok(Duration::ZERO),
        };
        let left = match left {
            Ok(left) => left,
            Err(problem) => {
                // The load never begins, and nobody else ends what waits for it.
                let _ = self.end(&mut copier).await;
                return Err(problem);
            }
        };
        if !left.is_zero() {
            fs::write(&ready, "").map_err(|error| Problem::new(format!("{}: {error}", ready.display())))?;
            say(format!("ready; the time to live ends in {}", shown(left)));
            tokio::select! {
                () = any(end) => {}
                never = copying(&mut copier) => match never {},
                never = self.stop_itself(begun + left) => match never {},
            }
        }
        say("SIGTERM: the last copy");
        self.end(&mut copier).await
    }

    /// Makes everything ready; gives how long the task may live.
    async fn start(&self, copier: &Copier) -> Result<Duration, Problem> {
        let until = Instant::now() + START;
        let left = again(until, async || self.inputs().await).await?;
        // What cannot be written is found out before the load.
        again(until, async || copier.put_state(false).await).await?;
        let address = &self.task.address;
        self.lead(until, address).await?;
        say(format!("leader is {address}"));
        Ok(left)
    }

    async fn lead(&self, until: Instant, address: &str) -> Result<(), Problem> {
        let operation = again(until, async || self.leader.begin(address).await).await?;
        again(until, async || self.leader.wait(&operation).await).await
    }

    /// Fetches the inputs; gives how long the task may live: its time began when they were put, since the workers' end
    /// counts from then.
    async fn inputs(&self) -> Result<Duration, Problem> {
        let (args, token) = (self.args, &self.args.inputs);
        if token.is_empty() {
            return Ok(args.ttl);
        }
        let get = async |name: &str| {
            let object = self.bucket.get(&input_key(token, name)).await?;
            object.ok_or_else(|| Problem::new(format!("the bucket has no {}", input_key(token, name))))
        };
        let wrong = |what: String| Problem::new(format!("{}: {what}", input_key(token, INDEX)));
        let index = get(INDEX).await?;
        let names = serde_json::from_slice::<Vec<String>>(&index.bytes);
        let names = names.map_err(|error| wrong(error.to_string()))?;
        let folder = args.runs.join(INPUTS);
        let cannot = |path: &Path, error| Problem::new(format!("{}: {error}", path.display()));
        fs::create_dir_all(&folder).map_err(|error| cannot(&folder, error))?;
        for name in &names {
            if !is_plain(name) {
                return Err(wrong(format!("{name:?} is no file's name")));
            }
            let input = get(name).await?;
            let path = folder.join(name);
            fs::write(&path, &input.bytes).map_err(|error| cannot(&path, error))?;
        }
        let age = index
            .modified
            .and_then(|put| SystemTime::now().duration_since(put).ok());
        let left = args.ttl.saturating_sub(age.unwrap_or_default());
        match left.is_zero() {
            true => Err(Problem::new(format!("the time to live of {} is over", shown(args.ttl)))),
            false => Ok(left),
        }
    }

    /// At the time to live, stops this task, until SIGTERM comes of it.
    async fn stop_itself(&self, at: Instant) -> std::convert::Infallible {
        sleep_until(at).await;
        say("the time to live is over: stopping this task");
        loop {
            let asked = self
                .aws
                .ecs
                .stop_task()
                .cluster(&self.task.cluster)
                .task(&self.task.arn);
            let asked = asked.reason("its time to live is over").send();
            match timeout(TRY, asked).await {
                Ok(answer) => match answer.or_refused("ecs:StopTask") {
                    Ok(_) => sleep(END).await,
                    Err(problem) => say(problem),
                },
                Err(_) => say("ecs:StopTask: no answer"),
            }
            sleep(PAUSE).await;
        }
    }

    /// Everything that is left to do, at once, within [`END`].
    async fn end(&self, copier: &mut Copier) -> Result<ExitCode, Problem> {
        let until = Instant::now() + END;
        let none = async {
            match self.args.keep_workers {
                true => Ok(()),
                false => again(until, async || self.end_workers().await).await,
            }
        };
        let (copied, leader, workers) = tokio::join!(
            again(until, async || copier.copy(true).await),
            self.lead(until, leader::NOBODY),
            none,
        );
        all_or_first([copied, leader, workers].into_iter().filter_map(Result::err))?;
        say("all is in the bucket");
        Ok(ExitCode::SUCCESS)
    }

    async fn end_workers(&self) -> Result<(), Problem> {
        let (cluster, service) = self.workers;
        let asked = self.aws.ecs.update_service().cluster(cluster).service(service);
        let done = asked.desired_count(0).send().await;
        done.or_refused(format!("ecs:UpdateService {service}"))?;
        say("workers: 0");
        Ok(())
    }
}

/// Copies what changed, for ever. What fails is tried again with what changed since.
async fn copying(copier: &mut Copier) -> std::convert::Infallible {
    let mut ticks = interval(EACH);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_well = true;
    loop {
        ticks.tick().await;
        let copied = timeout(TRY, copier.copy(false))
            .await
            .unwrap_or_else(|_| Err(no_answer()));
        match &copied {
            // Once, and not each ten seconds.
            Err(problem) if is_well => say(format!("{problem}; it is tried again")),
            Ok(()) if !is_well => say("the bucket takes copies again"),
            _ => {}
        }
        is_well = copied.is_ok();
    }
}

/// Does something again until it succeeds.
///
/// # Errors
/// The last of them when the time is over.
async fn again<T>(until: Instant, mut work: impl AsyncFnMut() -> Result<T, Problem>) -> Result<T, Problem> {
    let mut said = String::new();
    loop {
        let limit = TRY.min(until.saturating_duration_since(Instant::now()));
        let problem = match timeout(limit, work()).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(problem)) => problem,
            Err(_) => no_answer(),
        };
        if Instant::now() + PAUSE >= until {
            return Err(problem);
        }
        if said != problem.to_string() {
            said = problem.to_string();
            say(format!("{said}; it is tried again"));
        }
        sleep(PAUSE).await;
    }
}

fn no_answer() -> Problem {
    Problem::new(format!("no answer within {} s", TRY.as_secs()))
}

fn shown(time: Duration) -> String {
    units::format(Duration::from_secs(time.as_secs().max(1)))
}

/// A line of the task's log.
fn say(what: impl Display) {
    let _ = print(&format!("attend: {}\n", text::lines(&what.to_string())));
}
