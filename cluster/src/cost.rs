//! Dollars an hour: what Terraform reckoned, with the instances that there are. What has no price is never taken as nothing.

use std::collections::BTreeMap;

use benchmark_results::{format::plural, text};
use benchmark_scenarios::Problem;
use serde::Deserialize;
use serde_json::Value;

use crate::facts::Facts;

/// The facts' `cost`. Source: `terraform/cost.tf`.
#[derive(Debug, Deserialize)]
struct Reckoned {
    usd_per_hour: Sums,
    items: Vec<Item>,
    by_use: BTreeMap<String, Value>,
    not_priced: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Sums {
    idle: f64,
}

#[derive(Debug, Deserialize)]
struct Item {
    phase: String,
    item: String,
    count: f64,
    usd_per_hour: f64,
}

/// What an environment costs with so many instances.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// What costs at all times, dollars an hour.
    pub fixed: f64,
    /// What that is, each with its dollars an hour.
    pub fixed_items: Vec<(String, f64)>,
    /// Instances of each pool with their dollars an hour; none where that is not known.
    pub pools: BTreeMap<String, (usize, Option<f64>)>,
    /// What has no price here.
    pub not_priced: Vec<String>,
    /// What is priced by use.
    pub by_use: Vec<String>,
}

impl Cost {
    /// With these instances by pool.
    ///
    /// # Errors
    /// When the facts' cost is not what Terraform writes.
    pub fn of(facts: &Facts, instances: &BTreeMap<String, usize>) -> Result<Cost, Problem> {
        let reckoned = Reckoned::deserialize(&facts.cost).map_err(|error| {
            Problem::new(format!("facts: cost: {error}")).remedy("terraform apply, then the facts anew")
        })?;
        let pools = instances.iter().filter(|&(_, &count)| count > 0).map(|(name, &count)| {
            let each = facts.pools.get(name).and_then(|pool| pool.usd_per_hour);
            #[expect(clippy::cast_precision_loss, reason = "a count of instances")]
            let all = each.map(|usd| usd * count as f64);
            (name.clone(), (count, all))
        });
        let idle = reckoned.items.iter().filter(|item| item.phase == "idle");
        let harmless = |texts: Vec<String>| texts.iter().map(|item| text::line(item, 100)).collect();
        let fixed = |item: &Item| {
            (
                text::line(&format!("{} {}", item.count, item.item), 100),
                item.usd_per_hour,
            )
        };
        Ok(Cost {
            fixed: reckoned.usd_per_hour.idle,
            fixed_items: idle.map(fixed).collect(),
            pools: pools.collect(),
            by_use: harmless(reckoned.by_use.keys().map(|name| name.replace('_', " ")).collect()),
            not_priced: harmless(reckoned.not_priced),
        })
    }

    /// Dollars an hour of all that has a price.
    pub fn priced(&self) -> f64 {
        let pools: f64 = self.pools.values().filter_map(|(_, usd)| *usd).sum();
        self.fixed + pools
    }

    /// Pools with instances whose price is not known.
    pub fn unknown(&self) -> Vec<&str> {
        let unknown = self.pools.iter().filter(|(_, (_, usd))| usd.is_none());
        unknown.map(|(name, _)| name.as_str()).collect()
    }

    /// In one line.
    pub fn line(&self) -> String {
        let unknown = self.unknown();
        let least = match unknown.is_empty() {
            true => String::new(),
            false => format!(
                "at least, since the price of the pool {} is not known: ",
                unknown.join(" and of ")
            ),
        };
        format!(
            "{least}{} an hour: instances {}, the rest {}; {} more have no price here",
            usd(self.priced()),
            usd(self.priced() - self.fixed),
            usd(self.fixed),
            self.not_priced.len()
        )
    }

    /// What costs, one line each, the largest first.
    pub fn lines(&self) -> Vec<String> {
        let line = |shown: &str, what: &str| format!("{shown:>9}  {what}");
        let fixed = self
            .fixed_items
            .iter()
            .map(|(item, cost)| (*cost, line(&usd(*cost), item)));
        let pools = self.pools.iter().map(|(name, (count, cost))| {
            let shown = cost.map_or_else(|| "unknown".to_owned(), usd);
            let what = format!("{} of {name}", plural(*count as u64, "instance"));
            (cost.unwrap_or(f64::INFINITY), line(&shown, &what))
        });
        let mut priced: Vec<(f64, String)> = fixed.chain(pools).collect();
        priced.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut lines: Vec<String> = priced.into_iter().map(|(_, line)| line).collect();
        for (shown, what) in [("by use", &self.by_use), ("unknown", &self.not_priced)] {
            if !what.is_empty() {
                lines.push(line(shown, &what.join(", ")));
            }
        }
        lines
    }
}

/// Dollars, to the cent; less than one is not nothing.
pub fn usd(amount: f64) -> String {
    match amount {
        0.0 => "$0".to_owned(),
        amount if amount < 0.01 => "<$0.01".to_owned(),
        amount => format!("${amount:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bench() -> Facts {
        Facts::parse(include_str!("../tests/facts/bench.json"), "bench.json").expect("facts")
    }

    fn instances(counts: [(&str, usize); 3]) -> BTreeMap<String, usize> {
        counts.map(|(name, count)| (name.to_owned(), count)).into()
    }

    #[test]
    fn with_all_instances_it_is_terraforms_sum_of_a_run() {
        let facts = bench();
        let cost = Cost::of(&facts, &instances([("main", 10), ("generator", 1), ("benchmark", 13)])).expect("cost");
        let run = facts.cost["usd_per_hour"]["run"].as_f64().expect("a number");
        assert!((cost.priced() - run).abs() < 0.001, "{} {run}", cost.priced());
        insta::assert_snapshot!(cost.line(), @"$19.59 an hour: instances $18.69, the rest $0.89; 11 more have no price here");
    }

    #[test]
    fn a_pool_without_a_price_is_unknown_and_not_nothing() {
        let mut facts = bench();
        facts.pools.get_mut("benchmark").expect("benchmark").usd_per_hour = None;
        let cost = Cost::of(&facts, &instances([("main", 1), ("generator", 0), ("benchmark", 2)])).expect("cost");
        assert_eq!(cost.unknown(), ["benchmark"]);
        insta::assert_snapshot!(cost.line(), @"at least, since the price of the pool benchmark is not known: $1.70 an hour: instances $0.80, the rest $0.89; 11 more have no price here");
        insta::assert_snapshot!(cost.lines().join("\n"), @r"
        unknown  2 instances of benchmark
          $0.80  1 instance of main
          $0.46  42 interface endpoints
          $0.43  3 OpenSearch data nodes
         <$0.01  20 metrics of alarms
         by use  cloudwatch logs, cloudwatch logs storage, dsql million dpu, dsql storage, ecr storage, fargate arm64 gb, fargate arm64 vcpu, fargate x86 64 gb, fargate x86 64 vcpu, nat gateway data, prometheus samples, prometheus storage
        unknown  budget, data between zones, data through interface endpoints, detailed monitoring and Container Insights, DynamoDB requests, flow logs, KMS key, OpenSearch volumes, Route 53 zone and queries, S3, Secrets Manager
        ");
    }

    #[test]
    fn facts_without_a_cost_are_refused() {
        let mut facts = bench();
        facts.cost = Value::Null;
        assert!(Cost::of(&facts, &BTreeMap::new()).is_err());
    }

    #[test]
    fn cents_are_rounded_and_nothing_is_lost() {
        assert_eq!(
            [0.0, 0.0027, 0.894, 19.588].map(usd),
            ["$0", "<$0.01", "$0.89", "$19.59"]
        );
    }
}
