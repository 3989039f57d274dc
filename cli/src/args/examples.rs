//! Examples at the end of the help.

/// One for each of the common cases.
pub(super) const EXAMPLES: &str = "\
Examples:
  A first run, on a dev server that is started for it:
    run-benchmark --rate 25 --duration 30s
  What would run, and where each value comes from:
    run-benchmark plan --rate 400 --duration 10m
  A cluster, with workers in this process:
    run-benchmark --address temporal.internal:7233 --workers 4 --rate 400
  A cluster whose workers run elsewhere:
    run-benchmark --address temporal.internal:7233 --generator-only --rate 400
  Three worker processes, each benchmark-worker --join HOST:7400:
    run-benchmark --address temporal.internal:7233 --rate 400 \
      --expect-workers 3 --fleet-listen 0.0.0.0:7400 --fleet-token-file token
  More starts than one machine sends; on the other: run-benchmark join HOST:7400
    run-benchmark --address temporal.internal:7233 --rate 60000 \
      --generators 2 --fleet-listen 0.0.0.0:7400 --fleet-token-file token
  Temporal Cloud, with the key in TEMPORAL_API_KEY:
    run-benchmark --address ns.acct.tmprl.cloud:7233 --namespace ns.acct
  mTLS:
    run-benchmark --address host:7233 --tls-cert client.pem --tls-key client.key
  Ten short activities, and a pass only below 3s:
    run-benchmark --workflow-type multi-activity --rate 10 --max-p99-latency 3s
  In CI: exit code 1 on a missed threshold, the result as JSON:
    run-benchmark --rate 50 --duration 2m --quiet --json > results.json
  What this machine can send at all:
    run-benchmark calibrate

Every option can also come from the environment as BENCHMARK_… or TEMPORAL_…
named after its flag, or as the replaced runner and Temporal name it: see
docs/options.md.
Exit codes: 0 passed, 1 a threshold failed, 2 usage or environment, 3 the run is
INVALID, 129/130/143 interrupted with the results written.
";
