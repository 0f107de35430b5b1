//! Listing objects by name: all of them, or as folders show them.

use super::{catalog::ObjectRow, object::ObjectName};
use crate::{
    error::{Error, Result},
    page::{Page, PageQuery},
};

/// Sorts after every character that a name may hold: it is a noncharacter.
const LAST: char = '\u{10FFFF}';

/// Whether a list goes into folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Every object.
    All,
    /// What holds a further `/` after the prefix is one entry: the common beginning up to it.
    Folders,
}

/// Which objects are asked for.
#[derive(Debug, Clone)]
pub struct ListQuery {
    prefix: String,
    depth: Depth,
    page: PageQuery,
}

/// An entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// An object.
    Object(Box<ObjectRow>),
    /// The common beginning of several, up to and with its last `/`.
    Folder(String),
}

impl Listed {
    /// The object's name, or the common beginning.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Object(object) => object.name.as_str(),
            Self::Folder(folder) => folder,
        }
    }
}

impl ListQuery {
    /// Objects whose names begin with `prefix`, in the order of their bytes.
    pub fn new(prefix: impl Into<String>, depth: Depth, page: PageQuery) -> Result<Self> {
        let prefix = prefix.into();
        if prefix.len() > ObjectName::MOST || prefix.contains(|c: char| c.is_control() || c == LAST) {
            return Err(Error::invalid("that is not the beginning of an object's name"));
        }
        Ok(Self { prefix, depth, page })
    }

    /// How deep the list goes.
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// How many entries a page has at most.
    pub fn limit(&self) -> u32 {
        self.page.limit
    }
}

/// A page of a list while it is being gathered: an adapter reads names within [`Listing::bounds`], in order, and
/// hands them to [`Listing::take`].
#[derive(Debug)]
pub struct Listing<'a> {
    query: &'a ListQuery,
    /// The name that was taken last, or the end of the folder that was.
    after: String,
    items: Vec<Listed>,
}

/// The names that are to be read next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// From this name,
    pub from: String,
    /// but not this one,
    pub but: String,
    /// to before this one.
    pub to: String,
}

impl<'a> Listing<'a> {
    /// The page, with nothing taken yet.
    pub fn new(query: &'a ListQuery) -> Self {
        let cursor = query.page.cursor.clone().unwrap_or_default();
        Self { query, after: past(cursor), items: Vec::new() }
    }

    /// The names that are to be read next; `None` once the page is full.
    pub fn bounds(&self) -> Option<Bounds> {
        let full = self.items.len() > self.query.page.limit as usize;
        let prefix = &self.query.prefix;
        (!full).then(|| Bounds {
            from: self.after.clone().max(prefix.clone()),
            but: self.after.clone(),
            to: format!("{prefix}{LAST}"),
        })
    }

    /// Takes the next object in order, unless it lies in a folder that is taken already.
    pub fn take(&mut self, object: ObjectRow) {
        if self.bounds().is_none() || object.name.as_str() <= self.after.as_str() {
            return;
        }
        if let Some(folder) = self.folder(&object.name) {
            self.after = past(folder.clone());
            self.items.push(Listed::Folder(folder));
        } else {
            object.name.as_str().clone_into(&mut self.after);
            self.items.push(Listed::Object(Box::new(object)));
        }
    }

    /// The page, once there is nothing left to read or it is full.
    pub fn finish(self) -> Page<Listed> {
        Page::cut(self.items, self.query.page.limit, |listed| listed.as_str().to_owned())
    }

    fn folder(&self, name: &ObjectName) -> Option<String> {
        let rest = name.as_str().strip_prefix(self.query.prefix.as_str())?;
        let end = rest.find('/').filter(|_| self.query.depth == Depth::Folders)?;
        Some(format!("{}{}", self.query.prefix, &rest[..=end]))
    }
}

/// What everything under an entry sorts before: names never end in `/`, so what does is a folder.
fn past(entry: String) -> String {
    if entry.ends_with('/') { entry + LAST.encode_utf8(&mut [0; 4]) } else { entry }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_that_no_name_has_is_refused() {
        for prefix in ["a\0", "\n", "\u{10FFFF}", &"a".repeat(1025)] {
            assert!(ListQuery::new(prefix, Depth::All, PageQuery::default()).is_err(), "{prefix:?}");
        }
    }

    #[test]
    fn after_a_folder_nothing_in_it_is_read() {
        let page = PageQuery { limit: 1, cursor: Some("a/".into()) };
        let query = ListQuery::new("", Depth::Folders, page).unwrap();
        let bounds = Listing::new(&query).bounds().unwrap();
        assert!(bounds.from.as_str() > "a/\u{10FFFD}" && bounds.from.as_str() < "a0");
    }
}
