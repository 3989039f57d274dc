//! `doctor`: whether everything is there that the other commands need, each with a remedy.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use benchmark_results::format::plural;
use benchmark_scenarios::Problem;
use serde_json::json;

use crate::{
    args::{Common, DoctorArgs},
    aws::Answer,
    capacity,
    facts::Service,
    preset::Preset,
    session::{Console, Session},
};

/// How far back failed scaling activities count.
const RECENT: Duration = Duration::from_secs(3600);

/// Programs of others that are called, with where they come from.
const PROGRAMS: [(&str, &str); 2] = [
    ("aws", "install the AWS CLI, version 2"),
    (
        "session-manager-plugin",
        "install the Session Manager plugin of the AWS CLI",
    ),
];

/// Exit code where something is not as it has to be.
const NOT_OK: u8 = 2;

/// Looks at everything, and reports all of it.
///
/// # Errors
/// When there is no such preset; what is found is no error, but exit code 2.
pub async fn doctor(common: &Common, args: &DoctorArgs) -> Result<ExitCode, Problem> {
    let preset = args.preset.map(Preset::of).transpose()?;
    let mut report = Report {
        console: Console::new(common),
        failed: 0,
        checks: 0,
    };
    for (program, remedy) in PROGRAMS {
        report.line(program, on_path(program), remedy);
    }
    let facts = Session::read(common);
    let summary = facts.as_ref().map_err(Clone::clone).map(|facts| {
        let (project, environment, cluster) = (&facts.project, &facts.environment, &facts.cluster.name);
        format!("{project} ({environment}), cluster {cluster}")
    });
    report.line("facts", summary, "--facts FILE");
    let Ok(facts) = facts else {
        return Ok(report.end());
    };
    let region = Session::check_region(&facts).map(|()| facts.region.clone());
    report.line("region", region, "AWS_REGION=… of the facts");
    let session = Session::of(facts, common).await;
    let account = session.check_account().await;
    let account = account.map(|()| format!("account {}", session.facts.account_id));
    report.line("credentials", account, "aws sso login, or AWS_PROFILE");
    let apply = "terraform apply, then the facts anew";
    if session.facts.bucket.is_some() {
        report.line("bucket", session.check_bucket().await, apply);
        report.line("schedules", session.check_schedules().await, apply);
    }
    report.line("services", session.check_services().await, apply);
    report.line("pools", session.check_pools().await, apply);
    for line in session.check_room(preset).await {
        report.line("room", line, "benchmark-cluster doctor --preset 50");
    }
    let again = "benchmark-cluster doctor again";
    report.line("instances", session.check_refusals().await, again);
    report.line("run", session.check_run().await, again);
    Ok(report.end())
}

/// Where a program is.
fn on_path(program: &str) -> Result<String, Problem> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    find(program, std::env::split_paths(&folders))
        .map(|found| found.display().to_string())
        .ok_or_else(|| Problem::new(format!("{program} is not on PATH")))
}

fn find(program: &str, mut folders: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    folders.find_map(|folder| {
        let file = folder.join(program);
        let kind = std::fs::metadata(&file).ok()?;
        (kind.is_file() && kind.permissions().mode() & 0o111 != 0).then_some(file)
    })
}

/// A program of others that has to be there.
///
/// # Errors
/// When it is not on PATH.
pub fn needs(program: &str) -> Result<(), Problem> {
    let remedy = PROGRAMS
        .iter()
        .find(|(name, _)| *name == program)
        .map_or("install it", |(_, remedy)| remedy);
    on_path(program).map(drop).map_err(|problem| problem.remedy(remedy))
}

/// Lines as they are found.
struct Report {
    console: Console,
    failed: u64,
    checks: u64,
}

impl Report {
    fn line(&mut self, check: &str, found: Result<String, Problem>, remedy: &str) {
        self.checks += 1;
        let is_ok = found.is_ok();
        self.failed += u64::from(!is_ok);
        let text = told(found, remedy);
        let sentence = match self.console.is_json() {
            true => text,
            false => format!(
                "{}  {check:<22}  {}",
                if is_ok { "ok    " } else { "not ok" },
                text.replace('\n', "\n      ")
            ),
        };
        self.console
            .tell("check", sentence, json!({ "check": check, "ok": is_ok }));
    }

    fn end(self) -> ExitCode {
        let sentence = match self.failed {
            0 => format!("all {} are ok", plural(self.checks, "check")),
            failed => format!("{failed} of {} not ok", plural(self.checks, "check")),
        };
        let more = json!({ "checks": self.checks, "failed": self.failed });
        self.console.tell("done", sentence, more);
        ExitCode::from(if self.failed == 0 { 0 } else { NOT_OK })
    }
}

/// What was found, or the problem's lines. One that has no remedy of its own gets the check's.
fn told(found: Result<String, Problem>, remedy: &str) -> String {
    found.unwrap_or_else(|problem| {
        let report = match problem.report() {
            report if report.contains("\n  try  ") => report,
            _ => problem.remedy(remedy).report(),
        };
        report.strip_prefix("error: ").unwrap_or(&report).to_owned()
    })
}

impl Session {
    async fn check_bucket(&self) -> Result<String, Problem> {
        let bucket = self.facts.bucket()?;
        let asked = self.aws.s3.list_objects_v2().bucket(bucket).max_keys(1).send().await;
        asked.or_refused(format!("s3:ListBucket {bucket}"))?;
        Ok(bucket.to_owned())
    }

    async fn check_schedules(&self) -> Result<String, Problem> {
        let group = &self.facts.scheduler()?.group;
        let asked = self.aws.scheduler.get_schedule_group().name(group).send().await;
        asked.or_refused(format!("scheduler:GetScheduleGroup {group}"))?;
        Ok(format!("group {group}"))
    }

    async fn check_services(&self) -> Result<String, Problem> {
        let names: Vec<&str> = self.facts.all().map(|service| service.name.as_str()).collect();
        let found = self.services(&names).await?;
        let is_there = |name: &&str| found.iter().any(|service| service.service_name() == Some(name));
        let missing: Vec<&str> = names.iter().copied().filter(|name| !is_there(name)).collect();
        match missing.is_empty() {
            true => Ok(plural(names.len() as u64, "service")),
            false => Err(Problem::new(format!(
                "the cluster {} lacks {}",
                self.facts.cluster.name,
                missing.join(", ")
            ))),
        }
    }

    async fn check_pools(&self) -> Result<String, Problem> {
        let groups = self.groups().await?;
        let names = self.facts.pools.iter().filter(|(name, _)| !groups.contains_key(*name));
        let missing: Vec<&str> = names.map(|(_, pool)| pool.group.as_str()).collect();
        match missing.is_empty() {
            true => Ok(Vec::from_iter(self.facts.pools.keys().map(String::as_str)).join(", ")),
            false => Err(Problem::new(format!(
                "there is no Auto Scaling group {}",
                missing.join(", ")
            ))),
        }
    }

    /// Room for the preset, or for what Terraform's variables ask for.
    async fn check_room(&self, preset: Option<Preset>) -> Vec<Result<String, Problem>> {
        let services: Vec<&Service> = self.facts.services.iter().collect();
        if let Some(preset) = preset
            && let Err(problem) = preset.check(&self.facts, &services)
        {
            return vec![Err(problem)];
        }
        let planned = Preset::counts(preset, services);
        match capacity::room(&self.facts, &planned) {
            Ok(lines) => lines.into_iter().map(Ok).collect(),
            Err(problem) => vec![Err(problem)],
        }
    }

    async fn check_refusals(&self) -> Result<String, Problem> {
        for (name, pool) in &self.facts.pools {
            let refusals = self.refusals(pool, SystemTime::now() - RECENT).await?;
            if let Some(refusal) = refusals.first() {
                let times = plural(refusals.len() as u64, "time");
                return Err(Problem::new(format!(
                    "the pool {name} got no instances {times} in the last hour: {}",
                    refusal.said
                ))
                .remedy(refusal.remedy()));
            }
        }
        Ok("no failed scaling activity in the last hour".to_owned())
    }

    async fn check_run(&self) -> Result<String, Problem> {
        match self.in_progress().await? {
            None => Ok("none in progress".to_owned()),
            Some(run) => Err(Problem::new(format!("one is in progress: {}", run.name()))
                .remedy("benchmark-cluster follow")
                .remedy("benchmark-cluster stop")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_has_a_remedy() {
        assert_eq!(told(Ok("eu-west-1".into()), ""), "eu-west-1");
        let gone = Problem::new("s3:ListBucket b: gone (NoSuchBucket)");
        assert_eq!(
            told(Err(gone), "terraform apply"),
            "s3:ListBucket b: gone (NoSuchBucket)\n  try  terraform apply"
        );
        let own = Problem::new("one is in progress").remedy("benchmark-cluster stop");
        assert_eq!(
            told(Err(own), "another"),
            "one is in progress\n  try  benchmark-cluster stop"
        );
    }

    #[test]
    fn a_program_is_a_file_that_can_be_executed() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("aws");
        std::fs::write(&file, "").expect("a file");
        let folders = || [PathBuf::from("/nowhere"), folder.path().to_owned()].into_iter();
        assert_eq!(find("aws", folders()), None);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("permissions");
        assert_eq!(find("aws", folders()), Some(file));
        std::fs::create_dir(folder.path().join("folder")).expect("a folder");
        assert_eq!(find("folder", folders()), None);
    }
}
