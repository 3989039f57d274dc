//! The workers' end, written before anything is scaled: a one-time schedule that sets them to none and then deletes itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_scheduler::types::{ActionAfterCompletion, FlexibleTimeWindow, FlexibleTimeWindowMode, Target};
use benchmark_scenarios::Problem;
use jiff::Timestamp;
use serde_json::json;

use crate::{
    aws::refused,
    session::{Call, Session},
};

/// Its name in the module's group.
const NAME: &str = "workers-end";

impl Session {
    /// Writes, or moves, the workers' end to `ttl` from now. The scheduler is exact to a minute.
    ///
    /// # Errors
    /// When the environment has no benchmark, or AWS refuses.
    pub async fn write_end(&self, ttl: Duration) -> Result<(), Problem> {
        let (scheduler, workers) = (self.facts.scheduler()?, self.facts.workers()?);
        let call = Call::new("scheduler:CreateSchedule").with("name", NAME);
        let expression = at(SystemTime::now() + ttl)?;
        let call = call
            .with("groupName", scheduler.group.as_str())
            .with("scheduleExpression", expression.as_str());
        let input = json!({ "Cluster": self.facts.cluster.name, "Service": workers.name, "DesiredCount": 0 });
        let target = Target::builder()
            .arn(format!(
                "arn:{}:scheduler:::aws-sdk:ecs:updateService",
                self.facts.partition
            ))
            .role_arn(&scheduler.role_arn)
            .input(input.to_string())
            .build()
            .map_err(|error| Problem::new(format!("{NAME}: {error}")))?;
        let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off);
        let window = window
            .build()
            .map_err(|error| Problem::new(format!("{NAME}: {error}")))?;
        let client = &self.aws.scheduler;
        let created = client.create_schedule().name(NAME).group_name(&scheduler.group);
        let created = created.schedule_expression(&expression).target(target.clone());
        let created = created
            .flexible_time_window(window.clone())
            .action_after_completion(ActionAfterCompletion::Delete);
        let moved = client.update_schedule().name(NAME).group_name(&scheduler.group);
        let moved = moved.schedule_expression(&expression).target(target);
        let moved = moved
            .flexible_time_window(window)
            .action_after_completion(ActionAfterCompletion::Delete);
        let made = async {
            match created.send().await {
                Ok(_) => Ok(()),
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(|error| error.is_conflict_exception()) =>
                {
                    moved
                        .send()
                        .await
                        .map(drop)
                        .map_err(|error| refused("scheduler:UpdateSchedule", error))
                }
                Err(error) => Err(refused("scheduler:CreateSchedule", error)),
            }
        };
        self.change(call, Box::pin(made)).await.map(drop)
    }

    /// When the workers end; none where that is not written.
    ///
    /// # Errors
    /// When the environment has no benchmark, or AWS refuses.
    pub async fn end(&self) -> Result<Option<Timestamp>, Problem> {
        let scheduler = self.facts.scheduler()?;
        let asked = self
            .aws
            .scheduler
            .get_schedule()
            .name(NAME)
            .group_name(&scheduler.group);
        match asked.send().await {
            Ok(given) => {
                let expression = given.schedule_expression.unwrap_or_default();
                let instant = expression.strip_prefix("at(").and_then(|rest| rest.strip_suffix(')'));
                Ok(instant.and_then(|instant| format!("{instant}Z").parse().ok()))
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_resource_not_found_exception()) =>
            {
                Ok(None)
            }
            Err(error) => Err(refused("scheduler:GetSchedule", error)),
        }
    }

    /// Removes it, where there is one.
    ///
    /// # Errors
    /// When the environment has no benchmark, or AWS refuses.
    pub async fn remove_end(&self) -> Result<(), Problem> {
        let scheduler = self.facts.scheduler()?;
        let call = Call::new("scheduler:DeleteSchedule")
            .with("name", NAME)
            .with("groupName", scheduler.group.as_str());
        let asked = self
            .aws
            .scheduler
            .delete_schedule()
            .name(NAME)
            .group_name(&scheduler.group);
        let made = async {
            match asked.send().await {
                Err(error)
                    if !error
                        .as_service_error()
                        .is_some_and(|error| error.is_resource_not_found_exception()) =>
                {
                    Err(refused("scheduler:DeleteSchedule", error))
                }
                _ => Ok(()),
            }
        };
        self.change(call, Box::pin(made)).await.map(drop)
    }
}

/// The scheduler's word for an instant, UTC.
fn at(instant: SystemTime) -> Result<String, Problem> {
    let since = instant.duration_since(UNIX_EPOCH).unwrap_or_default();
    let instant = Timestamp::from_second(since.as_secs().try_into().unwrap_or(i64::MAX));
    let instant = instant.map_err(|error| Problem::new(format!("--ttl: {error}")))?;
    Ok(format!("at({})", instant.strftime("%Y-%m-%dT%H:%M:%S")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_in_utc_without_a_zone() {
        let instant = at(UNIX_EPOCH + Duration::from_secs(1_800_000_000)).expect("an instant");
        assert_eq!(instant, "at(2027-01-15T08:00:00)");
    }
}
