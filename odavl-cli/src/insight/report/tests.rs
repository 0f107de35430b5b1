use odavl_core::uploads::Caps;

use super::*;

const HOSTILE: &str = r#"{"version": "2.1.0", "runs": [
  {"tool": {"driver": {"name": "lint\u202e", "rules": [
      {"id": "R1", "helpUri": "https://lint.example/R1", "messageStrings": {"default": {"text": "said by the rule"}}},
      {"id": "R2", "defaultConfiguration": {"level": "note"}}]}},
   "results": [
      {"ruleId": "R2", "message": {"text": "a note"}},
      {"ruleId": "R1", "message": {"text": "a warning\nwith a second line"},
       "locations": [{"physicalLocation": {"artifactLocation": {"uri": "src/na%C3%AFve%20%1b%5b31m.rs"}, "region": {"startLine": 3, "startColumn": 7}}}]},
      {"ruleId": "R1", "kind": "pass", "message": {"text": "no finding at all"}},
      {"ruleId": "R1", "message": {"id": "default"}}]},
  {"tool": {"driver": {"name": "other"}},
   "results": [{"level": "error", "message": {"text": "\u001b]0;owned\u0007an error\u001b[2J\tof another tool"},
     "locations": [{"physicalLocation": {"artifactLocation": {"uri": "b.c"}, "region": {"startLine": 1}}}]}]},
  {"tool": {"driver": {"name": "third"}}, "results": null}]}"#;

fn document() -> Document {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), HOSTILE).unwrap();
    let mut document = Document::default();
    document.add_file(file.path(), &Caps::default()).unwrap();
    document
}

fn shown(most: usize, look: Look) -> (String, u64) {
    let mut out = Vec::new();
    let left_out = findings(&document(), most, look, &mut out).unwrap();
    (String::from_utf8(out).unwrap(), left_out)
}

#[test]
fn a_pipe_gets_a_line_for_each_finding_worst_first() {
    let expected = "error\tb.c:1\t\tan error of another tool\t\n\
        warning\tsrc/naïve .rs:3:7\tR1\ta warning\thttps://lint.example/R1\n\
        warning\t\tR1\tsaid by the rule\thttps://lint.example/R1\n\
        note\t\tR2\ta note\t\n";
    assert_eq!(shown(10, Look::Lines), (expected.to_owned(), 0));
}

#[test]
fn a_terminal_gets_a_block_for_each_finding() {
    let expected = "error    b.c:1\n         an error of another tool\n\
        warning  src/naïve .rs:3:7  R1\n         a warning\n         https://lint.example/R1\n";
    let (coloured, left_out) = shown(2, Look::Blocks);
    assert_eq!(left_out, 2);
    assert!(coloured.starts_with("\u{1b}[1m\u{1b}[31merror  \u{1b}[0m  b.c:1\n"), "{coloured:?}");
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), expected);
}

#[test]
fn nothing_of_a_document_reaches_a_terminal_as_an_escape() {
    let lines = shown(usize::MAX, Look::Lines).0;
    // But for the styles of our own.
    let blocks = shown(usize::MAX, Look::Blocks).0;
    let own = ["31m", "33m", "36m", "1m", "2m", "0m"].map(|style| format!("\u{1b}[{style}"));
    let blocks = own.iter().fold(blocks, |text, style| text.replace(style, ""));
    for text in [lines, blocks] {
        assert!(!text.chars().any(|c| c.is_control() && !"\n\t".contains(c)), "{text:?}");
    }
}

#[test]
fn counts_name_levels_files_and_tools() {
    let summary = odavl_core::uploads::sarif::scan(HOSTILE.as_bytes(), &Caps::default()).unwrap().summary;
    assert_eq!(counts(&summary), "1 error, 2 warnings, 1 note in 2 files (lint, other, third)");
    let none = Summary { tools: summary.tools, ..Summary::default() };
    assert_eq!(counts(&none), "no findings (lint, other, third)");
}

#[test]
fn a_closed_pipe_ends_the_report_and_a_full_disk_is_an_error() {
    struct Closed(io::ErrorKind);
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from(self.0))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    assert!(findings(&document(), 9, Look::Lines, &mut Closed(io::ErrorKind::BrokenPipe)).is_ok());
    assert!(findings(&document(), 9, Look::Lines, &mut Closed(io::ErrorKind::StorageFull)).is_err());
}
