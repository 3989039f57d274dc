//! The collector's configuration, without the collector: it is parsed as HCL, which is Alloy's grammar but for the dots in the
//! names of components and functions; components, blocks, attributes and functions are those of Alloy 1.20, references lead
//! somewhere, and each variable of the environment is explained at the top of the file.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use benchmark_dashboards::folder;
use hcl::{
    Body, Expression, Structure,
    expr::{Traversal, TraversalOperator},
};

/// What stands for a dot in the name of a component or of a function.
const DOT: &str = "__";

/// Blocks, outermost first: attributes, and what a component exports. After the reference of Alloy 1.20, as far as it is of
/// use here; what is in the file and not in this list is an error.
const BLOCKS: [(&str, &[&str], &[&str]); 6] = [
    ("logging", &["level", "format", "write_to"], &[]),
    (
        "remote.http",
        &[
            "url",
            "body",
            "headers",
            "is_secret",
            "method",
            "poll_frequency",
            "poll_timeout",
        ],
        &["content"],
    ),
    (
        "prometheus.scrape",
        &[
            "forward_to",
            "targets",
            "body_size_limit",
            "honor_labels",
            "honor_timestamps",
            "job_name",
            "metrics_path",
            "scheme",
            "scrape_classic_histograms",
            "scrape_interval",
            "scrape_native_histograms",
            "scrape_protocols",
            "scrape_timeout",
        ],
        &[],
    ),
    ("prometheus.remote_write", &["external_labels"], &["receiver"]),
    (
        "prometheus.remote_write endpoint",
        &[
            "url",
            "name",
            "remote_timeout",
            "headers",
            "send_exemplars",
            "send_native_histograms",
        ],
        &[],
    ),
    (
        "prometheus.remote_write endpoint queue_config",
        &[
            "batch_send_deadline",
            "capacity",
            "max_backoff",
            "max_samples_per_send",
            "max_shards",
            "min_backoff",
            "min_shards",
            "retry_on_http_429",
            "sample_age_limit",
        ],
        &[],
    ),
];
const SIGV4: (&str, &[&str]) = (
    "prometheus.remote_write endpoint sigv4",
    &["access_key", "profile", "region", "role_arn", "secret_key"],
);

/// What has to be said.
const REQUIRED: [(&str, &str); 5] = [
    ("remote.http", "url"),
    ("prometheus.scrape", "targets"),
    ("prometheus.scrape", "forward_to"),
    ("prometheus.remote_write endpoint", "url"),
    (SIGV4.0, "region"),
];

const FUNCTIONS: [&str; 3] = ["sys.env", "encoding.from_json", "string.split"];

/// Replaces the dots in the names of components, which stand before a label, and of functions, which stand before a bracket.
fn as_hcl(alloy: &str) -> String {
    let mut hcl = String::new();
    for line in alloy.lines() {
        let code = line.split("//").next().filter(|_| line.trim_start().starts_with("//"));
        let line = code.unwrap_or(line);
        let mut rest = line;
        while let Some(at) = rest.find(|c: char| c.is_ascii_lowercase()) {
            let (before, name) = rest.split_at(at);
            let end = name
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'))
                .unwrap_or(name.len());
            let (name, after) = name.split_at(end);
            let quoted = line[..line.len() - rest.len() + at].matches('"').count() % 2 == 1;
            let called = after.starts_with('(') || after.starts_with(" \"");
            hcl.push_str(before);
            hcl.push_str(&if called && !quoted {
                name.replace('.', DOT)
            } else {
                name.to_owned()
            });
            rest = after;
        }
        hcl.push_str(rest);
        hcl.push('\n');
    }
    hcl
}

/// What was found in a configuration.
#[derive(Default)]
struct Found {
    problems: Vec<String>,
    /// `component.label`, with what it exports.
    exports: BTreeMap<String, &'static [&'static str]>,
    references: BTreeSet<String>,
    variables: BTreeSet<String>,
    attributes: BTreeMap<String, Vec<String>>,
}

impl Found {
    fn body(&mut self, path: &str, body: &Body) {
        for structure in &body.0 {
            match structure {
                Structure::Attribute(attribute) => {
                    let key = attribute.key.as_str();
                    let known = BLOCKS
                        .iter()
                        .find(|(block, ..)| *block == path)
                        .map(|(_, attributes, _)| *attributes);
                    let known = known.or((path == SIGV4.0).then_some(SIGV4.1)).unwrap_or_default();
                    if !known.contains(&key) {
                        self.problems.push(format!("{path} has no attribute {key}"));
                    }
                    self.attributes.entry(path.to_owned()).or_default().push(key.to_owned());
                    self.expression(&attribute.expr);
                }
                Structure::Block(block) => {
                    let name = block.identifier.as_str().replace(DOT, ".");
                    let inner = if path.is_empty() {
                        name.clone()
                    } else {
                        format!("{path} {name}")
                    };
                    let known = BLOCKS.iter().find(|(block, ..)| *block == inner);
                    if known.is_none() && inner != SIGV4.0 {
                        self.problems.push(format!("there is no block {inner}"));
                    }
                    if let (Some(label), Some((_, _, exports))) = (block.labels.first(), known) {
                        self.exports.insert(format!("{name}.{}", label.as_str()), exports);
                    }
                    self.body(&inner, &block.body);
                }
            }
        }
    }

    fn expression(&mut self, expression: &Expression) {
        match expression {
            Expression::Array(all) => all.iter().for_each(|one| self.expression(one)),
            Expression::Object(object) => object.values().for_each(|one| self.expression(one)),
            Expression::Parenthesis(inner) => self.expression(inner),
            Expression::FuncCall(call) => {
                let name = call.name.name.as_str().replace(DOT, ".");
                if !FUNCTIONS.contains(&name.as_str()) {
                    self.problems.push(format!("there is no function {name}"));
                }
                if let ("sys.env", Some(Expression::String(variable))) = (name.as_str(), call.args.first()) {
                    self.variables.insert(variable.clone());
                }
                call.args.iter().for_each(|one| self.expression(one));
            }
            Expression::Operation(operation) => match &**operation {
                hcl::expr::Operation::Binary(binary) => {
                    self.expression(&binary.lhs_expr);
                    self.expression(&binary.rhs_expr);
                }
                hcl::expr::Operation::Unary(unary) => self.expression(&unary.expr),
            },
            Expression::Traversal(traversal) => self.traversal(traversal),
            Expression::Variable(variable) => self.problems.push(format!("nothing is called {}", variable.as_str())),
            _ => {}
        }
    }

    fn traversal(&mut self, traversal: &Traversal) {
        if let Expression::Variable(variable) = &traversal.expr {
            let names = traversal.operators.iter().map_while(|operator| match operator {
                TraversalOperator::GetAttr(name) => Some(name.as_str()),
                _ => None,
            });
            let path: Vec<&str> = std::iter::once(variable.as_str()).chain(names).collect();
            self.references.insert(path.join("."));
        } else {
            self.expression(&traversal.expr);
        }
    }
}

/// What is wrong with a configuration.
fn problems(alloy: &str) -> Vec<String> {
    let body = match hcl::parse(&as_hcl(alloy)) {
        Ok(body) => body,
        Err(error) => return vec![error.to_string()],
    };
    let mut found = Found::default();
    found.body("", &body);
    for reference in &found.references {
        let there = reference
            .rsplit_once('.')
            .and_then(|(component, export)| Some((found.exports.get(component)?, export)));
        if !there.is_some_and(|(exports, export)| exports.contains(&export)) {
            found.problems.push(format!("{reference} leads nowhere"));
        }
    }
    for (block, attribute) in REQUIRED {
        let has = |attributes: &Vec<String>| attributes.iter().any(|there| there == attribute);
        if !found.attributes.get(block).is_some_and(has) {
            found.problems.push(format!("{block} needs {attribute}"));
        }
    }
    let top: Vec<&str> = alloy.lines().take_while(|line| line.starts_with("//")).collect();
    for variable in &found.variables {
        if !top
            .iter()
            .any(|line| line.split_whitespace().any(|word| word == variable))
        {
            found
                .problems
                .push(format!("{variable} is explained nowhere at the top"));
        }
    }
    for word in top
        .iter()
        .filter_map(|line| line.strip_prefix("//   ")?.split_whitespace().next())
    {
        if !found.variables.contains(word) {
            found.problems.push(format!("{word} is explained and not used"));
        }
    }
    found.problems
}

fn text() -> String {
    fs::read_to_string(folder().join("alloy/task.alloy")).unwrap()
}

#[test]
fn nothing_is_wrong_with_the_collectors_configuration() {
    assert_eq!(problems(&text()), [""; 0]);
}

#[test]
fn what_is_wrong_with_a_configuration_is_found() {
    for (from, to, problem) in [
        (
            "prometheus.scrape \"",
            "prometheus.scrap \"",
            "there is no block prometheus.scrap",
        ),
        (
            "honor_labels",
            "honour_labels",
            "prometheus.scrape has no attribute honour_labels",
        ),
        (
            "remote_write.workspace.receiver",
            "remote_write.workspce.receiver",
            "leads nowhere",
        ),
        ("task.content", "task.contents", "leads nowhere"),
        (
            "sys.env(\"CLUSTER\")",
            "sys.env(\"CLUSTR\")",
            "CLUSTR is explained nowhere",
        ),
        ("sys.env(\"CLUSTER\")", "\"bench\"", "CLUSTER is explained and not used"),
        ("string.split(", "string.spilt(", "there is no function string.spilt"),
        ("region = sys", "regoin = sys", "needs region"),
        ("send_native_histograms = true", "send_native_histograms =", "expected"),
        (
            "sigv4 {",
            "sigv5 {",
            "there is no block prometheus.remote_write endpoint sigv5",
        ),
    ] {
        let wrong = text().replace(from, to);
        assert_ne!(wrong, text(), "{from}");
        let problems = problems(&wrong);
        assert!(
            problems.iter().any(|found| found.contains(problem)),
            "{to}: {problems:?}"
        );
    }
}
