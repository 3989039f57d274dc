//! Names: of files, of what Temporal knows by name, of a plan.

use super::Form;

/// What is shown of a plan's hash, and the whole of it.
const HASH_DIGITS: std::ops::RangeInclusive<usize> = 6..=64;

impl Form<String> {
    /// The file of a name.
    pub fn path() -> Self {
        Form::text("the path of a file", |text| !text.is_empty() && is_plain(text))
    }

    /// A secret, which is checked where it is used, and of which nothing is said.
    pub fn secret() -> Self {
        Form::text("a text", |_| true)
    }

    /// The name that a certificate must carry.
    pub fn server_name() -> Self {
        Form::text("the name in the server's certificate", |text| {
            !text.is_empty() && is_plain(text)
        })
    }

    /// A namespace.
    pub fn namespace() -> Self {
        let plain = |text: &str| {
            (1..=255).contains(&text.len())
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        };
        Form::text("1 to 255 letters, digits, dots, dashes or underscores", plain)
    }

    /// One task queue.
    pub fn task_queue() -> Self {
        Form::text(
            "a name of 1 to 255 characters without blanks, commas or braces",
            is_task_queue,
        )
    }

    /// A worker deployment, or a build.
    pub fn version() -> Self {
        Form::text("a name of 1 to 255 characters without blanks", |text| {
            (1..=255).contains(&text.len()) && !text.chars().any(|c| c.is_control() || c.is_whitespace())
        })
    }

    /// Who workers say they are.
    pub fn identity() -> Self {
        Form::text("a name of 1 to 255 characters", |text| {
            (1..=255).contains(&text.len()) && is_plain(text)
        })
    }

    /// The beginning of a plan's hash.
    pub fn plan_hash() -> Self {
        Form::text(
            "6 to 64 hexadecimal digits of a plan's hash, as run-benchmark plan prints it",
            |text| HASH_DIGITS.contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
        )
    }

    /// One value of a server's dynamic configuration.
    pub fn pair() -> Self {
        Form::text("KEY=VALUE, as in frontend.rps=5000", |text| {
            let pair = text.split_once('=');
            pair.is_some_and(|(key, value)| !key.trim().is_empty() && !value.trim().is_empty())
        })
    }

    /// Matchers of Prometheus, which reads them itself.
    pub fn matchers() -> Self {
        Form::text("matchers", |text| !text.trim().is_empty())
    }
}

impl Form<Vec<String>> {
    /// The task queues of a worker process, of which it can poll so many.
    pub fn task_queues(most: u32) -> Self {
        let allowed = format!(
            "a name, several with commas between them, or a numbered range such as NAME-{{0..7}}; at most {most} in \
             all, each of 1 to 255 characters without blanks"
        );
        Form::new(
            allowed,
            move |text| parse_task_queues(text, most),
            |queues: &Vec<String>| queues.join(","),
        )
    }
}

fn is_plain(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// Whether a text can name a task queue: commas and braces are how a worker process is told of several.
fn is_task_queue(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && !text
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || matches!(c, ',' | '{' | '}'))
}

fn parse_task_queues(text: &str, most: u32) -> Option<Vec<String>> {
    let mut queues = Vec::new();
    for part in text.split(',') {
        queues.extend(parse_range(part.trim(), most)?);
        if queues.len() > most as usize {
            return None;
        }
    }
    queues.iter().all(|queue| is_task_queue(queue)).then_some(queues)
}

/// `NAME`, or `NAME-{0..7}` with the numbers anywhere in the name.
fn parse_range(text: &str, most: u32) -> Option<Vec<String>> {
    let Some((before, rest)) = text.split_once('{') else {
        return Some(vec![text.to_owned()]);
    };
    let (range, after) = rest.split_once('}')?;
    let (first, last) = range.split_once("..")?;
    let number = |text: &str| {
        let whole = Form::whole(0..=1_000_000, "queues");
        (whole.parse)(text)
    };
    let (first, last) = (number(first)?, number(last)?);
    let fits = first <= last && last - first < most;
    fits.then(|| (first..=last).map(|n| format!("{before}{n}{after}")).collect())
}
