//! Findings for a person, or for the next program in a pipe.

use std::{
    fmt::Write as _,
    io::{self, Write},
    ops::ControlFlow,
};

use anstyle::{AnsiColor, Style};
use odavl_core::{
    Error, Result,
    uploads::sarif::{Level, Location, Summary},
};
use percent_encoding::percent_decode_str;

use super::{Document, Finding};
use crate::printable::printable;

/// How a report looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// A block for each finding in colour, for a person.
    Blocks,
    /// A line for each finding, for a program: level, place, rule, message and link, separated by tabs.
    Lines,
}

/// Writes the findings, worst first, at most `most` of them; how many were left out is returned.
///
/// Results of level `none` are no findings. A pipe that is closed ends the report without an error.
pub fn findings(document: &Document, most: usize, look: Look, out: &mut dyn Write) -> Result<u64> {
    let (mut written, mut left_out) = (0, 0);
    let mut failure = None;
    for level in [Level::Error, Level::Warning, Level::Note] {
        document.each(level, &mut |found| {
            if written == most {
                left_out += 1;
                return ControlFlow::Continue(());
            }
            written += 1;
            match out.write_all(rendered(found, look).as_bytes()) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        if let Some(error) = failure.take() {
            return ended(error).map(|()| left_out);
        }
    }
    Ok(left_out)
}

/// The counts by level, the files and the tools, in a line.
pub fn counts(summary: &Summary) -> String {
    let some = |(level, one): (Level, &str)| {
        let count = summary.levels.of(level);
        (count > 0).then(|| plural(count, one))
    };
    let levels = [(Level::Error, "error"), (Level::Warning, "warning"), (Level::Note, "note")];
    let counted: Vec<_> = levels.into_iter().filter_map(some).collect();
    let mut line = if counted.is_empty() { "no findings".to_owned() } else { counted.join(", ") };
    if let Some(files) = summary.files.filter(|files| *files > 0) {
        let _ = write!(line, " in {}", plural(files, "file"));
    }
    let tools: Vec<_> = summary.tools.iter().map(|tool| tool.name.as_str()).collect();
    let _ = write!(line, " ({})", printable(&tools.join(", ")));
    line
}

fn plural(count: u64, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

fn ended(error: io::Error) -> Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(());
    }
    Err(Error::internal("the report could not be written", Some(error.into())))
}

fn rendered(found: &Finding<'_>, look: Look) -> String {
    let level = found.level.as_str();
    let place = found.location.map(place).unwrap_or_default();
    let rule = found.rule.map(printable).unwrap_or_default();
    let message = printable(found.message.lines().next().unwrap_or_default());
    let link = found.link.map(printable).unwrap_or_default();
    if look == Look::Lines {
        return format!("{level}\t{place}\t{rule}\t{message}\t{link}\n");
    }
    let (loud, rule_style, dim) = (loud(found.level), Style::new().bold(), Style::new().dimmed());
    let mut block = format!("{loud}{level:<7}{loud:#}  {}", if place.is_empty() { "-" } else { &place });
    if !rule.is_empty() {
        let _ = write!(block, "  {rule_style}{rule}{rule_style:#}");
    }
    let _ = write!(block, "\n         {message}\n");
    if !link.is_empty() {
        let _ = writeln!(block, "         {dim}{link}{dim:#}");
    }
    block
}

fn loud(level: Level) -> Style {
    let colour = match level {
        Level::Error => AnsiColor::Red,
        Level::Warning => AnsiColor::Yellow,
        Level::Note | Level::None => AnsiColor::Cyan,
    };
    colour.on_default().bold()
}

/// `file:line:column`, as far as it is known.
fn place(location: &Location) -> String {
    let uri = location.uri.as_deref().unwrap_or("-");
    let mut place = printable(&percent_decode_str(uri).decode_utf8_lossy());
    for number in [location.line, location.line.and(location.column)].into_iter().flatten() {
        let _ = write!(place, ":{number}");
    }
    place
}

#[cfg(test)]
mod tests;
