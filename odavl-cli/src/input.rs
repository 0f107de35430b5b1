//! Secrets from standard input: never from an argument, which every user of the machine could read.

use std::io::{self, IsTerminal, Read};

use odavl_core::{Error, Result, secret::Secret};

/// The longest secret that is read.
const MOST: u64 = 4096;

/// A secret: the line on standard input, or what is typed, unseen, at `prompt`.
pub(crate) fn secret(prompt: &str) -> Result<Secret<String>> {
    let text = if io::stdin().is_terminal() { rpassword::prompt_password(prompt) } else { line() };
    let wrong = |why: &str| {
        Error::invalid_with(
            format!("no secret could be read: {why}"),
            "pipe it in, for example with `< FILE`",
        )
    };
    let text = text.map_err(|error| wrong(&error.to_string()))?;
    let secret =
        text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if secret.is_empty() {
        return Err(wrong("standard input is empty"));
    }
    Ok(Secret::new(secret.to_owned()))
}

fn line() -> io::Result<String> {
    let mut text = String::new();
    io::stdin().lock().take(MOST).read_to_string(&mut text)?;
    Ok(text)
}
