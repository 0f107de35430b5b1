//! SARIF 2.1.0 (OASIS): checked and summarised in one pass, in memory that does not grow with the document.
//!
//! Checked is what odavl relies on: that the text is JSON in UTF-8, its version, at least one run with a named
//! tool, that every result has a message and a level that goes with its kind, and that results are in the document
//! rather than in a file beside it. The rest may be anything that stays within the [caps](super::Caps).

mod collect;
mod model;
mod parts;
mod summary;
mod tool;

use std::io::{BufReader, Read};

use serde::de::DeserializeOwned;
use serde_json::error::Category;

pub use model::{Finding, Location, Present, RuleRef};
pub use summary::{Level, Levels, OtherRules, RuleCount, Summary, TOP_RULES, ToolName};
pub use tool::Tool;

use super::{Caps, RunId, carried, guard::Guard};
use crate::error::{Error, Result};

/// What one pass over a document has shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// The different run ids of its runs (`automationDetails.guid`), in the order of their first appearance.
    pub run_ids: Vec<RunId>,
    /// What the document holds.
    pub summary: Summary,
}

/// Reads a document to its end, checks it and sums it up.
///
/// # Errors
/// `invalid_input`, naming the place in the document, and whatever `document` carries.
pub fn scan(document: impl Read, caps: &Caps) -> Result<Scan> {
    read::<parts::Object<model::Log>>(document, caps).map(|log| log.0.runs.into_scan())
}

/// Reads one JSON value to the end of the text, and says where it is not what it should be.
fn read<T: DeserializeOwned>(document: impl Read, caps: &Caps) -> Result<T> {
    let mut parser = serde_json::Deserializer::from_reader(BufReader::new(Guard::new(document, caps)));
    let value = serde_path_to_error::deserialize(&mut parser).map_err(|error| {
        let path = error.path().to_string();
        refusal(error.into_inner(), &path)
    })?;
    parser.end().map_err(|error| refusal(error, "."))?;
    Ok(value)
}

const SPECIFICATION: &str = "SARIF 2.1.0 is at https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html; \
     most tools write it when asked for the format `sarif`";

fn refusal(error: serde_json::Error, path: &str) -> Error {
    let place = if path == "." { String::new() } else { format!("{path}: ") };
    let said = clipped(&format!("{place}{error}"));
    match error.classify() {
        Category::Io => carried(error.into()),
        Category::Eof => Error::invalid_with(
            format!("the document ends too early: {said}"),
            "send the whole document; check that the tool that wrote it came to its end",
        ),
        Category::Syntax => {
            Error::invalid_with(format!("the document is not JSON: {said}"), "send a SARIF 2.1.0 log as JSON")
        }
        Category::Data => {
            Error::invalid_with(format!("the document is not SARIF 2.1.0: {said}"), SPECIFICATION)
        }
    }
}

/// Text with parts of a document in it, made short and safe for a line of a log or a terminal.
fn clipped(text: &str) -> String {
    const MOST: usize = 300;
    let mut clipped: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() {
        clipped.push('…');
    }
    clipped
}

#[cfg(test)]
mod tests;
