//! The behaviour of [`UploadRows`] as tests, for adapters of your own as for ours.
//!
//! ```text
//! odavl_core::uploads_contract!(MyUploads::new().await);
//! ```

#![expect(clippy::missing_panics_doc, reason = "a case panics when the adapter misbehaves")]

use std::fmt::Debug;

use jiff::{SignedDuration, Timestamp};

use super::{
    Encoding, RunId,
    port::{UploadQuery, UploadRows},
    sarif::Summary,
    upload::{Attempt, Begun, State, Stored, Upload},
};
use crate::{
    error::{ErrorCode, Result},
    ids::{KeyId, ObjectId, OrgId, ProjectId, ReservationId, UploadId},
    page::PageQuery,
    storage::{Creator, Product, Sha256, StoreKey},
};

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

fn later(minutes: i64) -> Timestamp {
    NOW + SignedDuration::from_mins(minutes)
}

fn attempt(expires: i64) -> Result<Attempt> {
    Ok(Attempt { id: UploadId::new(NOW)?, reservation: ReservationId::new(NOW)?, expires_at: later(expires) })
}

fn upload(product: &str) -> Result<Upload> {
    let (product, project, run): (Product, _, _) = (product.parse()?, ProjectId::new(NOW)?, RunId::random()?);
    Ok(Upload {
        id: Upload::id_of(&product, project, run),
        product,
        project,
        slug: "my-app".parse()?,
        run,
        sha256: Sha256::of(b"results"),
        by: Creator::Key(KeyId::new(NOW)?),
        begun_at: NOW,
        attempt: attempt(60)?,
        state: State::Pending,
    })
}

fn stored(org: OrgId, upload: &Upload, minutes: i64) -> Result<Stored> {
    let object = ObjectId::new(NOW)?;
    Ok(Stored {
        at: later(minutes),
        object,
        key: StoreKey::object(org, &upload.product, upload.by, object),
        size: 5,
        encoding: Encoding::Zstd,
        unpacked: 50,
        summary: Summary { results: 3, commit: Some("abc".to_owned()), ..Summary::default() },
    })
}

/// Begins and stores an upload.
async fn put(rows: &dyn UploadRows, org: OrgId, upload: &Upload, minutes: i64) -> Result<Upload> {
    rows.begin(org, upload).await?;
    let stored = stored(org, upload, minutes)?;
    assert!(rows.store(org, upload.id, upload.attempt.id, &stored).await?);
    Ok(Upload { state: State::Stored(Box::new(stored)), ..upload.clone() })
}

fn refused<T: Debug>(result: Result<T>, code: ErrorCode) {
    let found = result.map(|value| format!("{value:?}")).map_err(|error| error.code());
    assert_eq!(found, Err(code));
}

fn conflict<T: Debug>(result: Result<T>) {
    refused(result, ErrorCode::Conflict);
}

/// An upload begins once; begun again with the same content, the last try counts and the one before is answered.
pub async fn the_last_try_counts(rows: &dyn UploadRows) -> Result<()> {
    let (org, first) = (OrgId::new(NOW)?, upload("insight")?);
    assert_eq!(rows.begin(org, &first).await?, Begun::New(None));
    assert_eq!(rows.upload(org, first.id).await?, Some(first.clone()));
    let second = Upload { attempt: attempt(90)?, ..first.clone() };
    assert_eq!(rows.begin(org, &second).await?, Begun::New(Some(first.attempt)));
    assert_eq!(rows.upload(org, first.id).await?, Some(second.clone()));
    let stored = stored(org, &first, 1)?;
    assert!(!rows.store(org, first.id, first.attempt.id, &stored).await?);
    assert!(rows.store(org, first.id, second.attempt.id, &stored).await?);
    Ok(())
}

/// Another content under the same run is a conflict, whatever became of the first.
pub async fn another_content_is_a_conflict(rows: &dyn UploadRows) -> Result<()> {
    let (org, first) = (OrgId::new(NOW)?, upload("insight")?);
    let other = Upload { sha256: Sha256::of(b"other"), attempt: attempt(60)?, ..first.clone() };
    rows.begin(org, &first).await?;
    conflict(rows.begin(org, &other).await);
    put(rows, org, &first, 1).await?;
    conflict(rows.begin(org, &other).await);
    assert!(rows.delete(org, first.id).await?);
    conflict(rows.begin(org, &other).await);
    Ok(())
}

/// Stored again by the same try, it answers the same; what is stored begins no more.
pub async fn what_is_stored_is_answered(rows: &dyn UploadRows) -> Result<()> {
    let (org, first) = (OrgId::new(NOW)?, upload("insight")?);
    let done = put(rows, org, &first, 1).await?;
    assert!(rows.store(org, first.id, first.attempt.id, &stored(org, &first, 2)?).await?);
    assert_eq!(rows.upload(org, first.id).await?, Some(done.clone()));
    let again = Upload { attempt: attempt(60)?, ..first.clone() };
    assert_eq!(rows.begin(org, &again).await?, Begun::Stored(Box::new(done.clone())));
    assert!(!rows.discard(org, first.id, first.attempt.id).await?);
    assert_eq!(rows.upload(org, first.id).await?, Some(done));
    Ok(())
}

/// Only the try that counts is discarded, and only while it is pending; then the run is free.
pub async fn a_discarded_run_is_free(rows: &dyn UploadRows) -> Result<()> {
    let (org, first) = (OrgId::new(NOW)?, upload("insight")?);
    rows.begin(org, &first).await?;
    assert!(!rows.discard(org, first.id, UploadId::new(NOW)?).await?);
    assert!(rows.discard(org, first.id, first.attempt.id).await?);
    assert!(!rows.discard(org, first.id, first.attempt.id).await?);
    assert_eq!(rows.upload(org, first.id).await?, None);
    assert!(!rows.store(org, first.id, first.attempt.id, &stored(org, &first, 1)?).await?);
    let other = Upload { sha256: Sha256::of(b"other"), ..first };
    assert_eq!(rows.begin(org, &other).await?, Begun::New(None));
    Ok(())
}

/// Deleting leaves a mark: the run is not taken again.
pub async fn a_deleted_run_is_not_taken_again(rows: &dyn UploadRows) -> Result<()> {
    let (org, first) = (OrgId::new(NOW)?, upload("insight")?);
    rows.begin(org, &first).await?;
    assert!(!rows.delete(org, first.id).await?, "it is pending");
    put(rows, org, &first, 1).await?;
    assert!(rows.delete(org, first.id).await?);
    assert!(!rows.delete(org, first.id).await?);
    assert_eq!(rows.upload(org, first.id).await?.map(|upload| upload.state), Some(State::Deleted));
    conflict(rows.begin(org, &first).await);
    assert!(!rows.store(org, first.id, first.attempt.id, &stored(org, &first, 1)?).await?);
    Ok(())
}

/// A list has what is stored, the newest first, of what is asked for; its pages miss and repeat nothing.
pub async fn a_list_goes_from_the_newest_back(rows: &dyn UploadRows) -> Result<()> {
    let org = OrgId::new(NOW)?;
    let mut expected = Vec::new();
    for minute in [5, 5, 1, 9, 7] {
        expected.push(put(rows, org, &upload("insight")?, minute).await?);
    }
    let guardian = put(rows, org, &upload("guardian")?, 3).await?;
    rows.begin(org, &upload("insight")?).await?;
    let gone = put(rows, org, &upload("insight")?, 4).await?;
    rows.delete(org, gone.id).await?;
    expected.sort_by_key(|upload| std::cmp::Reverse((upload.stored().map(|stored| stored.at), upload.id)));

    let mut query = UploadQuery {
        products: vec!["insight".parse()?],
        project: None,
        page: PageQuery { limit: 2, cursor: None },
    };
    let mut found = Vec::new();
    loop {
        let page = rows.list(org, &query).await?;
        found.extend(page.items);
        query.page.cursor = page.next_cursor;
        if query.page.cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, expected);
    query.project = Some(expected[0].project);
    assert_eq!(rows.list(org, &query).await?.items, expected[..1]);
    query.products = vec!["guardian".parse()?, "insi".parse()?];
    query.project = None;
    assert_eq!(rows.list(org, &query).await?.items, [guardian]);
    query.products.clear();
    assert_eq!(rows.list(org, &query).await?.items, []);
    query.page.cursor = Some("nonsense".to_owned());
    refused(rows.list(org, &query).await, ErrorCode::InvalidInput);
    Ok(())
}

/// Expired are tries that are pending, the oldest first.
pub async fn expired_are_pending_tries(rows: &dyn UploadRows) -> Result<()> {
    let org = OrgId::new(NOW)?;
    let (late, early) = (upload("insight")?, Upload { attempt: attempt(30)?, ..upload("insight")? });
    rows.begin(org, &late).await?;
    rows.begin(org, &early).await?;
    put(rows, org, &upload("insight")?, 1).await?;
    assert_eq!(rows.expired(later(29), 10).await?, []);
    assert_eq!(rows.expired(later(30), 10).await?, [(org, early.clone())]);
    assert_eq!(rows.expired(later(60), 10).await?, [(org, early.clone()), (org, late)]);
    assert_eq!(rows.expired(later(60), 1).await?, [(org, early)]);
    Ok(())
}

/// Another organisation's uploads are absent, and nothing that is done to them happens.
pub async fn another_organisations_uploads_are_absent(rows: &dyn UploadRows) -> Result<()> {
    let (org, other) = (OrgId::new(NOW)?, OrgId::new(later(1))?);
    let done = put(rows, org, &upload("insight")?, 1).await?;
    assert_eq!(rows.upload(other, done.id).await?, None);
    assert!(!rows.delete(other, done.id).await?);
    assert!(!rows.discard(other, done.id, done.attempt.id).await?);
    let query = UploadQuery { products: vec!["insight".parse()?], project: None, page: PageQuery::default() };
    assert_eq!(rows.list(other, &query).await?.items, []);
    assert_eq!(rows.upload(org, done.id).await?, Some(done));
    Ok(())
}

/// Runs the behaviour suite of [`UploadRows`] on the fresh adapter that the expression makes for each case.
#[macro_export]
macro_rules! uploads_contract {
    ($rows:expr) => {
        $crate::uploads_contract!(@cases $rows;
            the_last_try_counts
            another_content_is_a_conflict
            what_is_stored_is_answered
            a_discarded_run_is_free
            a_deleted_run_is_not_taken_again
            a_list_goes_from_the_newest_back
            expired_are_pending_tries
            another_organisations_uploads_are_absent
        );
    };
    (@cases $rows:expr; $($case:ident)*) => {$(
        #[tokio::test]
        async fn $case() {
            if let Err(error) = $crate::uploads::contract::$case(&$rows).await {
                panic!("{error:?}");
            }
        }
    )*};
}
