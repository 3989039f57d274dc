//! Session of a command, what all of them have: the facts, AWS, and a person or a program that is told.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
};

use benchmark_command_line::print;
use benchmark_results::text;
use benchmark_scenarios::Problem;
use serde_json::{Value, json};

use crate::{
    args::{Common, Origin},
    aws::Aws,
    facts::Facts,
};

/// A call by the name that policies give it, such as `ecs:UpdateService`, with its arguments in one line.
pub fn call(action: &str, arguments: &Value) -> String {
    let mut line = action.to_owned();
    for (name, value) in arguments.as_object().into_iter().flatten() {
        let value = short(value);
        line += &match value.as_str() {
            Some(text) => format!(" {name}={text}"),
            None => format!(" {name}={value}"),
        };
    }
    line
}

/// It with texts of several lines, as scripts are, cut after the first one.
fn short(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(short).collect(),
        Value::String(text) => match text.split_once('\n') {
            Some((first, _)) => format!("{first}…").into(),
            None => value.clone(),
        },
        value => value.clone(),
    }
}

/// One command at work.
#[derive(Debug)]
pub struct Session {
    /// The environment.
    pub facts: Facts,
    /// AWS, in the environment's region.
    pub aws: Aws,
    /// Who is told.
    pub console: Console,
}

impl Session {
    /// Reads the facts, and holds the account of the credentials against theirs.
    ///
    /// # Errors
    /// When there are no facts or credentials, or they are of different accounts.
    pub async fn open(common: &Common) -> Result<Session, Problem> {
        let facts = Session::read(common)?;
        Session::check_region(&facts)?;
        let session = Session::of(facts, common).await;
        session.check_account().await?;
        Ok(session)
    }

    /// Reads the facts that are named.
    ///
    /// # Errors
    /// When there are none.
    pub fn read(common: &Common) -> Result<Facts, Problem> {
        match common.origin(|name| std::env::var_os(name)) {
            Origin::File(file) => Facts::from_file(&file),
            Origin::Terraform(folder) => Facts::from_terraform(&folder),
        }
    }

    /// A session in the facts' region; nothing is asked yet.
    pub async fn of(facts: Facts, common: &Common) -> Session {
        Session {
            aws: Aws::new(Some(&facts.region)).await,
            facts,
            console: Console::new(common),
        }
    }

    /// Holds the surroundings' region against the facts'.
    ///
    /// # Errors
    /// When they differ.
    pub fn check_region(facts: &Facts) -> Result<(), Problem> {
        let surroundings = std::env::var("AWS_REGION").or_else(|_| std::env::var("AWS_DEFAULT_REGION"));
        if let Ok(region) = surroundings
            && region != facts.region
        {
            return Err(Problem::new(format!(
                "AWS_REGION: {}, but the facts are of {}",
                text::line(&region, 60),
                facts.region
            ))
            .remedy(format!("AWS_REGION={}", facts.region))
            .remedy("the facts of the other environment"));
        }
        Ok(())
    }

    /// Holds the credentials' account against the facts'.
    ///
    /// # Errors
    /// When there are none, or they differ.
    pub async fn check_account(&self) -> Result<(), Problem> {
        let account = self.aws.account().await?;
        if account != self.facts.account_id {
            return Err(Problem::new(format!(
                "credentials of account {account}, but the facts are of {}",
                self.facts.account_id
            ))
            .remedy("AWS_PROFILE=… of that account"));
        }
        Ok(())
    }

    /// Makes a call that changes something; only prints it, and gives nothing, where nothing is to be changed.
    ///
    /// # Errors
    /// Those of the call.
    pub fn change<T>(
        &self,
        action: &str,
        arguments: Value,
        made: impl Future<Output = Result<T, Problem>>,
    ) -> impl Future<Output = Result<Option<T>, Problem>> {
        let made = Box::pin(made);
        async move {
            if self.console.is_dry {
                let line = call(action, &arguments);
                self.tell("call", line, json!({ "action": action, "arguments": arguments }));
                return Ok(None);
            }
            made.await.map(Some)
        }
    }

    /// Says what happens: a sentence, or an object with the kind and the sentence as `text`.
    pub fn say(&self, kind: &str, sentence: impl Display) {
        self.console.tell(kind, sentence, json!({}));
    }

    /// The same with further keys.
    pub fn tell(&self, kind: &str, sentence: impl Display, more: Value) {
        self.console.tell(kind, sentence, more);
    }
}

/// Who is told: a person by sentences, a program by one JSON object a line.
#[derive(Clone, Debug)]
pub struct Console {
    /// Whether nothing is to be changed.
    pub is_dry: bool,
    is_json: bool,
    is_agreed: bool,
}

impl Console {
    /// As the command line says.
    pub fn new(common: &Common) -> Console {
        Console {
            is_dry: common.dry_run,
            is_json: common.json,
            is_agreed: common.yes,
        }
    }

    /// Whether a program is told.
    pub fn is_json(&self) -> bool {
        self.is_json
    }

    /// Says what happens: a sentence, or an object with the kind, the sentence as `text`, and further keys.
    pub fn tell(&self, kind: &str, sentence: impl Display, more: Value) {
        let sentence = sentence.to_string();
        if !self.is_json {
            return self.print(&text::lines(&sentence));
        }
        let mut object = json!({ "kind": kind, "text": sentence });
        if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
            object.extend(more);
        }
        self.print(&object.to_string());
    }

    /// A line as it is, on stdout. A reader that has seen enough is no error.
    pub fn print(&self, line: &str) {
        let _ = print(&format!("{line}\n"));
    }

    /// Whether there is somebody to ask, for a command whose question comes late.
    ///
    /// # Errors
    /// When there is nobody, and no yes was given.
    pub fn check_somebody(&self, command: &str) -> Result<(), Problem> {
        if self.is_agreed || self.is_dry || io::stdin().is_terminal() {
            return Ok(());
        }
        Err(Problem::new(format!(
            "{command} asks before it deletes something, and nobody is here to answer"
        ))
        .remedy("--yes"))
    }

    /// Asks a person whether to do what cannot be taken back; `word` is what they have to type.
    ///
    /// # Errors
    /// When they do not type it, or there is nobody to ask.
    pub fn agree(&self, question: &str, word: &str) -> Result<(), Problem> {
        if self.is_agreed || self.is_dry {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            return Err(Problem::new(format!("{question} Nobody is here to answer")).remedy("--yes"));
        }
        let mut out = io::stderr();
        let _ = write!(out, "{} Type {word} to go on: ", text::lines(question)).and_then(|()| out.flush());
        let mut answer = String::new();
        let _ = io::stdin().read_line(&mut answer);
        match answer.trim() == word {
            true => Ok(()),
            false => Err(Problem::new("nothing was changed, since the answer was another one")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_one_line_with_its_arguments_in_order() {
        let arguments = json!({ "cluster": "bench", "count": 1, "command": ["sh", "-c", "set -u\nexit 1"] });
        assert_eq!(
            call("ecs:RunTask", &arguments),
            r#"ecs:RunTask cluster=bench count=1 command=["sh","-c","set -u…"]"#
        );
    }
}
