//! Object rows: uploads, names, garbage.

use std::pin::Pin;

use super::{
    refused,
    rows::{NOW, all, arrived, in_parts, later, org, store, upload},
};
use crate::{
    ErrorCode,
    error::Result,
    ids::ObjectId,
    storage::{
        Arrival, Arrived, Catalog, Checksum, Completion, Garbage, MultipartId, ObjectRow, Part, PutMode,
        Sha256, StorageStats, StoreMark, StoreWalk, Upload, UploadState,
    },
};

/// An upload begins once: the same again is answered as it stands, another of its id is a conflict.
pub async fn an_upload_begins_once(catalog: &dyn Catalog) -> Result<()> {
    let org = org()?;
    let first = upload(org, "a")?;
    assert_eq!(catalog.upload(org, first.id).await?, None);
    assert_eq!(catalog.begin_upload(org, &first).await?, first);
    let retry = Upload { expires_at: later(90), begun_at: later(1), ..first.clone() };
    assert_eq!(catalog.begin_upload(org, &retry).await?, first);
    let other = Upload { arrival: Arrival::Streamed, ..first.clone() };
    refused(catalog.begin_upload(org, &other).await, ErrorCode::Conflict);
    refused(
        catalog.begin_upload(org, &Upload { name: "b".parse()?, ..first.clone() }).await,
        ErrorCode::Conflict,
    );
    assert_eq!(catalog.upload(org, first.id).await?, Some(first));
    Ok(())
}

/// Completing makes the object that was announced, with what the store proved.
pub async fn completing_makes_the_object_that_was_announced(catalog: &dyn Catalog) -> Result<()> {
    let (org, composite) = (org()?, Checksum::composite(&[Sha256::of(b"a"), Sha256::of(b"b")]));
    let begun = Upload { mode: PutMode::Create, ..in_parts(org)? };
    catalog.begin_upload(org, &begun).await?;
    assert_eq!(catalog.object(org, begun.object).await?, None);
    let arrived = Arrived { checksum: composite, ..arrived(12) };
    let object = ObjectRow {
        id: begun.object,
        name: begun.name.clone(),
        key: begun.key.clone(),
        size: 12,
        checksum: composite,
        content_type: begun.content_type.clone(),
        created_at: arrived.at,
        created_by: begun.by,
        urls_until: begun.expires_at,
    };
    let done = catalog.complete_upload(org, begun.id, &arrived).await?;
    assert_eq!(done, Some(Completion { object: object.clone(), displaced: None, replayed: false }));
    assert_eq!(catalog.object(org, begun.object).await?, Some(object.clone()));
    assert_eq!(catalog.object_named(org, &begun.name).await?, Some(object));
    let state = catalog.upload(org, begun.id).await?.map(|upload| upload.state);
    assert_eq!(state, Some(UploadState::Completed(arrived)));
    Ok(())
}

/// Completing swaps the name's row at once; the object that had the name becomes garbage.
pub async fn completing_displaces_the_object_that_had_the_name(catalog: &dyn Catalog) -> Result<()> {
    let org = org()?;
    let first = store(catalog, org, "a", 5).await?.object;
    let second = store(catalog, org, "a", 7).await?;
    assert_eq!(second.displaced.as_ref(), Some(&first));
    assert_eq!(catalog.object(org, first.id).await?, None);
    assert_eq!(catalog.object_named(org, &first.name).await?, Some(second.object));
    assert_eq!(catalog.stats(org).await?, StorageStats { objects: 1, bytes: 7, garbage_bytes: 5 });
    assert_eq!(catalog.due_garbage(later(60), 10).await?, [(org, first.garbage(later(1)))]);
    Ok(())
}

/// Of uploads that complete the same name at once one has it in the end, and the others are garbage.
pub async fn of_many_uploads_of_a_name_one_has_it(catalog: &dyn Catalog) -> Result<()> {
    let org = org()?;
    let mut completing: Vec<Pin<Box<dyn Future<Output = Result<Completion>> + Send + '_>>> = Vec::new();
    for _ in 0..8 {
        completing.push(Box::pin(store(catalog, org, "a", 5)));
    }
    let done = all(completing).await.into_iter().collect::<Result<Vec<_>>>()?;
    assert_eq!(done.iter().filter(|done| done.displaced.is_none()).count(), 1);
    assert_eq!(catalog.stats(org).await?, StorageStats { objects: 1, bytes: 5, garbage_bytes: 35 });
    let garbage = catalog.due_garbage(later(60), 10).await?;
    let holder = catalog.object_named(org, &"a".parse()?).await?;
    assert_eq!(garbage.len(), 7);
    assert!(
        garbage.iter().all(|(_, garbage)| Some(garbage.object) != holder.as_ref().map(|object| object.id))
    );
    Ok(())
}

/// Completing again answers the same and changes nothing, also when the object is gone.
pub async fn completing_again_answers_the_same(catalog: &dyn Catalog) -> Result<()> {
    let org = org()?;
    let begun = upload(org, "a")?;
    catalog.begin_upload(org, &begun).await?;
    let Some(first) = catalog.complete_upload(org, begun.id, &arrived(5)).await? else { return absent() };
    let replay = Completion { replayed: true, ..first.clone() };
    let again = Arrived { at: later(2), ..arrived(9) };
    assert_eq!(catalog.complete_upload(org, begun.id, &again).await?.as_ref(), Some(&replay));
    catalog.delete_object(org, begun.object, later(3)).await?;
    assert_eq!(catalog.complete_upload(org, begun.id, &again).await?, Some(replay));
    assert_eq!(catalog.object(org, begun.object).await?, None);
    assert_eq!(catalog.begin_upload(org, &begun).await?.state, UploadState::Completed(arrived(5)));
    Ok(())
}

fn absent() -> Result<()> {
    Err(crate::Error::internal("what was stored is absent", None))
}

/// A name that must be new is refused where it is taken, and the upload stays open until the name is free.
pub async fn a_name_that_must_be_new_is_not_replaced(catalog: &dyn Catalog) -> Result<()> {
    let org = org()?;
    let first = store(catalog, org, "a", 5).await?.object;
    let begun = Upload { mode: PutMode::Create, ..upload(org, "a")? };
    catalog.begin_upload(org, &begun).await?;
    refused(catalog.complete_upload(org, begun.id, &arrived(5)).await, ErrorCode::PreconditionFailed);
    assert_eq!(catalog.object_named(org, &first.name).await?, Some(first.clone()));
    assert_eq!(catalog.upload(org, begun.id).await?, Some(begun.clone()));
    catalog.delete_object(org, first.id, NOW).await?;
    assert!(catalog.complete_upload(org, begun.id, &arrived(5)).await?.is_some());
    Ok(())
}

/// Abandoning leaves no object, queues what may have arrived, and ends the upload; what is complete or lives longer is
/// not abandoned.
pub async fn abandoning_queues_what_may_have_arrived(catalog: &dyn Catalog) -> Result<()> {
    let org = org()?;
    let begun = in_parts(org)?;
    let named = MultipartId("store's own".into());
    catalog.begin_upload(org, &begun).await?;
    catalog.attach_multipart(org, begun.id, &named).await?;
    let living = catalog.abandon_upload(org, begun.id, later(59), later(2)).await?;
    assert_eq!(living.map(|upload| upload.state), Some(UploadState::Open));
    for at in [later(2), later(99)] {
        let abandoned = catalog.abandon_upload(org, begun.id, later(999), at).await?;
        assert_eq!(abandoned.map(|upload| upload.state), Some(UploadState::Abandoned));
    }
    refused(catalog.complete_upload(org, begun.id, &arrived(12)).await, ErrorCode::Conflict);
    assert_eq!(catalog.stats(org).await?, StorageStats::default());
    let garbage = Garbage { multipart: Some(named), ..begun.garbage(later(2)) };
    assert_eq!(catalog.due_garbage(later(60), 10).await?, [(org, garbage)]);

    let done = upload(org, "done")?;
    catalog.begin_upload(org, &done).await?;
    catalog.complete_upload(org, done.id, &arrived(5)).await?;
    let kept = catalog.abandon_upload(org, done.id, later(999), later(2)).await?;
    assert_eq!(kept.map(|upload| upload.state), Some(UploadState::Completed(arrived(5))));
    assert!(catalog.object(org, done.object).await?.is_some());
    assert_eq!(catalog.due_garbage(later(999), 10).await?.len(), 1);
    Ok(())
}

/// Parts that are signed again are replaced; the upload lives until the later time; nothing is signed once it ended.
pub async fn signed_parts_are_kept_while_the_upload_is_open(catalog: &dyn Catalog) -> Result<()> {
    let org = org()?;
    let begun = in_parts(org)?;
    let part = |number, bytes: &[u8]| Part { number, size: bytes.len() as u64, sha256: Sha256::of(bytes) };
    catalog.begin_upload(org, &begun).await?;
    catalog.sign_parts(org, begun.id, &[part(10_000, b"z"), part(2, b"b")], later(30)).await?;
    let signed = catalog.sign_parts(org, begun.id, &[part(2, b"bb"), part(1, b"a")], later(90)).await?;
    assert_eq!(signed.map(|upload| upload.expires_at), Some(later(90)));
    let expected = [part(1, b"a"), part(2, b"bb"), part(10_000, b"z")];
    assert_eq!(catalog.signed_parts(org, begun.id).await?, expected);
    catalog.abandon_upload(org, begun.id, later(999), later(2)).await?;
    let late = catalog.sign_parts(org, begun.id, &[part(3, b"c")], later(200)).await?;
    assert_eq!(
        late.map(|upload| (upload.state, upload.expires_at)),
        Some((UploadState::Abandoned, later(90)))
    );
    assert_eq!(catalog.signed_parts(org, begun.id).await?, expected);
    catalog.forget_upload(org, begun.id).await?;
    assert_eq!(catalog.signed_parts(org, begun.id).await?, []);
    Ok(())
}

/// An upload is found by the object that it makes, until it is forgotten.
pub async fn an_upload_is_found_by_its_object(catalog: &dyn Catalog) -> Result<()> {
    let org = org()?;
    let (begun, other) = (upload(org, "a")?, upload(org, "b")?);
    for upload in [&begun, &other] {
        catalog.begin_upload(org, upload).await?;
        assert_eq!(catalog.upload_of(org, upload.object).await?.as_ref(), Some(upload));
    }
    catalog.complete_upload(org, begun.id, &arrived(5)).await?;
    let found = catalog.upload_of(org, begun.object).await?.map(|upload| (upload.id, upload.state));
    assert_eq!(found, Some((begun.id, UploadState::Completed(arrived(5)))));
    catalog.forget_upload(org, begun.id).await?;
    assert_eq!(catalog.upload_of(org, begun.object).await?, None);
    Ok(())
}

/// The first multipart name that is attached to an open upload in parts counts.
pub async fn the_first_multipart_name_counts(catalog: &dyn Catalog) -> Result<()> {
    let org = org()?;
    let (begun, whole) = (in_parts(org)?, upload(org, "whole")?);
    let (first, second) = (MultipartId("first".into()), MultipartId("second".into()));
    catalog.begin_upload(org, &begun).await?;
    catalog.begin_upload(org, &whole).await?;
    for name in [&first, &second] {
        assert_eq!(catalog.attach_multipart(org, begun.id, name).await?.as_ref(), Some(&first));
        assert_eq!(catalog.attach_multipart(org, whole.id, name).await?, None);
    }
    let arrival = Arrival::Parts { size: 12, part_size: 5, multipart: Some(first) };
    assert_eq!(catalog.begin_upload(org, &begun).await?.arrival, arrival);
    catalog.abandon_upload(org, begun.id, later(999), NOW).await?;
    assert_eq!(catalog.attach_multipart(org, begun.id, &second).await?, None);
    Ok(())
}

/// Deleting removes the row once, and queues its bytes.
pub async fn deleting_removes_the_row_once(catalog: &dyn Catalog) -> Result<()> {
    let org = org()?;
    let stored = store(catalog, org, "a", 5).await?.object;
    assert_eq!(catalog.delete_object(org, stored.id, later(2)).await?, Some(stored.clone()));
    assert_eq!(catalog.delete_object(org, stored.id, later(2)).await?, None);
    assert_eq!(catalog.object_named(org, &stored.name).await?, None);
    assert_eq!(catalog.stats(org).await?, StorageStats { objects: 0, bytes: 0, garbage_bytes: 5 });
    Ok(())
}

/// Garbage is due when the last URL for it has expired, the oldest first, and goes when it is dropped.
pub async fn garbage_is_due_when_the_last_url_has_expired(catalog: &dyn Catalog) -> Result<()> {
    let org = org()?;
    let (lent, plain) =
        (store(catalog, org, "lent", 5).await?.object, store(catalog, org, "plain", 6).await?.object);
    for until in [later(120), later(90)] {
        assert!(catalog.lend_object(org, lent.id, until).await?);
    }
    assert!(!catalog.lend_object(org, ObjectId::new(NOW)?, later(120)).await?);
    for object in [&lent, &plain] {
        catalog.delete_object(org, object.id, later(100)).await?;
    }
    let due = async |at, most| -> Result<Vec<_>> {
        let due = catalog.due_garbage(at, most).await?;
        Ok(due.into_iter().map(|(_, garbage)| garbage.object).collect())
    };
    assert_eq!(due(later(99), 10).await?, []);
    assert_eq!(due(later(100), 10).await?, [plain.id]);
    assert_eq!(due(later(120), 10).await?, [plain.id, lent.id]);
    assert_eq!(due(later(120), 1).await?, [plain.id]);
    for _ in 0..2 {
        catalog.drop_garbage(org, plain.id).await?;
        assert_eq!(due(later(120), 10).await?, [lent.id]);
    }
    Ok(())
}

/// What no row names is unnamed; what an object, an upload or garbage names is not, in its own organisation.
pub async fn what_no_row_names_is_unnamed(catalog: &dyn Catalog) -> Result<()> {
    let (org, other) = (org()?, org()?);
    let (never, begun, parts) = (upload(org, "never")?, upload(org, "begun")?, in_parts(org)?);
    catalog.begin_upload(org, &begun).await?;
    catalog.begin_upload(org, &parts).await?;
    catalog.abandon_upload(org, parts.id, later(999), NOW).await?;
    let kept = store(catalog, org, "kept", 5).await?.object;
    let (gone, old) = (store(catalog, org, "a", 5).await?.object, store(catalog, org, "b", 5).await?.object);
    let new = store(catalog, org, "b", 6).await?.object;
    catalog.delete_object(org, gone.id, NOW).await?;
    for (_, upload) in catalog.expired_uploads(later(999), 10).await? {
        catalog.forget_upload(org, upload.id).await?;
    }
    let named = [begun.object, parts.object, kept.id, gone.id, old.id, new.id];
    let asked: Vec<_> =
        named.iter().chain([&never.object]).flat_map(|id| [(org, *id), (other, *id)]).collect();
    let unnamed = async |asked: &[_]| -> Result<Vec<_>> {
        let mut unnamed = catalog.unnamed(asked).await?;
        unnamed.sort();
        Ok(unnamed)
    };
    let mut expected: Vec<_> = named.iter().map(|id| (other, *id)).collect();
    expected.extend([(org, never.object), (other, never.object)]);
    expected.sort();
    assert_eq!(unnamed(&asked).await?, expected);
    assert_eq!(unnamed(&[]).await?, []);
    catalog.drop_garbage(org, gone.id).await?;
    assert_eq!(unnamed(&[(org, gone.id)]).await?, [(org, gone.id)]);
    Ok(())
}

/// Garbage that is queued is due in its time; queued again, at the later one, and of the greater size.
pub async fn garbage_is_queued_once(catalog: &dyn Catalog) -> Result<()> {
    let org = org()?;
    let garbage = upload(org, "never")?.garbage(NOW);
    catalog.queue_garbage(org, &garbage).await?;
    assert_eq!(catalog.unnamed(&[(org, garbage.object)]).await?, []);
    assert_eq!(catalog.due_garbage(later(59), 10).await?, []);
    assert_eq!(catalog.due_garbage(later(60), 10).await?, [(org, garbage.clone())]);
    let more = Garbage { due_at: later(99), size: 7, ..garbage };
    catalog.queue_garbage(org, &more).await?;
    catalog.queue_garbage(org, &Garbage { due_at: later(70), size: 3, ..more.clone() }).await?;
    assert_eq!(catalog.due_garbage(later(98), 10).await?, []);
    assert_eq!(catalog.due_garbage(later(99), 10).await?, [(org, more)]);
    Ok(())
}

/// A store's mark is renewed from the one that is known, or from none; the one before is known besides.
pub async fn a_mark_is_renewed_from_the_one_that_is_known(catalog: &dyn Catalog) -> Result<()> {
    let mark = |mark: &str, replaced: Option<&str>| {
        Some(StoreMark { mark: mark.to_owned(), replaced: replaced.map(str::to_owned) })
    };
    assert_eq!(catalog.store_mark().await?, None);
    assert!(!catalog.renew_store_mark(Some("a"), "b").await?);
    assert!(catalog.renew_store_mark(None, "a").await?);
    assert!(!catalog.renew_store_mark(None, "b").await?);
    assert_eq!(catalog.store_mark().await?, mark("a", None));
    assert!(catalog.renew_store_mark(Some("a"), "b").await?);
    assert!(!catalog.renew_store_mark(Some("a"), "c").await?);
    assert_eq!(catalog.store_mark().await?, mark("b", Some("a")));
    Ok(())
}

/// How far the walk through the store has come is known to whoever asks.
pub async fn a_walk_is_known_as_it_was_left(catalog: &dyn Catalog) -> Result<()> {
    assert_eq!(catalog.store_walk().await?, None);
    for past in [Some("org_a/b"), Some("org_b"), None] {
        let walk = StoreWalk { begun: NOW, past: past.map(str::to_owned) };
        catalog.keep_store_walk(&walk).await?;
        assert_eq!(catalog.store_walk().await?, Some(walk));
    }
    Ok(())
}

/// Bytes that an object has are never due, whatever was queued.
pub async fn what_an_object_has_is_not_garbage(catalog: &dyn Catalog) -> Result<()> {
    let org = org()?;
    let begun = upload(org, "kept")?;
    catalog.queue_garbage(org, &begun.garbage(NOW)).await?;
    catalog.begin_upload(org, &begun).await?;
    assert_eq!(catalog.due_garbage(later(60), 10).await?.len(), 1);
    catalog.complete_upload(org, begun.id, &arrived(5)).await?;
    assert_eq!(catalog.due_garbage(later(60), 10).await?, []);
    Ok(())
}

/// Uploads are listed when they have expired, whatever became of them; an open one is not forgotten.
pub async fn expired_uploads_are_listed_until_they_are_forgotten(catalog: &dyn Catalog) -> Result<()> {
    let (org, other) = (org()?, org()?);
    let open = upload(org, "open")?;
    let (done, gone) = (Upload { expires_at: later(50), ..upload(org, "done")? }, upload(other, "gone")?);
    catalog.begin_upload(org, &open).await?;
    catalog.begin_upload(org, &done).await?;
    catalog.begin_upload(other, &gone).await?;
    catalog.complete_upload(org, done.id, &arrived(5)).await?;
    catalog.abandon_upload(other, gone.id, later(999), later(2)).await?;
    let expired = async |at, most| -> Result<Vec<_>> {
        let expired = catalog.expired_uploads(at, most).await?;
        Ok(expired.into_iter().map(|(org, upload)| (org, upload.id)).collect())
    };
    assert_eq!(expired(later(49), 10).await?, []);
    assert_eq!(expired(later(50), 10).await?, [(org, done.id)]);
    assert_eq!(expired(later(60), 1).await?, [(org, done.id)]);
    let mut all = expired(later(60), 10).await?;
    all.sort();
    let mut expected = [(org, open.id), (org, done.id), (other, gone.id)];
    expected.sort();
    assert_eq!(all, expected);
    for (org, id) in [(org, open.id), (org, done.id), (other, gone.id)] {
        catalog.forget_upload(org, id).await?;
    }
    assert_eq!(expired(later(60), 10).await?, [(org, open.id)]);
    Ok(())
}

/// Another organisation's things are absent, and nothing that is done to them happens.
pub async fn another_organisations_things_are_absent(catalog: &dyn Catalog) -> Result<()> {
    let (ours, theirs) = (org()?, org()?);
    let object = store(catalog, theirs, "a", 5).await?.object;
    let begun = in_parts(theirs)?;
    catalog.begin_upload(theirs, &begun).await?;
    assert_eq!(catalog.object(ours, object.id).await?, None);
    assert_eq!(catalog.object_named(ours, &object.name).await?, None);
    assert!(!catalog.lend_object(ours, object.id, later(500)).await?);
    assert_eq!(catalog.delete_object(ours, object.id, NOW).await?, None);
    assert_eq!(catalog.stats(ours).await?, StorageStats::default());
    assert_eq!(catalog.upload(ours, begun.id).await?, None);
    assert_eq!(catalog.upload_of(ours, begun.object).await?, None);
    let part = Part { number: 1, size: 1, sha256: Sha256::of(b"a") };
    assert_eq!(catalog.sign_parts(ours, begun.id, &[part], later(500)).await?, None);
    assert_eq!(catalog.signed_parts(theirs, begun.id).await?, []);
    let named = MultipartId("ours".into());
    assert_eq!(catalog.attach_multipart(ours, begun.id, &named).await?, None);
    assert_eq!(catalog.complete_upload(ours, begun.id, &arrived(12)).await?, None);
    assert_eq!(catalog.abandon_upload(ours, begun.id, later(999), NOW).await?, None);
    assert_eq!(catalog.upload(theirs, begun.id).await?, Some(begun));
    catalog.delete_object(theirs, object.id, NOW).await?;
    catalog.drop_garbage(ours, object.id).await?;
    assert_eq!(catalog.due_garbage(later(60), 10).await?.len(), 1);
    Ok(())
}
