//! Where members find the leader: the one instance of a Cloud Map service, which is overwritten.

use std::time::Duration;

use aws_sdk_servicediscovery::{Client, types::OperationStatus};
use benchmark_results::text;
use benchmark_scenarios::Problem;
use tokio::time::sleep;

use crate::aws::{Answer, Aws};

/// Its id, as Terraform has it.
const INSTANCE: &str = "leader";

/// The address between runs, so that the name always answers: resolvers keep the absence of a name for 15 minutes.
pub const NOBODY: &str = "127.0.0.1";

/// How often it is looked whether it is done.
const LOOK: Duration = Duration::from_millis(500);

/// A leader's name.
pub struct Leader {
    client: Client,
    service: String,
}

impl Leader {
    /// That of a Cloud Map service, by its id.
    pub fn new(aws: &Aws, service: &str) -> Leader {
        Leader {
            client: aws.discovery.clone(),
            service: service.to_owned(),
        }
    }

    /// Begins to give it an address; gives the operation's id.
    ///
    /// # Errors
    /// When Cloud Map refuses.
    pub async fn begin(&self, address: &str) -> Result<String, Problem> {
        let asked = self.client.register_instance().service_id(&self.service);
        let asked = asked.instance_id(INSTANCE).attributes("AWS_INSTANCE_IPV4", address);
        let begun = asked.send().await;
        let begun = begun.or_refused("servicediscovery:RegisterInstance leader")?;
        Ok(begun.operation_id.unwrap_or_default())
    }

    /// Waits until the name has it.
    ///
    /// # Errors
    /// When Cloud Map refuses, or could not do it.
    pub async fn wait(&self, operation: &str) -> Result<(), Problem> {
        loop {
            let given = self.client.get_operation().operation_id(operation).send().await;
            let given = given.or_refused("servicediscovery:GetOperation")?;
            let Some(given) = given.operation else { return Ok(()) };
            match given.status {
                Some(OperationStatus::Success) => return Ok(()),
                Some(OperationStatus::Fail) => {
                    let why = text::line(&given.error_message.unwrap_or_default(), 200);
                    return Err(Problem::new(format!("leader cannot have its address: {why}")));
                }
                _ => sleep(LOOK).await,
            }
        }
    }
}
