use super::*;
use crate::storage::{MediaType, Sha256};

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);
const LIVES: Duration = Duration::from_mins(15);

fn urls() -> DirectUrls {
    DirectUrls::new("https://odavl.example", &Secret::new([7; 32])).unwrap()
}

fn key() -> StoreKey {
    "org_1/storage/usr_1/obj_1".parse().unwrap()
}

fn put() -> Presign {
    let content_type = MediaType::bytes();
    Presign::Put { length: 3, sha256: Sha256::of(b"abc"), content_type, mode: PutMode::Create }
}

/// What `verify` says of the request as signed, once `change` has had its way with it.
fn verify(change: impl FnOnce(&mut Sent)) -> Result<Grant> {
    let request = urls().presign(&key(), &put(), NOW, LIVES).unwrap();
    let mut sent = Sent {
        method: request.method.as_str(),
        host: "odavl.example".into(),
        target: request.url.replace("https://odavl.example", ""),
        headers: request.headers,
        now: NOW,
    };
    change(&mut sent);
    let header = |name: &str| sent.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    let (host, path_and_query) = (&sent.host, &sent.target);
    urls().verify(&Incoming { method: sent.method, host, path_and_query, header: &header }, sent.now)
}

struct Sent {
    method: &'static str,
    host: String,
    target: String,
    headers: Vec<(String, String)>,
    now: Timestamp,
}

fn is_refused(change: impl FnOnce(&mut Sent)) -> bool {
    verify(change).is_err_and(|error| error.code() == crate::ErrorCode::Forbidden)
}

#[test]
fn a_request_sent_as_signed_is_granted_what_was_signed() {
    let grant = verify(|_| ()).unwrap();
    assert_eq!((grant.key, grant.what), (key(), put()));
    assert_eq!(grant.expires_at, Timestamp::from_second(NOW.as_second() + 900).unwrap());
    assert!(verify(|sent| sent.host = "ODAVL.example:443".into()).is_ok());
}

#[test]
fn a_part_and_a_download_are_granted_as_signed() {
    let multipart = Multipart { key: key(), id: MultipartId("a&b=c".into()) };
    let part = Part { number: 7, size: 9, sha256: Sha256::of(b"p") };
    for what in [Presign::Part { multipart, part }, Presign::Get { attachment: "attachment; x=\"&\"".into() }]
    {
        let request = urls().presign(&key(), &what, NOW, LIVES).unwrap();
        let header = |name: &str| request.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let incoming = Incoming {
            method: request.method.as_str(),
            host: "odavl.example",
            path_and_query: request.url.strip_prefix("https://odavl.example").unwrap(),
            header: &header,
        };
        assert_eq!(urls().verify(&incoming, NOW).unwrap().what, what);
    }
}

#[test]
fn another_method_host_or_path_is_refused() {
    assert!(is_refused(|sent| sent.method = "GET"));
    assert!(is_refused(|sent| sent.method = "DELETE"));
    assert!(is_refused(|sent| sent.host = "evil.example".into()));
    assert!(is_refused(|sent| sent.target = sent.target.replace("org_1", "org_2")));
    assert!(is_refused(|sent| sent.target = sent.target.replace("obj_1", "obj_2")));
}

#[test]
fn a_url_cannot_be_lengthened_or_widened() {
    assert!(is_refused(|sent| sent.target = sent.target.replace("expires=18", "expires=19")));
    assert!(is_refused(|sent| sent.target = sent.target.replace("length=3", "length=30")));
    assert!(is_refused(|sent| sent.target = sent.target.replace("mode=create", "mode=overwrite")));
    assert!(is_refused(|sent| sent
        .target
        .insert_str(sent.target.find('?').unwrap() + 1, "expires=1900000000&")));
    assert!(is_refused(|sent| sent.target.truncate(sent.target.find("&sig=").unwrap())));
    assert!(is_refused(|sent| sent.target.push_str("00")));
    assert!(is_refused(|sent| sent.target.push_str("&sig=")));
}

#[test]
fn every_bound_header_must_come_as_it_was_bound() {
    for index in 0..4 {
        assert!(is_refused(|sent| sent.headers[index].1.push('x')));
        assert!(is_refused(|sent| drop(sent.headers.remove(index))));
    }
    assert!(is_refused(|sent| sent.headers.push(("transfer-encoding".into(), "chunked".into()))));
}

#[test]
fn a_url_ends_at_its_second_and_says_so() {
    assert!(verify(|sent| sent.now = Timestamp::from_second(NOW.as_second() + 899).unwrap()).is_ok());
    let late = verify(|sent| sent.now = Timestamp::from_second(NOW.as_second() + 900).unwrap());
    assert_eq!(late.unwrap_err().reason(), Some(Reason::Expired));
}

#[test]
fn another_key_s_signature_is_refused() {
    let others = DirectUrls::new("https://odavl.example", &Secret::new([8; 32])).unwrap();
    let request = others.presign(&key(), &put(), NOW, LIVES).unwrap();
    assert!(is_refused(|sent| sent.target = request.url.replace("https://odavl.example", "")));
}

#[test]
fn a_signature_is_not_printed_and_neither_is_the_key() {
    let request = urls().presign(&key(), &put(), NOW, LIVES).unwrap();
    let (_, signature) = request.url.split_once("&sig=").unwrap();
    assert!(!format!("{request:?}").contains(signature));
    assert!(!format!("{:?}", urls()).contains("070707"));
}

#[test]
fn what_is_no_public_url_is_refused() {
    for url in ["", "odavl.example", "ftp://x", "https://", "https://a/b", "https://u@h", "https://a b"] {
        assert!(DirectUrls::new(url, &Secret::new([0; 32])).is_err(), "{url:?}");
    }
    assert!(DirectUrls::new("http://127.0.0.1:8787/", &Secret::new([0; 32])).is_ok());
}
