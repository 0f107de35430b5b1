//! Whole objects: put, get, head, delete, list.

use ::bytes::Bytes;
use jiff::SignedDuration;
use tokio::task::JoinSet;

use super::{StorageHarness, declaring, failing, is_as_put, key, read, refused, text};
use crate::{
    Clock, ErrorCode,
    error::Result,
    page::PageQuery,
    storage::{ByteRange, Checksum, Expected, KeyPrefix, PIECE, PutOptions, Sha256, collect, full},
};

/// What was put is read back: the bytes, their length, digest and type.
pub async fn what_was_put_is_read_back(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/a")?);
    storage.ready().await?;
    let put = storage.put(&key, full("hello"), declaring(b"hello")?).await?;
    assert_eq!(put.size, 5);
    assert_eq!(put.checksum, Some(Checksum::Whole(Sha256::of(b"hello"))));
    assert_eq!(put.content_type.as_str(), "text/plain");
    is_as_put(storage.head(&key).await?, &put);
    let object = storage.get(&key, None).await?;
    assert_eq!(object.as_ref().map(|object| object.range.clone()), Some(0..5));
    is_as_put(object.map(|object| object.meta), &put);
    assert_eq!(read(&*storage, &key).await?.as_deref(), Some(&b"hello"[..]));
    Ok(())
}

/// A body is read piece by piece, and its pieces are one object; its length need not be known ahead.
pub async fn a_body_comes_in_pieces_and_is_one_object(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/large")?);
    let bytes: Bytes = (0..PIECE * 5 + 17).map(|at| u8::try_from(at % 251).unwrap_or_default()).collect();
    let put = storage.put(&key, full(bytes.clone()), text()?).await?;
    assert_eq!(put.size, bytes.len() as u64);
    assert!(read(&*storage, &key).await? == Some(bytes));
    Ok(())
}

/// An object of no bytes is there, and is read.
pub async fn an_empty_object_is_an_object(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/empty")?);
    storage.put(&key, full(""), declaring(b"")?).await?;
    assert_eq!(storage.head(&key).await?.map(|meta| meta.size), Some(0));
    assert_eq!(read(&*storage, &key).await?, Some(Bytes::new()));
    Ok(())
}

/// Too long, too short and other bytes than declared are `invalid_input`, and nothing is there.
pub async fn a_put_that_is_not_what_it_declared_leaves_nothing(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/lie")?);
    for lie in ["hello, world", "hell", "", "hallo"] {
        refused(storage.put(&key, full(lie), declaring(b"hello")?).await, ErrorCode::InvalidInput);
        assert_eq!(storage.head(&key).await?, None, "{lie:?}");
    }
    let length_only = Expected { length: Some(9), sha256: None };
    let options = PutOptions { expected: length_only, ..text()? };
    refused(storage.put(&key, full("hello"), options).await, ErrorCode::InvalidInput);
    assert!(storage.list(&KeyPrefix::default(), &PageQuery::default()).await?.items.is_empty());
    storage.put(&key, full("hello"), declaring(b"hello")?).await?;
    Ok(())
}

/// A put that comes too late leaves nothing.
pub async fn a_put_that_comes_too_late_leaves_nothing(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key, now) = (harness.storage(), key("org/late")?, harness.clock().now());
    let late = PutOptions { until: Some(now), ..text()? };
    refused(storage.put(&key, full("late"), late).await, ErrorCode::InvalidInput);
    assert_eq!(storage.head(&key).await?, None);
    let in_time = PutOptions { until: Some(now + SignedDuration::from_secs(1)), ..text()? };
    storage.put(&key, full("in time"), in_time).await?;
    assert_eq!(read(&*storage, &key).await?.as_deref(), Some(&b"in time"[..]));
    Ok(())
}

/// A body that fails midway gives its error; nothing is there, or what was there stays.
pub async fn a_put_whose_body_fails_leaves_what_was_there(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/broken")?);
    refused(storage.put(&key, failing(&[b"ab", b"c"]), text()?).await, ErrorCode::Unavailable);
    assert_eq!(storage.head(&key).await?, None);
    storage.put(&key, full("first"), text()?).await?;
    let overwriting = text()?.overwriting();
    refused(storage.put(&key, failing(&[b"ab"]), overwriting.clone()).await, ErrorCode::Unavailable);
    let lying = overwriting.expecting(3, Sha256::of(b"abc"));
    refused(storage.put(&key, full("abd"), lying).await, ErrorCode::InvalidInput);
    assert_eq!(read(&*storage, &key).await?.as_deref(), Some(&b"first"[..]));
    Ok(())
}

/// Of 16 concurrent puts that create the same key exactly one wins, and its bytes are there.
pub async fn of_many_creators_exactly_one_wins(harness: &dyn StorageHarness) -> Result<()> {
    let key = key("org/race")?;
    let mut writers = JoinSet::new();
    for writer in 0..16_u8 {
        let (storage, key, options) = (harness.storage(), key.clone(), text()?);
        writers.spawn(async move { (writer, storage.put(&key, full(vec![writer; 3]), options).await) });
    }
    let (winners, losers): (Vec<_>, Vec<_>) =
        writers.join_all().await.into_iter().partition(|(_, put)| put.is_ok());
    for (_, lost) in losers {
        refused(lost, ErrorCode::PreconditionFailed);
    }
    assert_eq!(winners.len(), 1);
    let expected = winners.first().map(|(writer, _)| Bytes::from(vec![*writer; 3]));
    assert_eq!(read(&*harness.storage(), &key).await?, expected);
    Ok(())
}

/// An overwrite replaces bytes, type and etag together; deleting then leaves nothing of either.
pub async fn an_overwrite_replaces_bytes_type_and_etag_together(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/over")?);
    let first = storage.put(&key, full("first"), text()?.overwriting()).await?;
    let json = PutOptions::create("application/json".parse()?).overwriting();
    let second = storage.put(&key, full("{}"), json).await?;
    is_as_put(storage.head(&key).await?, &second);
    assert_ne!(first.etag, second.etag);
    assert_eq!(second.content_type.as_str(), "application/json");
    assert_eq!(read(&*storage, &key).await?.as_deref(), Some(&b"{}"[..]));
    storage.delete(&key).await?;
    assert_eq!(storage.head(&key).await?, None);
    Ok(())
}

/// A reader that has begun reads the version it opened to its end, whatever happens to the key.
pub async fn a_reader_keeps_the_version_that_it_opened(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/reader")?);
    let first = Bytes::from(vec![1; PIECE + 9]);
    storage.put(&key, full(first.clone()), text()?).await?;
    let Some(object) = storage.get(&key, None).await? else { return absent() };
    storage.put(&key, full(vec![2; PIECE + 9]), text()?.overwriting()).await?;
    storage.delete(&key).await?;
    assert!(collect(object.body, u64::MAX).await? == first);
    Ok(())
}

fn absent() -> Result<()> {
    Err(crate::Error::internal("what was put is absent", None))
}

/// A range reads the bytes it names and no others; one that takes nothing is `invalid_input`.
pub async fn a_range_reads_the_bytes_it_names(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/range")?);
    let put = storage.put(&key, full("0123456789"), text()?).await?;
    for (range, bytes) in [
        (ByteRange::From(7), "789"),
        (ByteRange::Within(2, 4), "234"),
        (ByteRange::Within(8, 99), "89"),
        (ByteRange::Last(3), "789"),
        (ByteRange::Last(99), "0123456789"),
    ] {
        let Some(object) = storage.get(&key, Some(range)).await? else { return absent() };
        assert_eq!((object.meta.size, object.range.clone()), (put.size, range.resolve(10)?));
        assert_eq!(collect(object.body, u64::MAX).await?, bytes, "{range}");
    }
    for nothing in [ByteRange::From(10), ByteRange::Within(10, 12), ByteRange::Last(0)] {
        refused(storage.get(&key, Some(nothing)).await, ErrorCode::InvalidInput);
    }
    Ok(())
}

/// What is absent is `None`, and deleting it is no error; what was deleted is absent.
pub async fn what_is_absent_is_none_and_deleting_it_is_no_error(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/none")?);
    storage.put(&self::key("org/none/below")?, full("x"), text()?).await?;
    for _ in 0..2 {
        assert_eq!(storage.head(&key).await?, None);
        assert!(storage.get(&key, None).await?.is_none());
        storage.delete(&key).await?;
        storage.put(&key, full("x"), text()?).await?;
        storage.delete(&key).await?;
    }
    Ok(())
}

/// A list is in the order of the keys' bytes; its pages miss and repeat nothing, and hold to the prefix.
pub async fn a_list_pages_in_the_order_of_keys(harness: &dyn StorageHarness) -> Result<()> {
    let storage = harness.storage();
    // `-` and `.` sort before `/`, digits and letters after it: a walk of folders by name gets this wrong.
    let sorted = ["a/b", "a/b-c", "a/b.c/d", "a/b/a", "a/b/b", "a/b0", "a/bc/d", "a2/x", "b/a"];
    for name in ["b/a", "a/b/b", "a/b0", "a/bc/d", "a/b", "a/b/a", "a2/x", "a/b.c/d", "a/b-c"] {
        storage.put(&key(name)?, full(name), text()?).await?;
    }
    for prefix in ["", "a", "a/", "a/b", "a/b/", "a/b.", "b/a", "c"] {
        let expected: Vec<_> = sorted.into_iter().filter(|name| name.starts_with(prefix)).collect();
        for limit in [1, 2, 3, 100] {
            assert_eq!(listed(harness, prefix, limit).await?, expected, "{prefix:?} by {limit}");
        }
    }
    Ok(())
}

async fn listed(harness: &dyn StorageHarness, prefix: &str, limit: u32) -> Result<Vec<String>> {
    let (prefix, mut names) = (prefix.parse()?, Vec::new());
    let mut page = PageQuery { limit, cursor: None };
    loop {
        let listed = harness.storage().list(&prefix, &page).await?;
        assert!(listed.items.len() <= limit as usize);
        assert!(listed.items.iter().all(|stored| stored.size == stored.key.as_str().len() as u64));
        names.extend(listed.items.iter().map(|stored| stored.key.to_string()));
        page.cursor = listed.next_cursor;
        if page.cursor.is_none() {
            return Ok(names);
        }
    }
}

/// A key may be the beginning of another key: each is its own object, and one goes without the other.
pub async fn a_key_may_be_the_beginning_of_another(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, outer, inner) = (harness.storage(), key("org/a")?, key("org/a/b")?);
    storage.put(&inner, full("inner"), text()?).await?;
    storage.put(&outer, full("outer"), text()?).await?;
    storage.delete(&outer).await?;
    assert_eq!(read(&*storage, &inner).await?.as_deref(), Some(&b"inner"[..]));
    storage.put(&outer, full("again"), text()?).await?;
    storage.delete(&inner).await?;
    assert_eq!(read(&*storage, &outer).await?.as_deref(), Some(&b"again"[..]));
    assert_eq!(storage.head(&inner).await?, None);
    Ok(())
}
