//! What those need who run the boards' queries and those of the alerts: the tests, here and of the whole program.

mod asked;
pub mod logql;

pub use asked::{Asked, asked};
use promql_parser::parser::{self, Expr};

use crate::series::{Known, OTHER_NAMES, PAGES};

/// Pages of servers, by framework: with the names that boards, rules and figures ask for.
pub const SERVERS: [&str; 2] = ["server-1.31.2-tally.prom", "server-1.31.2-opentelemetry.prom"];

impl Known {
    /// What there is where the only server is the one of this page: one of [`SERVERS`], or [`OTHER_NAMES`].
    ///
    /// # Panics
    /// When there is no such page, or one of them is none.
    pub fn with_server(server: &str) -> Known {
        assert!(
            PAGES.iter().any(|page| page.file == server),
            "no page is called {server}"
        );
        let is_other = |file: &str| file != server && (file == OTHER_NAMES || SERVERS.contains(&file));
        Known::of(|file| !is_other(file), server != OTHER_NAMES)
    }
}

/// What an alert compares with its limit: the left side of its outermost comparison.
///
/// # Errors
/// What the parser says.
pub fn without_limit(query: &str) -> Result<String, String> {
    let mut parsed = &parser::parse(query)?;
    loop {
        parsed = match parsed {
            Expr::Paren(paren) => &paren.expr,
            Expr::Binary(binary)
                if matches!(
                    binary.op.to_string().as_str(),
                    ">" | "<" | ">=" | "<=" | "==" | "!=" | "and"
                ) =>
            {
                &binary.lhs
            }
            other => return Ok(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_taken_off() {
        for (alert, asked) in [
            ("(sum(rate(a[1m])) / sum(b)) > 0.7", "sum(rate(a[1m])) / sum(b)"),
            ("up == 0", "up"),
            ("sum(a) == 0 and on (x) b > 0", "sum(a)"),
        ] {
            assert_eq!(without_limit(alert).unwrap(), asked);
        }
        assert!(without_limit("sum(").is_err());
    }
}
