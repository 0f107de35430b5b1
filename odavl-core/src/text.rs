//! Which characters a name may hold, whatever it names: people, keys, organisations, objects.

use unicode_normalization::is_nfc;

use crate::error::{Error, Result};

/// Refuses a name that is not what it looks like: it has 1 to `most` visible characters, in normal form C (UAX #15).
pub(crate) fn check_name(what: &str, name: &str, most: usize) -> Result<()> {
    let length = name.chars().count();
    if !(1..=most).contains(&length) || name.trim().is_empty() {
        return Err(Error::invalid(format!("{what} is 1 to {most} visible characters")));
    }
    if let Some(bad) = name.chars().find(|c| hides(*c)) {
        let detail = format!("{what} cannot hold `{}`", bad.escape_unicode());
        return Err(Error::invalid_with(detail, "use visible characters alone"));
    }
    if is_nfc(name) {
        return Ok(());
    }
    Err(Error::invalid_with(format!("{what} is not in Unicode normal form C"), "send it composed (NFC)"))
}

/// Control, format and bidirectional characters, line separators and noncharacters: they make two names look the same,
/// or a listing lie.
pub(crate) fn hides(c: char) -> bool {
    let noncharacter = u32::from(c) & 0xFFFE == 0xFFFE || ('\u{FDD0}'..='\u{FDEF}').contains(&c);
    c.is_control() || noncharacter || FORMAT.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

/// General category Cf (format, bidirectional controls included) of Unicode 17, and Zl and Zp.
const FORMAT: [(char, char); 20] = [
    ('\u{AD}', '\u{AD}'),
    ('\u{600}', '\u{605}'),
    ('\u{61C}', '\u{61C}'),
    ('\u{6DD}', '\u{6DD}'),
    ('\u{70F}', '\u{70F}'),
    ('\u{890}', '\u{891}'),
    ('\u{8E2}', '\u{8E2}'),
    ('\u{180E}', '\u{180E}'),
    ('\u{200B}', '\u{200F}'),
    ('\u{2028}', '\u{202E}'),
    ('\u{2060}', '\u{206F}'),
    ('\u{FEFF}', '\u{FEFF}'),
    ('\u{FFF9}', '\u{FFFB}'),
    ('\u{110BD}', '\u{110BD}'),
    ('\u{110CD}', '\u{110CD}'),
    ('\u{13430}', '\u{1343F}'),
    ('\u{1BCA0}', '\u{1BCA3}'),
    ('\u{1D173}', '\u{1D17A}'),
    ('\u{E0001}', '\u{E0001}'),
    ('\u{E0020}', '\u{E007F}'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_hides_or_turns_something_is_refused() {
        for name in
            ["", " ", "\n", "a\0", "\u{202e}nimda", "ad\u{200b}min", "a\u{2028}b", "\u{feff}a", "cafe\u{301}"]
        {
            assert!(check_name("a name", name, 100).is_err(), "{name:?}");
        }
        assert!(check_name("a name", &"a".repeat(101), 100).is_err());
        for name in ["Ada", "Åsa Öberg", "日本 🦀", &"é".repeat(100)] {
            assert!(check_name("a name", name, 100).is_ok(), "{name:?}");
        }
    }
}
