use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::*;
use crate::ErrorCode;

const GUID: &str = "3f0f8bb6-5a1b-4f4e-9d0b-0a6c1d6a7e11";

fn document(results: usize) -> Vec<u8> {
    let result = r#"{"ruleId": "clippy::all", "message": {"text": "unneeded `return`"}}"#;
    let results = vec![result; results].join(",\n");
    format!(
        r#"{{"version": "2.1.0", "runs": [{{"tool": {{"driver": {{"name": "clippy"}}}},
        "automationDetails": {{"guid": "{GUID}"}}, "results": [{results}]}}]}}"#
    )
    .into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn packings(bytes: &[u8]) -> [(Encoding, Vec<u8>); 3] {
    [(Encoding::Identity, bytes.to_vec()), (Encoding::Gzip, gzip(bytes)), (Encoding::Zstd, zstd(bytes))]
}

fn inspected(packed: &[u8], encoding: Encoding) -> Result<Inspected> {
    inspect(packed, encoding, &Caps::default())
}

#[track_caller]
fn assert_refused(result: Result<Inspected>, code: ErrorCode, saying: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert!(error.to_string().contains(saying), "{error}");
}

#[test]
fn every_encoding_gives_the_same_digest_length_and_summary() {
    let bytes = document(3);
    let digest = crate::secret::Digest::of(&bytes);
    for (encoding, packed) in packings(&bytes) {
        let found = inspected(&packed, encoding).unwrap();
        assert_eq!(found.run_id.to_string(), GUID);
        assert_eq!(found.summary.results, 3);
        assert_eq!(&found.sha256, digest.as_bytes());
        assert_eq!(found.unpacked_len, bytes.len() as u64);
        assert_eq!(found.packed_len, packed.len() as u64);
    }
}

#[test]
fn a_document_of_no_run_id_or_of_two_is_refused() {
    let text = String::from_utf8(document(1)).unwrap();
    let none = text.replace("guid", "id");
    assert_refused(inspected(none.as_bytes(), Encoding::Identity), ErrorCode::InvalidInput, "names no run");
    let run = &text[text.find("[{\"tool").unwrap() + 1..text.len() - 2];
    let other = run.replace("3f0f", "4f0f");
    let two = format!(r#"{{"version": "2.1.0", "runs": [{run}, {other}]}}"#);
    assert_refused(
        inspected(two.as_bytes(), Encoding::Identity),
        ErrorCode::InvalidInput,
        "more than one run",
    );
}

#[test]
fn a_stream_cut_at_any_place_is_refused() {
    for (encoding, packed) in packings(&document(2)) {
        for end in 0..packed.len() {
            let refused = inspected(&packed[..end], encoding);
            assert_refused(refused, ErrorCode::InvalidInput, "ends too early");
        }
    }
}

#[test]
fn bytes_after_the_end_are_refused_be_they_garbage_or_a_second_member() {
    let bytes = document(1);
    for (encoding, packed) in packings(&bytes).into_iter().skip(1) {
        for tail in [b"x".to_vec(), vec![0; 70_000], packed.clone()] {
            let whole = [packed.clone(), tail].concat();
            assert_refused(
                inspected(&whole, encoding),
                ErrorCode::InvalidInput,
                "after the end of the packed stream",
            );
        }
    }
    let skippable = [&[0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4], &zstd(&bytes)[..]].concat();
    assert_refused(inspected(&skippable, Encoding::Zstd), ErrorCode::InvalidInput, "after the end");
}

#[test]
fn a_stream_that_is_not_what_its_encoding_says_is_refused() {
    let bytes = document(1);
    let mut damaged = gzip(&bytes);
    let crc = damaged.len() - 5;
    damaged[crc] ^= 1;
    assert_refused(
        inspected(&damaged, Encoding::Gzip),
        ErrorCode::InvalidInput,
        "cannot be unpacked as gzip",
    );
    assert_refused(inspected(&bytes, Encoding::Gzip), ErrorCode::InvalidInput, "cannot be unpacked as gzip");
    assert_refused(inspected(&bytes, Encoding::Zstd), ErrorCode::InvalidInput, "cannot be unpacked as zstd");
    assert_refused(inspected(&gzip(&bytes), Encoding::Identity), ErrorCode::InvalidInput, "not JSON");
}

#[test]
fn a_document_may_unpack_to_the_cap_and_not_to_a_byte_more() {
    let bytes = document(10);
    for (encoding, packed) in packings(&bytes) {
        let caps = |unpacked| Caps { unpacked, ..Caps::default() };
        assert!(inspect(&packed[..], encoding, &caps(bytes.len() as u64)).is_ok());
        let refused = inspect(&packed[..], encoding, &caps(bytes.len() as u64 - 1));
        assert_refused(refused, ErrorCode::TooLarge, "the unpacked upload");
    }
}

/// A valid document of 10 MiB, nearly all of it blanks.
fn bomb() -> impl Read {
    let mut head = document(1);
    let tail = head.split_off(head.len() - 2);
    Read::chain(io::Cursor::new(head), io::repeat(b' ').take(10 << 20)).chain(io::Cursor::new(tail))
}

#[test]
fn a_zip_bomb_is_refused_by_its_ratio_and_without_that_by_its_size() {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    io::copy(&mut bomb(), &mut packed).unwrap();
    let bombs =
        [(Encoding::Gzip, packed.finish().unwrap()), (Encoding::Zstd, zstd::encode_all(bomb(), 1).unwrap())];
    for (encoding, packed) in bombs {
        assert!(packed.len() < 20_000);
        assert_refused(inspected(&packed, encoding), ErrorCode::InvalidInput, "more than 500 times its size");
        let patient = Caps { ratio: u64::MAX, unpacked: 8 << 20, ..Caps::default() };
        assert_refused(inspect(&packed[..], encoding, &patient), ErrorCode::TooLarge, "8388608 bytes");
    }
}

#[test]
fn a_zstd_frame_that_wants_a_larger_window_is_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(24).unwrap();
    encoder.write_all(&document(1)).unwrap();
    let packed = encoder.finish().unwrap();
    assert_refused(inspected(&packed, Encoding::Zstd), ErrorCode::InvalidInput, "cannot be unpacked as zstd");
    let wide = Caps { window_log: 24, ..Caps::default() };
    assert!(inspect(&packed[..], Encoding::Zstd, &wide).is_ok());
}

#[test]
fn a_reader_that_fails_is_not_the_sender_s_fault() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::UnexpectedEof))
        }
    }
    for encoding in [Encoding::Identity, Encoding::Gzip, Encoding::Zstd] {
        let refused = inspect(Failing, encoding, &Caps::default());
        assert_refused(refused, ErrorCode::Unavailable, "could not be read");
    }
}

#[test]
fn encodings_are_known_by_their_names_alone() {
    for (name, encoding) in [("", Encoding::Identity), ("GZIP", Encoding::Gzip), (" zstd ", Encoding::Zstd)] {
        assert_eq!(name.parse::<Encoding>().unwrap(), encoding);
    }
    for name in ["br", "deflate", "gzip, zstd", "zstd;q=1"] {
        assert!(name.parse::<Encoding>().is_err());
    }
}

#[tokio::test]
async fn a_body_sent_in_chunks_is_inspected_on_a_blocking_thread() {
    let packed = zstd(&document(2000));
    let (sender, reader) = channel(1);
    let inspection = tokio::task::spawn_blocking(move || inspect(reader, Encoding::Zstd, &Caps::default()));
    for chunk in packed.chunks(7) {
        sender.send(chunk.to_vec().into()).await.unwrap();
    }
    sender.finish().await.unwrap();
    assert_eq!(inspection.await.unwrap().unwrap().summary.results, 2000);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused_even_where_it_could_be_whole() {
    let (sender, reader) = channel(1);
    let inspection =
        tokio::task::spawn_blocking(move || inspect(reader, Encoding::Identity, &Caps::default()));
    sender.send(document(1).into()).await.unwrap();
    drop(sender);
    assert_refused(inspection.await.unwrap(), ErrorCode::InvalidInput, "broke off");
}

#[tokio::test]
async fn the_sender_learns_that_the_reader_has_given_up() {
    let (sender, reader) = channel(1);
    let inspection =
        tokio::task::spawn_blocking(move || inspect(reader, Encoding::Identity, &Caps::default()));
    let refused = async { while sender.send("not json".into()).await.is_ok() {} };
    refused.await;
    assert_refused(inspection.await.unwrap(), ErrorCode::InvalidInput, "not JSON");
}

#[test]
fn the_sender_waits_while_the_reader_is_behind() {
    use std::{
        future::Future,
        pin::pin,
        task::{Context, Waker},
    };
    let (sender, mut reader) = channel(2);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..2 {
        assert!(pin!(sender.send("ab".into())).poll(&mut context).is_ready());
    }
    let mut third = pin!(sender.send("cd".into()));
    assert!(third.as_mut().poll(&mut context).is_pending());
    reader.read_exact(&mut [0; 2]).unwrap();
    assert!(third.as_mut().poll(&mut context).is_ready());
}

/// A small generator of numbers that are the same in every run (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let mixed = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(mixed).unwrap() % sides
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        const SPLICES: [&[u8]; 8] =
            [b"\"", b"{", b"[", b"null", b"-1e999", b"\\u", b"\xF0\x9F", b"\"level\":"];
        let at = self.roll(bytes.len());
        match self.roll(5) {
            0 => bytes[at] = self.roll(256).to_le_bytes()[0],
            1 => bytes.truncate(at.max(1)),
            2 => drop(bytes.drain(at..bytes.len().min(at + 9))),
            3 => drop(bytes.splice(at..at, SPLICES[self.roll(SPLICES.len())].iter().copied())),
            _ => {
                let copied = bytes[at..bytes.len().min(at + 30)].to_vec();
                let to = self.roll(bytes.len());
                drop(bytes.splice(to..to, copied));
            }
        }
        if bytes.is_empty() {
            bytes.push(b'{');
        }
    }
}

#[test]
fn damaged_uploads_are_refused_or_read_but_never_panic_or_pass_as_another_fault() {
    let mut dice = Dice(0x0DAB_1CEB_00DA);
    let source = include_bytes!("sarif/fixtures/two-runs.sarif");
    let (mut refused, mut read) = (0, 0);
    for (encoding, packed) in packings(source) {
        for _ in 0..4000 {
            let mut bytes = packed.clone();
            for _ in 0..=dice.roll(3) {
                dice.mutate(&mut bytes);
            }
            match inspected(&bytes, encoding) {
                Ok(found) => {
                    read += 1;
                    assert_eq!(found.summary.results, found.summary.levels.total());
                }
                Err(error) => {
                    refused += 1;
                    let fault = [ErrorCode::InvalidInput, ErrorCode::TooLarge].contains(&error.code());
                    assert!(fault && error.to_string().len() < 1500, "{error:?}");
                }
            }
        }
    }
    assert!(refused > 6000 && read > 50, "{refused} refused, {read} read: the mutations say little");
}
