//! The terminal against a small one of ours, which knows the few sequences that are used.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use super::{Terminal, lock, visible};

/// Rows of text, a cursor and a size that may change; wraps what stands there when it becomes narrower, as terminals do.
#[derive(Default)]
pub(in crate::live) struct Paper {
    rows: Vec<Vec<char>>,
    at: (usize, usize),
    width: usize,
    height: usize,
    writes: usize,
}

impl Paper {
    fn put(&mut self, text: &str) {
        self.writes += 1;
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            let (row, column) = self.at;
            if self.rows.len() <= row {
                self.rows.resize(row + 1, Vec::new());
            }
            match letter {
                '\u{1b}' => {
                    assert_eq!(letters.next(), Some('['));
                    let mut number = String::new();
                    let end = letters.by_ref().find(|letter| {
                        if letter.is_ascii_digit() || *letter == ';' {
                            number.push(*letter);
                        }
                        letter.is_ascii_alphabetic()
                    });
                    match end {
                        Some('A') => self.at.0 -= number.parse::<usize>().unwrap(),
                        Some('K') => self.rows[row].truncate(column),
                        Some('J') => {
                            self.rows[row].truncate(column);
                            self.rows.truncate(row + 1);
                        }
                        Some('m') => {}
                        other => panic!("unknown sequence {other:?}"),
                    }
                }
                '\r' => self.at.1 = 0,
                '\n' => self.at = (row + 1, 0),
                _ => {
                    let line = &mut self.rows[row];
                    if line.len() <= column {
                        line.resize(column + 1, ' ');
                    }
                    line[column] = letter;
                    self.at.1 += 1;
                    assert!(self.at.1 < self.width, "wrapped: {text:?}");
                }
            }
        }
    }

    fn narrow(&mut self, width: usize) {
        self.width = width;
        let rows = self.rows.iter().flat_map(|row| match row.len() {
            0 => vec![Vec::new()],
            _ => row.chunks(width).map(<[char]>::to_vec).collect(),
        });
        self.rows = rows.collect();
        // The cursor stands behind the last letter, as it does when the block is drawn.
        self.at = (self.rows.len() - 1, self.rows.last().map_or(0, Vec::len));
    }

    pub(in crate::live) fn text(&self) -> String {
        self.rows
            .iter()
            .map(|row| row.iter().collect::<String>() + "\n")
            .collect()
    }
}

struct Pen(Arc<Mutex<Paper>>);

impl Write for Pen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).put(std::str::from_utf8(bytes).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(in crate::live) fn paper(width: usize, height: usize) -> (Terminal, Arc<Mutex<Paper>>) {
    let paper = Arc::new(Mutex::new(Paper {
        width,
        height,
        ..Paper::default()
    }));
    let sized = Arc::clone(&paper);
    let size = move || {
        let paper = lock(&sized);
        (paper.width, paper.height)
    };
    (Terminal::new(Box::new(Pen(Arc::clone(&paper))), Box::new(size)), paper)
}

#[test]
fn a_block_is_redrawn_in_place_with_one_write_and_leaves_nothing() {
    let (mut terminal, paper) = paper(40, 24);
    terminal.print("header");
    terminal.set("one\ntwo and more\nthree".into());
    terminal.set("ONE\ntwo".into());
    assert_eq!(lock(&paper).text(), "header\nONE\ntwo\n");
    assert_eq!(lock(&paper).writes, 3);
    // Nothing new is nothing to write.
    terminal.set("ONE\ntwo".into());
    assert_eq!(lock(&paper).writes, 3);
    terminal.print("a note\nof two lines");
    assert_eq!(lock(&paper).text(), "header\na note\nof two lines\nONE\ntwo\n");
    terminal.clear();
    assert_eq!(lock(&paper).text(), "header\na note\nof two lines\n\n");
    // The cursor stands where the next text belongs.
    assert_eq!(lock(&paper).at, (3, 0));
}

#[test]
fn what_stands_above_survives_a_narrower_terminal() {
    let (mut terminal, paper) = paper(80, 24);
    terminal.print("header");
    terminal.set(format!(
        "{}\n\u{1b}[1m{}\u{1b}[0m\nshort",
        "a".repeat(75),
        "b".repeat(61)
    ));
    lock(&paper).narrow(60);
    terminal.set("c\nd".into());
    assert_eq!(lock(&paper).text(), "header\nc\nd\n");
}

#[test]
fn a_block_higher_than_the_terminal_is_cut() {
    let (mut terminal, paper) = paper(40, 2);
    terminal.set("one\ntwo\nthree".into());
    terminal.set("ONE\nTWO\nTHREE".into());
    assert_eq!(lock(&paper).text(), "ONE\nTWO\n");
}

#[test]
fn colours_take_no_columns() {
    assert_eq!(visible("\u{1b}[1mmeasure\u{1b}[0m  x"), 10);
    assert_eq!(visible("plain"), 5);
}
