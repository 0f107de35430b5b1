//! Bytes that are to be stored: how many there are is known before any of them is sent.

use std::{
    fs::{File, Metadata},
    io::{self, Read, Seek},
    ops::Range,
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
    time::SystemTime,
};

use crate::files;
use futures_util::stream;
use odavl_core::{Error, Result, storage::PIECE};
use reqwest::Body;

use crate::{digests::Digests, failure::Failure, progress::Progress};

/// A file, or what was copied to one.
#[derive(Debug)]
pub(crate) struct Source {
    file: Arc<File>,
    name: String,
    size: u64,
    changed_at: Option<SystemTime>,
}

impl Source {
    /// The file at `path`. What says no length ahead, as `-` for standard input or a pipe, is copied to a temporary
    /// file that nobody else can open.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let (file, found) = if path == Path::new("-") {
            copied(&mut io::stdin().lock(), &name)?
        } else {
            let mut file = files::open(path)?;
            let found = metadata(&file, &name)?;
            if found.is_dir() {
                let detail = format!("{name} is a folder");
                return Err(Error::invalid_with(detail, "put its files one by one, or as an archive"));
            }
            if found.is_file() { (file, found) } else { copied(&mut file, &name)? }
        };
        let changed_at = found.modified().ok();
        Ok(Self { file: Arc::new(file), name, size: found.len(), changed_at })
    }

    /// How many bytes there are.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Reads all of them once.
    pub(crate) fn digest(&self, mut digests: Digests, progress: &Progress) -> Result<Digests> {
        let mut at = 0;
        while at < self.size {
            let piece = read(&self.file, at..self.size).map_err(|error| unreadable(&self.name, error))?;
            digests.update(&piece);
            progress.add(piece.len() as u64);
            at += piece.len() as u64;
        }
        Ok(digests)
    }

    /// Some of them as a request's body, which reads them as they go.
    pub(crate) fn body(&self, range: Range<u64>, progress: &Progress) -> Body {
        let (file, progress) = (self.file.clone(), progress.clone());
        Body::wrap_stream(stream::try_unfold(range, move |left| {
            let read = if left.is_empty() { Ok(None) } else { read(&file, left.clone()).map(Some) };
            let next = read.map(|piece| {
                let piece = piece?;
                let sent = piece.len() as u64;
                progress.add(sent);
                Some((piece, left.start + sent..left.end))
            });
            async { next }
        }))
    }

    /// Why the bytes were not taken: that they are others by now goes before what the server makes of it.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        let now = self.file.metadata().ok();
        if now.is_some_and(|now| (now.len(), now.modified().ok()) == (self.size, self.changed_at)) {
            return failure;
        }
        Error::Conflict(format!("{} was changed while it was sent; put it again", self.name)).into()
    }
}

fn copied(from: &mut impl Read, name: &str) -> Result<(File, Metadata)> {
    let mut copy = || {
        let mut file = tempfile::tempfile()?;
        io::copy(from, &mut file)?;
        file.rewind()?;
        Ok(file)
    };
    let file = copy().map_err(|error| unreadable(name, error))?;
    let found = metadata(&file, name)?;
    Ok((file, found))
}

fn metadata(file: &File, name: &str) -> Result<Metadata> {
    file.metadata().map_err(|error| unreadable(name, error))
}

/// The first bytes of a range that is not empty.
fn read(file: &File, range: Range<u64>) -> io::Result<Vec<u8>> {
    let most = usize::try_from(range.end - range.start).unwrap_or(PIECE).min(PIECE);
    let mut piece = vec![0; most];
    match file.read_at(&mut piece, range.start)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => {
            piece.truncate(count);
            Ok(piece)
        }
    }
}

fn unreadable(name: &str, error: io::Error) -> Error {
    Error::unavailable(format!("{name} cannot be read"), Some(error.into()))
}
