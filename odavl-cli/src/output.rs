//! What a command says: data on standard output, talk on standard error.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Write},
};

use crate::{insight::report::Look, printable::printable};
use anstyle::Style;
use odavl_core::Error;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::{failure::Result, pages};

/// How a command talks.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Flags {
    /// Print JSON: one document, or for a list one a line
    #[arg(long, global = true)]
    json: bool,
    /// Print no talk on standard error but errors and what must be answered
    #[arg(long, short, global = true)]
    quiet: bool,
}

/// Where a command's answer goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    form: Form,
    talk: Talk,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    /// For people: aligned, with a header.
    Table,
    /// For programs: separated by tabs, without a header.
    Tabs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Talk {
    All,
    Little,
}

/// A column of a list.
pub(crate) struct Column<T> {
    name: &'static str,
    side: Side,
    cell: fn(&T) -> String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

impl<T> Column<T> {
    /// Words, aligned to the left.
    pub(crate) const fn text(name: &'static str, cell: fn(&T) -> String) -> Self {
        Self { name, side: Side::Left, cell }
    }

    /// A number, aligned to the right.
    pub(crate) const fn number(name: &'static str, cell: fn(&T) -> String) -> Self {
        Self { name, side: Side::Right, cell }
    }
}

impl From<Flags> for Output {
    fn from(flags: Flags) -> Self {
        let form = match (flags.json, io::stdout().is_terminal()) {
            (true, _) => Form::Json,
            (false, true) => Form::Table,
            (false, false) => Form::Tabs,
        };
        Self { form, talk: if flags.quiet { Talk::Little } else { Talk::All } }
    }
}

impl Output {
    /// How findings look here; `None` where JSON was asked for.
    pub(crate) fn look(self) -> Option<Look> {
        match self.form {
            Form::Json => None,
            Form::Table => Some(Look::Blocks),
            Form::Tabs => Some(Look::Lines),
        }
    }

    /// Whether talk is unwanted.
    pub(crate) fn is_quiet(self) -> bool {
        self.talk == Talk::Little
    }

    /// A list: a table, lines with tabs, or JSON Lines.
    pub(crate) fn list<T: Serialize>(self, rows: &[T], columns: &[Column<T>]) -> Result<()> {
        let text = match self.form {
            Form::Json => rows.iter().map(json).collect::<Result<String>>()?,
            Form::Tabs => tabs(&cells(rows, columns)),
            Form::Table => table(&cells(rows, columns), columns),
        };
        write(&text)
    }

    /// One thing that is mostly a list: its rows, or the whole of it as one JSON document.
    pub(crate) fn whole<T>(self, thing: &impl Serialize, rows: &[T], columns: &[Column<T>]) -> Result<()> {
        match self.form {
            Form::Json => write(&json(thing)?),
            Form::Tabs => write(&tabs(&cells(rows, columns))),
            Form::Table => write(&table(&cells(rows, columns), columns)),
        }
    }

    /// One thing: its fields a line each, or one JSON document.
    pub(crate) fn record(self, thing: &impl Serialize, fields: &[(&str, String)]) -> Result<()> {
        let rows: Vec<_> =
            fields.iter().map(|(name, value)| vec![(*name).to_owned(), printable(value)]).collect();
        let text = match self.form {
            Form::Json => json(thing)?,
            Form::Tabs => tabs(&rows),
            Form::Table => aligned(&rows, &[Side::Left, Side::Left]),
        };
        write(&text)
    }

    /// One word that a script takes, or one JSON document.
    pub(crate) fn word(self, thing: &impl Serialize, word: &str) -> Result<()> {
        match self.form {
            Form::Json => write(&json(thing)?),
            Form::Table | Form::Tabs => write(&format!("{}\n", printable(word))),
        }
    }

    /// A list that comes in pages. What a program reads is written page by page, so that it takes no more memory than
    /// one; a table is aligned, so that it needs all of them.
    pub(crate) async fn pages<T: Serialize>(
        self,
        columns: &[Column<T>],
        page: impl AsyncFnMut(Option<&str>) -> Result<(Vec<T>, Option<String>)>,
    ) -> Result<()> {
        if self.form != Form::Table {
            return pages::each(page, |rows| self.list(&rows, columns)).await;
        }
        let mut all = Vec::new();
        let take = |rows| {
            all.extend(rows);
            Ok(())
        };
        pages::each(page, take).await?;
        self.list(&all, columns)
    }

    /// What was done, for whoever watches; as JSON also what it was done to.
    pub(crate) fn done(self, thing: &impl Serialize, told: &str) -> Result<()> {
        self.say(told);
        match self.form {
            Form::Json => write(&json(thing)?),
            Form::Table | Form::Tabs => Ok(()),
        }
    }

    /// Talk, for whoever watches.
    pub(crate) fn say(self, text: &str) {
        if self.talk == Talk::All {
            self.ask(text);
        }
    }

    /// Talk that must be read for the command to go on.
    #[expect(clippy::unused_self, reason = "spoken like the rest")]
    pub(crate) fn ask(self, text: &str) {
        // Where standard error is gone there is nobody to tell.
        let _ = writeln!(anstream::stderr(), "{}", printable(text));
    }
}

/// Writes to standard output, with style where there is a terminal that shows it.
pub(crate) fn write(text: &str) -> Result<()> {
    let mut stdout = anstream::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    Ok(written
        .map_err(|error| Error::unavailable("standard output cannot be written", Some(error.into())))?)
}

/// A line of JSON in which no character is left that a terminal acts on.
fn json(thing: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string(thing)
        .map_err(|error| Error::internal("the answer cannot be written as JSON", Some(error.into())))?;
    let mut safe = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if c == ' ' || printable(c.encode_utf8(&mut [0; 4])).starts_with(c) {
            safe.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        }
    }
    safe.push('\n');
    Ok(safe)
}

fn cells<T>(rows: &[T], columns: &[Column<T>]) -> Vec<Vec<String>> {
    let row = |row| columns.iter().map(|column| printable(&(column.cell)(row))).collect();
    rows.iter().map(row).collect()
}

fn tabs(rows: &[Vec<String>]) -> String {
    rows.iter().map(|row| row.join("\t") + "\n").collect()
}

fn table<T>(rows: &[Vec<String>], columns: &[Column<T>]) -> String {
    let header = columns.iter().map(|column| column.name.to_uppercase()).collect();
    let sides: Vec<_> = columns.iter().map(|column| column.side).collect();
    let text = aligned(&[&[header], rows].concat(), &sides);
    let bold = Style::new().bold();
    let (header, body) = text.split_once('\n').unwrap_or((&text, ""));
    format!("{bold}{header}{bold:#}\n{body}")
}

fn aligned(rows: &[Vec<String>], sides: &[Side]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or_default();
    let widths: Vec<_> = (0..sides.len()).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for ((cell, side), width) in row.iter().zip(sides).zip(&widths) {
            let space = " ".repeat(width - cell.width());
            let _ = match side {
                Side::Left => write!(line, "{cell}{space}  "),
                Side::Right => write!(line, "{space}{cell}  "),
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column<(&str, u32)>; 2] =
        [Column::text("name", |row| row.0.to_owned()), Column::number("used", |row| row.1.to_string())];

    #[test]
    fn a_table_is_aligned_by_what_a_terminal_shows() {
        let text = table(&cells(&[("日本", 7), ("a\u{301}bc", 1234)], &COLUMNS), &COLUMNS);
        let shown = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(shown, "NAME  USED\n日本     7\na\u{301}bc   1234\n");
    }

    #[test]
    fn a_cell_cannot_break_out_of_its_line_or_of_the_terminal() {
        assert_eq!(tabs(&cells(&[("a\tb\nc\u{1b}[2Jd", 1)], &COLUMNS)), "a b cd\t1\n");
    }

    #[test]
    fn json_keeps_every_character_but_escapes_those_that_act() {
        let hostile = "a\u{9b}31m\u{202e}\u{e0041} 日本\n";
        let line = json(&hostile).unwrap();
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), hostile);
        assert!(!line.trim_end().contains(['\u{9b}', '\u{202e}', '\u{e0041}']));
        assert!(line.contains("日本"));
    }
}
