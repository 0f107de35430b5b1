//! Multipart uploads: a folder each, a file a part, named by number and digest.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Inner,
    layout::{LOCK, Layout, META, flush_folder, io_error, lock_file, new_file, nonce, open_file, write_new},
    list::entries,
    publish::Record,
    read::read_json,
    staged::Staged,
};
use crate::{
    error::{Error, Result},
    storage::{
        ArrivedPart, Checksum, Hasher, MediaType, Multipart, MultipartId, ObjectMeta, OpenMultipart, PIECE,
        Part, PutMode, PutOptions, Sha256, StoreKey, not_arrived, not_open,
    },
};

/// What the `~meta` of a multipart upload holds.
#[derive(Debug, Serialize, Deserialize)]
struct Opened {
    key: StoreKey,
    content_type: MediaType,
    begun: Timestamp,
}

impl Layout {
    /// The folder of an upload and what was said when it was begun, while it is open.
    fn open_multipart(&self, multipart: &Multipart) -> Result<Option<(PathBuf, Opened)>> {
        let id = &multipart.id.0;
        if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let folder = self.multiparts().join(id);
        let begun: Option<Opened> = read_json(&folder.join(META))?;
        Ok(begun.filter(|begun| begun.key == multipart.key).map(|begun| (folder, begun)))
    }

    /// An open upload, and what keeps it open, and others out, until it is dropped: whoever ends it holds it alone,
    /// whoever adds to it with others. `None` where it is not open, or not any more.
    fn hold_multipart(
        &self,
        multipart: &Multipart,
        take: impl FnOnce(&File) -> io::Result<()>,
    ) -> Result<Option<(PathBuf, Opened, File)>> {
        let Some((folder, _)) = self.open_multipart(multipart)? else { return Ok(None) };
        let path = folder.join(LOCK);
        let held = lock_file(&path).and_then(|lock| match take(&lock) {
            Ok(()) => Ok(Some(lock)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(io_error(&path, error)),
        });
        // Whoever held it before may have ended it.
        let Some((folder, begun)) = self.open_multipart(multipart)? else { return Ok(None) };
        Ok(held?.map(|lock| (folder, begun, lock)))
    }

    /// The parts that have arrived; of two with one number, which a crash may leave, the later.
    pub(super) fn parts(&self, multipart: &Multipart) -> Result<Option<Vec<ArrivedPart>>> {
        let Some((folder, _)) = self.open_multipart(multipart)? else { return Ok(None) };
        let mut parts = BTreeMap::new();
        for path in entries(&folder)? {
            let Some((number, sha256)) = parse_part(&path) else { continue };
            // A part that is replaced at this moment is not there at this moment.
            let Ok(found) = fs::metadata(&path) else { continue };
            let arrived = ArrivedPart { number, size: found.len(), sha256: Some(sha256) };
            let at = found.modified().ok();
            let later = parts.entry(number).or_insert((at, arrived));
            if at > later.0 {
                *later = (at, arrived);
            }
        }
        Ok(Some(parts.into_values().map(|(_, part)| part).collect()))
    }

    /// Every open upload.
    pub(super) fn open_multiparts(&self) -> Result<Vec<OpenMultipart>> {
        let mut open = Vec::new();
        for folder in entries(&self.multiparts())? {
            let id = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            let begun: Option<Opened> = read_json(&folder.join(META))?;
            open.extend(begun.map(|Opened { key, begun, .. }| OpenMultipart {
                multipart: Multipart { key, id: MultipartId(id) },
                begun,
            }));
        }
        Ok(open)
    }

    /// Takes an upload's folder away by one rename, then removes what is in it.
    pub(super) fn drop_folder(&self, folder: &Path) -> Result<()> {
        let dropped = self.staging(&nonce()?);
        match fs::rename(folder, &dropped) {
            Ok(()) => fs::remove_dir_all(&dropped).map_err(|error| io_error(&dropped, error)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(io_error(folder, error)),
        }
    }
}

impl Inner {
    pub(super) fn begin_multipart(&self, key: StoreKey, content_type: MediaType) -> Result<Multipart> {
        let multipart = Multipart { key: key.clone(), id: MultipartId(nonce()?) };
        let begun = Opened { key, content_type, begun: self.clock.now() };
        let content = serde_json::to_vec(&begun)
            .map_err(|error| Error::internal("an upload's record cannot be written", Some(error.into())))?;
        // Made in the staging folder and moved, so that an upload is there with its record or not at all.
        let (folder, staged) =
            (self.layout.multiparts().join(&multipart.id.0), self.layout.staging(&nonce()?));
        super::layout::ensure_folder(&staged)?;
        write_new(&staged.join(META), &content)?;
        flush_folder(&staged)?;
        fs::rename(&staged, &folder).map_err(|error| io_error(&folder, error))?;
        flush_folder(&self.layout.multiparts())?;
        Ok(multipart)
    }

    /// Moves a part in, and older ones of its number out.
    pub(super) fn place_part(&self, multipart: &Multipart, part: Part, staged: &Staged) -> Result<()> {
        let _turn = self.turn(&multipart.id);
        // While its parts are put together it takes no others.
        let beside = |lock: &File| lock.try_lock_shared().map_err(io::Error::from);
        let (folder, _, _held) =
            self.layout.hold_multipart(multipart, beside)?.ok_or_else(|| not_open(multipart))?;
        let path = folder.join(part_name(part));
        fs::rename(&staged.path, &path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => not_open(multipart),
            _ => io_error(&path, error),
        })?;
        flush_folder(&folder)?;
        for other in entries(&folder)?.into_iter().filter(|other| *other != path) {
            if parse_part(&other).is_some_and(|(number, _)| number == part.number) {
                fs::remove_file(&other).map_err(|error| io_error(&other, error))?;
            }
        }
        Ok(())
    }

    /// Copies the parts into one file, publishes it and drops the upload, which nobody else can do meanwhile.
    pub(super) fn complete_multipart(
        &self,
        multipart: &Multipart,
        parts: &[Part],
        checksum: Checksum,
        mode: PutMode,
    ) -> Result<ObjectMeta> {
        let (folder, begun, _held) =
            self.layout.hold_multipart(multipart, File::lock)?.ok_or_else(|| not_open(multipart))?;
        let staged = Staged::write(&self.layout, |path| {
            let mut file = new_file().open(path).map_err(|error| io_error(path, error))?;
            let mut joined = Joined { file: &mut file, hasher: Hasher::default(), size: 0 };
            for part in parts {
                let source = open_file(&folder.join(part_name(*part)))?.ok_or_else(|| not_arrived(*part))?;
                joined.append(source, *part, path)?;
            }
            let proved = (joined.size, joined.hasher.finish());
            file.sync_all().map_err(|error| io_error(path, error))?;
            Ok(proved)
        })?;
        let record = Record {
            key: multipart.key.clone(),
            etag: staged.nonce.clone(),
            size: staged.size,
            checksum,
            sha256: staged.sha256,
            content_type: begun.content_type.clone(),
            modified: self.clock.now(),
        };
        let options = PutOptions { mode, ..PutOptions::create(begun.content_type) };
        let meta = self.publish(&staged, &record, &options)?;
        self.layout.drop_folder(&folder)?;
        Ok(meta)
    }

    pub(super) fn drop_multipart(&self, multipart: &Multipart) -> Result<()> {
        let held = self.layout.hold_multipart(multipart, File::lock)?;
        held.map_or(Ok(()), |(folder, ..)| self.layout.drop_folder(&folder))
    }
}

struct Joined<'a> {
    file: &'a mut File,
    hasher: Hasher,
    size: u64,
}

impl Joined<'_> {
    fn append(&mut self, mut source: File, part: Part, to: &Path) -> Result<()> {
        let length = source.metadata().map_err(|error| io_error(to, error))?.len();
        if length != part.size {
            return Err(not_arrived(part));
        }
        self.copy(&mut source).map_err(|error| io_error(to, error))?;
        self.size += length;
        Ok(())
    }

    fn copy(&mut self, source: &mut File) -> io::Result<()> {
        let mut piece = vec![0; PIECE];
        loop {
            let read = source.read(&mut piece)?;
            if read == 0 {
                return Ok(());
            }
            self.hasher.update(&piece[..read]);
            self.file.write_all(&piece[..read])?;
        }
    }
}

fn part_name(part: Part) -> String {
    format!("{:05}~{}", part.number, part.sha256)
}

fn parse_part(path: &Path) -> Option<(u32, Sha256)> {
    let (number, sha256) = path.file_name()?.to_str()?.split_once('~')?;
    Some((number.parse().ok()?, sha256.parse().ok()?))
}
