//! Logs of the programs on stderr: lines for people, or JSON objects for a pipeline that reads the server's logs as
//! well.
//!
//! The keys are the server's: `ts` (RFC 3339 with nanoseconds), `level` in lower case, `msg`; then `target`, the module that
//! says it, and whatever else is told. In JSON what is said to people is logged too, so that no line is anything else.

use std::{
    fmt::{self, Write as _},
    sync::OnceLock,
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter,
    fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter, format::Writer},
    registry::LookupSpan,
};

/// How what is said looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// A JSON object a line
    Json,
}

/// What is logged, as the command lines of all programs have it.
#[derive(clap::Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogArgs {
    /// Log more on stderr; twice for everything
    #[arg(long, short, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// What is said on stderr: text (lines for people) or json (an object a line, with the keys of the server's logs)
    /// [default: text]
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub log_format: LogFormat,
}

/// With it the program, which is the target of what is said to people.
static FORMAT: OnceLock<(LogFormat, &str)> = OnceLock::new();

/// Whether everything is said in JSON.
pub fn is_json() -> bool {
    target_in_json().is_some()
}

fn target_in_json() -> Option<&'static str> {
    FORMAT
        .get()
        .filter(|(format, _)| *format == LogFormat::Json)
        .map(|(_, program)| *program)
}

/// Begins to log: errors, and with `verbose` more; `RUST_LOG` says it exactly.
pub fn init<W>(asked: LogArgs, program: &'static str, writer: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let _ = FORMAT.set((asked.log_format, program));
    let level = match asked.verbose {
        0 => "error",
        1 => "info",
        _ => "debug",
    };
    let logging = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level)))
        .with_writer(writer)
        // Else a line that cannot be written is complained about on stderr, which panics when that is what is closed.
        .log_internal_errors(false);
    match asked.log_format {
        LogFormat::Text => logging.init(),
        LogFormat::Json => logging.event_format(Json).init(),
    }
}

/// What is said to people as it goes to stderr: itself, or one object for all of its lines.
pub fn said(text: &str) -> std::borrow::Cow<'_, str> {
    let Some(target) = target_in_json() else {
        return text.into();
    };
    let level = match text.split_once(':') {
        Some(("error", _)) => "error",
        Some(("note" | "warning", _)) => "warn",
        _ => "info",
    };
    let mut object = Object::begin(level, target);
    object.message = text.to_owned();
    object.finish().into()
}

/// A line as it is written.
struct Object {
    level: String,
    target: String,
    message: String,
    /// Fields beside the message, each after a comma.
    rest: String,
}

impl Object {
    fn begin(level: &str, target: &str) -> Object {
        Object {
            level: level.to_owned(),
            target: target.to_owned(),
            message: String::new(),
            rest: String::new(),
        }
    }

    /// Adds a field; one that would be taken for one of the line's own gets a mark.
    fn add(&mut self, name: &str, value: &serde_json::Value) {
        let mark = if ["ts", "level", "msg", "target"].contains(&name) {
            "_"
        } else {
            ""
        };
        // Writing to a string does not fail.
        let _ = write!(
            self.rest,
            ",{}:{value}",
            serde_json::Value::from(format!("{name}{mark}"))
        );
    }

    fn finish(&self) -> String {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        format!(
            "{{\"ts\":\"{:.9}\",\"level\":{},\"msg\":{},\"target\":{}{}}}",
            jiff::Timestamp::now(),
            text(&self.level),
            text(&self.message),
            text(&self.target),
            self.rest
        )
    }
}

impl Visit for Object {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            name => self.add(name, &value.into()),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field.name(), &value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), &value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), &value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), &value.into());
    }
}

/// Events as JSON objects.
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        let level = metadata.level().as_str().to_lowercase();
        let mut object = Object::begin(&level, metadata.target());
        event.record(&mut object);
        writeln!(writer, "{}", object.finish())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_an_object_with_the_servers_keys() {
        let kept = Kept::default();
        let writer = kept.clone();
        let logging = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .event_format(Json);
        tracing::subscriber::with_default(logging.finish(), || {
            tracing::warn!(target: "a::module", count = 3_u64, level = "mine", ratio = 0.5, yes = true, "two\nlines \"quoted\"");
            tracing::info!(target: "b", error = %io::Error::other("no"));
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [first, second] = &lines[..] else { panic!("{text}") };
        assert_eq!(first["level"], "warn");
        assert_eq!(first["msg"], "two\nlines \"quoted\"");
        assert_eq!(first["target"], "a::module");
        assert_eq!(
            (&first["count"], &first["ratio"], &first["yes"]),
            (&3.into(), &0.5.into(), &true.into())
        );
        assert_eq!(first["level_"], "mine");
        let at = first["ts"].as_str().unwrap();
        assert_eq!(at.len(), "2026-01-02T03:04:05.123456789Z".len(), "{at}");
        at.parse::<jiff::Timestamp>().unwrap();
        assert_eq!((&second["msg"], &second["error"]), (&"".into(), &"no".into()));
    }
}
