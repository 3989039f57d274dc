//! Client token of RunTask, the name of a run before there is one: who started its tasks, and the folder of its inputs.

use benchmark_scenarios::Problem;

/// Characters of a token. ECS takes 36 of who started a task.
const LENGTH: usize = 26;

const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// A new one, which nobody else has.
///
/// # Errors
/// When the system has no random numbers.
pub fn new() -> Result<String, Problem> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).map_err(|error| Problem::new(format!("no random numbers: {error}")))?;
    let letter = |byte: &u8| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]);
    Ok(bytes.iter().map(letter).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_plain_and_differ() {
        let token = new().expect("a token");
        assert_eq!(token.len(), LENGTH);
        assert!(token.bytes().all(|byte| LETTERS.contains(&byte)), "{token}");
        assert_ne!(token, new().expect("a token"));
    }
}
