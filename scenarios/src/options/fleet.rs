//! Options of the fleet: who else takes part in a run, and where they join.

use std::{net::SocketAddr, time::Duration};

use super::{Use, options, says, switch, value};
use crate::form::Form;

/// With the further generators, and with workers that come in the place of others, within what a leader remembers: 4,096.
const MAX_EXPECTED: u32 = 3_000;
const MAX_GENERATORS: u32 = 1_000;
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Said of it where a run is joined.
const TOKEN: Use = says(
    "The leader's secret; other users of this machine can see it in the process list, so better \
                         BENCHMARK_FLEET_TOKEN or --fleet-token-file",
)
.otherwise("none")
.variables(TOKEN_VARIABLES);
const TOKEN_VARIABLES: &[&str] = &["BENCHMARK_FLEET_TOKEN"];

options! { Fleet:
    /// Worker processes that the run waits for.
    ExpectWorkers("expect-workers"): u32 = Form::whole(0..=MAX_EXPECTED, "worker processes"), value("N")
        .run(says("Worker processes (benchmark-worker --join) that must poll before the run begins")
            .or("0").variables(&["BENCHMARK_EXPECT_WORKERS"]));
    /// Generators that share the arrivals.
    Generators("generators"): u32 = Form::whole(1..=MAX_GENERATORS, "generators"), value("N")
        .run(says("Generators that share the starts, this one among them; the others run `run-benchmark join`")
            .or("1").variables(&["BENCHMARK_GENERATORS"]));
    /// Where the others join.
    FleetListen("fleet-listen"): SocketAddr = Form::listen(), value("IP:PORT").outside_of_plans()
        .run(says("Address at which workers and generators join; port 0 takes a free one")
            .otherwise("none").variables(&["BENCHMARK_FLEET_LISTEN"]));
    /// How long the others are waited for.
    FleetTimeout("fleet-timeout"): Duration = Form::span(SECOND..=DAY), value("TIME").outside_of_plans()
        .run(says("How long the others are waited for, {}").or("10m").variables(&["BENCHMARK_FLEET_TIMEOUT"]));
    /// That there is a token. Its text is never the token: see [`crate::Given::hidden`].
    FleetToken("fleet-token"): String = Form::secret(), value("TEXT").secret("File with that secret")
        .run(says("Secret that others need to join; other users of this machine can see it in the process list, so better \
                   BENCHMARK_FLEET_TOKEN or --fleet-token-file")
            .otherwise("none").variables(TOKEN_VARIABLES))
        .join(TOKEN)
        .worker(TOKEN);
    /// Whether others may join from outside of this machine without a token.
    FleetOpen("fleet-open"): bool = Form::switch(), switch().outside_of_plans()
        .run(says("Lets others join from outside of this machine without a token"));
    /// Whether members of other versions may join.
    AllowVersionSkew("allow-version-skew"): bool = Form::switch(), switch().outside_of_plans()
        .run(says("Lets members join that are built from another revision than this program"));
    /// PEM file of the fleet service's certificate.
    FleetTlsCert("fleet-tls-cert"): String = Form::path(), value("FILE").outside_of_plans()
        .run(says("PEM file with the certificate that others see when they join, for TLS")
            .otherwise("none").variables(&["BENCHMARK_FLEET_TLS_CERT"]));
    /// PEM file of the fleet service's key.
    FleetTlsKey("fleet-tls-key"): String = Form::path(), value("FILE").outside_of_plans()
        .run(says("PEM file with its key").otherwise("none").variables(&["BENCHMARK_FLEET_TLS_KEY"]));
}
