//! Uploads that could not be sent yet.
//!
//! `.odavl/queue/` holds for each a zstd file with the document and a small JSON file that says what it is. The
//! JSON file is written last and removed first: its presence is the entry. Neither holds a credential. The folder may
//! have come with the project: no link in it is followed, and nothing larger is read than an upload may be.

use std::{
    fs::{self, File},
    io::{self, Read, Seek},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use odavl_core::{
    Clock, Error, Result,
    uploads::{Caps, Encoding, RunId, inspect},
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::home::Home;
use crate::files;

/// More bytes than what says of an upload what it is has.
const ENTRY_MOST: u64 = 64 << 10;

/// Where an upload is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination<'a> {
    /// The product, such as `insight`.
    pub product: &'a str,
    /// The project's slug.
    pub project: &'a str,
    /// The organisation that the project is of; the credential's own where none is named.
    pub organization: Option<&'a str>,
    /// The URL of the server; only its origin is kept.
    pub server: &'a str,
}

/// An upload in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The run that it is of.
    pub run_id: RunId,
    /// The product that it is for.
    pub product: String,
    /// The project that it belongs to.
    pub project: String,
    /// The organisation that the project is of; the credential's own where none is named.
    pub organization: Option<String>,
    /// The origin of the server that it is meant for. It goes to no other, and there only with a credential of
    /// that origin: the file may have come with the project.
    pub server: String,
    /// SHA-256 of the unpacked document in hexadecimal.
    pub sha256: String,
    /// Bytes of the unpacked document.
    pub unpacked_len: u64,
    /// Bytes of the zstd file.
    pub packed_len: u64,
    /// When it was queued.
    pub queued_at: Timestamp,
}

/// What is in the queue.
#[derive(Debug, Default)]
pub struct Pending {
    /// The uploads, oldest first.
    pub entries: Vec<Entry>,
    /// Files that cannot be read as entries; they keep nothing from being sent.
    pub damaged: Vec<PathBuf>,
}

/// The queue of a project. Processes that use it at the same time wait for one another.
#[derive(Debug)]
pub struct Queue {
    folder: PathBuf,
}

impl Queue {
    /// Opens the queue of the project in `root`; makes it where it is missing.
    pub fn open(root: &Path) -> Result<Self> {
        let queue = Self { folder: Home::open(root)?.folder("queue")? };
        let _lock = queue.lock()?;
        queue.sweep()?;
        Ok(queue)
    }

    /// Keeps `document` until it could be sent. A run that is in the queue already stays as it is.
    ///
    /// # Errors
    /// `invalid_input` when the document is not one that the server would take, or the server is not a web address.
    pub fn push(&self, to: &Destination<'_>, document: &Path, clock: &dyn Clock) -> Result<Entry> {
        let inspected = inspect(files::open(document)?, Encoding::Identity, &Caps::default())?;
        let _lock = self.lock()?;
        let names = self.names()?;
        if let Some((_, entry)) = self.read(&names).find(|(_, entry)| entry.run_id == inspected.run_id) {
            return Ok(entry);
        }
        self.remove(inspected.run_id)?;
        let name = format!("{:010}-{}", next_number(&names), inspected.run_id);
        let server = origin(to.server)?;
        let packed = self.folder.join(format!("{name}.zst"));
        let packed_len = pack(document, &packed)?;
        let entry = Entry {
            run_id: inspected.run_id,
            product: to.product.to_owned(),
            project: to.project.to_owned(),
            organization: to.organization.map(str::to_owned),
            server,
            sha256: hex(&inspected.sha256),
            unpacked_len: inspected.unpacked_len,
            packed_len,
            queued_at: clock.now(),
        };
        let fill = |file: &mut File| serde_json::to_writer_pretty(file, &entry).map_err(io::Error::from);
        files::write_atomically(&self.folder.join(format!("{name}.json")), fill)?;
        Ok(entry)
    }

    /// What waits to be sent, oldest first.
    pub fn pending(&self) -> Result<Pending> {
        let _lock = self.lock()?;
        let names = self.names()?;
        let (good, entries): (Vec<_>, Vec<_>) = self.read(&names).unzip();
        let damaged = names.iter().filter(|name| !good.contains(name));
        let damaged = damaged.map(|name| self.folder.join(format!("{name}.json"))).collect();
        Ok(Pending { entries, damaged })
    }

    /// Opens the zstd file of a queued run.
    pub fn content(&self, entry: &Entry) -> Result<Content> {
        let run_id = entry.run_id;
        let name = self.name_of(run_id)?.ok_or_else(|| Error::not_found("queued upload", &run_id))?;
        let file = files::open_untrusted(&self.folder.join(format!("{name}.zst")))?;
        Ok(Content { file, packed_len: entry.packed_len, run_id })
    }

    /// Takes a run that was sent out of the queue. One that is not there is fine.
    pub fn done(&self, run_id: RunId) -> Result<()> {
        let _lock = self.lock()?;
        self.remove(run_id)
    }

    fn remove(&self, run_id: RunId) -> Result<()> {
        while let Some(name) = self.name_of(run_id)? {
            remove(&self.folder.join(format!("{name}.json")))?;
            remove(&self.folder.join(format!("{name}.zst")))?;
        }
        Ok(())
    }

    fn lock(&self) -> Result<File> {
        files::lock(&self.folder.join("lock"))
    }

    /// The names of all entries, in order.
    fn names(&self) -> Result<Vec<String>> {
        let mut names = self.with_ending("json")?;
        names.sort();
        Ok(names)
    }

    /// Those of them that are whole.
    fn read<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = (&'a String, Entry)> {
        names.iter().filter_map(|name| {
            let text =
                files::read_untrusted(&self.folder.join(format!("{name}.json")), ENTRY_MOST).ok()??;
            let entry: Entry = serde_json::from_str(&text).ok()?;
            let packed = fs::symlink_metadata(self.folder.join(format!("{name}.zst"))).ok()?;
            let whole = packed.is_file() && packed.len() == entry.packed_len;
            // What cannot be packed grows a little.
            let fits = entry.packed_len / 2 <= Caps::default().unpacked;
            (whole && fits && name.ends_with(&entry.run_id.to_string())).then_some((name, entry))
        })
    }

    fn name_of(&self, run_id: RunId) -> Result<Option<String>> {
        let ending = format!("-{run_id}");
        Ok(self.with_ending("json")?.into_iter().find(|name| name.ends_with(&ending)))
    }

    fn with_ending(&self, ending: &str) -> Result<Vec<String>> {
        let read = || -> io::Result<Vec<String>> {
            let names = fs::read_dir(&self.folder)?.map(|entry| Ok(entry?.file_name()));
            let names: Vec<_> = names.collect::<io::Result<_>>()?;
            let ending = format!(".{ending}");
            let ours = |name: std::ffi::OsString| Some(name.to_str()?.strip_suffix(&ending)?.to_owned());
            Ok(names.into_iter().filter_map(ours).collect())
        };
        read().map_err(|error| files::failed("read", &self.folder, error))
    }

    /// Removes contents without an entry: what a process left that was stopped while it wrote or removed one. What is
    /// none of ours and cannot be removed holds nothing up.
    fn sweep(&self) -> Result<()> {
        let names = self.with_ending("json")?;
        let orphans = self.with_ending("zst")?.into_iter().filter(|name| !names.contains(name));
        for orphan in orphans {
            let _ = remove(&self.folder.join(format!("{orphan}.zst")));
        }
        Ok(())
    }
}

/// The packed document of a queued run. It stays readable where another process takes the run out of the queue.
#[derive(Debug)]
pub struct Content {
    file: File,
    packed_len: u64,
    run_id: RunId,
}

impl Content {
    /// All of its bytes.
    ///
    /// # Errors
    /// `corrupted` where they are more or fewer than the entry says.
    pub fn read(self) -> Result<Vec<u8>> {
        let mut packed = Vec::new();
        let read = self.file.take(self.packed_len.saturating_add(1)).read_to_end(&mut packed);
        match read {
            Ok(count) if count as u64 == self.packed_len => Ok(packed),
            read => {
                let cause = read.err().map(Into::into);
                Err(Error::corrupted(format!("what is queued of the run {} is damaged", self.run_id), cause))
            }
        }
    }
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(files::failed("remove", path, error)),
        _ => Ok(()),
    }
}

fn next_number(names: &[String]) -> u64 {
    let number = |name: &String| name.split('-').next()?.parse::<u64>().ok();
    names.iter().filter_map(number).max().map_or(0, |last| last.saturating_add(1))
}

fn pack(document: &Path, packed: &Path) -> Result<u64> {
    let mut source = files::open(document)?;
    let mut packed_len = 0;
    files::write_atomically(packed, |file| {
        let mut encoder = zstd::Encoder::new(&mut *file, 3)?;
        encoder.include_checksum(true)?;
        io::copy(&mut source, &mut encoder)?;
        encoder.finish()?;
        packed_len = file.stream_position()?;
        Ok(())
    })?;
    Ok(packed_len)
}

/// Scheme, host and port: a user or a password that stands in a URL must not be kept.
fn origin(server: &str) -> Result<String> {
    let url =
        Url::parse(server).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.map(|url| url.origin().ascii_serialization()).ok_or_else(|| {
        Error::invalid_with("the server is not a web address", "write it like https://odavl.example")
    })
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
