//! Reads options one by one and keeps what came of them.

use std::borrow::Cow;

use super::{Setting, form::Form};
use crate::{
    asked::{Asked, Given, Key, Source},
    problem::Problem,
};

/// Takes values out of what was asked and records each effective value with its source.
pub(crate) struct Reader<'a> {
    asked: &'a Asked,
    settings: Vec<Setting>,
    notes: Vec<String>,
}

impl<'a> Reader<'a> {
    /// A reader that has read nothing.
    pub fn new(asked: &'a Asked) -> Self {
        Reader {
            asked,
            settings: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The option as it was typed.
    pub fn given(&self, key: Key) -> Option<&'a Given> {
        self.asked.get(key)
    }

    /// All values of the option that may be given several times.
    pub fn server_config(&self) -> &'a [Given] {
        self.asked.server_config()
    }

    /// The option as asked for, recorded; `None` when it was not.
    pub fn read_given<T>(&mut self, key: Key, form: &Form<T>) -> Result<Option<T>, Problem> {
        let Some(given) = self.given(key) else { return Ok(None) };
        let value = parse(key, given, form)?;
        self.record(key, (form.show)(&value), given.source.clone());
        Ok(Some(value))
    }

    /// The option as asked for, or a default with its reason; recorded.
    pub fn read<T>(
        &mut self,
        key: Key,
        form: &Form<T>,
        default: impl FnOnce() -> (T, Cow<'static, str>),
    ) -> Result<T, Problem> {
        if let Some(value) = self.read_given(key, form)? {
            return Ok(value);
        }
        let (value, reason) = default();
        self.record(key, (form.show)(&value), Source::Default(reason));
        Ok(value)
    }

    /// The option as asked for, not recorded: for defaults that depend on options read later.
    pub fn peek<T>(&self, key: Key, form: &Form<T>) -> Result<Option<T>, Problem> {
        self.given(key).map(|given| parse(key, given, form)).transpose()
    }

    /// Records an effective value.
    pub fn record(&mut self, key: Key, value: String, source: Source) {
        self.settings.push(Setting { key, value, source });
    }

    /// Something to know that is no error.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// The value as people know it: as typed, or the default as recorded.
    pub fn quote(&self, key: Key) -> String {
        match self.given(key) {
            Some(given) => given.quote(key),
            None => match self.settings.iter().find(|setting| setting.key == key) {
                Some(setting) => format!("{} {} (default)", key.flag(), setting.value),
                None => key.flag().to_owned(),
            },
        }
    }

    /// Refuses options that do not apply when they were typed on the command line; elsewhere they are noted and ignored,
    /// since an environment or a file outlives a single run.
    pub fn refuse(&mut self, keys: &[Key], why: &str, problem: impl Fn(Problem) -> Problem) -> Result<(), Problem> {
        for key in keys {
            let Some(given) = self.given(*key) else { continue };
            let quote = given.quote(*key);
            if given.source.is_flag() {
                return Err(problem(Problem::new(format!("{quote} does not apply: {why}"))));
            }
            self.note(format!("{quote} is ignored: {why}"));
        }
        Ok(())
    }

    /// What was recorded: settings in the order of their keys, and notes.
    pub fn finish(mut self) -> (Vec<Setting>, Vec<String>) {
        self.settings.sort_by_key(|setting| setting.key);
        (self.settings, self.notes)
    }
}

/// A given value in its form, or the one line that says what is allowed.
fn parse<T>(key: Key, given: &Given, form: &Form<T>) -> Result<T, Problem> {
    (form.parse)(&given.text)
        .ok_or_else(|| Problem::new(format!("{} is not allowed: give {}", given.quote(key), form.allowed)))
}
