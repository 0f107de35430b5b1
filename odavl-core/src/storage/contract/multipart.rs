//! Objects in parts.

use ::bytes::Bytes;

use super::{StorageHarness, failing, key, read, refused};
use crate::{
    ErrorCode,
    error::Result,
    page::PageQuery,
    storage::{
        ArrivedPart, Checksum, KeyPrefix, MediaType, Multipart, PART_LEAST, Part, PutMode, Sha256, Storage,
        full,
    },
};

/// Part `number`: `size` bytes of its number.
fn part(number: u32, size: u64) -> (Part, Bytes) {
    let bytes = vec![u8::try_from(number).unwrap_or_default(); usize::try_from(size).unwrap_or_default()];
    (Part { number, size, sha256: Sha256::of(&bytes) }, bytes.into())
}

async fn send(storage: &dyn Storage, upload: &Multipart, number: u32, size: u64) -> Result<Part> {
    let (part, bytes) = part(number, size);
    storage.put_part(upload, part, full(bytes)).await?;
    Ok(part)
}

fn arrived(part: Part) -> ArrivedPart {
    ArrivedPart { number: part.number, size: part.size, sha256: Some(part.sha256) }
}

/// A multipart upload is invisible until it is complete; then it is one object, and the upload is closed.
pub async fn a_multipart_upload_is_invisible_until_it_is_complete(
    harness: &dyn StorageHarness,
) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/parts")?);
    let upload = storage.begin_multipart(&key, &"text/plain".parse()?).await?;
    let first = send(&*storage, &upload, 1, PART_LEAST).await?;
    let last = send(&*storage, &upload, 2, 3).await?;
    assert_eq!(storage.head(&key).await?, None);
    assert!(storage.list(&KeyPrefix::default(), &PageQuery::default()).await?.items.is_empty());

    let meta = storage.complete_multipart(&upload, &[first, last], PutMode::Create).await?;
    assert_eq!(meta.size, PART_LEAST + 3);
    assert_eq!(meta.checksum, Some(Checksum::composite(&[first.sha256, last.sha256])));
    assert_eq!(meta.content_type.as_str(), "text/plain");
    assert_eq!(storage.head(&key).await?, Some(meta));
    let whole = [part(1, PART_LEAST).1, part(2, 3).1].concat();
    assert!(read(&*storage, &key).await?.is_some_and(|bytes| bytes == whole));
    assert_eq!(storage.parts(&upload).await?, None);
    Ok(())
}

/// An aborted upload leaves nothing, takes no more parts, and can be aborted again.
pub async fn an_aborted_multipart_upload_leaves_nothing(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/aborted")?);
    let upload = storage.begin_multipart(&key, &MediaType::bytes()).await?;
    let sent = send(&*storage, &upload, 1, 3).await?;
    for _ in 0..2 {
        storage.abort_multipart(&upload).await?;
        assert_eq!(storage.parts(&upload).await?, None);
        refused(send(&*storage, &upload, 1, 3).await, ErrorCode::NotFound);
        refused(storage.complete_multipart(&upload, &[sent], PutMode::Create).await, ErrorCode::NotFound);
    }
    assert_eq!(storage.head(&key).await?, None);
    Ok(())
}

/// Parts come in any order, can be sent again with other bytes, and are listed by number.
pub async fn parts_come_in_any_order_and_again(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/any")?);
    let upload = storage.begin_multipart(&key, &MediaType::bytes()).await?;
    assert_eq!(storage.parts(&upload).await?, Some(vec![]));
    send(&*storage, &upload, 12, 3).await?;
    send(&*storage, &upload, 2, 9).await?;
    let last = send(&*storage, &upload, 12, 4).await?;
    let first = send(&*storage, &upload, 2, PART_LEAST).await?;
    assert_eq!(storage.parts(&upload).await?, Some(vec![arrived(first), arrived(last)]));
    let meta = storage.complete_multipart(&upload, &[first, last], PutMode::Create).await?;
    assert_eq!(meta.size, PART_LEAST + 4);
    Ok(())
}

/// Completing takes the parts it names and leaves out the others.
pub async fn completing_takes_the_parts_it_names(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/some")?);
    let upload = storage.begin_multipart(&key, &MediaType::bytes()).await?;
    send(&*storage, &upload, 1, 3).await?;
    let second = send(&*storage, &upload, 2, 4).await?;
    storage.complete_multipart(&upload, &[second], PutMode::Create).await?;
    assert_eq!(read(&*storage, &key).await?, Some(part(2, 4).1));
    Ok(())
}

/// Completing refuses parts that are missing, others than named, out of order or none, and keeps the upload.
pub async fn completing_refuses_a_part_that_is_not_there_as_named(
    harness: &dyn StorageHarness,
) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/refused")?);
    let upload = storage.begin_multipart(&key, &MediaType::bytes()).await?;
    let sent = send(&*storage, &upload, 2, 3).await?;
    let complete = async |parts: &[Part]| storage.complete_multipart(&upload, parts, PutMode::Create).await;
    refused(complete(&[part(1, PART_LEAST).0, sent]).await, ErrorCode::Conflict);
    refused(complete(&[part(2, 4).0]).await, ErrorCode::Conflict);
    refused(complete(&[Part { sha256: Sha256::of(b""), ..sent }]).await, ErrorCode::Conflict);
    refused(complete(&[sent, part(1, 3).0]).await, ErrorCode::InvalidInput);
    refused(complete(&[part(1, 3).0, sent]).await, ErrorCode::InvalidInput);
    refused(complete(&[]).await, ErrorCode::InvalidInput);
    assert_eq!(storage.head(&key).await?, None);
    complete(&[sent]).await?;
    Ok(())
}

/// Of completing and aborting at the same time each happens as a whole: what was aborted does not appear later, and who
/// completes second finds that it is done.
pub async fn completing_and_aborting_take_turns(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/turns")?);
    for round in 0..8 {
        let upload = storage.begin_multipart(&key, &MediaType::bytes()).await?;
        let parts = [send(&*storage, &upload, 1, PART_LEAST).await?, send(&*storage, &upload, 2, 3).await?];
        let complete = || async { storage.complete_multipart(&upload, &parts, PutMode::Create).await };
        let abort = async {
            storage.abort_multipart(&upload).await?;
            storage.head(&key).await
        };
        let (one, other, aborted) = if round % 2 == 0 {
            tokio::join!(complete(), complete(), abort)
        } else {
            let (aborted, one, other) = tokio::join!(abort, complete(), complete());
            (one, other, aborted)
        };
        let aborted = aborted?;
        let done = [one, other].into_iter().filter_map(|completed| match completed {
            Ok(meta) => Some(meta),
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::NotFound, "{error}");
                None
            }
        });
        let done: Vec<_> = done.collect();
        assert!(done.len() <= 1 && done.first() == aborted.as_ref(), "{done:?} {aborted:?}");
        assert_eq!(storage.head(&key).await?, aborted);
        storage.delete(&key).await?;
    }
    Ok(())
}

/// Completing does not replace what was created before, unless it overwrites.
pub async fn completing_does_not_replace_what_was_created_before(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/taken")?);
    storage.put(&key, full("first"), super::text()?).await?;
    let upload = storage.begin_multipart(&key, &MediaType::bytes()).await?;
    let sent = send(&*storage, &upload, 1, 3).await?;
    let created = storage.complete_multipart(&upload, &[sent], PutMode::Create).await;
    refused(created, ErrorCode::PreconditionFailed);
    assert_eq!(read(&*storage, &key).await?.as_deref(), Some(&b"first"[..]));
    storage.complete_multipart(&upload, &[sent], PutMode::Overwrite).await?;
    assert_eq!(read(&*storage, &key).await?, Some(part(1, 3).1));
    Ok(())
}

/// A part of another length, with other bytes, with a body that fails or a number out of range is not there.
pub async fn a_part_that_is_not_what_it_declared_is_not_there(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/lies")?);
    let upload = storage.begin_multipart(&key, &MediaType::bytes()).await?;
    let (declared, _) = part(1, 3);
    for lie in [&[1, 1][..], &[1, 1, 1, 1], &[1, 1, 2]] {
        refused(storage.put_part(&upload, declared, full(lie.to_vec())).await, ErrorCode::InvalidInput);
    }
    refused(storage.put_part(&upload, declared, failing(&[&[1]])).await, ErrorCode::Unavailable);
    for number in [0, 10_001] {
        let part = Part { number, ..declared };
        refused(storage.put_part(&upload, part, full(vec![1; 3])).await, ErrorCode::InvalidInput);
    }
    assert_eq!(storage.parts(&upload).await?, Some(vec![]));
    Ok(())
}

/// Open uploads are listed in pages until they are completed or aborted; a store that cannot tell says so.
pub async fn open_uploads_are_listed_where_the_store_can_tell(harness: &dyn StorageHarness) -> Result<()> {
    let storage = harness.storage();
    let mut uploads = Vec::new();
    for name in ["org/b", "org/a", "other/c", "org/b"] {
        uploads.push(storage.begin_multipart(&key(name)?, &MediaType::bytes()).await?);
    }
    let (prefix, mut listed) = ("org/".parse()?, Vec::new());
    let mut page = PageQuery { limit: 2, cursor: None };
    loop {
        let open = match storage.open_multiparts(&prefix, &page).await {
            Err(error) if error.code() == ErrorCode::Unsupported => return Ok(()),
            other => other?,
        };
        listed.extend(open.items.into_iter().map(|open| open.multipart));
        page.cursor = open.next_cursor;
        if page.cursor.is_none() {
            break;
        }
    }
    uploads.retain(|upload| upload.key.as_str().starts_with("org/"));
    uploads.sort();
    listed.sort();
    assert_eq!(listed, uploads);
    for upload in &uploads {
        storage.abort_multipart(upload).await?;
    }
    assert!(storage.open_multiparts(&prefix, &PageQuery::default()).await?.items.is_empty());
    Ok(())
}
