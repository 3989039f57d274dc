//! What README and docs say of `benchmark-worker` can be typed, and its help.

use benchmark_cli::worker_args as args;

const DOCS: &str = concat!(
    include_str!("../../README.md"),
    include_str!("../../docs/options.md"),
    include_str!("../../docs/fleet.md"),
);

#[test]
fn every_command_can_be_typed() {
    let blocks = DOCS.split("```sh\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap().lines());
    let typed: Vec<&str> = lines
        .filter_map(|line| {
            line.strip_prefix("cargo run --release --bin benchmark-worker -- ")
                .or(line.strip_prefix("benchmark-worker "))
        })
        .collect();
    assert!(typed.len() >= 2, "{typed:?}");
    for line in typed {
        if let Err(error) = args::parse(std::iter::once("benchmark-worker").chain(line.split_whitespace())) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn the_help() {
    insta::assert_snapshot!(args::command().render_long_help());
}
