//! Logging in: to Aurora DSQL as its administrator, with a token that its role may make; or to a PostgreSQL by password.

use std::{sync::Arc, time::Duration};

use aws_sdk_dsql::auth_token::{AuthTokenGenerator, Config as Token};
use benchmark_results::text;
use benchmark_scenarios::Problem;
use rustls_native_certs::load_native_certs;
use tokio_postgres::{Client, Config, NoTls, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use super::refused;
use crate::{aws::Aws, variables::Variables};

/// How long a connection may take to be there.
const CONNECT: Duration = Duration::from_secs(15);
/// DSQL's own names.
const ADMIN: &str = "admin";
const DATABASE: &str = "postgres";

/// Where and as whom.
pub enum Login {
    /// Aurora DSQL, whose one database is `postgres`.
    Dsql { host: String, region: String },
    /// PostgreSQL, by the variables that the server has.
    Postgres(Box<Config>, bool),
}

impl Login {
    /// As the variables say: DSQL where `DSQL_HOST` names one.
    pub fn read(variables: &mut Variables<'_>) -> Login {
        if let Some(host) = variables.maybe("DSQL_HOST") {
            let region = variables.text("AWS_REGION");
            return Login::Dsql { host, region };
        }
        let mut config = Config::new();
        config
            .host(variables.text("TEMPORAL_SQL_HOST"))
            .port(variables.number("TEMPORAL_SQL_PORT", "5432", 1..=u16::MAX))
            .user(variables.text("TEMPORAL_SQL_USER"))
            .password(variables.text("TEMPORAL_SQL_PASSWORD"))
            .dbname(variables.text("TEMPORAL_SQL_DATABASE"));
        let is_tls = variables.flag("TEMPORAL_SQL_TLS_ENABLED", false);
        Login::Postgres(Box::new(config), is_tls)
    }

    /// Whether it is DSQL, which has roles of IAM and no sequences.
    pub fn is_dsql(&self) -> bool {
        matches!(self, Login::Dsql { .. })
    }

    /// A connection.
    ///
    /// # Errors
    /// When there is no token, or the database cannot be reached or refuses.
    pub async fn client(&self) -> Result<Client, Problem> {
        let (mut config, is_tls) = match self {
            Login::Dsql { host, region } => (dsql(host, region).await?, true),
            Login::Postgres(config, is_tls) => (Config::clone(config), *is_tls),
        };
        config.application_name("benchmark-cluster").connect_timeout(CONNECT);
        let no_login = |error: tokio_postgres::Error| refused("login to the database", &error);
        // Without the connection's task no statement comes back; its end is told to each of them.
        if is_tls {
            config.ssl_mode(SslMode::Require);
            let (client, connection) = config.connect(tls()?).await.map_err(no_login)?;
            tokio::spawn(connection);
            return Ok(client);
        }
        config.ssl_mode(SslMode::Disable);
        let (client, connection) = config.connect(NoTls).await.map_err(no_login)?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// DSQL's administrator, whose password is a token that is good for some minutes.
async fn dsql(host: &str, region: &str) -> Result<Config, Problem> {
    let aws = Aws::new(Some(region)).await;
    let no_token = |error: &dyn std::fmt::Display| {
        Problem::new(format!(
            "no token for {}: {}",
            text::line(host, 200),
            text::line(&error.to_string(), 300)
        ))
    };
    let asked = Token::builder()
        .hostname(host)
        .build()
        .map_err(|error| no_token(&error))?;
    let token = AuthTokenGenerator::new(asked)
        .db_connect_admin_auth_token(&aws.config)
        .await;
    let token = token.map_err(|error| no_token(&text::chain(error.as_ref())))?;
    let mut config = Config::new();
    config
        .host(host)
        .port(5432)
        .user(ADMIN)
        .password(token.as_str())
        .dbname(DATABASE);
    Ok(config)
}

/// TLS with the machine's certificate authorities; the name of the host has to be the certificate's.
fn tls() -> Result<MakeRustlsConnect, Problem> {
    let found = load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err(
            Problem::new("TLS: there are no certificate authorities on this machine").remedy("SSL_CERT_FILE=…"),
        );
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Problem::new(format!("TLS: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(set: &[(&str, &str)]) -> Result<Login, String> {
        let variable = |name: &str| {
            set.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        let mut variables = Variables::new(&variable);
        let login = Login::read(&mut variables);
        variables
            .end()
            .map(|()| login)
            .map_err(|problem| problem.headline().to_owned())
    }

    #[test]
    fn dsql_is_where_its_host_is_named() {
        let login = login(&[("DSQL_HOST", "x.dsql.eu-west-1.on.aws"), ("AWS_REGION", "eu-west-1")]).unwrap();
        assert!(
            matches!(login, Login::Dsql { host, region } if host == "x.dsql.eu-west-1.on.aws" && region == "eu-west-1")
        );
    }

    #[test]
    fn what_is_missing_is_named_at_once() {
        let said = login(&[]).err().unwrap();
        assert_eq!(
            said,
            "variables of the environment: TEMPORAL_SQL_HOST: missing; TEMPORAL_SQL_USER: missing; TEMPORAL_SQL_PASSWORD: \
             missing; TEMPORAL_SQL_DATABASE: missing"
        );
        assert_eq!(
            login(&[("DSQL_HOST", "x")]).err().unwrap(),
            "variables of the environment: AWS_REGION: missing"
        );
    }

    #[test]
    fn postgresql_is_by_the_variables_of_the_server() {
        let set = [
            ("TEMPORAL_SQL_HOST", "postgres"),
            ("TEMPORAL_SQL_PORT", "5433"),
            ("TEMPORAL_SQL_USER", "temporal"),
            ("TEMPORAL_SQL_PASSWORD", "secret"),
            ("TEMPORAL_SQL_DATABASE", "temporal"),
            ("TEMPORAL_SQL_TLS_ENABLED", "true"),
        ];
        let Login::Postgres(config, is_tls) = login(&set).unwrap() else {
            panic!("not PostgreSQL")
        };
        assert!(is_tls);
        assert_eq!(
            (config.get_ports(), config.get_user(), config.get_dbname()),
            (&[5433][..], Some("temporal"), Some("temporal"))
        );
    }

    #[test]
    fn there_are_certificate_authorities() {
        assert!(tls().is_ok());
    }
}
