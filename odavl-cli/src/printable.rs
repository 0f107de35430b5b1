//! Text of files and tools, made safe for a terminal.

use anstream::adapter::strip_str;

/// `text` without terminal escapes, control characters and characters that turn or hide what stands beside them;
/// a line break or tab becomes a blank.
pub fn printable(text: &str) -> String {
    strip_str(text)
        .to_string()
        .chars()
        .filter_map(|c| match c {
            '\n' | '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
            _ if c.is_control() || is_format(c) => None,
            _ => Some(c),
        })
        .collect()
}

/// The general category Cf (Unicode 16), and the blank letters of Hangul.
fn is_format(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{600}'..='\u{605}' | '\u{61C}' | '\u{6DD}' | '\u{70F}' | '\u{890}'..='\u{891}' | '\u{8E2}'
        | '\u{115F}'..='\u{1160}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{110BD}' | '\u{110CD}' | '\u{13430}'..='\u{1343F}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_what_they_carry_are_gone() {
        for hostile in [
            "a\u{1b}[31mb",
            "a\u{1b}[2J\u{1b}[Hb",
            "a\u{1b}]0;title\u{7}b",
            "a\u{1b}]8;;https://evil.example\u{1b}\\b",
            "a\u{1b}]52;c;ZXZpbA==\u{7}b",
            "a\u{1b}Pq#0\u{1b}\\b",
            "a\u{1b}cb",
            "a\u{8}\u{7f}\rb",
            "ab\u{1b}",
            "ab\u{1b}[",
        ] {
            assert_eq!(printable(hostile), "ab", "{hostile:?}");
        }
    }

    #[test]
    fn no_control_character_is_left_of_any_text() {
        for first in '\0'..='\u{FF}' {
            for second in ['[', ']', 'P', 'X', '\u{9b}', '\u{9d}', '\u{1b}'] {
                let shown = printable(&format!("{first}{second}5;1mtext\u{7}é"));
                assert!(!shown.contains(char::is_control), "{first:?} {second:?}");
            }
        }
    }

    #[test]
    fn what_turns_or_hides_text_is_gone_and_line_breaks_are_blanks() {
        assert_eq!(printable("if admin\u{202E}\u{2066} // check\u{2069}\u{200B}"), "if admin // check");
        assert_eq!(printable("one\ntwo\tthree\u{2028}four"), "one two three four");
    }

    #[test]
    fn ordinary_text_in_any_script_stays_as_it_is() {
        for text in ["src/naïve/ファイル.rs:3", "`Vec<T>` — это", "🦀 ok", "a%20b\\c"] {
            assert_eq!(printable(text), text);
        }
    }
}
