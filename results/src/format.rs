//! Formatting of figures for people: units that fit, three digits, thousands apart.

use std::fmt::Write;

/// What is worse than any number: a quantile that lies among the workflows that did not complete
/// ([`accepted`](crate::accepted)), milliseconds.
pub const BEYOND: f64 = f64::INFINITY;

/// What stands for a figure that there is not.
pub const NONE: &str = "-";

/// Milliseconds with the unit that fits: `85µs`, `3.1ms`, `52ms`, `1.24s`; `beyond` of [`BEYOND`].
pub fn ms(value: f64) -> String {
    if value == BEYOND {
        return "beyond".into();
    }
    if !value.is_finite() {
        return NONE.into();
    }
    match value.abs() {
        0.0 => "0ms".into(),
        // Bounds are those at which rounding would show the next unit's form.
        v if v < 0.0995 => format!("{:.0}µs", value * 1000.0),
        v if v < 9.95 => without_zeros(format!("{value:.1}")) + "ms",
        v if v < 999.5 => format!("{value:.0}ms"),
        v if v < 9_995.0 => without_zeros(format!("{:.2}", value / 1000.0)) + "s",
        v if v < 99_950.0 => without_zeros(format!("{:.1}", value / 1000.0)) + "s",
        _ => count((value / 1000.0).round() as u64) + "s",
    }
}

/// Milliseconds with three digits, for values that stand beside others of which they differ by little: `9.87ms`, `52.3ms`,
/// `1.24s`.
pub fn exact_ms(value: f64) -> String {
    if !value.is_finite() || value == 0.0 {
        return ms(value);
    }
    let three = |value: f64| match value.abs() {
        v if v < 9.995 => format!("{value:.2}"),
        v if v < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    };
    match value.abs() {
        v if v < 0.9995 => three(value * 1_000.0) + "µs",
        v if v < 999.5 => three(value) + "ms",
        v if v < 999_500.0 => three(value / 1_000.0) + "s",
        _ => count((value.abs() / 1_000.0).round() as u64) + "s",
    }
}

/// Milliseconds, or a dash.
pub fn maybe_ms(value: Option<f64>) -> String {
    value.map_or_else(|| NONE.into(), ms)
}

/// A count with thousands apart: `108,000`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate, given in units a second: `2.50/s`, `399.2/s`, `20,000/s`.
pub fn rate(value: f64) -> String {
    if !value.is_finite() {
        return NONE.into();
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let figure = match value.abs() {
        v if v < 9.995 => format!("{value:.2}"),
        v if v < 9_999.5 => {
            let tenths = (v * 10.0).round() as u64;
            format!("{sign}{}.{}", count(tenths / 10), tenths % 10)
        }
        v => format!("{sign}{}", count(v.round() as u64)),
    };
    figure + "/s"
}

/// A rate, or a dash.
pub fn maybe_rate(value: Option<f64>) -> String {
    value.map_or_else(|| NONE.into(), rate)
}

/// A rate beside a limit, exact to a thousandth, so that what misses the limit does not look like it: `379.962/s`.
pub fn exact_rate(value: f64) -> String {
    if value.is_finite() {
        without_zeros(format!("{value:.3}")) + "/s"
    } else {
        NONE.into()
    }
}

/// A change a second, with its sign: `+0.02/s`.
pub fn slope(value: f64) -> String {
    let text = rate(value);
    if text.starts_with('-') && !text[1..].starts_with("0.00/") {
        text
    } else {
        format!("+{}", text.trim_start_matches('-'))
    }
}

/// A share as a percentage with two significant digits: `97 %`, `0.25 %`, `0.002 %`. Never 100 % or 0 % for what is not.
pub fn percent(share: f64) -> String {
    if !share.is_finite() {
        return NONE.into();
    }
    let value = share * 100.0;
    let distance = value.abs().min((100.0 - value).abs());
    let decimals = match distance {
        0.0 => 0,
        d if d >= 9.95 => 0,
        d if d >= 0.995 => 1,
        d if d >= 0.0995 => 2,
        d if d >= 0.00995 => 3,
        _ => 4,
    };
    without_zeros(format!("{value:.decimals$}")) + " %"
}

/// A length of time: `30s`, `1.5s`, `4m00s`, `1h02m`.
pub fn length(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return NONE.into();
    }
    let whole = seconds.round() as u64;
    if seconds < 59.95 {
        without_zeros(format!("{seconds:.1}")) + "s"
    } else if whole < 3600 {
        format!("{}m{:02}s", whole / 60, whole % 60)
    } else {
        format!("{}h{:02}m", whole / 3600, whole % 3600 / 60)
    }
}

/// `1 workflow`, `1,200 workflows`.
pub fn plural(number: u64, word: &str) -> String {
    format!("{} {word}{}", count(number), if number == 1 { "" } else { "s" })
}

/// Text broken at spaces into lines of at most `width` characters; the first begins after `first`, the others after as
/// many spaces as `indent`. A per cent sign stays with its number.
pub fn wrap(first: &str, indent: usize, text: &str, width: usize) -> String {
    let mut out = first.to_owned();
    let mut column = first.chars().count();
    let mut fresh = true;
    let glued = text.replace(" %", "\u{1}%");
    for word in glued.split_whitespace() {
        let length = word.chars().count();
        if !fresh && column + 1 + length > width {
            let _ = write!(out, "\n{:indent$}", "");
            column = indent;
            fresh = true;
        }
        if !fresh {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
        fresh = false;
    }
    out.replace('\u{1}', " ")
}

/// Adds each line of a text, without the blanks at its end.
pub fn push_lines(to: &mut String, text: &str) {
    for line in text.lines() {
        to.push_str(line.trim_end());
        to.push('\n');
    }
}

/// A number without zeros at its end behind the decimal point, and without a point that ends it.
pub fn without_zeros(text: String) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_find_their_unit() {
        for (value, text) in [
            (0.0, "0ms"),
            (0.085, "85µs"),
            (0.0996, "0.1ms"),
            (3.12, "3.1ms"),
            (9.96, "10ms"),
            (52.4, "52ms"),
            (999.4, "999ms"),
            (999.9, "1s"),
            (1_240.0, "1.24s"),
            (12_340.0, "12.3s"),
            (3_600_000.0, "3,600s"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(ms(value), text);
        }
    }

    #[test]
    fn counts_and_rates_are_grouped() {
        for (value, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (108_000, "108,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(count(value), text);
        }
        for (value, text) in [
            (2.5, "2.50/s"),
            (399.24, "399.2/s"),
            (1_234.56, "1,234.6/s"),
            (20_000.4, "20,000/s"),
            (-12.34, "-12.3/s"),
            (-20_000.0, "-20,000/s"),
        ] {
            assert_eq!(rate(value), text);
        }
        assert_eq!(
            (slope(0.021), slope(-0.001), slope(-3.0)),
            ("+0.02/s".into(), "+0.00/s".into(), "-3.00/s".into())
        );
    }

    #[test]
    fn a_share_is_never_rounded_to_all_or_nothing() {
        for (value, text) in [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.97, "97 %"),
            (0.9999, "99.99 %"),
            (0.99999, "99.999 %"),
            (0.000_02, "0.002 %"),
            (0.0025, "0.25 %"),
            (0.015, "1.5 %"),
        ] {
            assert_eq!(percent(value), text);
        }
    }

    #[test]
    fn lengths_read_as_people_say_them() {
        for (value, text) in [
            (30.0, "30s"),
            (1.5, "1.5s"),
            (59.97, "1m00s"),
            (240.0, "4m00s"),
            (3_725.0, "1h02m"),
        ] {
            assert_eq!(length(value), text);
        }
    }

    #[test]
    fn wraps_at_spaces_under_its_beginning() {
        assert_eq!(wrap("", 2, "share 0.1 %", 10), "share\n  0.1 %");
        assert_eq!(wrap("  a  ", 5, "one two three", 13), "  a  one two\n     three");
        assert_eq!(wrap("", 2, "unbreakableword x", 5), "unbreakableword\n  x");
    }
}
