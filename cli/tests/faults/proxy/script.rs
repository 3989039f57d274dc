//! What the proxy does: data, that a test can change at any time.

use std::time::Duration;

use tonic::Code;

/// The method that starts a workflow.
pub const START: &str = "StartWorkflowExecution";
/// The method that counts workflows.
pub const COUNT: &str = "CountWorkflowExecutions";
/// The method that lists workflows.
pub const LIST: &str = "ListWorkflowExecutions";

/// How connections and calls are treated from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// What becomes of bytes and of new connections.
    pub wire: Wire,
    /// Age at which a connection is told to go away in good order, as Temporal's frontend does after five minutes.
    pub max_age: Option<Duration>,
    /// What becomes of calls: the first rule that concerns a call decides, and without one it passes.
    pub rules: Vec<Rule>,
}

impl Script {
    /// A wire that does something, and calls that pass.
    pub fn wire(wire: Wire) -> Self {
        Script {
            wire,
            ..Script::default()
        }
    }

    /// One rule for each of these calls.
    pub fn rule(calls: Calls, act: Act) -> Self {
        Self::rule_each(calls, 1, act)
    }

    /// One rule for each nth of these calls.
    pub fn rule_each(calls: Calls, nth: u64, act: Act) -> Self {
        Script {
            rules: vec![Rule { calls, nth, act }],
            ..Script::default()
        }
    }

    /// Connections that live for a time.
    pub fn max_age(age: Duration) -> Self {
        Script {
            max_age: Some(age),
            ..Script::default()
        }
    }
}

/// What becomes of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wire {
    /// They pass.
    #[default]
    Open,
    /// None is read and none is written, on new connections neither: a process that is stopped, and whose kernel
    /// still takes connections.
    Frozen,
    /// The same, and who connects hears nothing: a packet filter, or a machine that is gone.
    BlackHole,
    /// Connections are reset and new ones refused: a process that has ended.
    Refused,
}

/// What happens once, to the connections that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// They are reset.
    Reset,
    /// They stay open and carry nothing any more, while new ones do.
    HalfOpen,
}

/// What becomes of some calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which calls.
    pub calls: Calls,
    /// Only each nth of them; 1 for all.
    pub nth: u64,
    /// What is done.
    pub act: Act,
}

/// A set of methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// Every call.
    All,
    /// Starts of workflows.
    Starts,
    /// Everything but starts of workflows.
    NotStarts,
    /// Counts and lists of workflows.
    Visibility,
    /// What is only told: nothing is decided by it.
    Advice,
}

impl Calls {
    /// Whether a method is one of them.
    pub fn contain(self, method: &str) -> bool {
        match self {
            Calls::All => true,
            Calls::Starts => method == START,
            Calls::NotStarts => method != START,
            Calls::Advice => ["GetClusterInfo", "DescribeTaskQueue", "ListTaskQueuePartitions"].contains(&method),
            Calls::Visibility => [COUNT, LIST, "ScanWorkflowExecutions"].contains(&method),
        }
    }
}

/// What is done with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It passes.
    Pass,
    /// It is passed on so much later.
    Delay(Duration),
    /// It is answered with a status and not passed on.
    Refuse(Code),
    /// It is passed on, and its answer thrown away: the caller hears nothing.
    LoseAnswer,
    /// Counts, and lists of what is open, are as they were so long ago. What else is asked passes.
    Lag(Duration),
    /// The workflow that was started last counts, and is listed, as running for ever. What else is asked passes.
    StaleRow,
}

/// A script that is being followed.
#[derive(Debug, Default)]
pub struct Playing {
    script: Script,
    /// Calls that each rule has seen.
    seen: Vec<u64>,
}

impl Playing {
    /// Follows a script from its beginning.
    pub fn new(script: Script) -> Self {
        Playing {
            seen: vec![0; script.rules.len()],
            script,
        }
    }

    /// What is done with a call.
    pub fn decide(&mut self, method: &str) -> Act {
        for (rule, seen) in self.script.rules.iter().zip(&mut self.seen) {
            if rule.calls.contain(method) {
                *seen += 1;
                if *seen % rule.nth.max(1) == 0 {
                    return rule.act;
                }
            }
        }
        Act::Pass
    }
}
