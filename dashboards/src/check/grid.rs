//! Panels lie in the grid, and not on each other.

use crate::{board::Board, check::Findings};

/// Columns of Grafana's grid.
const COLUMNS: u64 = 24;

pub(super) fn check(board: &Board, findings: &mut Findings) {
    let mut placed: Vec<(&str, [u64; 4])> = Vec::new();
    for panel in &board.panels {
        let Some(grid @ [x, _, width, height]) = panel.grid else {
            findings.add(&panel.title, "has no place: gridPos needs x, y, w and h");
            continue;
        };
        if width == 0 || height == 0 || x + width > COLUMNS {
            findings.add(
                &panel.title,
                format!("does not fit into {COLUMNS} columns: x {x}, w {width}, h {height}"),
            );
        }
        if let Some((other, _)) = placed.iter().find(|(_, other)| overlap(grid, *other)) {
            findings.add(&panel.title, format!("lies on {other:?}"));
        }
        placed.push((&panel.title, grid));
    }
}

fn overlap([x, y, w, h]: [u64; 4], [ox, oy, ow, oh]: [u64; 4]) -> bool {
    x < ox + ow && ox < x + w && y < oy + oh && oy < y + h
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_do_not_overlap() {
        assert!(!overlap([0, 0, 12, 8], [12, 0, 12, 8]));
        assert!(!overlap([0, 0, 12, 8], [0, 8, 12, 8]));
        assert!(overlap([0, 0, 12, 8], [11, 7, 12, 8]));
        assert!(overlap([4, 4, 1, 1], [0, 0, 24, 24]));
    }
}
