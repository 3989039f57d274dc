//! Following a task's log in CloudWatch, line by line.

use benchmark_scenarios::Problem;

use crate::{aws::Answer, facts, session::Session};

/// One stream and how far it was read.
#[derive(Debug)]
pub struct Follow {
    group: String,
    stream: String,
    next: Option<String>,
}

impl Follow {
    /// The stream of a task's container, from its beginning.
    pub fn new(task: &facts::Task, id: &str) -> Follow {
        Self::of(task, &task.container, id)
    }

    /// The stream of another container of it.
    pub fn of(task: &facts::Task, container: &str, id: &str) -> Follow {
        Follow {
            group: task.log_group.clone(),
            stream: format!("{}/{container}/{id}", task.log_prefix),
            next: None,
        }
    }

    /// Lines that are new; none as long as the stream is not there.
    ///
    /// # Errors
    /// When CloudWatch refuses.
    pub async fn read(&mut self, session: &Session) -> Result<Vec<String>, Problem> {
        let mut lines = Vec::new();
        loop {
            let asked = session.aws.logs.get_log_events().log_group_name(&self.group);
            let asked = asked.log_stream_name(&self.stream).start_from_head(true);
            let given = asked.set_next_token(self.next.clone()).send().await;
            let Some(given) = given.unless(&["ResourceNotFoundException"], "logs:GetLogEvents")? else {
                return Ok(lines);
            };
            let events = given.events().iter();
            lines.extend(events.filter_map(|event| event.message().map(str::to_owned)));
            // At the end the same token comes again.
            let is_end = given.next_forward_token() == self.next.as_deref();
            self.next = given.next_forward_token.or(self.next.take());
            if is_end {
                return Ok(lines);
            }
        }
    }
}
