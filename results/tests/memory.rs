//! Reading takes bounded memory, whatever a file holds: counted by an allocator of its own.

#[expect(unsafe_code, reason = "an allocator is one by these functions")]
mod counting;

use std::{
    io::{self, Read},
    path::Path,
};

use benchmark_results::file;
use counting::most_of;

const MB: usize = 1 << 20;

/// A text that is made while it is read: a beginning, then one piece again and again.
struct Repeated<'a> {
    begin: &'a [u8],
    piece: &'a [u8],
    times: usize,
    at: usize,
}

impl Read for Repeated<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.begin[self.at.min(self.begin.len())..];
        if !rest.is_empty() {
            let length = rest.len().min(buffer.len());
            buffer[..length].copy_from_slice(&rest[..length]);
            self.at += length;
            return Ok(length);
        }
        let mut length = 0;
        while self.times > 0 && length + self.piece.len() <= buffer.len() {
            buffer[length..length + self.piece.len()].copy_from_slice(self.piece);
            length += self.piece.len();
            self.times -= 1;
        }
        Ok(length)
    }
}

/// Most memory that reading such a text takes, bytes.
fn most(begin: &str, piece: &str, times: usize) -> usize {
    let mut text = Repeated {
        begin: begin.as_bytes(),
        piece: piece.as_bytes(),
        times,
        at: 0,
    };
    let (most, read) = most_of(|| file::read_from(&mut text, Path::new("hostile")));
    assert!(read.is_err());
    most
}

// One test: the counters are of the whole process.
#[test]
fn hostile_texts_take_little_memory() {
    let whole =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/v1/short.json")).unwrap();
    // Up to the list, so that everything before it is sound.
    let up_to = |list: &str| {
        let at = whole.find(list).unwrap();
        whole[..at].to_owned() + list
    };
    let gigabyte = 1 << 30;
    // Ends at the first text, level or part that is too much, long before the gigabyte.
    for (begin, piece) in [
        ("{\"schemaVersion\": 1, \"run\": {\"id\": \"", "x"),
        ("{\"schemaVersion\": 1, \"x\": ", "["),
        ("{\"schemaVersion\": 1, \"x\": [", "1,"),
        ("{\"schemaVersion\": 1, \"x\": {", "\"a\":{},"),
        ("{\"schemaVersion\": 1, \"x\": ", "9"),
    ] {
        let most = most(begin, piece, gigabyte / piece.len());
        assert!(most < 8 * MB, "{begin}{piece}…: {most} bytes");
    }
    // Billions of entries where texts are kept: the smallest entry of each list, many times the size in memory.
    for (list, piece) in [
        ("\"command\": [", "\"\","),
        ("\"disagreements\": [", "\"\","),
        ("\"failureReasons\": [", "\"\","),
    ] {
        let most = most(&up_to(list), piece, gigabyte / piece.len());
        assert!(most < 24 * MB, "{list}{piece}…: {most} bytes");
    }
    // Where a run may have much, a file may, and in memory it stays within a few times its size.
    let window = r#"[1,0,"ramp",1,1,0,1,0,0,1,0,0,0,1,1,1,1,1],"#;
    let most = most(&up_to("\"windows\": ["), window, 100_000);
    assert!(
        most < 16 * window.len() * 100_000,
        "{most} bytes for {}",
        window.len() * 100_000
    );
}
