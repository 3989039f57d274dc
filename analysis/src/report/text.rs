//! Shortened texts, and commands quoted for a shell.

use benchmark_results::text::{self, ADDRESS};

/// A text of a stranger, as a part of one line.
pub(super) use benchmark_results::text::line as short;

/// Beginning and end of a name: hosts, runs and files differ there.
pub(super) fn ends(text: &str, most: usize) -> String {
    let length = text.chars().count();
    let line = if length <= most {
        text.to_owned()
    } else {
        let last = most / 2;
        let first = most.saturating_sub(last + 1);
        let middle = std::iter::once('…');
        text.chars()
            .take(first)
            .chain(middle)
            .chain(text.chars().skip(length - last))
            .collect()
    };
    text::line(&line, most)
}

/// A command as it is typed into a POSIX shell: words with other than plain characters stand in single quotes.
pub(super) fn command(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| text::shell_word(word)).collect();
    quoted.join(" ")
}

/// Whether a command makes a series, of which a run that has it is one.
pub(super) fn makes_a_series(words: &[String]) -> bool {
    words.get(1).is_some_and(|word| word == "ab" || word == "noise")
}

/// Whether a text of a file is the address of a page, and nothing else where it is made a link.
pub(super) fn is_web(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !"<>\"'`\\()[]".contains(c);
    let scheme = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
    scheme && text.len() <= ADDRESS && text.chars().all(plain)
}

/// A key of the file in words: `cpuModel` is `cpu model`. The server's own names, as those of its dynamic configuration,
/// stay as they are.
pub(super) fn words(key: &str) -> String {
    if !key.chars().all(|c| c.is_ascii_alphanumeric()) {
        return key.to_owned();
    }
    let mut text = String::with_capacity(key.len() + 4);
    let mut after_small = false;
    for c in key.chars() {
        if c.is_ascii_uppercase() && after_small {
            text.push(' ');
        }
        after_small = c.is_ascii_lowercase() || c.is_ascii_digit();
        text.push(c.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(ends("ip-10-0-3-17.internal/4411", 12), "ip-10…l/4411");
        assert_eq!(ends("host", 4), "host");
    }

    #[test]
    fn a_command_can_be_pasted() {
        let words = ["run-benchmark", "--rate", "25", "--config", "a b='c'", ""].map(str::to_owned);
        assert_eq!(command(&words), r"run-benchmark --rate 25 --config 'a b='\''c'\''' ''");
    }

    #[test]
    fn only_addresses_of_pages_are_links() {
        assert!(is_web(
            "http://127.0.0.1:3000/d/temporal-benchmark?var-run_id=a+b%20c&to=2"
        ));
        for text in [
            "javascript:alert(1)",
            "ftp://host/",
            " http://host/",
            "http://a/> [b](c",
            "http://a/\n",
            "http://a/\u{202e}",
            &format!("http://{}", "a".repeat(ADDRESS)),
        ] {
            assert!(!is_web(text), "{text}");
        }
    }

    #[test]
    fn keys_become_words() {
        for (key, text) in [
            ("cpuModel", "cpu model"),
            ("memoryBytes", "memory bytes"),
            ("historyShards", "history shards"),
            ("history.timerProcessorMaxPollRPS", "history.timerProcessorMaxPollRPS"),
            ("os", "os"),
        ] {
            assert_eq!(words(key), text);
        }
    }
}
