//! The table in which each server says every 10 s that it is there. Rows of servers that are gone stay for 48 hours, and a ring
//! that begins anew with many of them may not come together.

use std::time::Duration;

use benchmark_results::text;
use benchmark_scenarios::Problem;
use tokio_postgres::Client;

use super::{refused, say};

/// A server that was heard of so recently may be there still: it says so every 10 to 15 s.
const ALIVE: Duration = Duration::from_secs(30);
/// Rows of one transaction, of which DSQL takes 3,000.
const BATCH: u32 = 1000;
/// Seconds since the last heartbeat. Servers write their own clock in UTC; a row without one is very old.
const AGE: &str = "COALESCE(EXTRACT(EPOCH FROM (now() AT TIME ZONE 'UTC') - last_heartbeat), 1e9)::float8";

/// A row.
#[derive(Clone, Debug, PartialEq)]
struct Member {
    role: i32,
    address: String,
    port: i32,
    /// Seconds.
    age: f64,
}

impl Member {
    fn is_alive(&self) -> bool {
        self.age < ALIVE.as_secs_f64()
    }

    fn line(&self) -> String {
        let role = match self.role {
            1 => "frontend",
            2 => "history",
            3 => "matching",
            4 => "worker",
            5 => "internal-frontend",
            _ => "unknown role",
        };
        let address = text::line(&self.address, 128);
        let age = match self.age {
            age if age < 1e9 => format!(
                "{} ago",
                benchmark_scenarios::units::format(Duration::from_secs(age.max(0.0) as u64))
            ),
            _ => "never".to_owned(),
        };
        format!("{role} {address}:{}, last heartbeat {age}", self.port)
    }
}

/// Prints one line for each row, and how many there are.
pub(super) async fn show(client: &Client) -> Result<(), Problem> {
    let members = members(client).await?;
    for member in &members {
        say(&member.line());
    }
    say(&summary(&members));
    Ok(())
}

/// Deletes all rows; none while a server may be there.
pub(super) async fn clean(client: &Client) -> Result<(), Problem> {
    let members = members(client).await?;
    if let Some(problem) = alive(&members) {
        return Err(problem);
    }
    let statement = format!(
        "DELETE FROM cluster_membership WHERE membership_partition = 0 AND host_id IN (SELECT host_id FROM cluster_membership \
         WHERE membership_partition = 0 AND {AGE} >= {} LIMIT {BATCH})",
        ALIVE.as_secs()
    );
    let mut deleted = 0;
    loop {
        let gone = client.execute(&statement, &[]).await;
        match gone.map_err(|error| refused("deleting from cluster_membership", &error))? {
            0 => break,
            more => deleted += more,
        }
    }
    say(&format!("{deleted} rows deleted"));
    Ok(())
}

async fn members(client: &Client) -> Result<Vec<Member>, Problem> {
    let statement = format!(
        "SELECT role::int4, rpc_address, rpc_port::int4, {AGE} FROM cluster_membership WHERE membership_partition = 0 \
         ORDER BY role, rpc_address, rpc_port"
    );
    let rows = client
        .query(&statement, &[])
        .await
        .map_err(|error| refused("the table cluster_membership", &error))?;
    let member = |row: &tokio_postgres::Row| {
        Ok(Member {
            role: row.try_get(0)?,
            address: row.try_get(1)?,
            port: row.try_get(2)?,
            age: row.try_get(3)?,
        })
    };
    let read: Result<_, tokio_postgres::Error> = rows.iter().map(member).collect();
    read.map_err(|error| refused("the table cluster_membership", &error))
}

fn summary(members: &[Member]) -> String {
    let alive = members.iter().filter(|member| member.is_alive()).count();
    let rows = if members.len() == 1 { "row" } else { "rows" };
    format!(
        "{} {rows}, {alive} with a heartbeat in the last {} s",
        members.len(),
        ALIVE.as_secs()
    )
}

/// Why rows are not deleted.
fn alive(members: &[Member]) -> Option<Problem> {
    let newest = members
        .iter()
        .min_by(|a, b| a.age.total_cmp(&b.age))
        .filter(|member| member.is_alive())?;
    Some(
        Problem::new(format!(
            "nothing was deleted: {} is there ({})",
            newest.line(),
            summary(members)
        ))
        .remedy("again 30 s after the last server has ended"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(age: f64) -> Member {
        Member {
            role: 2,
            address: "10.0.3.17".to_owned(),
            port: 6934,
            age,
        }
    }

    #[test]
    fn a_row_is_a_line() {
        assert_eq!(member(12.7).line(), "history 10.0.3.17:6934, last heartbeat 12s ago");
        assert_eq!(
            member(3700.0).line(),
            "history 10.0.3.17:6934, last heartbeat 1h 1m 40s ago"
        );
        assert_eq!(member(1e9).line(), "history 10.0.3.17:6934, last heartbeat never");
        // The server's clock is ahead.
        assert_eq!(member(-0.4).line(), "history 10.0.3.17:6934, last heartbeat 0s ago");
    }

    #[test]
    fn rows_are_kept_while_one_server_was_heard_of_less_than_30_s_ago() {
        assert_eq!(alive(&[]), None);
        assert_eq!(alive(&[member(30.0), member(1e9)]), None);
        let problem = alive(&[member(90.0), member(29.9), member(40.0)]).unwrap();
        assert_eq!(
            problem.headline(),
            "nothing was deleted: history 10.0.3.17:6934, last heartbeat 29s ago is there (3 rows, 1 with a heartbeat in the \
             last 30 s)"
        );
        assert!(alive(&[member(-5.0)]).is_some());
    }
}
