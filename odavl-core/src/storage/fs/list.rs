//! Listing objects in the order of their keys.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::{
    layout::{Layout, META, io_error},
    read::record_at,
};
use crate::{
    error::Result,
    page::{Page, PageQuery},
    storage::{KeyPrefix, Stored},
};

/// The page of objects whose keys begin with `prefix`.
pub(super) fn list(layout: &Layout, prefix: &KeyPrefix, page: &PageQuery) -> Result<Page<Stored>> {
    let mut walk = Walk {
        prefix: prefix.as_str(),
        after: page.cursor.as_deref().unwrap_or_default(),
        most: page.limit as usize + 1,
        found: Vec::new(),
    };
    walk.enter(&layout.objects(), "")?;
    Ok(Page::cut(walk.found, page.limit, |stored| stored.key.to_string()))
}

struct Walk<'a> {
    prefix: &'a str,
    after: &'a str,
    most: usize,
    found: Vec<Stored>,
}

impl Walk<'_> {
    /// Visits what lies in `folder`, whose keys begin with `path`.
    fn enter(&mut self, folder: &Path, path: &str) -> Result<()> {
        let mut steps = Vec::new();
        for name in names(folder)? {
            // An object and what lies below it sort apart: `a`, then `a-b`, then `a/b`.
            let key = format!("{path}{name}");
            steps.extend([(format!("{key}/"), folder.join(&name)), (key, folder.join(&name))]);
        }
        steps.retain(|(step, _)| self.leads_on(step));
        steps.sort_unstable();
        for (step, at) in steps {
            if self.found.len() >= self.most {
                break;
            }
            if step.ends_with('/') {
                self.enter(&at, &step)?;
            } else {
                self.visit(&at)?;
            }
        }
        Ok(())
    }

    /// Whether `step` is, or may lead to, a key that is asked for.
    fn leads_on(&self, step: &str) -> bool {
        if step.ends_with('/') {
            let under_prefix = step.starts_with(self.prefix) || self.prefix.starts_with(step);
            return under_prefix && (step > self.after || self.after.starts_with(step));
        }
        step.starts_with(self.prefix) && step > self.after
    }

    fn visit(&mut self, folder: &Path) -> Result<()> {
        let record = record_at(&folder.join(META))?;
        self.found.extend(record.map(|record| Stored {
            key: record.key,
            size: record.size,
            modified: record.modified,
        }));
        Ok(())
    }
}

/// The names of the folders in `folder`; none where it was pruned meanwhile.
fn names(folder: &Path) -> Result<Vec<String>> {
    let read = || -> std::io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                names.extend(entry.file_name().into_string());
            }
        }
        Ok(names)
    };
    match read() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        other => other.map_err(|error| io_error(folder, error)),
    }
}

/// The paths in `folder`; none where it is not there.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>();
    match read() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        other => other.map_err(|error| io_error(folder, error)),
    }
}
