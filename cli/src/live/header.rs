//! Header: the lines that stand above everything else.

use benchmark_generator::view::watcher::Header;

use super::row::{Look, Row, columns};

/// Where the second half of the first line begins, where there is room.
const HALF: usize = 44;

/// What is run against what, for `width` columns; without a newline at the end. The server's lines are not cut: they
/// hold addresses, which a person wants to copy.
pub fn header(header: &Header, width: usize, color: bool) -> String {
    let row = || Row::new(usize::MAX, color);
    let what = format!("{} · {} · {}", header.workload, header.rate, header.duration);
    let which = format!("run {} · plan {}", header.run_id, header.plan_hash);
    let first = row()
        .add(Look::Bold, "run-benchmark")
        .add(Look::Plain, &format!("  {what}"));
    let used = columns("run-benchmark  ") + columns(&what);
    let begin = HALF.max(used + 3);
    let mut lines = if begin + columns(&which) <= width {
        vec![
            first
                .add(Look::Plain, &format!("{:1$}{which}", "", begin - used))
                .finish(),
        ]
    } else {
        vec![first.finish(), which]
    };
    for (at, server) in header.server.iter().enumerate() {
        let name = if at == 0 { "server" } else { "" };
        lines.push(row().name(8, name).add(Look::Plain, server).finish());
    }
    lines.join("\n")
}
