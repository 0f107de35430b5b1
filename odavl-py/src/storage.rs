//! Stored objects.

use std::path::PathBuf;

use bytes::Bytes;
use odavl_core::page::PageQuery;
use odavl_core::storage::{
    self, BoxBody, ByteRange, Depth, ListQuery, Listed, MediaType, NewObject, ObjectName, ObjectRow,
    PresignedRequest, PutMode, Sha256,
};
use pyo3::{prelude::*, pybacked::PyBackedBytes};

use crate::{
    body::{Data, stored},
    call::Call,
    door::{Door, Session},
    download::Download,
    failure::{Failure, Result},
    input::{Arg, Parsed, Text, Units, page, read},
    sink::Sink,
    values::{Page, values},
};

values! {
    /// A stored object.
    StoredObject {
        id: String,
        name: String,
        size: u64,
        checksum: String,
        content_type: String,
        created_at: jiff::Timestamp,
        created_by: String,
    }

    /// An entry of a list.
    ObjectEntry {
        name: String,
        object: Option<StoredObject>,
    }

    /// What deleting did.
    DeletedObject {
        object: StoredObject,
        freed_at: jiff::Timestamp,
    }

    /// What is stored, exactly.
    StorageStats {
        objects: u64,
        bytes: u64,
        garbage_bytes: u64,
    }

    /// A request that whoever holds it can send.
    Presigned {
        method: String,
        url: String,
        headers: std::collections::BTreeMap<String, String>,
        expires_at: jiff::Timestamp,
    }
}

/// An object that was found, and what was asked for of its bytes.
pub(crate) struct Found {
    pub(crate) object: StoredObject,
    pub(crate) size: u64,
    pub(crate) body: BoxBody,
}

/// Which objects are asked for.
pub(crate) struct Wanted {
    pub(crate) prefix: String,
    pub(crate) depth: Depth,
    pub(crate) page: PageQuery,
}

impl From<ObjectRow> for StoredObject {
    fn from(row: ObjectRow) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name.to_string(),
            size: row.size,
            checksum: row.checksum.to_string(),
            content_type: row.content_type.to_string(),
            created_at: row.created_at,
            created_by: row.created_by.to_string(),
        }
    }
}

impl From<Listed> for ObjectEntry {
    fn from(listed: Listed) -> Self {
        match listed {
            Listed::Folder(name) => Self { name, object: None },
            Listed::Object(row) => Self { name: row.name.to_string(), object: Some((*row).into()) },
        }
    }
}

impl From<PresignedRequest> for Presigned {
    fn from(request: PresignedRequest) -> Self {
        Self {
            method: request.method.as_str().to_owned(),
            url: request.url,
            headers: request.headers.into_iter().collect(),
            expires_at: request.expires_at,
        }
    }
}

impl Door {
    /// Stores `data`. What is in memory or a file is stored by a task of its own; pieces come with theirs.
    pub(crate) async fn put(&self, wish: NewObject, data: Data) -> Result<StoredObject> {
        match self {
            Self::Embedded(session) => {
                let session = session.clone();
                let put =
                    move |wish, body| async move { Ok(session.storage().put(wish, body).await?.into()) };
                match data.body().await? {
                    (body, None) => put(wish, body).await,
                    (body, size) => {
                        let wish = NewObject { size: wish.size.or(size), ..wish };
                        stored(body, move |body| put(wish, body)).await
                    }
                }
            }
            Self::Remote(remote) => remote.put(wish, data).await,
        }
    }

    async fn get(&self, name: ObjectName, range: Option<ByteRange>) -> Result<Found> {
        match self {
            Self::Embedded(session) => {
                let storage::Download { object, bytes } = session.storage().read(&name, range).await?;
                let size = bytes.range.end - bytes.range.start;
                Ok(Found { object: object.into(), size, body: bytes.body })
            }
            Self::Remote(remote) => remote.get(&name, range).await,
        }
    }

    async fn list(&self, wanted: Wanted) -> Result<Page<ObjectEntry>> {
        match self {
            Self::Embedded(session) => {
                let query = ListQuery::new(wanted.prefix, wanted.depth, wanted.page)?;
                Ok(Page::of(session.storage().list(&query).await?))
            }
            Self::Remote(remote) => remote.list(wanted).await,
        }
    }

    async fn delete(&self, name: ObjectName) -> Result<DeletedObject> {
        match self {
            Self::Embedded(session) => {
                let deleted = session.storage().delete(&name).await?;
                Ok(DeletedObject { object: deleted.object.into(), freed_at: deleted.freed_at })
            }
            Self::Remote(remote) => remote.delete(&name).await,
        }
    }

    async fn stats(&self) -> Result<StorageStats> {
        match self {
            Self::Embedded(session) => {
                let stats = session.storage().stats().await?;
                let storage::StorageStats { objects, bytes, garbage_bytes } = stats;
                Ok(StorageStats { objects, bytes, garbage_bytes })
            }
            Self::Remote(remote) => remote.stats().await,
        }
    }

    async fn download_url(&self, name: ObjectName) -> Result<Presigned> {
        match self {
            Self::Embedded(session) => Ok(session.storage().download_url(&name).await?.into()),
            Self::Remote(remote) => remote.download_url(&name).await,
        }
    }
}

/// `session.storage`.
#[pyclass(frozen, module = "odavl._odavl")]
pub(crate) struct Storage(pub(crate) Session);

/// What is said of an object before its bytes come.
fn wish(
    name: Arg<'_, '_>,
    content_type: Arg<'_, '_>,
    mode: Arg<'_, '_>,
    size: Arg<'_, '_>,
    sha256: Arg<'_, '_>,
) -> PyResult<NewObject> {
    read!(name: Parsed<ObjectName>, content_type: Option<Parsed<MediaType>>, mode: Text);
    read!(size: Option<Units>, sha256: Option<Parsed<Sha256>>);
    let mode = match mode.0.as_str() {
        "create" => PutMode::Create,
        "overwrite" => PutMode::Overwrite,
        other => {
            let detail = format!("`{}` is not a way to put", other.escape_default());
            return Err(Failure::invalid_with(detail, "use create or overwrite").into());
        }
    };
    Ok(NewObject {
        content_type: content_type.map_or_else(MediaType::bytes, |text| text.0),
        mode,
        size: size.map(|Units(size)| size),
        sha256: sha256.map(|text| text.0),
        ..NewObject::new(name.0)
    })
}

#[pymethods]
impl Storage {
    #[expect(clippy::too_many_arguments, reason = "each is an argument in Python")]
    fn put(
        &self,
        name: Arg<'_, '_>,
        data: Arg<'_, '_>,
        content_type: Arg<'_, '_>,
        mode: Arg<'_, '_>,
        size: Arg<'_, '_>,
        sha256: Arg<'_, '_>,
    ) -> PyResult<Call> {
        read!(data: PyBackedBytes);
        let wish = wish(name, content_type, mode, size, sha256)?;
        let data = Data::Bytes(Bytes::from_owner(data));
        self.0.call(|door| async move { door.put(wish, data).await })
    }

    #[expect(clippy::too_many_arguments, reason = "each is an argument in Python")]
    fn put_file(
        &self,
        name: Arg<'_, '_>,
        data: Arg<'_, '_>,
        content_type: Arg<'_, '_>,
        mode: Arg<'_, '_>,
        size: Arg<'_, '_>,
        sha256: Arg<'_, '_>,
    ) -> PyResult<Call> {
        read!(data: PathBuf);
        let wish = wish(name, content_type, mode, size, sha256)?;
        self.0.call(|door| async move { door.put(wish, Data::File(data)).await })
    }

    #[expect(clippy::too_many_arguments, reason = "each is an argument in Python")]
    fn begin(
        &self,
        name: Arg<'_, '_>,
        content_type: Arg<'_, '_>,
        mode: Arg<'_, '_>,
        size: Arg<'_, '_>,
        sha256: Arg<'_, '_>,
    ) -> PyResult<Sink> {
        let wish = wish(name, content_type, mode, size, sha256)?;
        Sink::begin(&self.0, |door, body| async move { door.put(wish, Data::Pieces(body)).await })
    }

    fn get(&self, name: Arg<'_, '_>, start: Arg<'_, '_>, end: Arg<'_, '_>) -> PyResult<Call> {
        read!(name: Parsed<ObjectName>, start: Option<i64>, end: Option<i64>);
        let range = range(start, end)?;
        let handle = self.0.handle().clone();
        self.0.call(|door| async move {
            let found = door.get(name.0, range).await?;
            Ok(Download::new(&handle, found))
        })
    }

    fn list(
        &self,
        prefix: Arg<'_, '_>,
        delimiter: Arg<'_, '_>,
        limit: Arg<'_, '_>,
        cursor: Arg<'_, '_>,
    ) -> PyResult<Call> {
        read!(prefix: Text, delimiter: Option<Text>, limit: Option<Units>, cursor: Option<Text>);
        let depth = match delimiter.as_ref().map(|Text(text)| text.as_str()) {
            None | Some("") => Depth::All,
            Some("/") => Depth::Folders,
            Some(_) => return Err(Failure::invalid("the delimiter is `/`, or absent").into()),
        };
        let wanted = Wanted { prefix: prefix.0, depth, page: page(limit, cursor)? };
        self.0.call(|door| async move { door.list(wanted).await })
    }

    fn delete(&self, name: Arg<'_, '_>) -> PyResult<Call> {
        read!(name: Parsed<ObjectName>);
        self.0.call(|door| async move { door.delete(name.0).await })
    }

    fn stats(&self) -> PyResult<Call> {
        self.0.call(|door| async move { door.stats().await })
    }

    fn download_url(&self, name: Arg<'_, '_>) -> PyResult<Call> {
        read!(name: Parsed<ObjectName>);
        self.0.call(|door| async move { door.download_url(name.0).await })
    }
}

/// The bytes from `start` to before `end`, as a slice takes them; a `start` below 0 counts from the end.
fn range(start: Option<i64>, end: Option<i64>) -> Result<Option<ByteRange>> {
    let wrong =
        || Failure::invalid_with("that is no range of bytes", "say where it starts, and where after it ends");
    let whole = |at: i64| u64::try_from(at).map_err(|_| wrong());
    Ok(match (start, end) {
        (None | Some(0), None) => None,
        (Some(start), None) if start < 0 => Some(ByteRange::Last(start.unsigned_abs())),
        (Some(start), None) => Some(ByteRange::From(whole(start)?)),
        (start, Some(end)) => {
            let (first, end) = (whole(start.unwrap_or(0))?, whole(end)?);
            let last = end.checked_sub(1).filter(|last| first <= *last).ok_or_else(wrong)?;
            Some(ByteRange::Within(first, last))
        }
    })
}
