//! `run-benchmark join`: a further generator of a run that another one leads.

use benchmark_scenarios::{Asked, Given, Key, Problem, ResolvedJoin, Source, resolve_join};
use clap::Args;

use crate::{
    flags::{Flags, OfJoin},
    given::{Secrets, Surroundings},
    logging::LogArgs,
};

/// Whom to join, and what this machine needs to say itself. What is run is the leader's to say.
#[derive(Args, Clone, Debug, Default)]
pub struct JoinArgs {
    /// The leader's --fleet-listen, as other machines reach it; https:// in front for TLS
    #[arg(value_name = "HOST:PORT")]
    pub leader: String,
    /// How it is joined, and how the server is reached.
    #[command(flatten)]
    pub flags: Flags<OfJoin>,
    /// What is logged.
    #[command(flatten)]
    pub log: LogArgs,
}

impl JoinArgs {
    /// Puts flags, environment and profile together, and says what they come to.
    ///
    /// # Errors
    /// When a secret cannot be had, or an option is not allowed.
    pub fn convert(&self, surroundings: &Surroundings) -> Result<(ResolvedJoin, Secrets), Problem> {
        let mut asked = Asked::new();
        // No flag sets it: in messages it stands as it was typed.
        let leader = Given {
            text: self.leader.clone(),
            source: Source::Flag(format!("join {:.60}", self.leader.escape_debug().to_string()).into()),
        };
        asked.add(Key::Join, leader);
        let gathered = self.flags.gather(asked, surroundings)?;
        let mut resolved = resolve_join(&gathered.asked)?;
        resolved.notes.extend(gathered.notes);
        Ok((resolved, gathered.secrets))
    }
}
