//! Join token, the secret that keeps strangers out of a fleet.

use std::fmt;

use subtle::ConstantTimeEq;

/// The longest token, in bytes.
pub const TOKEN_BYTES: usize = 4096;
/// The shortest, which nobody guesses: tries are not limited.
pub const TOKEN_LEAST: usize = 16;

/// A secret that is sent and compared, and never shown.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Wraps the token; white space around it, such as the newline at the end of a file, is not part of it.
    ///
    /// # Errors
    /// When it is empty, shorter than [`TOKEN_LEAST`], longer than [`TOKEN_BYTES`], or holds anything but visible ASCII.
    pub fn new(text: &str) -> Result<Token, TokenError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TokenError::Empty);
        }
        if text.len() > TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::NotVisible);
        }
        if text.len() < TOKEN_LEAST {
            return Err(TokenError::TooShort);
        }
        Ok(Token(text.to_owned()))
    }

    /// The token itself, for handing it on to another process of this program and nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The value of the `authorization` header that carries it.
    pub(crate) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// Whether a value of the `authorization` header carries this token. How long the comparison takes tells only the
    /// token's length.
    pub(crate) fn is_in(&self, header: &[u8]) -> bool {
        match header.split_at_checked(7) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"Bearer ") => self.0.as_bytes().ct_eq(token).into(),
            _ => false,
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

/// A token that cannot be sent. The message does not show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is nothing in it.
    #[error("the fleet token is empty; give one, or leave --fleet-token and BENCHMARK_FLEET_TOKEN out")]
    Empty,
    /// It is shorter than [`TOKEN_LEAST`].
    #[error("the fleet token is shorter than {TOKEN_LEAST} characters, and could be guessed; take 32 random ones")]
    TooShort,
    /// It is longer than [`TOKEN_BYTES`].
    #[error("the fleet token is longer than {TOKEN_BYTES} bytes; take a shorter one, 32 random characters are plenty")]
    TooLong,
    /// It holds what no header may carry.
    #[error("the fleet token holds a character that is not visible ASCII, such as a space; take letters and digits")]
    NotVisible,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_tokens_are_trimmed_and_hidden() {
        let token = Token::new(" s3cret-of-a-fleet\n").unwrap();
        assert_eq!(token.header(), "Bearer s3cret-of-a-fleet");
        assert!(!format!("{token:?}").contains("s3cret"));
    }

    #[test]
    fn bad_tokens_are_refused() {
        assert_eq!(Token::new(" \n").unwrap_err(), TokenError::Empty);
        assert_eq!(Token::new("a b").unwrap_err(), TokenError::NotVisible);
        assert_eq!(
            Token::new("schlüssel-einer-flotte").unwrap_err(),
            TokenError::NotVisible
        );
        assert_eq!(
            Token::new(&"x".repeat(TOKEN_LEAST - 1)).unwrap_err(),
            TokenError::TooShort
        );
        assert!(Token::new(&"x".repeat(TOKEN_LEAST)).is_ok());
        assert_eq!(
            Token::new(&"x".repeat(TOKEN_BYTES + 1)).unwrap_err(),
            TokenError::TooLong
        );
        assert!(Token::new(&"x".repeat(TOKEN_BYTES)).is_ok());
    }

    #[test]
    fn only_the_same_token_fits() {
        let token = Token::new("abcdefghijklmnop").unwrap();
        assert!(token.is_in(b"Bearer abcdefghijklmnop") && token.is_in(b"bearer abcdefghijklmnop"));
        for other in [
            &b"Bearer abcdefghijklmnoq"[..],
            b"Bearer abcdefghijklmnopq",
            b"Bearer abcdefghijklmno",
            b"abcdefghijklmnop",
            b"",
            b"Basic abcdefghijklmnop",
            b"Bearer ",
        ] {
            assert!(!token.is_in(other));
        }
    }
}
