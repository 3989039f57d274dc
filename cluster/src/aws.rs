//! AWS: its clients, how long they wait and try, and what they say where something is refused.

use std::{fmt::Display, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use benchmark_results::text;
use benchmark_scenarios::Problem;

/// Longest text of AWS that is shown.
const LONGEST: usize = 300;

/// One client for each service that is asked.
#[derive(Clone, Debug)]
pub struct Aws {
    /// What they have in common: region, credentials, endpoints.
    pub config: SdkConfig,
    /// Auto Scaling: instances of a pool.
    pub scaling: aws_sdk_autoscaling::Client,
    /// CloudWatch Logs.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    /// ECS.
    pub ecs: aws_sdk_ecs::Client,
    /// S3. Buckets by path where an endpoint is given: there is no name for each of them.
    pub s3: aws_sdk_s3::Client,
    /// EventBridge Scheduler.
    pub scheduler: aws_sdk_scheduler::Client,
    /// Cloud Map.
    pub discovery: aws_sdk_servicediscovery::Client,
}

impl Aws {
    /// The clients for a region, or for the surroundings' own.
    pub async fn new(region: Option<&str>) -> Aws {
        let http = Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            // With jitter, from a second up.
            .retry_config(RetryConfig::standard().with_max_attempts(6))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(5))
                    .operation_attempt_timeout(Duration::from_secs(30))
                    .operation_timeout(Duration::from_secs(90))
                    .build(),
            );
        if let Some(region) = region {
            loader = loader.region(Region::new(region.to_owned()));
        }
        let config = loader.load().await;
        let by_path = config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
        let s3 = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(by_path)
            .build();
        Aws {
            scaling: aws_sdk_autoscaling::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            ecs: aws_sdk_ecs::Client::new(&config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            scheduler: aws_sdk_scheduler::Client::new(&config),
            discovery: aws_sdk_servicediscovery::Client::new(&config),
            config,
        }
    }

    /// The account that the credentials belong to.
    ///
    /// # Errors
    /// When there are none, or they are no longer good.
    pub async fn account(&self) -> Result<String, Problem> {
        let identity = aws_sdk_sts::Client::new(&self.config)
            .get_caller_identity()
            .send()
            .await;
        let identity = identity.or_refused("sts:GetCallerIdentity")?;
        Ok(identity.account.unwrap_or_default())
    }
}

/// The answer to a call.
pub trait Answer<T> {
    /// It, or what AWS said to the call `what`, with what to do.
    ///
    /// # Errors
    /// When AWS refused, or could not be asked.
    fn or_refused(self, what: impl Display) -> Result<T, Problem>;

    /// The same, but nothing where AWS answers with one of these codes.
    ///
    /// # Errors
    /// When AWS refused for another reason, or could not be asked.
    fn unless(self, codes: &[&str], what: impl Display) -> Result<Option<T>, Problem>;
}

impl<T, E, R> Answer<T> for Result<T, SdkError<E, R>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    fn or_refused(self, what: impl Display) -> Result<T, Problem> {
        self.map_err(|error| refused(what, error))
    }

    fn unless(self, codes: &[&str], what: impl Display) -> Result<Option<T>, Problem> {
        match self {
            Err(error) if error.code().is_some_and(|code| codes.contains(&code)) => Ok(None),
            answer => answer.map(Some).or_refused(what),
        }
    }
}

fn refused<E, R>(what: impl Display, error: SdkError<E, R>) -> Problem
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let code = error.code().map(str::to_owned);
    let said = match error.message() {
        Some(message) => message.to_owned(),
        None => text::chain(&error),
    };
    let unsent = matches!(error, SdkError::ConstructionFailure(_) | SdkError::DispatchFailure(_));
    let code_in_text = code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
    let problem = Problem::new(format!("{what}: {}{code_in_text}", text::line(&said, LONGEST)));
    // Some services say `…Exception`, others leave it out.
    match code
        .as_deref()
        .map(|code| code.strip_suffix("Exception").unwrap_or(code))
    {
        Some("ExpiredToken" | "InvalidAccessKeyId" | "InvalidClientTokenId" | "UnrecognizedClient") => {
            problem.remedy("aws sso login, or other credentials (AWS_PROFILE)")
        }
        Some("AccessDenied" | "UnauthorizedOperation") => {
            problem.remedy("attach Terraform's output operator_policy to the role in use")
        }
        Some(code) if code.starts_with("Throttl") => {
            problem.remedy("again in a minute: the account's calls are throttled")
        }
        _ if unsent && said.contains("credentials") => problem.remedy("aws sso login, or AWS_PROFILE"),
        _ => problem,
    }
}
