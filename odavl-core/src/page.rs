//! Lists come in pages, each with the cursor of the next.

use std::str::FromStr;

use serde::Serialize;

use crate::error::{Error, Result};

/// Which part of a list is asked for.
#[derive(Debug, Clone)]
pub struct PageQuery {
    /// How many items at most: 1 to [`PageQuery::MOST`].
    pub limit: u32,
    /// The `next_cursor` of the page before; `None` for the first.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// The most items a page holds.
    pub const MOST: u32 = 1000;

    /// A page as the outside asks for one: 100 items unless said otherwise.
    pub fn new(limit: Option<u32>, cursor: Option<String>) -> Result<Self> {
        let limit = limit.unwrap_or(100);
        if !(1..=Self::MOST).contains(&limit) {
            return Err(Error::invalid(format!("limit must be 1 to {}, not {limit}", Self::MOST)));
        }
        if cursor.as_ref().is_some_and(|cursor| cursor.len() > 2048 || cursor.chars().any(char::is_control)) {
            return Err(not_ours());
        }
        Ok(Self { limit, cursor })
    }

    /// What the page before ended with, in a list whose cursors are such values.
    pub fn after<T: FromStr>(&self) -> Result<Option<T>> {
        self.cursor.as_deref().map(str::parse).transpose().map_err(|_| not_ours())
    }
}

fn not_ours() -> Error {
    Error::invalid_with("that cursor is not one of ours", "use `next_cursor` as it came")
}

impl Default for PageQuery {
    fn default() -> Self {
        Self { limit: 100, cursor: None }
    }
}

/// A page of a list.
#[derive(Debug, Clone, Serialize)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page starts; `None` on the last.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page made from up to `limit + 1` items that were read: one more than fits says that there is a next.
    pub fn cut(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = if more { items.last().map(cursor) } else { None };
        Self { items, next_cursor }
    }

    /// The same page of something else.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next_cursor: self.next_cursor }
    }
}
