//! What several unit tests need, and tests of the whole that take this file in.

use benchmark_scenarios::{Asked, HostDefaults, Key, Plan, resolve};

/// The plan that these options come to on a machine of two cores.
pub(crate) fn plan<'a>(options: impl IntoIterator<Item = (Key, &'a str)>) -> Plan {
    let asked = Asked::typed(options.into_iter().map(|(key, text)| (key, Some(text))));
    let host = HostDefaults {
        cores: 2,
        task_queue: "queue".to_owned(),
    };
    resolve(&asked, &host)
        .unwrap_or_else(|problem| panic!("{}", problem.report()))
        .plan
}
