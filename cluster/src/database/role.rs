//! The role that the servers log in as, where it is not the administrator: they read and write rows and change no tables.

use benchmark_results::text;
use benchmark_scenarios::Problem;
use tokio_postgres::Client;

use super::{login::Login, refused, say};
use crate::variables::Variables;

/// Longest name that PostgreSQL keeps whole.
const LONGEST: usize = 63;
/// DSQL's administrator.
const ADMIN: &str = "admin";

/// A role, and whom of IAM it is given to.
#[derive(Debug)]
pub struct Grant {
    role: String,
    /// The IAM role's ARN; none where the database is a PostgreSQL.
    principal: Option<String>,
}

impl Grant {
    /// `DSQL_USER`, and with DSQL `DSQL_IAM_ROLE`.
    pub fn read(variables: &mut Variables<'_>, login: &Login) -> Grant {
        let role = variables.text("DSQL_USER");
        if !role.is_empty() && !is_name(&role) {
            variables.wrong(
                "DSQL_USER",
                "no name of a role: small letters, digits and _, at most 63, no digit first",
            );
        } else if role == ADMIN {
            variables.wrong("DSQL_USER", "admin may do everything already; nothing is to be granted");
        }
        let principal = login.is_dsql().then(|| {
            let principal = variables.text("DSQL_IAM_ROLE");
            if !principal.is_empty() && !is_principal(&principal) {
                variables.wrong(
                    "DSQL_IAM_ROLE",
                    "no ARN of an IAM role (arn:aws:iam::111122223333:role/NAME)",
                );
            }
            principal
        });
        Grant { role, principal }
    }

    /// Makes the role what it should be; what is there already is left as it is.
    pub(super) async fn give(&self, client: &Client) -> Result<(), Problem> {
        let has_role = "SELECT 1 FROM pg_roles WHERE rolname = $1";
        let has_role = found(client, has_role, &[&self.role]).await?;
        let is_given = match &self.principal {
            Some(principal) => {
                let given = "SELECT 1 FROM sys.iam_pg_role_mappings WHERE pg_role_name = $1 AND arn = $2";
                found(client, given, &[&self.role, principal]).await?
            }
            None => false,
        };
        for statement in self.statements(has_role, is_given) {
            // Without preparing it: what a database has beyond PostgreSQL may not be prepared.
            let given = client.batch_execute(&statement).await;
            given.map_err(|error| refused(&statement, &error))?;
            say(&text::line(&statement, 400));
        }
        Ok(())
    }

    /// What is to be said to the database, each in a transaction of its own, which DSQL wants.
    fn statements(&self, has_role: bool, is_given: bool) -> Vec<String> {
        let role = quoted(&self.role);
        let mut statements = Vec::new();
        if !has_role {
            statements.push(format!("CREATE ROLE {role} WITH LOGIN"));
        }
        if let Some(principal) = self.principal.as_ref().filter(|_| !is_given) {
            statements.push(format!("AWS IAM GRANT {role} TO '{principal}'"));
        }
        statements.push(format!("GRANT USAGE ON SCHEMA public TO {role}"));
        statements.push(format!(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
        ));
        if self.principal.is_none() {
            // DSQL's schema has none.
            statements.push(format!(
                "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}"
            ));
        }
        statements
    }
}

async fn found(
    client: &Client,
    question: &str,
    values: &[&(dyn tokio_postgres::types::ToSql + Sync)],
) -> Result<bool, Problem> {
    let found = client
        .query_opt(question, values)
        .await
        .map_err(|error| refused(question, &error))?;
    Ok(found.is_some())
}

/// A name that means the same with and without quotes.
fn is_name(name: &str) -> bool {
    name.len() <= LONGEST
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// In quotes, since a name may be one of SQL's words.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// An IAM role's or user's ARN, of characters that are allowed in it: no quote is one.
fn is_principal(arn: &str) -> bool {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, name] = parts[..] else {
        return false;
    };
    partition.starts_with("aws")
        && account.len() == 12
        && account.chars().all(|c| c.is_ascii_digit())
        && (name.starts_with("role/") || name.starts_with("user/"))
        && arn
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ":/+=,.@_-".contains(c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ARN: &str = "arn:aws:iam::111122223333:role/bench-temporal-task";

    fn grant(set: &[(&str, &str)]) -> Result<Grant, String> {
        let variable = |name: &str| {
            set.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        let mut variables = Variables::new(&variable);
        let login = Login::read(&mut variables);
        let grant = Grant::read(&mut variables, &login);
        variables
            .end()
            .map(|()| grant)
            .map_err(|problem| problem.headline().to_owned())
    }

    fn dsql(user: &str, principal: &str) -> Result<Grant, String> {
        grant(&[
            ("DSQL_HOST", "x"),
            ("AWS_REGION", "eu-west-1"),
            ("DSQL_USER", user),
            ("DSQL_IAM_ROLE", principal),
        ])
    }

    #[test]
    fn dsqls_statements() {
        assert_eq!(
            dsql("temporal", ARN).unwrap().statements(false, false),
            [
                "CREATE ROLE \"temporal\" WITH LOGIN",
                "AWS IAM GRANT \"temporal\" TO 'arn:aws:iam::111122223333:role/bench-temporal-task'",
                "GRANT USAGE ON SCHEMA public TO \"temporal\"",
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO \"temporal\"",
            ]
        );
    }

    #[test]
    fn what_is_there_is_not_made_again() {
        let statements = dsql("temporal", ARN).unwrap().statements(true, true);
        assert_eq!(statements.len(), 2);
        assert!(statements.iter().all(|statement| statement.starts_with("GRANT ")));
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        for name in ["Temporal", "1st", "a b", "a\"b", "a;b", &"a".repeat(64)] {
            let said = dsql(name, ARN).unwrap_err();
            assert!(
                said.starts_with("variables of the environment: DSQL_USER: no name of a role"),
                "{said}"
            );
        }
        assert!(dsql("admin", ARN).unwrap_err().contains("nothing is to be granted"));
    }

    #[test]
    fn whom_it_is_given_to_is_an_arn() {
        assert_eq!(
            dsql("temporal", "").unwrap_err(),
            "variables of the environment: DSQL_IAM_ROLE: missing"
        );
        for arn in [
            "temporal",
            "arn:aws:iam::1:role/x",
            "arn:aws:s3:::bucket",
            "arn:aws:iam::111122223333:role/x' OR '",
        ] {
            assert!(
                dsql("temporal", arn).unwrap_err().contains("DSQL_IAM_ROLE: no ARN"),
                "{arn}"
            );
        }
        assert!(dsql("temporal", "arn:aws-cn:iam::111122223333:role/path/x").is_ok());
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_quotes(role in ".*", arn in ".*") {
            if is_name(&role) {
                prop_assert_eq!(quoted(&role).matches('"').count(), 2);
            }
            if is_principal(&arn) {
                prop_assert!(!arn.contains('\''));
            }
        }
    }
}
