//! Schedule of the workers' end, written before anything is scaled: a one-time one that sets them to none and then
//! deletes itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_scheduler::types::{ActionAfterCompletion, FlexibleTimeWindow, FlexibleTimeWindowMode, Target};
use benchmark_scenarios::Problem;
use jiff::Timestamp;
use serde_json::json;

use crate::{aws::Answer, session::Session};

/// Its name in the module's group.
const NAME: &str = "workers-end";

/// The scheduler's code where there is no such schedule.
const MISSING: &str = "ResourceNotFoundException";

impl Session {
    /// Writes, or moves, the workers' end to `ttl` from now. The scheduler is exact to a minute.
    ///
    /// # Errors
    /// When the environment has no benchmark, or AWS refuses.
    pub async fn write_end(&self, ttl: Duration) -> Result<(), Problem> {
        let (scheduler, workers) = (self.facts.scheduler()?, &self.facts.workers()?.service);
        let expression = at(SystemTime::now() + ttl)?;
        let input = json!({ "Cluster": self.facts.cluster.name, "Service": workers.name, "DesiredCount": 0 });
        let wrong = |error| Problem::new(format!("{NAME}: {error}"));
        let target = Target::builder()
            .arn(format!(
                "arn:{}:scheduler:::aws-sdk:ecs:updateService",
                self.facts.partition
            ))
            .role_arn(&scheduler.role_arn)
            .input(input.to_string());
        let target = target.build().map_err(wrong)?;
        let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off);
        let window = window.build().map_err(wrong)?;
        let client = &self.aws.scheduler;
        let created = client.create_schedule().name(NAME).group_name(&scheduler.group);
        let created = created.schedule_expression(&expression).target(target.clone());
        let created = created.flexible_time_window(window.clone());
        let moved = client.update_schedule().name(NAME).group_name(&scheduler.group);
        let moved = moved.schedule_expression(&expression).target(target);
        let moved = moved.flexible_time_window(window);
        let action = "scheduler:CreateSchedule";
        let made = async {
            let created = created
                .action_after_completion(ActionAfterCompletion::Delete)
                .send()
                .await;
            // There is one.
            if created.unless(&["ConflictException"], action)?.is_none() {
                let moved = moved
                    .action_after_completion(ActionAfterCompletion::Delete)
                    .send()
                    .await;
                moved.or_refused("scheduler:UpdateSchedule")?;
            }
            Ok(())
        };
        let arguments = json!({ "name": NAME, "groupName": scheduler.group, "scheduleExpression": expression });
        self.change(action, arguments, made).await.map(drop)
    }

    /// When the workers end; none where that is not written.
    ///
    /// # Errors
    /// When the environment has no benchmark, or AWS refuses.
    pub async fn end(&self) -> Result<Option<Timestamp>, Problem> {
        let asked = self.aws.scheduler.get_schedule().name(NAME);
        let given = asked.group_name(&self.facts.scheduler()?.group).send().await;
        let given = given.unless(&[MISSING], "scheduler:GetSchedule")?;
        let expression = given.and_then(|given| given.schedule_expression).unwrap_or_default();
        let instant = expression.strip_prefix("at(").and_then(|rest| rest.strip_suffix(')'));
        Ok(instant.and_then(|instant| format!("{instant}Z").parse().ok()))
    }

    /// Removes it, where there is one.
    ///
    /// # Errors
    /// When the environment has no benchmark, or AWS refuses.
    pub async fn remove_end(&self) -> Result<(), Problem> {
        let (group, action) = (&self.facts.scheduler()?.group, "scheduler:DeleteSchedule");
        let asked = self.aws.scheduler.delete_schedule().name(NAME).group_name(group);
        let made = async { asked.send().await.unless(&[MISSING], action) };
        let arguments = json!({ "name": NAME, "groupName": group });
        self.change(action, arguments, made).await.map(drop)
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
