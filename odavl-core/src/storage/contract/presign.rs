//! Presigned requests.

use std::time::Duration;

use ::bytes::Bytes;
use jiff::SignedDuration;

use super::{StorageHarness, key, read, refused, text};
use crate::{
    ErrorCode,
    error::Result,
    storage::{
        Arrival, ArrivedPart, MediaType, Method, ObjectName, Part, Presign, PresignedRequest, PutMode,
        Sha256, full,
    },
};

const LIVES: Duration = Duration::from_mins(15);

fn putting(bytes: &[u8], mode: PutMode) -> Result<Presign> {
    let content_type = "text/plain".parse()?;
    Ok(Presign::Put { length: bytes.len() as u64, sha256: Sha256::of(bytes), content_type, mode })
}

/// A presigned put takes exactly the declared bytes; another length is 403, other bytes are 400, and leave nothing.
pub async fn a_presigned_put_takes_exactly_what_was_declared(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/presigned")?);
    let request = storage.presign(&key, &putting(b"hello", PutMode::Create)?, LIVES).await?;
    for (lie, status) in [("hello!", 403), ("hell", 403), ("", 403), ("hallo", 400)] {
        let answer = harness.send(&request, Bytes::from_static(lie.as_bytes())).await?;
        assert_eq!(answer.status, status, "{lie:?}");
        assert_eq!(storage.head(&key).await?, None);
    }
    assert_eq!(harness.send(&request, "hello".into()).await?.status, 200);
    assert_eq!(read(&*storage, &key).await?.as_deref(), Some(&b"hello"[..]));
    assert_eq!(storage.head(&key).await?.map(|meta| meta.content_type), Some("text/plain".parse()?));
    Ok(())
}

/// A presigned create works once: the second time is 412, and what was sent first stays.
pub async fn a_presigned_create_works_once(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/once")?);
    let request = storage.presign(&key, &putting(b"hello", PutMode::Create)?, LIVES).await?;
    assert_eq!(harness.send(&request, "hello".into()).await?.status, 200);
    let first = storage.head(&key).await?;
    assert_eq!(harness.send(&request, "hello".into()).await?.status, 412);
    assert_eq!(storage.head(&key).await?, first);
    Ok(())
}

/// A presigned overwrite works again.
pub async fn a_presigned_overwrite_works_again(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/again")?);
    storage.put(&key, full("before"), text()?).await?;
    let request = storage.presign(&key, &putting(b"hello", PutMode::Overwrite)?, LIVES).await?;
    for _ in 0..2 {
        assert_eq!(harness.send(&request, "hello".into()).await?.status, 200);
    }
    assert_eq!(read(&*storage, &key).await?.as_deref(), Some(&b"hello"[..]));
    Ok(())
}

/// A presigned part arrives as a part, exactly as declared.
pub async fn a_presigned_part_arrives_as_a_part(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/part")?);
    let multipart = storage.begin_multipart(&key, &MediaType::bytes()).await?;
    let part = Part { number: 4, size: 5, sha256: Sha256::of(b"hello") };
    let what = Presign::Part { multipart: multipart.clone(), part };
    let request = storage.presign(&key, &what, LIVES).await?;
    assert_eq!(harness.send(&request, "hello!".into()).await?.status, 403);
    assert_eq!(harness.send(&request, "hallo".into()).await?.status, 400);
    assert_eq!(storage.parts(&multipart).await?, Some(vec![]));
    assert_eq!(harness.send(&request, "hello".into()).await?.status, 200);
    let arrived = ArrivedPart { number: 4, size: 5, sha256: Some(part.sha256) };
    assert_eq!(storage.parts(&multipart).await?, Some(vec![arrived]));
    storage.complete_multipart(&multipart, &[part], PutMode::Create).await?;
    assert_eq!(read(&*storage, &key).await?.as_deref(), Some(&b"hello"[..]));
    Ok(())
}

/// A presigned get answers the bytes with the disposition that was signed, and 404 when they are gone.
pub async fn a_presigned_get_saves_and_never_shows(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/get")?);
    storage.put(&key, full("<script>"), text()?).await?;
    let attachment = "report ü.html".parse::<ObjectName>()?.attachment();
    let what = Presign::Get { attachment: attachment.clone() };
    let request = storage.presign(&key, &what, LIVES).await?;
    let answer = harness.send(&request, Bytes::new()).await?;
    assert_eq!((answer.status, &answer.body[..]), (200, &b"<script>"[..]));
    assert_eq!(answer.disposition, Some(attachment));
    storage.delete(&key).await?;
    assert_eq!(harness.send(&request, Bytes::new()).await?.status, 404);
    Ok(())
}

/// A presigned request that was made longer ago than it lives is 403, and changes nothing.
pub async fn a_presigned_request_ends_at_its_time(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/late")?);
    let an_hour = SignedDuration::from_hours(1);
    harness.clock().advance(-an_hour);
    let put = storage.presign(&key, &putting(b"hello", PutMode::Create)?, LIVES).await?;
    let get = storage.presign(&key, &Presign::Get { attachment: "attachment".into() }, LIVES).await?;
    harness.clock().advance(an_hour);
    assert!(put.expires_at < crate::Clock::now(harness.clock()));
    assert_eq!(harness.send(&put, "hello".into()).await?.status, 403);
    assert_eq!(storage.head(&key).await?, None);
    storage.put(&key, full("hello"), text()?).await?;
    assert_eq!(harness.send(&get, Bytes::new()).await?.status, 403);
    Ok(())
}

/// A presigned request serves no other method and no other key.
pub async fn a_presigned_request_serves_no_other_method_or_key(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key, other) = (harness.storage(), key("org/here")?, key("org/elsewhere")?);
    let put = storage.presign(&key, &putting(b"hello", PutMode::Overwrite)?, LIVES).await?;
    let moved = PresignedRequest { url: put.url.replace("org/here", "org/elsewhere"), ..put.clone() };
    assert_ne!(moved, put);
    assert_eq!(harness.send(&moved, "hello".into()).await?.status, 403);
    assert_eq!(storage.head(&other).await?, None);
    storage.put(&key, full("hello"), text()?).await?;
    let read = PresignedRequest { method: Method::Get, ..put };
    assert_eq!(harness.send(&read, Bytes::new()).await?.status, 403);
    Ok(())
}

/// A presigned request lives at most an hour, and at least a moment.
pub async fn a_presigned_request_lives_at_most_an_hour(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/long")?);
    let what = putting(b"hello", PutMode::Create)?;
    for lives in [Duration::ZERO, Duration::from_secs(3601)] {
        refused(storage.presign(&key, &what, lives).await, ErrorCode::InvalidInput);
    }
    storage.presign(&key, &what, Duration::from_hours(1)).await?;
    Ok(())
}

/// What a store could not hold a sender to is refused before it is begun: it receives what it presigns, and no more.
pub async fn a_store_receives_what_it_presigns(harness: &dyn StorageHarness) -> Result<()> {
    let (storage, key) = (harness.storage(), key("org/direct")?);
    let sha256 = Sha256::of(b"hello");
    let multipart = storage.begin_multipart(&key, &MediaType::bytes()).await?;
    let part = Presign::Part { multipart, part: Part { number: 1, size: 5, sha256 } };
    let in_parts = Arrival::Parts { size: 5, part_size: 5, multipart: None };
    for (arrival, what) in
        [(Arrival::Whole { size: 5, sha256 }, putting(b"hello", PutMode::Create)?), (in_parts, part)]
    {
        let received = storage.can_receive(&arrival).await.map_err(|error| error.code());
        let presigned = storage.presign(&key, &what, LIVES).await.map(drop).map_err(|error| error.code());
        assert_eq!(received, presigned, "{arrival:?}");
        assert!(matches!(received, Ok(()) | Err(ErrorCode::Unsupported)), "{received:?}");
    }
    storage.can_receive(&Arrival::Streamed).await
}
