//! Further generators on this machine, started and ended by the leader.

use std::{
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::Context as _;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// How long a generator may take to leave after the run.
const LEAVE: Duration = Duration::from_secs(5);

/// Generators of this machine, besides this process. Those that still run when this is dropped are killed.
#[derive(Debug, Default)]
pub struct Locals {
    children: Vec<Child>,
}

/// How a local generator is started.
#[derive(Clone, Debug)]
pub struct LocalOptions {
    /// How many.
    pub count: u32,
    /// Arguments after the program's name.
    pub arguments: Vec<String>,
    /// Variables that it gets besides this process's: secrets, which must not stand among the arguments.
    pub environment: Vec<(String, String)>,
}

impl Locals {
    /// Starts them from this very program. What they say is handed to `say`, line by line.
    ///
    /// # Errors
    /// When a process cannot be made.
    pub fn start(options: &LocalOptions, say: &std::sync::Arc<dyn Fn(String) + Send + Sync>) -> anyhow::Result<Locals> {
        let program =
            std::env::current_exe().context("this program cannot be found on disk, so no --local-generators")?;
        let mut locals = Locals::default();
        for number in 1..=options.count {
            let mut command = Command::new(&program);
            command
                .args(&options.arguments)
                .envs(options.environment.iter().cloned())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                // Ctrl-C in the terminal reaches the leader, which ends the run in order; not them.
                .process_group(0)
                .kill_on_drop(true);
            let mut child = command
                .spawn()
                .with_context(|| format!("{} cannot be started as a further generator", program.display()))?;
            if let Some(stderr) = child.stderr.take() {
                let say = std::sync::Arc::clone(say);
                tokio::spawn(async move {
                    let mut lines = BufReader::new(stderr).lines();
                    while let Ok(Some(line)) = lines.next_line().await {
                        say(format!("local generator {number}: {line}"));
                    }
                });
            }
            locals.children.push(child);
        }
        Ok(locals)
    }

    /// How the first of them ended that has; `None` when all run.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.children
            .iter_mut()
            .find_map(|child| child.try_wait().ok().flatten())
    }

    /// Waits for them to leave by themselves, and ends those that do not.
    pub async fn finish(mut self) {
        for child in &mut self.children {
            if tokio::time::timeout(LEAVE, child.wait()).await.is_err() {
                let _ = child.kill().await;
            }
        }
    }
}
