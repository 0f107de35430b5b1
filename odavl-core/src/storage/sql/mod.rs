//! Object rows in a SQL database.

mod rows;
mod uploads;

use async_trait::async_trait;
use jiff::Timestamp;

use self::rows::{garbage, object, part, upload};
use super::{
    Arrived, Bounds, Catalog, Completion, Depth, Garbage, ListQuery, Listed, Listing, MultipartId,
    ObjectName, ObjectRow, Part, StorageStats, StoreMark, StoreWalk, Upload,
};
use crate::{
    db::{Db, Row, Tx, Value},
    error::{Error, Result},
    ids::{ObjectId, OrgId, UploadId},
    page::Page,
};

/// Object rows in the tables of `0003_storage.sql`.
#[derive(Debug, Clone)]
pub struct SqlCatalog {
    db: Db,
}

impl SqlCatalog {
    /// Keeps its rows in `db`.
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

macro_rules! object_columns {
    () => {
        "id, name, store_key, size, checksum, content_type, created_at, created_by, urls_until"
    };
}

const OBJECT: &str =
    concat!("SELECT ", object_columns!(), " FROM storage_objects WHERE org = $1 AND id = $2");
const OBJECT_NAMED: &str =
    concat!("SELECT ", object_columns!(), " FROM storage_objects WHERE org = $1 AND name = $2");
const OBJECTS: &str = concat!(
    "SELECT ",
    object_columns!(),
    " FROM storage_objects WHERE org = $1 AND name >= $2 AND name < $3 AND name <> $4 ORDER BY name LIMIT $5"
);
const LEND_OBJECT: &str =
    "UPDATE storage_objects SET urls_until = CASE WHEN urls_until > $3 THEN urls_until ELSE $3 END
    WHERE org = $1 AND id = $2";
const DELETE_OBJECT: &str =
    concat!("DELETE FROM storage_objects WHERE org = $1 AND id = $2 RETURNING ", object_columns!());
const STATS: &str = "SELECT
    (SELECT COUNT(*) FROM storage_objects WHERE org = $1) AS objects,
    (SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM storage_objects WHERE org = $1) AS bytes,
    (SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM storage_garbage WHERE org = $1) AS garbage_bytes";
/// Written so, each row is asked about by itself: joined, all objects were read where much is due.
const DUE_GARBAGE: &str = "SELECT object, store_key, multipart, size, due_at, org FROM storage_garbage AS due
    WHERE due_at <= $1 AND (SELECT 1 FROM storage_objects WHERE org = due.org AND id = due.object) IS NULL
    ORDER BY due_at, org, object LIMIT $2";
const DISCARD: &str = "INSERT INTO storage_garbage (org, object, store_key, multipart, size, due_at)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (org, object) DO UPDATE SET
        size = CASE WHEN excluded.size > storage_garbage.size THEN excluded.size ELSE storage_garbage.size END,
        due_at = CASE WHEN excluded.due_at > storage_garbage.due_at THEN excluded.due_at ELSE storage_garbage.due_at END";
const DROP_GARBAGE: &str = "DELETE FROM storage_garbage WHERE org = $1 AND object = $2";

const MARK: &str = "SELECT mark, replaced FROM store_marks";
const FIRST_MARK: &str = "INSERT INTO store_marks (id, mark) VALUES (0, $1) ON CONFLICT DO NOTHING";
const WALK: &str = "SELECT begun, past FROM store_walks";
const KEEP_WALK: &str = "INSERT INTO store_walks (id, begun, past) VALUES (0, $1, $2)
    ON CONFLICT (id) DO UPDATE SET begun = excluded.begun, past = excluded.past";
const RENEW_MARK: &str = "UPDATE store_marks SET replaced = mark, mark = $2 WHERE mark = $1";

/// `$1` is what is asked about, as a JSON list of pairs. One statement, so one snapshot: what goes from one table to another
/// meanwhile is found in one of them.
macro_rules! unnamed {
    ($pairs:literal) => {
        concat!(
            "SELECT asked.value ->> 1 AS object, asked.value ->> 0 AS org FROM ",
            $pairs,
            " WHERE NOT EXISTS (SELECT 1 FROM storage_objects
                WHERE org = asked.value ->> 0 AND id = asked.value ->> 1)
            AND NOT EXISTS (SELECT 1 FROM storage_uploads
                WHERE org = asked.value ->> 0 AND object = asked.value ->> 1)
            AND NOT EXISTS (SELECT 1 FROM storage_garbage
                WHERE org = asked.value ->> 0 AND object = asked.value ->> 1)"
        )
    };
}
const UNNAMED_SQLITE: &str = unnamed!("json_each($1) AS asked");
const UNNAMED_POSTGRES: &str =
    unnamed!("json_array_elements(CAST(CAST($1 AS TEXT) AS JSON)) AS asked (value)");

/// How many rows are read at a time where most may lie in one folder.
const FOLDER_ROWS: i64 = 100;

#[async_trait]
impl Catalog for SqlCatalog {
    async fn begin_upload(&self, org: OrgId, begun: &Upload) -> Result<Upload> {
        let mut tx = self.db.begin().await?;
        let known = uploads::begin(&mut tx, org, begun).await?;
        tx.commit().await.map(|()| known)
    }

    async fn upload(&self, org: OrgId, id: UploadId) -> Result<Option<Upload>> {
        let found = self.db.query_one(uploads::UPLOAD, &[org.into(), id.into()]).await?;
        found.as_ref().map(upload).transpose()
    }

    async fn upload_of(&self, org: OrgId, object: ObjectId) -> Result<Option<Upload>> {
        let found = self.db.query_one(uploads::UPLOAD_OF, &[org.into(), object.into()]).await?;
        found.as_ref().map(upload).transpose()
    }

    async fn sign_parts(
        &self,
        org: OrgId,
        id: UploadId,
        parts: &[Part],
        until: Timestamp,
    ) -> Result<Option<Upload>> {
        let mut tx = self.db.begin().await?;
        let signed = uploads::sign(&mut tx, (org, id), parts, until).await?;
        tx.commit().await.map(|()| signed)
    }

    async fn signed_parts(&self, org: OrgId, id: UploadId) -> Result<Vec<Part>> {
        self.db.query(uploads::PARTS, &[org.into(), id.into()]).await?.iter().map(part).collect()
    }

    async fn attach_multipart(
        &self,
        org: OrgId,
        id: UploadId,
        multipart: &MultipartId,
    ) -> Result<Option<MultipartId>> {
        let mut tx = self.db.begin().await?;
        let attached = uploads::attach(&mut tx, (org, id), multipart).await?;
        tx.commit().await.map(|()| attached)
    }

    async fn complete_upload(
        &self,
        org: OrgId,
        id: UploadId,
        arrived: &Arrived,
    ) -> Result<Option<Completion>> {
        let mut tx = self.db.begin().await?;
        let done = uploads::complete(&mut tx, (org, id), arrived).await?;
        tx.commit().await.map(|()| done)
    }

    async fn abandon_upload(
        &self,
        org: OrgId,
        id: UploadId,
        by: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Upload>> {
        let mut tx = self.db.begin().await?;
        let ended = uploads::abandon(&mut tx, (org, id), by, now).await?;
        tx.commit().await.map(|()| ended)
    }

    async fn forget_upload(&self, org: OrgId, id: UploadId) -> Result<()> {
        let mut tx = self.db.begin().await?;
        uploads::forget(&mut tx, (org, id)).await?;
        tx.commit().await
    }

    async fn expired_uploads(&self, now: Timestamp, most: u32) -> Result<Vec<(OrgId, Upload)>> {
        let rows = self.db.query(uploads::EXPIRED, &[now.into(), most.into()]).await?;
        rows.iter().map(|row| Ok((row.parse("storage_uploads.org")?, upload(row)?))).collect()
    }

    async fn object(&self, org: OrgId, id: ObjectId) -> Result<Option<ObjectRow>> {
        let found = self.db.query_one(OBJECT, &[org.into(), id.into()]).await?;
        found.as_ref().map(object).transpose()
    }

    async fn object_named(&self, org: OrgId, name: &ObjectName) -> Result<Option<ObjectRow>> {
        let found = self.db.query_one(OBJECT_NAMED, &[org.into(), name.as_str().into()]).await?;
        found.as_ref().map(object).transpose()
    }

    async fn lend_object(&self, org: OrgId, id: ObjectId, until: Timestamp) -> Result<bool> {
        let mut tx = self.db.begin().await?;
        let lent = tx.execute(LEND_OBJECT, &[org.into(), id.into(), until.into()]).await?;
        tx.commit().await.map(|()| lent > 0)
    }

    async fn delete_object(&self, org: OrgId, id: ObjectId, now: Timestamp) -> Result<Option<ObjectRow>> {
        let mut tx = self.db.begin().await?;
        let deleted = take_object(&mut tx, org, id, now).await?;
        tx.commit().await.map(|()| deleted)
    }

    async fn list(&self, org: OrgId, query: &ListQuery) -> Result<Page<Listed>> {
        let mut listing = Listing::new(query);
        while let Some(bounds) = listing.bounds() {
            let most = match query.depth() {
                Depth::All => i64::from(query.limit()) + 1,
                Depth::Folders => FOLDER_ROWS,
            };
            let rows = self.objects(org, bounds, most).await?;
            for row in &rows {
                listing.take(object(row)?);
            }
            if i64::try_from(rows.len()).is_ok_and(|read| read < most) {
                break;
            }
        }
        Ok(listing.finish())
    }

    async fn stats(&self, org: OrgId) -> Result<StorageStats> {
        let Some(row) = self.db.query_one(STATS, &[org.into()]).await? else {
            return Ok(StorageStats::default());
        };
        Ok(StorageStats {
            objects: row.read("storage_objects.objects")?,
            bytes: row.read("storage_objects.bytes")?,
            garbage_bytes: row.read("storage_garbage.garbage_bytes")?,
        })
    }

    async fn due_garbage(&self, now: Timestamp, most: u32) -> Result<Vec<(OrgId, Garbage)>> {
        let rows = self.db.query(DUE_GARBAGE, &[now.into(), most.into()]).await?;
        rows.iter().map(|row| Ok((row.parse("storage_garbage.org")?, garbage(row)?))).collect()
    }

    async fn store_mark(&self) -> Result<Option<StoreMark>> {
        let row = self.db.query_one(MARK, &[]).await?;
        let read = |row: &Row| {
            Ok(StoreMark { mark: row.read("store_marks.mark")?, replaced: row.read("store_marks.replaced")? })
        };
        row.as_ref().map(read).transpose()
    }

    async fn renew_store_mark(&self, from: Option<&str>, to: &str) -> Result<bool> {
        let mut tx = self.db.begin().await?;
        let renewed = match from {
            Some(from) => tx.execute(RENEW_MARK, &[from.into(), to.into()]).await?,
            None => tx.execute(FIRST_MARK, &[to.into()]).await?,
        };
        tx.commit().await?;
        Ok(renewed == 1)
    }

    async fn store_walk(&self) -> Result<Option<StoreWalk>> {
        let row = self.db.query_one(WALK, &[]).await?;
        let read = |row: &Row| {
            Ok(StoreWalk { begun: row.read("store_walks.begun")?, past: row.read("store_walks.past")? })
        };
        row.as_ref().map(read).transpose()
    }

    async fn keep_store_walk(&self, walk: &StoreWalk) -> Result<()> {
        let mut tx = self.db.begin().await?;
        tx.execute(KEEP_WALK, &[walk.begun.into(), walk.past.clone().into()]).await?;
        tx.commit().await
    }

    async fn unnamed(&self, objects: &[(OrgId, ObjectId)]) -> Result<Vec<(OrgId, ObjectId)>> {
        let asked = serde_json::to_string(objects)
            .map_err(|error| Error::internal("ids cannot be written", Some(error.into())))?;
        let rows = self.db.query(self.db.pick(UNNAMED_SQLITE, UNNAMED_POSTGRES), &[asked.into()]).await?;
        rows.iter().map(|row| Ok((row.parse("asked.org")?, row.parse("asked.object")?))).collect()
    }

    async fn queue_garbage(&self, org: OrgId, garbage: &Garbage) -> Result<()> {
        let mut tx = self.db.begin().await?;
        discard(&mut tx, org, garbage).await?;
        tx.commit().await
    }

    async fn drop_garbage(&self, org: OrgId, object: ObjectId) -> Result<()> {
        let mut tx = self.db.begin().await?;
        tx.execute(DROP_GARBAGE, &[org.into(), object.into()]).await?;
        tx.commit().await
    }
}

impl SqlCatalog {
    async fn objects(&self, org: OrgId, bounds: Bounds, most: i64) -> Result<Vec<Row>> {
        let Bounds { from, but, to } = bounds;
        self.db.query(OBJECTS, &[org.into(), from.into(), to.into(), but.into(), most.into()]).await
    }
}

/// Removes an object's row and queues its bytes.
async fn take_object(tx: &mut Tx, org: OrgId, id: ObjectId, now: Timestamp) -> Result<Option<ObjectRow>> {
    let Some(row) = tx.query_one(DELETE_OBJECT, &[org.into(), id.into()]).await? else { return Ok(None) };
    let taken = object(&row)?;
    discard(tx, org, &taken.garbage(now)).await?;
    Ok(Some(taken))
}

/// Queues bytes for removal.
async fn discard(tx: &mut Tx, org: OrgId, garbage: &Garbage) -> Result<()> {
    let multipart = garbage.multipart.as_ref().map(|multipart| multipart.0.clone());
    let params = [
        org.into(),
        garbage.object.into(),
        Value::text(&garbage.key),
        multipart.into(),
        Value::count(garbage.size)?,
        garbage.due_at.into(),
    ];
    tx.execute(DISCARD, &params).await?;
    Ok(())
}
