//! PromQL as boards and rules write it: Grafana's variables replaced, parsed, and taken apart into what it asks for.

use std::time::Duration;

use promql_parser::{
    label::{MatchOp, Matcher, Matchers},
    parser::{self, BinModifier, Expr, LabelModifier, VectorSelector},
};

/// What stands for `$__rate_interval` while a query is looked at: no query has this length by itself.
pub const RATE_INTERVAL: Duration = Duration::from_secs(7_919);
/// The same for `$__range`, the time shown.
pub const RANGE: Duration = Duration::from_secs(15_859);
/// What stands for the value of any other variable.
pub const ANY: &str = "anything";

/// Replaces variables of Grafana, `$name`, `${name}` and `${name:format}`, by what `value` says.
///
/// # Errors
/// Names the variable that `value` does not know.
pub fn replace(text: &str, mut value: impl FnMut(&str) -> Option<String>) -> Result<String, String> {
    let mut replaced = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, variable) = rest.split_at(at);
        replaced.push_str(before);
        let (name, after) = match variable.strip_prefix("${") {
            Some(braced) => {
                let (inner, after) = braced
                    .split_once('}')
                    .ok_or_else(|| format!("a variable without end: {variable}"))?;
                (inner.split(':').next().unwrap_or(inner), after)
            }
            None => {
                let word = &variable[1..];
                let end = word
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                    .unwrap_or(word.len());
                word.split_at(end)
            }
        };
        // The end of a regular expression, or the first group of one.
        if name.is_empty() || name.bytes().all(|byte| byte.is_ascii_digit()) {
            replaced.push('$');
            rest = &variable[1..];
            continue;
        }
        replaced.push_str(&value(name).ok_or_else(|| format!("no variable is called {name}"))?);
        rest = after;
    }
    replaced.push_str(rest);
    Ok(replaced)
}

/// A selector, and what is done with it.
#[derive(Clone, Debug)]
pub struct Selector {
    /// The name of its series; `None` when they are chosen by a pattern for names.
    pub name: Option<String>,
    /// What its labels are compared with.
    pub matchers: Vec<Matcher>,
    /// The function right around it.
    pub function: Option<&'static str>,
    /// The time that it spans.
    pub range: Option<Duration>,
}

/// Whether a comparison leaves the series out that it fits.
pub fn is_negated(matcher: &Matcher) -> bool {
    matches!(matcher.op, MatchOp::NotEqual | MatchOp::NotRe(_))
}

/// What a query asks for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Every selector, in order.
    pub selectors: Vec<Selector>,
    /// Every label that something is grouped by or joined on.
    pub groupings: Vec<String>,
    /// Whether something is evaluated again and again over a time (`[5m:15s]`).
    pub subquery: bool,
    /// The labels that the answer has, when the outermost step says so: `by (…)`; `None` when they are the series' own.
    pub result: Option<Vec<String>>,
}

/// Parses a query in which there are no variables any more.
///
/// # Errors
/// What the parser says.
pub fn parse(query: &str) -> Result<Query, String> {
    let parsed = parser::parse(query)?;
    let mut found = Query {
        result: result(&parsed),
        ..Query::default()
    };
    found.walk(&parsed, None);
    Ok(found)
}

impl Query {
    fn walk(&mut self, expression: &Expr, function: Option<&'static str>) {
        match expression {
            Expr::Aggregate(aggregate) => {
                // Labels that are left out need not be there.
                if let Some(LabelModifier::Include(labels)) = &aggregate.modifier {
                    self.groupings.extend(labels.labels.iter().cloned());
                }
                self.walk(&aggregate.expr, None);
                if let Some(parameter) = &aggregate.param {
                    self.walk(parameter, None);
                }
            }
            Expr::Unary(unary) => self.walk(&unary.expr, None),
            Expr::Binary(binary) => {
                if let Some(modifier) = &binary.modifier {
                    self.joined(modifier);
                }
                self.walk(&binary.lhs, None);
                self.walk(&binary.rhs, None);
            }
            Expr::Paren(paren) => self.walk(&paren.expr, function),
            Expr::Subquery(subquery) => {
                self.subquery = true;
                self.walk(&subquery.expr, None);
            }
            Expr::Call(call) => {
                for argument in &call.args.args {
                    self.walk(argument, Some(call.func.name));
                }
            }
            Expr::VectorSelector(selector) => self.select(selector, function, None),
            Expr::MatrixSelector(matrix) => self.select(&matrix.vs, function, Some(matrix.range)),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
        }
    }

    fn joined(&mut self, modifier: &BinModifier) {
        if let Some(LabelModifier::Include(labels)) = &modifier.matching {
            self.groupings.extend(labels.labels.iter().cloned());
        }
        if let Some(labels) = modifier.card.labels() {
            self.groupings.extend(labels.labels.iter().cloned());
        }
    }

    fn select(&mut self, selector: &VectorSelector, function: Option<&'static str>, range: Option<Duration>) {
        let mut name = selector.name.clone();
        let mut matchers = matchers(&selector.matchers);
        if name.is_none() {
            let exact = |matcher: &&Matcher| matcher.name == "__name__" && matches!(matcher.op, MatchOp::Equal);
            name = matchers.iter().find(exact).map(|matcher| matcher.value.clone());
        }
        if name.is_some() {
            matchers.retain(|matcher| matcher.name != "__name__");
        }
        self.selectors.push(Selector {
            name,
            matchers,
            function,
            range,
        });
    }
}

fn matchers(of: &Matchers) -> Vec<Matcher> {
    of.matchers
        .iter()
        .chain(of.or_matchers.iter().flatten())
        .cloned()
        .collect()
}

/// The labels of an answer, where the query itself says them.
fn result(expression: &Expr) -> Option<Vec<String>> {
    match expression {
        Expr::Aggregate(aggregate) if matches!(aggregate.op.to_string().as_str(), "topk" | "bottomk") => {
            result(&aggregate.expr)
        }
        Expr::Aggregate(aggregate) => match &aggregate.modifier {
            Some(LabelModifier::Include(labels)) => Some(labels.labels.clone()),
            Some(LabelModifier::Exclude(_)) => None,
            None => Some(Vec::new()),
        },
        Expr::Paren(paren) => result(&paren.expr),
        Expr::Unary(unary) => result(&unary.expr),
        Expr::Binary(binary) => match (result(&binary.lhs), result(&binary.rhs)) {
            // A number has no labels and takes the other's.
            _ if matches!(*binary.lhs, Expr::NumberLiteral(_)) => result(&binary.rhs),
            (left, _) => left,
        },
        Expr::Call(call) if call.func.name == "histogram_quantile" => {
            let labels = result(call.args.args.get(1)?)?;
            Some(labels.into_iter().filter(|label| label != "le").collect())
        }
        Expr::Call(call) => call.args.args.iter().find_map(|argument| result(argument)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str) -> Option<String> {
        match name {
            "__rate_interval" => Some("1m".to_owned()),
            "run_id" => Some("(a|b)".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn variables_are_replaced_in_every_form() {
        let text = "rate(x{run_id=~\"$run_id\",y=~\"${run_id:regex}$\"}[$__rate_interval])";
        let replaced = replace(text, value).unwrap();
        assert_eq!(replaced, "rate(x{run_id=~\"(a|b)\",y=~\"(a|b)$\"}[1m])");
        assert!(replace("$runid", value).unwrap_err().contains("runid"));
        assert!(replace("${run_id", value).is_err());
        assert_eq!(
            replace("label_replace(x, \"a\", \"$1\", \"b\", \"(.*)\")", value)
                .unwrap()
                .matches("$1")
                .count(),
            1
        );
    }

    #[test]
    fn a_query_is_taken_apart() {
        let query = parse("histogram_quantile(0.9, sum by (le, op) (rate(a_bucket{x=\"1\",y!~\"2.*\"}[5m]))) / on (op) group_left (z) sum by (op) (b)").unwrap();
        let names: Vec<_> = query
            .selectors
            .iter()
            .map(|selector| selector.name.as_deref().unwrap())
            .collect();
        assert_eq!(names, ["a_bucket", "b"]);
        let first = &query.selectors[0];
        assert_eq!(
            (first.function, first.range),
            (Some("rate"), Some(Duration::from_secs(300)))
        );
        assert!(!is_negated(&first.matchers[0]) && is_negated(&first.matchers[1]));
        for label in ["le", "op", "z"] {
            assert!(query.groupings.iter().any(|grouping| grouping == label), "{label}");
        }
        assert_eq!(query.result, Some(vec!["op".to_owned()]));
        assert!(parse("sum(rate(a[5m])").is_err());
    }

    #[test]
    fn names_may_be_patterns() {
        let query = parse("sum(rate({__name__=~\"dsql_tx_conflict(_total)?\"}[5m]))").unwrap();
        assert_eq!(query.selectors[0].name, None);
        assert_eq!(query.selectors[0].matchers[0].name, "__name__");
        let exact = parse("{__name__=\"up\"}").unwrap();
        assert_eq!(exact.selectors[0].name.as_deref(), Some("up"));
    }
}
