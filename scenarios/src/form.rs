//! Parsing of values, the forms that they take: how each is read from text, what is allowed, and how it is written
//! back.

mod address;
mod name;
mod pollers;
mod sleep;
mod url;

use std::{fmt::Display, net::SocketAddr, ops::RangeInclusive, time::Duration};

use crate::{Rate, units};

pub use address::EMBEDDED;
pub(crate) use address::{Address, HostPort};

type Parse<T> = Box<dyn Fn(&str) -> Option<T>>;
type Show<T> = Box<dyn Fn(&T) -> String>;

/// How a value of type `T` is read and written, and the words for what is allowed.
pub(crate) struct Form<T> {
    /// Completes the sentence "is not allowed: give …".
    pub allowed: String,
    /// The same in a few words, for help that says what the value is for: `1s to 24h`, `queue, drop or abort`.
    summary: String,
    /// The largest of what is allowed.
    most: String,
    /// Reads a text; `None` when it is not allowed.
    pub parse: Parse<T>,
    /// Writes a value so that it could be typed again.
    pub show: Show<T>,
}

/// What help says of a form.
pub(crate) struct Bounds {
    /// What is allowed, in a few words.
    pub summary: String,
    /// The largest of what is allowed.
    pub most: String,
}

impl<T: 'static> Form<T> {
    /// A form from its parts.
    pub fn new(
        allowed: impl Into<String>,
        parse: impl Fn(&str) -> Option<T> + 'static,
        show: impl Fn(&T) -> String + 'static,
    ) -> Self {
        Form {
            allowed: allowed.into(),
            summary: String::new(),
            most: String::new(),
            parse: Box::new(parse),
            show: Box::new(show),
        }
    }

    /// The same with words for help.
    fn between(self, least: impl Display, most: impl Display) -> Self {
        Form {
            summary: format!("{least} to {most}"),
            most: most.to_string(),
            ..self
        }
    }

    /// What help says of it.
    pub fn bounds(self) -> Bounds {
        let Form { summary, most, .. } = self;
        Bounds { summary, most }
    }

    /// The same, or a word that stands for no value of the kind, such as `off`.
    pub fn or_word(self, word: &'static str) -> Form<Option<T>> {
        let (parse, show) = (self.parse, self.show);
        Form::new(
            format!("{word} or {}", self.allowed),
            move |text| match text.trim() == word {
                true => Some(None),
                false => parse(text).map(Some),
            },
            move |value| value.as_ref().map_or_else(|| word.to_owned(), &show),
        )
    }
}

impl Form<Rate> {
    /// Starts a second.
    pub fn rate() -> Self {
        let allowed = format!(
            "a rate from {} to {} starts a second, with at most three decimals",
            Rate::MIN,
            Rate::MAX
        );
        Form::new(allowed, |text| text.parse().ok(), Rate::to_string).between(Rate::MIN, Rate::MAX)
    }
}

impl Form<Duration> {
    /// A duration between two others, both allowed.
    pub fn span(range: RangeInclusive<Duration>) -> Self {
        let (least, most) = (limit(*range.start()), limit(*range.end()));
        let allowed = format!("a duration from {least} to {most}, with its unit, as in 500ms, 30s or 1h30m");
        Form::new(
            allowed,
            move |text| units::parse(text).ok().filter(|d| range.contains(d)),
            |d| units::format(*d),
        )
        .between(least, most)
    }
}

impl Form<u32> {
    /// A whole number of things, bounds allowed.
    pub fn whole(range: RangeInclusive<u32>, things: &str) -> Self {
        let (least, most) = (*range.start(), *range.end());
        Form::new(
            format!("a whole number of {things} from {least} to {most}"),
            move |text| digits(text)?.parse().ok().filter(|n| range.contains(n)),
            u32::to_string,
        )
        .between(least, most)
    }

    /// A number of bytes up to a largest one.
    pub fn bytes(most: u32) -> Self {
        let largest = units::format_bytes(most.into());
        Form::new(
            format!("a size from 0 to {largest}, as in 512, 64KiB or 1MiB"),
            move |text| u32::try_from(units::parse_bytes(text)?).ok().filter(|n| *n <= most),
            |n| units::format_bytes((*n).into()),
        )
        .between(0, largest)
    }
}

impl Form<u64> {
    /// Any whole number that fits 64 bits.
    pub fn seed() -> Self {
        let allowed = format!("a whole number from 0 to {}", u64::MAX);
        Form::new(allowed, |text| digits(text)?.parse().ok(), u64::to_string)
    }
}

impl Form<f64> {
    /// A share, as `2%` or `0.02`.
    pub fn ratio() -> Self {
        Form::new(
            "a share from 0 to 1 or from 0% to 100%, as in 0.02 or 2%",
            units::parse_ratio,
            |ratio| units::format_ratio(*ratio),
        )
    }

    /// A share of the machine that is aimed at.
    pub fn target() -> Self {
        let allowed = "a share above 0 and up to 1 or 100%, as in 0.8 or 80%";
        let parse = |text: &str| units::parse_ratio(text).filter(|share| *share > 0.0);
        Form::new(allowed, parse, |share| units::format_ratio(*share))
    }

    /// A plain number of things between bounds, both allowed.
    pub fn number(range: RangeInclusive<f64>, things: &str) -> Self {
        let (least, most) = (*range.start(), *range.end());
        Form::new(
            format!("a number from {least} to {most} {things}"),
            move |text| units::parse_number(text).filter(|n| range.contains(n)),
            f64::to_string,
        )
        .between(least, most)
    }
}

impl Form<bool> {
    /// A switch.
    pub fn switch() -> Self {
        Form::new("true or false", parse_switch, bool::to_string)
    }

    /// A switch with words of its own.
    pub fn on_or_off() -> Self {
        let parse = |text: &str| match text.trim() {
            "on" => Some(true),
            "off" => Some(false),
            other => parse_switch(other),
        };
        Form::new("on or off", parse, |on| if *on { "on" } else { "off" }.to_owned())
    }
}

impl Form<SocketAddr> {
    /// Where something is listened for.
    pub fn listen() -> Self {
        Form::new(
            "IP:PORT, as in 127.0.0.1:9090 or 0.0.0.0:9090; port 0 takes a free one",
            |text| text.trim().parse().ok(),
            SocketAddr::to_string,
        )
    }
}

impl Form<String> {
    /// A text that a check lets pass.
    pub fn text(allowed: impl Into<String>, check: impl Fn(&str) -> bool + 'static) -> Self {
        Form::new(allowed, move |text| check(text).then(|| text.to_owned()), String::clone)
    }
}

impl<T: Copy + PartialEq + Display + 'static> Form<T> {
    /// One of a few, by name.
    pub fn choice(choices: &'static [T]) -> Self {
        let names: Vec<String> = choices.iter().map(T::to_string).collect();
        let form = Form::new(
            format!("one of {}", names.join(", ")),
            |text| choices.iter().find(|choice| choice.to_string() == text.trim()).copied(),
            T::to_string,
        );
        let (last, others) = names
            .split_last()
            .map_or(("", &[][..]), |(last, others)| (last, others));
        Form {
            summary: format!("{} or {last}", others.join(", ")),
            ..form
        }
    }
}

/// A limit in words: hours where they are whole, since `1day` is not what anybody types.
fn limit(span: Duration) -> String {
    let seconds = span.as_secs();
    let whole_hours = span.subsec_nanos() == 0 && seconds > 0 && seconds.is_multiple_of(3600);
    if whole_hours {
        format!("{}h", seconds / 3600)
    } else {
        units::format(span)
    }
}

/// Reads a switch as Go's `strconv.ParseBool` does, so that existing task definitions mean what they meant.
pub fn parse_switch(text: &str) -> Option<bool> {
    match text.trim() {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// The text without surrounding blanks when it is digits and nothing else: no sign, which `parse` would let pass.
fn digits(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then_some(text)
}
