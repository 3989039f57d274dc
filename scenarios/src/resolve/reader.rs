//! Reader of options: one by one, and it keeps what came of them.

use std::borrow::Cow;

use super::Setting;
use crate::{
    asked::{Asked, Given, Source},
    form::Form,
    options::{Key, Opt, Otherwise, Program},
    problem::Problem,
};

/// Takes values out of what was asked and records each effective value with its source.
pub(crate) struct Reader<'a> {
    program: Program,
    asked: &'a Asked,
    settings: Vec<Setting>,
    notes: Vec<String>,
}

impl<'a> Reader<'a> {
    /// A reader that has read nothing of what was asked of a program.
    pub fn new(program: Program, asked: &'a Asked) -> Self {
        Reader {
            program,
            asked,
            settings: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The option as it was typed.
    pub fn given(&self, key: Key) -> Option<&'a Given> {
        self.asked.get(key)
    }

    /// All values of an option whose values add up, strongest first, not recorded.
    pub fn read_all<O: Opt>(&self, _: O) -> Result<Vec<(&'a Given, O::Value)>, Problem> {
        let form = O::form();
        let all = self.asked.all(O::KEY).iter();
        all.map(|given| Ok((given, parse(O::KEY, given, &form)?))).collect()
    }

    /// The option as asked for, recorded; `None` when it was not.
    pub fn read_given<O: Opt>(&mut self, _: O) -> Result<Option<O::Value>, Problem> {
        self.read_given_as(O::KEY, &O::form())
    }

    /// The option as asked for, or the table's default; recorded.
    pub fn read<O: Opt>(&mut self, _: O) -> Result<O::Value, Problem> {
        self.read_as(O::KEY, &O::form())
    }

    /// The option as asked for, or a default with its reason, where that depends on others; recorded.
    pub fn read_or<O: Opt>(
        &mut self,
        option: O,
        default: impl FnOnce() -> (O::Value, Cow<'static, str>),
    ) -> Result<O::Value, Problem> {
        match self.read_given(option)? {
            Some(value) => Ok(value),
            None => {
                let (value, reason) = default();
                self.record(O::KEY, (O::form().show)(&value), Source::Default(reason));
                Ok(value)
            }
        }
    }

    /// As [`Reader::read_given`], where a value may be something else than the table says.
    pub fn read_given_as<T>(&mut self, key: Key, form: &Form<T>) -> Result<Option<T>, Problem> {
        let Some(given) = self.given(key) else { return Ok(None) };
        let value = parse(key, given, form)?;
        self.record(key, (form.show)(&value), given.source.clone());
        Ok(Some(value))
    }

    /// As [`Reader::read`], where a value may be something else than the table says.
    pub fn read_as<T>(&mut self, key: Key, form: &Form<T>) -> Result<T, Problem> {
        let (value, source) = self.look(key, form)?;
        self.record(key, (form.show)(&value), source);
        Ok(value)
    }

    /// As [`Reader::read`], not recorded: for what depends on an option that is read later.
    pub fn read_ahead<O: Opt>(&self, _: O) -> Result<O::Value, Problem> {
        Ok(self.look(O::KEY, &O::form())?.0)
    }

    /// The option as asked for, or the table's default, and where it is from.
    fn look<T>(&self, key: Key, form: &Form<T>) -> Result<(T, Source), Problem> {
        if let Some(given) = self.given(key) {
            return Ok((parse(key, given, form)?, given.source.clone()));
        }
        let (text, reason) = match key.otherwise(self.program) {
            Otherwise::Constant(text, reason) => (text, reason),
            Otherwise::Unsaid | Otherwise::Words(_) => ("", ""),
        };
        let default = Given {
            text: text.to_owned(),
            source: Source::Default(reason.into()),
        };
        Ok((parse(key, &default, form)?, default.source))
    }

    /// The option as asked for, not recorded: for defaults that depend on options read later.
    pub fn peek<O: Opt>(&self, _: O) -> Result<Option<O::Value>, Problem> {
        self.given(O::KEY)
            .map(|given| parse(O::KEY, given, &O::form()))
            .transpose()
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
    pub fn refuse(
        &mut self,
        keys: impl IntoIterator<Item = Key>,
        why: &str,
        problem: impl Fn(Problem) -> Problem,
    ) -> Result<(), Problem> {
        for key in keys {
            let Some(given) = self.given(key) else { continue };
            let quote = given.quote(key);
            if given.source.is_flag() {
                return Err(problem(Problem::new(format!("{quote} does not apply: {why}"))));
            }
            self.note(format!("{quote} is ignored: {why}"));
        }
        Ok(())
    }

    /// Refuses one of two options without the other, of which there would be a `what` as well.
    pub fn together(&self, pair: [Key; 2], what: &str, why: &str) -> Result<(), Problem> {
        let [first, second] = pair;
        for (one, other) in [(first, second), (second, first)] {
            if self.given(one).is_some() && self.given(other).is_none() {
                let needs = format!("{} needs {} {what} as well", self.quote(one), other.flag());
                return Err(Problem::new(needs).explain(why));
            }
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
