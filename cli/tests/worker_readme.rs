//! The help of `benchmark-worker`.

use benchmark_cli::worker_args as args;

#[test]
fn the_help() {
    insta::assert_snapshot!(args::command().render_long_help());
}
