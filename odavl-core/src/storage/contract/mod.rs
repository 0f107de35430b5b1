//! The behaviour of [`Storage`] and [`Catalog`](super::Catalog) as tests, for adapters of your own as for ours.
//!
//! ```text
//! odavl_core::storage_contract!(MyHarness::new().await);
//! odavl_core::catalog_contract!(MyCatalog::new().await);
//! ```
//!
//! Each expression makes a fresh, empty store; the crate that runs the suites depends
//! on `tokio` with its macros.

#![expect(clippy::missing_panics_doc, reason = "a case panics when the adapter misbehaves")]

pub mod bytes;
pub mod catalog;
pub mod catalog_list;
pub mod multipart;
pub mod presign;
pub mod rows;

use std::{fmt::Debug, sync::Arc};

use ::bytes::Bytes;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{
    Body, BoxBody, DirectUrls, Incoming, MediaType, ObjectMeta, PresignedRequest, PutOptions, Redeemed,
    Sha256, Storage, StoreKey, collect, full,
};
use crate::{
    ErrorCode, ManualClock,
    error::{Error, Result},
};

/// A fresh, empty store under test, and how requests that it presigned are sent.
#[async_trait]
pub trait StorageHarness: Send + Sync {
    /// The store.
    fn storage(&self) -> Arc<dyn Storage>;

    /// The clock that the store was given; it shows the time of whoever serves presigned requests.
    fn clock(&self) -> &ManualClock;

    /// Sends a presigned request as an HTTP client does: its headers as they are, but the length that `body` has.
    async fn send(&self, request: &PresignedRequest, body: Bytes) -> Result<Answer>;
}

/// The answer to a presigned request.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Disposition`.
    pub disposition: Option<String>,
    /// The body.
    pub body: Bytes,
}

/// Sends a request that [`DirectUrls`] signed, as odavl's HTTP door serves it.
pub async fn send_direct(
    urls: &DirectUrls,
    storage: &dyn Storage,
    now: Timestamp,
    request: &PresignedRequest,
    body: Bytes,
) -> Result<Answer> {
    let length = body.len().to_string();
    let header = |name: &str| match name {
        "content-length" => Some(length.as_str()),
        _ => request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()),
    };
    let (_, rest) = request.url.split_once("://").unwrap_or_default();
    let at = rest.find('/').unwrap_or(rest.len());
    let (host, path_and_query) = rest.split_at(at);
    let incoming = Incoming { method: request.method.as_str(), host, path_and_query, header: &header };
    let redeemed = match urls.verify(&incoming, now) {
        Ok(grant) => grant.redeem(storage, full(body), None).await,
        Err(error) => Err(error),
    };
    match redeemed {
        Ok(Redeemed::Stored) => Ok(Answer { status: 200, disposition: None, body: Bytes::new() }),
        Ok(Redeemed::Fetched(object, disposition)) => {
            let body = collect(object.body, object.meta.size).await?;
            Ok(Answer { status: 200, disposition: Some(disposition), body })
        }
        Err(error) => {
            Ok(Answer { status: error.code().http_status(), disposition: None, body: Bytes::new() })
        }
    }
}

/// The key `path` of a store.
pub(crate) fn key(path: &str) -> Result<StoreKey> {
    path.parse()
}

/// Options that create plain text.
pub(crate) fn text() -> Result<PutOptions> {
    Ok(PutOptions::create("text/plain".parse::<MediaType>()?))
}

/// The same, declaring `bytes`.
pub(crate) fn declaring(bytes: &[u8]) -> Result<PutOptions> {
    Ok(text()?.expecting(bytes.len() as u64, Sha256::of(bytes)))
}

/// All bytes under `key`.
pub(crate) async fn read(storage: &dyn Storage, key: &StoreKey) -> Result<Option<Bytes>> {
    match storage.get(key, None).await? {
        Some(object) => collect(object.body, u64::MAX).await.map(Some),
        None => Ok(None),
    }
}

/// Holds a result to an error of `code`.
pub(crate) fn refused<T: Debug>(result: Result<T>, code: ErrorCode) {
    let found = result.map(|value| format!("{value:?}")).map_err(|error| error.code());
    assert_eq!(found, Err(code));
}

/// Holds what a store says of an object to what its put answered; its clock may tell the time a little differently.
pub(crate) fn is_as_put(found: Option<ObjectMeta>, put: &ObjectMeta) {
    let apart = found.as_ref().map(|found| found.modified.duration_since(put.modified).abs());
    assert!(apart.is_some_and(|apart| apart < SignedDuration::from_mins(1)), "{apart:?}");
    let found = found.map(|found| ObjectMeta { modified: put.modified, ..found });
    assert_eq!(found.as_ref(), Some(put));
}

/// A body that gives `pieces` and then fails, as a lost connection or a full disk does.
pub(crate) fn failing(pieces: &[&'static [u8]]) -> BoxBody {
    Box::new(Failing(pieces.iter().rev().copied().collect()))
}

struct Failing(Vec<&'static [u8]>);

#[async_trait]
impl Body for Failing {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let piece = self.0.pop().map(Bytes::from_static);
        piece.map(Some).ok_or_else(|| Error::unavailable("the body stopped", None))
    }
}

/// Runs the behaviour suite of [`Storage`] on the fresh harness that the expression makes for each case.
#[macro_export]
macro_rules! storage_contract {
    ($harness:expr) => {
        $crate::storage_contract_cases!(
            $harness,
            bytes,
            [
                what_was_put_is_read_back,
                a_body_comes_in_pieces_and_is_one_object,
                an_empty_object_is_an_object,
                a_put_that_is_not_what_it_declared_leaves_nothing,
                a_put_whose_body_fails_leaves_what_was_there,
                a_put_that_comes_too_late_leaves_nothing,
                of_many_creators_exactly_one_wins,
                an_overwrite_replaces_bytes_type_and_etag_together,
                a_reader_keeps_the_version_that_it_opened,
                a_range_reads_the_bytes_it_names,
                what_is_absent_is_none_and_deleting_it_is_no_error,
                a_list_pages_in_the_order_of_keys,
                a_key_may_be_the_beginning_of_another,
            ]
        );
        $crate::storage_contract_cases!(
            $harness,
            multipart,
            [
                a_multipart_upload_is_invisible_until_it_is_complete,
                an_aborted_multipart_upload_leaves_nothing,
                parts_come_in_any_order_and_again,
                completing_takes_the_parts_it_names,
                completing_refuses_a_part_that_is_not_there_as_named,
                completing_does_not_replace_what_was_created_before,
                completing_and_aborting_take_turns,
                a_part_that_is_not_what_it_declared_is_not_there,
                open_uploads_are_listed_where_the_store_can_tell,
            ]
        );
        $crate::storage_contract_cases!(
            $harness,
            presign,
            [
                a_presigned_put_takes_exactly_what_was_declared,
                a_presigned_create_works_once,
                a_presigned_overwrite_works_again,
                a_presigned_part_arrives_as_a_part,
                a_presigned_get_saves_and_never_shows,
                a_presigned_request_ends_at_its_time,
                a_presigned_request_serves_no_other_method_or_key,
                a_presigned_request_lives_at_most_an_hour,
                a_store_receives_what_it_presigns,
            ]
        );
    };
}

/// Runs the behaviour suite of [`Catalog`](super::Catalog) on the fresh adapter that the expression makes for each
/// case.
#[macro_export]
macro_rules! catalog_contract {
    ($catalog:expr) => {
        $crate::storage_contract_cases!(
            $catalog,
            catalog,
            [
                an_upload_begins_once,
                completing_makes_the_object_that_was_announced,
                completing_displaces_the_object_that_had_the_name,
                of_many_uploads_of_a_name_one_has_it,
                completing_again_answers_the_same,
                a_name_that_must_be_new_is_not_replaced,
                abandoning_queues_what_may_have_arrived,
                signed_parts_are_kept_while_the_upload_is_open,
                an_upload_is_found_by_its_object,
                the_first_multipart_name_counts,
                deleting_removes_the_row_once,
                garbage_is_due_when_the_last_url_has_expired,
                what_no_row_names_is_unnamed,
                garbage_is_queued_once,
                a_walk_is_known_as_it_was_left,
                a_mark_is_renewed_from_the_one_that_is_known,
                what_an_object_has_is_not_garbage,
                expired_uploads_are_listed_until_they_are_forgotten,
                another_organisations_things_are_absent,
            ]
        );
        $crate::storage_contract_cases!(
            $catalog,
            catalog_list,
            [
                a_list_pages_in_the_order_of_names,
                a_list_of_folders_shows_each_once,
                a_large_folder_is_one_entry,
                statistics_equal_the_rows,
            ]
        );
    };
}

/// Names one test per case.
#[doc(hidden)]
#[macro_export]
macro_rules! storage_contract_cases {
    ($harness:expr, $suite:ident, [$($case:ident),* $(,)?]) => {$(
        #[tokio::test]
        async fn $case() {
            let harness = $harness;
            if let Err(error) = $crate::storage::contract::$suite::$case(&harness).await {
                panic!("{error:?}");
            }
        }
    )*};
}

#[cfg(test)]
mod tests {
    /// A case that the macro does not name runs nowhere.
    #[test]
    fn every_case_is_named_by_its_macro() {
        let macros = include_str!("mod.rs");
        let suites = [
            include_str!("bytes.rs"),
            include_str!("multipart.rs"),
            include_str!("presign.rs"),
            include_str!("catalog.rs"),
            include_str!("catalog_list.rs"),
        ];
        let cases = suites.iter().flat_map(|suite| suite.split("pub async fn ").skip(1));
        let names: Vec<_> = cases.filter_map(|case| case.split('(').next()).collect();
        assert!(names.len() > 40);
        for name in names {
            assert!(macros.contains(&format!(" {name},")), "{name}");
        }
    }
}
