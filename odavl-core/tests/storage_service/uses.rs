//! What each use case does, on every adapter.

use odavl_core::{
    ErrorCode, Result,
    page::PageQuery,
    storage::{
        ByteRange, Depth, ListQuery, NewObject, NewUpload, ObjectName, Progress, PutMode, Sha256,
        UploadTicket, collect, full,
    },
};

use crate::support::{Plan, World, send_all};

pub(crate) fn name(text: &str) -> ObjectName {
    text.parse().unwrap()
}

pub(crate) fn announce(object: &str, bytes: &[u8]) -> NewUpload {
    NewUpload {
        name: name(object),
        size: bytes.len() as u64,
        sha256: Some(Sha256::of(bytes)),
        content_type: "text/plain".parse().unwrap(),
        mode: PutMode::Overwrite,
        idempotency_key: None,
    }
}

/// An object of a size that is known ahead.
pub(crate) fn sized(object: &str, size: usize) -> NewObject {
    NewObject { size: Some(size as u64), ..NewObject::new(name(object)) }
}

pub(crate) fn code<T: std::fmt::Debug>(result: Result<T>) -> ErrorCode {
    result.unwrap_err().code()
}

async fn upload(world: &World, object: &str, bytes: &[u8]) -> UploadTicket {
    let odavl = world.start();
    let session = world.session(&odavl, "one").await;
    let ticket = session.storage().upload_url(announce(object, bytes)).await.unwrap();
    send_all(&odavl, ticket.request.as_ref().unwrap(), bytes).await.unwrap();
    session.storage().complete(ticket.status.id).await.unwrap();
    ticket
}

/// Runs a case on memory, and on SQLite and a folder.
macro_rules! cases {
    (everywhere { $($case:ident)* } by_a_clock_that_moves { $($timed:ident)* }) => {
        mod memory { cases! { @ memory $($case)* $($timed)* } }
        mod embedded { cases! { @ embedded $($case)* $($timed)* } }
        #[cfg(feature = "s3")]
        mod s3 { cases! { @ s3 $($case)* } }
    };
    (@ $on:ident $($case:ident)*) => {$(
        #[tokio::test]
        async fn $case() {
            super::$case(crate::support::World::$on(crate::support::Plan::bytes(100)).await).await;
        }
    )*};
}

// A store of its own has a clock of its own, which no test moves: what it does in time the contract shows.
cases! {
    everywhere {
        a_direct_upload_is_read_back_and_counts_to_the_byte
        completing_again_answers_the_same_and_counts_once
        bytes_that_have_not_arrived_are_not_completed
        what_arrived_and_was_never_completed_is_completed_by_the_sweeper
        replaced_and_deleted_bytes_count_until_they_are_removed
        a_name_that_must_be_new_is_refused_once_it_is_taken
        a_retry_with_a_key_gets_the_same_upload
        a_stream_of_unknown_length_is_charged_what_it_had
        a_stream_that_breaks_leaves_and_charges_nothing
        a_stream_that_outgrows_the_limit_leaves_and_charges_nothing
        another_organisations_ids_and_names_are_not_found
        odavls_own_names_are_refused
        lists_go_by_prefix_and_folder
        a_full_organisation_lists_deletes_and_completes
        a_recount_of_what_is_right_finds_no_difference
    }
    by_a_clock_that_moves {
        a_download_url_fetches_the_bytes_and_keeps_them_until_it_expires
        what_was_announced_and_never_sent_is_given_back
    }
}

async fn a_direct_upload_is_read_back_and_counts_to_the_byte(world: World) {
    upload(&world, "folder/a.txt", b"hello").await;
    let session = world.one().await;
    let read = session.storage().read(&name("folder/a.txt"), None).await.unwrap();
    assert_eq!(read.object.size, 5);
    assert_eq!(collect(read.bytes.body, 100).await.unwrap(), "hello");
    let range = session.storage().read(&name("folder/a.txt"), Some(ByteRange::Last(2))).await.unwrap();
    assert_eq!(collect(range.bytes.body, 100).await.unwrap(), "lo");
    assert_eq!(world.used("storage_bytes").await, 5);
    world.assert_exact().await;
}

async fn completing_again_answers_the_same_and_counts_once(world: World) {
    let ticket = upload(&world, "a", b"hello").await;
    let session = world.one().await;
    let again = session.storage().complete(ticket.status.id).await.unwrap();
    assert_eq!(again.name, name("a"));
    let status = session.storage().upload(ticket.status.id).await.unwrap();
    assert_eq!(status.progress, Progress::Completed(Box::new(again)));
    assert_eq!(world.used("storage_bytes").await, 5);
    world.assert_exact().await;
}

async fn bytes_that_have_not_arrived_are_not_completed(world: World) {
    let session = world.one().await;
    let ticket = session.storage().upload_url(announce("a", b"hello")).await.unwrap();
    assert_eq!(code(session.storage().complete(ticket.status.id).await), ErrorCode::Conflict);
    assert_eq!(world.used("storage_bytes").await, 5, "the space is held on");
    world.assert_exact().await;
    assert_eq!(world.used("storage_bytes").await, 0);
}

async fn what_was_announced_and_never_sent_is_given_back(world: World) {
    let odavl = world.start();
    let session = world.session(&odavl, "one").await;
    let ticket = session.storage().upload_url(announce("a", b"hello")).await.unwrap();
    world.pass(14);
    odavl.sweep().await.unwrap();
    assert_eq!(world.used("storage_bytes").await, 5);
    world.pass(12);
    assert_eq!(code(send_all(&odavl, &ticket.request.unwrap(), b"hello").await), ErrorCode::Forbidden);
    odavl.sweep().await.unwrap();
    assert_eq!(world.used("storage_bytes").await, 0);
    assert_eq!(code(session.storage().complete(ticket.status.id).await), ErrorCode::NotFound);
}

async fn what_arrived_and_was_never_completed_is_completed_by_the_sweeper(world: World) {
    let odavl = world.start();
    let session = world.session(&odavl, "one").await;
    let ticket = session.storage().upload_url(announce("a", b"hello")).await.unwrap();
    send_all(&odavl, &ticket.request.unwrap(), b"hello").await.unwrap();
    world.assert_exact().await;
    assert_eq!(world.used("storage_bytes").await, 5);
    assert_eq!(session.storage().read(&name("a"), None).await.unwrap().object.size, 5);
}

async fn replaced_and_deleted_bytes_count_until_they_are_removed(world: World) {
    upload(&world, "a", b"hello").await;
    world.pass(60);
    upload(&world, "a", b"you").await;
    world.start().sweep().await.unwrap();
    assert_eq!((world.used("storage_bytes").await, world.stored_bytes().await), (3, 3));

    let session = world.one().await;
    let deleted = session.storage().delete(&name("a")).await.unwrap();
    let now = odavl_core::Clock::now(&*world.clock);
    assert!(deleted.freed_at > now, "its upload URL still works");
    assert_eq!((world.used("storage_bytes").await, world.stored_bytes().await), (3, 3));
    assert_eq!(code(session.storage().read(&name("a"), None).await), ErrorCode::NotFound);
    world.pass(25);
    world.start().sweep().await.unwrap();
    assert_eq!((world.used("storage_bytes").await, world.stored_bytes().await), (0, 0));

    session.storage().put(sized("b", 8), full("streamed")).await.unwrap();
    session.storage().delete(&name("b")).await.unwrap();
    assert_eq!((world.used("storage_bytes").await, world.stored_bytes().await), (0, 0));
    world.assert_exact().await;
}

async fn a_name_that_must_be_new_is_refused_once_it_is_taken(world: World) {
    let odavl = world.start();
    let session = world.session(&odavl, "one").await;
    let wish = NewUpload { mode: PutMode::Create, ..announce("a", b"hello") };
    let ticket = session.storage().upload_url(wish).await.unwrap();
    send_all(&odavl, &ticket.request.unwrap(), b"hello").await.unwrap();
    let create = NewObject { mode: PutMode::Create, ..sized("a", 5) };
    session.storage().put(create.clone(), full("first")).await.unwrap();
    assert_eq!(code(session.storage().complete(ticket.status.id).await), ErrorCode::PreconditionFailed);
    assert_eq!(code(session.storage().put(create, full("second")).await), ErrorCode::PreconditionFailed);
    world.assert_exact().await;
    let read = session.storage().read(&name("a"), None).await.unwrap();
    assert_eq!(collect(read.bytes.body, 100).await.unwrap(), "first");
}

async fn a_retry_with_a_key_gets_the_same_upload(world: World) {
    let odavl = world.start();
    let session = world.session(&odavl, "one").await;
    let wish = |bytes: &[u8]| NewUpload { idempotency_key: Some("k".into()), ..announce("a", bytes) };
    let ticket = session.storage().upload_url(wish(&[1; 80])).await.unwrap();
    world.pass(10);
    let again = world.one().await.storage().upload_url(wish(&[1; 80])).await.unwrap();
    assert_eq!(again.status.id, ticket.status.id, "although no second one would fit");
    assert_eq!(code(session.storage().upload_url(wish(&[2; 80])).await), ErrorCode::Conflict);
    assert_eq!(code(session.storage().upload_url(announce("b", &[3; 80])).await), ErrorCode::QuotaExceeded);
    world.pass(14);
    send_all(&odavl, &again.request.unwrap(), &[1; 80]).await.unwrap();
    session.storage().complete(ticket.status.id).await.unwrap();
    let done = session.storage().upload_url(wish(&[1; 80])).await.unwrap();
    assert!(matches!(done.status.progress, Progress::Completed(_)) && done.request.is_none());
    assert_eq!(world.used("storage_bytes").await, 80);
    world.assert_exact().await;
    assert_eq!(code(session.storage().upload_url(wish(&[1; 80])).await), ErrorCode::Conflict, "it has ended");
    world.assert_exact().await;
}

async fn a_stream_of_unknown_length_is_charged_what_it_had(_: World) {
    let world = World::memory(Plan::bytes(24 << 20)).await;
    let session = world.one().await;
    let bytes = vec![7; 17 << 20];
    let stored = session.storage().put(NewObject::new(name("big")), full(bytes)).await.unwrap();
    assert_eq!(stored.size, 17 << 20);
    assert_eq!(world.used("storage_bytes").await, 17 << 20);
    world.assert_exact().await;
}

async fn a_stream_that_breaks_leaves_and_charges_nothing(world: World) {
    let session = world.one().await;
    for (said, error) in [(9, ErrorCode::InvalidInput), (3, ErrorCode::InvalidInput)] {
        let put = session.storage().put(sized("a", said), full("four")).await;
        assert_eq!(code(put), error);
        assert_eq!((world.used("storage_bytes").await, world.stored_bytes().await), (0, 0));
    }
    let wish = NewObject { sha256: Some(Sha256::of(b"five")), ..sized("a", 4) };
    assert_eq!(code(session.storage().put(wish, full("four")).await), ErrorCode::InvalidInput);
    assert_eq!(world.used("api_calls").await, 0);
    // Nor a row that the sweeper would have to end: a store that answered takes nothing more.
    let (uploads, garbage) = (
        world.objects.expired_uploads(jiff::Timestamp::MAX, 10).await.unwrap(),
        world.objects.due_garbage(jiff::Timestamp::MAX, 10).await.unwrap(),
    );
    assert_eq!((uploads.len(), garbage.len()), (0, 0));
    world.assert_exact().await;
}

async fn a_stream_that_outgrows_the_limit_leaves_and_charges_nothing(_: World) {
    let world = World::embedded(Plan::bytes(9 << 20)).await;
    let session = world.one().await;
    let put = session.storage().put(NewObject::new(name("a")), full(vec![1; 10 << 20])).await;
    assert_eq!(code(put), ErrorCode::QuotaExceeded);
    assert_eq!((world.used("storage_bytes").await, world.stored_bytes().await), (0, 0));
    world.assert_exact().await;
}

async fn another_organisations_ids_and_names_are_not_found(world: World) {
    let odavl = world.start();
    let (one, two) = (world.session(&odavl, "one").await, world.session(&odavl, "two").await);
    let ticket = one.storage().upload_url(announce("a", b"hello")).await.unwrap();
    let id = ticket.status.id;
    assert_eq!(code(two.storage().complete(id).await), ErrorCode::NotFound);
    assert_eq!(code(two.storage().upload(id).await), ErrorCode::NotFound);
    assert_eq!(code(two.storage().abandon(id).await), ErrorCode::NotFound);
    assert_eq!(code(two.storage().sign_parts(id, &[(1, Sha256::of(b""))]).await), ErrorCode::NotFound);
    send_all(&odavl, &ticket.request.unwrap(), b"hello").await.unwrap();
    one.storage().complete(id).await.unwrap();
    assert_eq!(code(two.storage().read(&name("a"), None).await), ErrorCode::NotFound);
    assert_eq!(code(two.storage().download_url(&name("a")).await), ErrorCode::NotFound);
    assert_eq!(code(two.storage().delete(&name("a")).await), ErrorCode::NotFound);
    assert_eq!(two.storage().stats().await.unwrap(), odavl_core::storage::StorageStats::default());
}

async fn odavls_own_names_are_refused(world: World) {
    let session = world.one().await;
    let own = name(".odavl/uploads/a");
    let put = session.storage().put(NewObject::new(own.clone()), full("x")).await;
    assert_eq!(code(put), ErrorCode::InvalidInput);
    let announced = session.storage().upload_url(announce(own.as_str(), b"x")).await;
    assert_eq!(code(announced), ErrorCode::InvalidInput);
    assert_eq!(code(session.storage().delete(&own).await), ErrorCode::InvalidInput);
    assert_eq!(code(session.storage().read(&own, None).await), ErrorCode::InvalidInput);
    assert_eq!(code(session.storage().download_url(&own).await), ErrorCode::InvalidInput);
}

async fn a_download_url_fetches_the_bytes_and_keeps_them_until_it_expires(world: World) {
    let odavl = world.start();
    let session = world.session(&odavl, "one").await;
    session.storage().put(sized("a", 5), full("hello")).await.unwrap();
    let request = session.storage().download_url(&name("a")).await.unwrap();
    session.storage().delete(&name("a")).await.unwrap();
    assert_eq!(send_all(&odavl, &request, b"").await.unwrap().unwrap(), "hello");
    assert_eq!(world.used("storage_bytes").await, 5);
    world.pass(15);
    assert_eq!(code(send_all(&odavl, &request, b"").await), ErrorCode::Forbidden);
    odavl.sweep().await.unwrap();
    assert_eq!((world.used("storage_bytes").await, world.stored_bytes().await), (0, 0));
}

async fn lists_go_by_prefix_and_folder(world: World) {
    let session = world.one().await;
    for object in ["a/1", "a/2", "b", "c/1"] {
        session.storage().put(sized(object, 1), full("x")).await.unwrap();
    }
    let names = async |prefix: &str, depth| {
        let query = ListQuery::new(prefix, depth, PageQuery::default()).unwrap();
        let listed = session.storage().list(&query).await.unwrap().items;
        listed.iter().map(|item| item.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("", Depth::Folders).await, ["a/", "b", "c/"]);
    assert_eq!(names("a/", Depth::All).await, ["a/1", "a/2"]);
}

async fn a_full_organisation_lists_deletes_and_completes(world: World) {
    let odavl = world.start();
    let session = world.session(&odavl, "one").await;
    let ticket = session.storage().upload_url(announce("a", &[1; 100])).await.unwrap();
    send_all(&odavl, &ticket.request.unwrap(), &[1; 100]).await.unwrap();
    session.storage().complete(ticket.status.id).await.unwrap();
    assert_eq!(
        code(session.storage().put(NewObject::new(name("b")), full("x")).await),
        ErrorCode::QuotaExceeded
    );
    let all = ListQuery::new("", Depth::All, PageQuery::default()).unwrap();
    assert_eq!(session.storage().list(&all).await.unwrap().items.len(), 1);
    session.storage().delete(&name("a")).await.unwrap();
    world.pass(25);
    odavl.sweep().await.unwrap();
    session.storage().put(sized("b", 1), full("x")).await.unwrap();
}

async fn a_recount_of_what_is_right_finds_no_difference(world: World) {
    upload(&world, "a", b"hello").await;
    let recount = world.one().await.storage().recount().await.unwrap();
    assert_eq!((recount.rows.bytes, recount.stored_bytes, recount.metered_bytes), (5, 5, Some(5)));
    assert_eq!((recount.damaged, recount.unnamed), (0, 0));
    let row = world.one().await.storage().read(&name("a"), None).await.unwrap().object;
    world.storage.delete(&row.key).await.unwrap();
    let recount = world.one().await.storage().recount().await.unwrap();
    assert_eq!((recount.damaged, recount.damaged_names), (1, vec![name("a")]));
}
