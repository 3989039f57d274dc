//! `docs/metrics.md` tells what the programs register.

use std::{env, fmt::Write as _, fs, path::Path};

use benchmark_generator::view::page::{GENERATOR_SERIES, RUN_SERIES};
use benchmark_metrics::{Described, FamilyKind};
use benchmark_worker::page::WORKER_SERIES;

const BEGIN: &str = "<!-- series: begin -->\n";
const END: &str = "<!-- series: end -->\n";

fn tables() -> String {
    let mut text = String::new();
    for (title, table) in [
        ("### A run, on its leader's page", RUN_SERIES),
        ("### A generator, each of itself", GENERATOR_SERIES),
        ("### A worker, each of itself", WORKER_SERIES),
    ] {
        let _ = write!(
            text,
            "\n{title}\n\n| series | type | unit | labels | holds |\n|---|---|---|---|---|\n"
        );
        for series in table {
            let Described { unit, labels, help, .. } = series;
            let kind = match series.kind {
                FamilyKind::Counter => "counter",
                FamilyKind::Gauge => "gauge",
                FamilyKind::Histogram => "histogram",
            };
            let labels = labels.join(", ");
            let _ = writeln!(
                text,
                "| `{}` | {kind} | {unit} | {labels} | {help} |",
                series.full_name()
            );
        }
    }
    text + "\n"
}

#[test]
#[expect(clippy::disallowed_methods, reason = "who runs the test asks for it by a variable")]
fn the_tables_are_what_is_registered() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the mark of the beginning");
    let (tables_there, after) = rest.split_once(END).expect("the mark of the end");
    let wanted = tables();
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
    } else {
        assert_eq!(
            tables_there, wanted,
            "UPDATE_DOCS=1 cargo test --workspace --test metrics_page"
        );
    }
}
