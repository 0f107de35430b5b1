//! What the S3 adapter makes of stores that refuse, answer nonsense, stop in the middle, or are set up wrong.

use std::{error::Error as _, sync::Arc};

use odavl_core::{
    Error, ErrorCode, Result, SystemClock,
    page::PageQuery,
    storage::{
        KeyPrefix, MediaType, Multipart, MultipartId, PART_LEAST, Part, Profile, PutMode, PutOptions,
        S3Storage, Sha256, Storage, StoreFault, StoreKey, collect, full,
    },
};
use odavl_test_store::{FaultyStore, Said, Seen};

use super::s3::support;

fn key() -> StoreKey {
    "org/a".parse().unwrap()
}

fn options() -> PutOptions {
    PutOptions::create(MediaType::bytes())
}

/// A refusal as S3 writes one.
fn refusal(status: u16, code: &str) -> Said {
    let error = format!("<Error><Code>{code}</Code><Message>because</Message></Error>");
    Said::new(status, &format!("<?xml version=\"1.0\"?>{error}"))
}

/// An answer about an object.
fn object(body: &str) -> Said {
    Said::new(200, body).with("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT").with("etag", "\"1\"")
}

async fn faulty(answer: impl Fn(&Seen) -> Said + Send + Sync + 'static) -> (FaultyStore, Arc<S3Storage>) {
    let store = FaultyStore::start(answer).await;
    let storage = support::storage(&store.url, Profile::full(), Arc::new(SystemClock));
    (store, storage)
}

/// The fault behind an error that callers see as the store being unavailable.
#[track_caller]
fn fault(error: &Error) -> &StoreFault {
    assert_eq!(error.code(), ErrorCode::Unavailable, "{error:?}");
    error.source().unwrap().downcast_ref().unwrap()
}

/// What each way of asking makes of the same answer.
async fn asked(storage: &S3Storage) -> Vec<Error> {
    vec![
        storage.ready().await.unwrap_err(),
        storage.put(&key(), full("hello"), options()).await.unwrap_err(),
        storage.get(&key(), None).await.unwrap_err(),
        storage.head(&key()).await.unwrap_err(),
        storage.delete(&key()).await.unwrap_err(),
        storage.list(&KeyPrefix::default(), &PageQuery::default()).await.unwrap_err(),
        storage.begin_multipart(&key(), &MediaType::bytes()).await.unwrap_err(),
    ]
}

#[tokio::test]
async fn a_404_that_is_not_the_store_s_says_of_nothing_that_it_is_gone() {
    // As what stands before a store answers while the store is away.
    let (_store, storage) = faulty(|_| Said::new(404, "404 page not found")).await;
    let open = Multipart { key: key(), id: MultipartId("1".into()) };
    assert_eq!(storage.delete(&key()).await.unwrap_err().code(), ErrorCode::Unavailable);
    assert_eq!(storage.get(&key(), None).await.unwrap_err().code(), ErrorCode::Unavailable);
    assert_eq!(storage.abort_multipart(&open).await.unwrap_err().code(), ErrorCode::Unavailable);
    let (_store, storage) = faulty(|seen| {
        if seen.line.starts_with("HEAD") { Said::new(200, "") } else { Said::new(404, "404 page not found") }
    })
    .await;
    storage.delete(&key()).await.unwrap();
    assert!(storage.get(&key(), None).await.unwrap().is_none());
}

#[tokio::test]
async fn a_bucket_that_is_set_up_wrong_is_told_to_those_who_run_odavl_and_to_nobody_else() {
    for (answer, hint) in [
        (refusal(404, "NoSuchBucket"), "make the bucket"),
        (refusal(403, "AccessDenied"), "AWS_ACCESS_KEY_ID"),
        (refusal(403, "SignatureDoesNotMatch"), "AWS_SECRET_ACCESS_KEY"),
        (refusal(301, "PermanentRedirect").with("x-amz-bucket-region", "eu-9"), "region=eu-9"),
        (refusal(400, "AuthorizationHeaderMalformed"), "region"),
    ] {
        let (_store, storage) = faulty(move |_| answer.clone()).await;
        let mut errors = asked(&storage).await;
        if hint == "region" {
            // Those that ask with HEAD get no body, and nothing else says it.
            errors = vec![errors.remove(1)];
        }
        for error in errors {
            let fault = fault(&error);
            assert!(fault.is_to_mend() && fault.hint().contains(hint), "{hint}: {fault}: {}", fault.hint());
            assert_eq!(error.to_string(), "the store refuses what odavl asks it");
            assert!(!format!("{error:?}").contains("canary"));
        }
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_named_by_whatever_is_asked_first() {
    let (_store, storage) = faulty(|_| refusal(403, "RequestTimeTooSkewed")).await;
    // A store that is asked whether it is ready says in no body what it refuses.
    for refused in [storage.ready().await.unwrap_err(), storage.get(&key(), None).await.unwrap_err()] {
        assert!(fault(&refused).hint().contains("NTP"), "{refused:?}");
    }
}

#[tokio::test]
async fn a_store_that_asks_for_patience_is_asked_again_and_then_told_so() {
    let slow = || refusal(503, "SlowDown").with("retry-after", "7");
    let (store, storage) = faulty(move |_| slow()).await;
    let refused = storage.put(&key(), full("hello"), options()).await.unwrap_err();
    assert!(!fault(&refused).is_to_mend());
    assert_eq!(refused.retry_after().map(|after| after.as_secs()), Some(7));
    assert_eq!(refused.to_string(), "the store asks for patience");
    assert_eq!(store.seen().len(), 4);

    let (store, storage) = faulty(move |seen| if seen.number == 0 { slow() } else { object("") }).await;
    assert_eq!(storage.put(&key(), full("hello"), options()).await.unwrap().etag, "\"1\"");
    assert_eq!(store.seen().len(), 2);
}

/// What is made of a store that always fails so: as often asked as the SDK asks again, and no oftener.
async fn failing(answer: Said, said: &str) {
    let (store, storage) = faulty(move |_| answer.clone()).await;
    let key = key();
    let (ready, put) = tokio::join!(storage.ready(), storage.put(&key, full("hello"), options()));
    assert_eq!(store.seen().len(), 8, "{said}");
    // An answer to HEAD has no body to say more in.
    is_outage(&ready.unwrap_err(), &said[..3]);
    is_outage(&put.unwrap_err(), said);
}

#[track_caller]
fn is_outage(error: &Error, said: &str) {
    assert_eq!(error.to_string(), "the store fails");
    assert_eq!(error.retry_after().map(|after| after.as_secs()), Some(1));
    assert!(!fault(error).is_to_mend());
    assert!(fault(error).to_string().starts_with(&format!("the store fails ({said}")), "{error:?}");
}

#[tokio::test]
async fn a_store_that_fails_is_asked_again_and_then_said_to_fail() {
    let proxy = |status| Said::new(status, "<html>a proxy is sorry</html>");
    tokio::join!(
        failing(refusal(500, "InternalError"), "500 InternalError because"),
        failing(proxy(502), "502"),
        failing(proxy(504), "504"),
    );
    let (store, storage) = faulty(|_| refusal(599, "Strange")).await;
    for error in asked(&storage).await {
        is_outage(&error, "599");
    }
    assert_eq!(store.seen().len(), 7);
    let (store, storage) = faulty(|seen| match seen.number {
        0..3 => refusal(500, "InternalError"),
        _ => object(""),
    })
    .await;
    assert_eq!(storage.put(&key(), full("hello"), options()).await.unwrap().etag, "\"1\"");
    assert_eq!(store.seen().len(), 4);
}

#[tokio::test]
async fn a_store_that_is_not_there_does_not_answer() {
    let url = {
        let (store, _) = faulty(|_| Said::nothing()).await;
        store.url.clone()
    };
    let storage = support::storage(&url, Profile::full(), Arc::new(SystemClock));
    let refused = storage.ready().await.unwrap_err();
    assert!(!fault(&refused).is_to_mend());
    assert_eq!(refused.to_string(), "the store does not answer");
}

/// A store that takes uploads in parts and answers this when they are to be put together.
fn uploading(completed: Said) -> impl Fn(&Seen) -> Said + Send + Sync + 'static {
    move |seen| {
        let line = seen.line.as_str();
        match line.split(' ').next().unwrap_or_default() {
            "POST" if line.contains("uploads") => Said::new(
                200,
                "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>",
            ),
            "PUT" => object(""),
            "POST" => completed.clone(),
            "DELETE" => Said::new(204, ""),
            _ => refusal(404, "NoSuchKey"),
        }
    }
}

#[tokio::test]
async fn an_error_in_a_200_is_an_error_and_the_parts_are_dropped() {
    let error =
        "<?xml version=\"1.0\"?>\n   \n<Error><Code>InternalError</Code><Message>no</Message></Error>";
    for completed in [Said::new(200, error), Said::nothing()] {
        let (store, storage) = faulty(uploading(completed)).await;
        let refused = storage.put(&key(), full(vec![0; 9 << 20]), options()).await.unwrap_err();
        assert!(!fault(&refused).is_to_mend());
        let dropped = store.seen().last().unwrap().line.clone();
        assert!(dropped.starts_with("DELETE ") && dropped.contains("uploadId=1"), "{dropped}");
    }
}

#[tokio::test]
async fn an_error_in_a_200_that_answers_bytes_is_an_error_too() {
    let error = "<?xml version=\"1.0\"?><Error><Code>InternalError</Code><Message>no</Message></Error>";
    let (store, storage) = faulty(|_| Said::new(200, error)).await;
    let refused = storage.put(&key(), full("hello"), options()).await.unwrap_err();
    assert!(!fault(&refused).is_to_mend());
    assert!(store.seen().iter().all(|seen| seen.line.starts_with("PUT ")));
    let parts = |seen: &Seen| {
        let is_part = seen.line.starts_with("PUT ");
        if is_part { Said::new(200, error) } else { uploading(object(""))(seen) }
    };
    let (store, storage) = faulty(parts).await;
    let refused = storage.put(&key(), full(vec![0; 9 << 20]), options()).await.unwrap_err();
    assert!(!fault(&refused).is_to_mend());
    assert!(store.seen().iter().all(|seen| !seen.line.starts_with("POST ") || seen.line.contains("uploads")));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    let (_store, storage) = faulty(|_| object("hel").with("content-length", "200")).await;
    let found = storage.get(&key(), None).await.unwrap().unwrap();
    assert_eq!(found.meta.size, 200);
    let broken = collect(found.body, 1000).await.unwrap_err();
    assert!(!fault(&broken).is_to_mend());
    assert_eq!(broken.to_string(), "the store's answer broke off");

    let (_store, storage) =
        faulty(|_| object("<ListBucketResult><Contents><Key>a").with("content-length", "200")).await;
    let refused = storage.list(&KeyPrefix::default(), &PageQuery::default()).await.unwrap_err();
    assert!(!fault(&refused).is_to_mend());
    let (_store, storage) = faulty(|_| Said::new(200, "<html>a proxy says welcome</html>")).await;
    let refused = storage.begin_multipart(&key(), &MediaType::bytes()).await.unwrap_err();
    assert_eq!(fault(&refused).to_string(), "the store's answer broke off (200)");
}

#[tokio::test]
async fn other_bytes_than_were_put_are_corrupted_and_the_last_are_not_given() {
    let digest = Sha256::of(b"hello").to_base64();
    let (_store, storage) = faulty(move |_| object("hallo").with("x-amz-checksum-sha256", &digest)).await;
    let mut found = storage.get(&key(), None).await.unwrap().unwrap();
    assert_eq!(found.body.next().await.unwrap_err().code(), ErrorCode::Corrupted);
}

#[tokio::test]
async fn a_length_that_is_not_said_is_an_error_and_never_nothing() {
    let (_store, storage) = faulty(|_| object("").with("content-length", "")).await;
    assert!(!fault(&storage.head(&key()).await.unwrap_err()).is_to_mend());
}

/// A store whose answer to the first put is lost, and that then finds the object of `mark` there.
fn losing(mark: &'static str) -> impl Fn(&Seen) -> Said + Send + Sync + 'static {
    let sent = std::sync::Mutex::new(String::new());
    move |seen| match seen.line.split(' ').next().unwrap_or_default() {
        "PUT" if seen.number == 0 => {
            seen.header("x-amz-meta-odavl-put").clone_into(&mut sent.lock().unwrap());
            Said::nothing()
        }
        "PUT" => refusal(412, "PreconditionFailed"),
        _ => {
            let mark = if mark.is_empty() { sent.lock().unwrap().clone() } else { mark.to_owned() };
            object("hello").with("x-amz-meta-odavl-put", &mark)
        }
    }
}

#[tokio::test]
async fn a_put_whose_answer_was_lost_knows_its_own_object() {
    let (store, storage) = faulty(losing("")).await;
    assert_eq!(storage.put(&key(), full("hello"), options()).await.unwrap().etag, "\"1\"");
    assert_eq!(store.seen().len(), 3);
    let (_store, storage) = faulty(losing("another-put")).await;
    let refused = storage.put(&key(), full("hello"), options()).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::PreconditionFailed);
}

#[tokio::test]
async fn a_put_that_others_got_in_the_way_of_is_made_again() {
    let (store, storage) = faulty(|seen| match seen.number {
        0 | 1 => refusal(409, "ConditionalRequestConflict"),
        _ => object(""),
    })
    .await;
    storage.put(&key(), full("hello"), options()).await.unwrap();
    assert_eq!(store.seen().len(), 3);
    let (store, storage) = faulty(|_| refusal(409, "ConditionalRequestConflict")).await;
    let refused = storage.put(&key(), full("hello"), options()).await.unwrap_err();
    assert!(!fault(&refused).is_to_mend());
    assert_eq!(store.seen().len(), 5);
}

#[tokio::test]
async fn a_part_that_is_replaced_under_the_hands_of_the_store_is_a_conflict() {
    let bytes = vec![1; usize::try_from(PART_LEAST).unwrap()];
    let part = Part { number: 1, size: PART_LEAST, sha256: Sha256::of(&bytes) };
    let listed = format!(
        "<ListPartsResult><IsTruncated>false</IsTruncated><Part><PartNumber>1</PartNumber><ETag>\"1\"</ETag>\
         <Size>{PART_LEAST}</Size><ChecksumSHA256>{}</ChecksumSHA256></Part></ListPartsResult>",
        part.sha256.to_base64()
    );
    let complete = uploading(refusal(400, "InvalidPart"));
    let (_store, storage) =
        faulty(
            move |seen| if seen.line.starts_with("GET ") { Said::new(200, &listed) } else { complete(seen) },
        )
        .await;
    let upload = storage.begin_multipart(&key(), &MediaType::bytes()).await.unwrap();
    let refused: Result<_> = storage.complete_multipart(&upload, &[part], PutMode::Create).await;
    assert_eq!(refused.unwrap_err().code(), ErrorCode::Conflict);
}

#[tokio::test]
async fn what_a_store_does_not_do_is_unsupported() {
    let (_store, storage) = faulty(|_| refusal(501, "NotImplemented")).await;
    let refused = storage.open_multiparts(&KeyPrefix::default(), &PageQuery::default()).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Unsupported);
    assert!(refused.to_string().contains("odavl doctor"), "{refused}");
}
