//! Columns for a terminal.

/// Lines of a table below its head: columns as wide as their widest cell, two spaces between; those in `right` are aligned to
/// the right.
pub fn table(head: &[&str], rows: &[Vec<String>], right: &[usize]) -> Vec<String> {
    let head = head.iter().map(|&cell| cell.to_owned()).collect();
    let rows = [&[head], rows].concat();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let width = widths[column];
            match right.contains(&column) {
                true => format!("{cell:>width$}"),
                false => format!("{cell:<width$}"),
            }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["main", "10"], vec!["a", "1", "more"]];
        let rows = rows.map(|row| row.into_iter().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(
            table(&["pool", "×"], &rows, &[1]),
            ["pool   ×", "main  10", "a      1  more"]
        );
    }
}
