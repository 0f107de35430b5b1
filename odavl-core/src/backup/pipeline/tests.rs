use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use super::{
    super::{
        cipher::{Encryption, Identities},
        manifest::{Compression, Manifest, Timings},
        place::Place,
        port::{Dump, Dumped, Engine, Format, Source},
        progress::Unseen,
    },
    upload::Upload,
    *,
};
use crate::{
    ManualClock,
    backup::cipher::Sealed,
    ids::BackupId,
    page::PageQuery,
    storage::{Body, BoxBody, MemoryStorage, PART_LEAST, PIECE, PutOptions, Storage, collect, full},
};

/// Bytes that a dump may hold: half of them repeat, half do not.
fn bytes(length: usize) -> Bytes {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if state >> 63 == 0 { b' ' } else { state.to_be_bytes()[0] }
    };
    (0..length).map(|_| next()).collect()
}

struct Breaks(Option<Bytes>);

#[async_trait]
impl Body for Breaks {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        self.0.take().map(Some).ok_or_else(|| Error::unavailable("the server is gone", None))
    }
}

fn dump(body: BoxBody) -> Dump {
    let source = Source {
        engine: Engine::Memory,
        version: "1".into(),
        server: "test".into(),
        database: "app".parse().unwrap(),
        size: 1,
        properties: BTreeMap::new(),
        formats: vec![Format::Archive],
    };
    let ending = async { Ok(Dumped { fingerprint: None, globals: None, notes: vec![] }) };
    Dump::new(source, (Format::Archive, "test".into()), body, ending)
}

struct Room {
    store: Arc<dyn Storage>,
    place: Place,
    id: BackupId,
    identities: Identities,
    coding: Coding,
}

impl Room {
    fn new(compression: Compression) -> Self {
        let (secret, recipient) = Identities::generate();
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        Self {
            store: Arc::new(MemoryStorage::new(clock)),
            place: Place { environment: "test".parse().unwrap(), source: "main".parse().unwrap() },
            id: BackupId::new(Timestamp::UNIX_EPOCH).unwrap(),
            identities: secret.reveal().parse().unwrap(),
            coding: Coding { compression, encryption: Encryption::For(recipient.parse().unwrap()) },
        }
    }

    fn target(&self) -> Target {
        Target {
            store: self.store.clone(),
            folder: self.place.backup(self.id).unwrap(),
            ending: ".dump.zst.age".into(),
            part: PART_LEAST,
            parts_most: 2,
            progress: Arc::new(Unseen),
        }
    }

    async fn store(&self, body: BoxBody) -> Result<(Packed, Upload)> {
        store(&mut dump(body), self.coding.clone(), self.target()).await
    }

    async fn stored(&self, bytes: &Bytes) -> Packed {
        let (packed, mut upload) = self.store(full(bytes.clone())).await.unwrap();
        upload.complete().await.unwrap();
        upload.leave();
        packed
    }

    fn manifest(&self, packed: &Packed) -> Manifest {
        let at = Timestamp::UNIX_EPOCH;
        Manifest {
            version: 1,
            id: self.id,
            place: self.place.clone(),
            engine: Engine::Memory,
            server_version: "1".into(),
            format: Format::Archive,
            compression: self.coding.compression,
            recipients: vec![],
            tool: "test".into(),
            by: "test".into(),
            timings: Timings { started_at: at, finished_at: at },
            size: packed.plain.size,
            has_fingerprint: false,
            stored: packed.stored.clone(),
            sealed: Sealed::Open("{}".into()),
        }
    }

    async fn read(&self, packed: &Packed) -> Result<Bytes> {
        let folder = self.place.backup(self.id).unwrap();
        let download = Download::new(self.store.clone(), folder, &self.manifest(packed));
        let identities =
            matches!(self.coding.encryption, Encryption::For(_)).then(|| self.identities.clone());
        collect(unpack(download, (self.coding.compression, identities), packed.plain.clone()), 1 << 30).await
    }

    async fn left(&self) -> (usize, usize) {
        let page = PageQuery::default();
        let prefix = self.place.prefix().unwrap();
        let open = self.store.open_multiparts(&prefix, &page).await.unwrap().items.len();
        (self.store.list(&prefix, &page).await.unwrap().items.len(), open)
    }

    async fn object(&self, volume: usize) -> (crate::storage::StoreKey, Vec<u8>) {
        let key = self.place.file(self.id, &format!("data-{volume:03}.dump.zst.age")).unwrap();
        let object = self.store.get(&key, None).await.unwrap().unwrap();
        (key, collect(object.body, 1 << 30).await.unwrap().to_vec())
    }

    async fn overwrite(&self, key: &crate::storage::StoreKey, bytes: Vec<u8>) {
        let options = PutOptions::create("application/octet-stream".parse().unwrap()).overwriting();
        self.store.put(key, full(bytes), options).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_comes_back_as_it_was_whatever_its_length_and_coding() {
    for length in [0, 1, PIECE, 3 << 20, 50 << 20] {
        for (compression, open) in [(Compression::Zstd, false), (Compression::Gzip, true)] {
            let mut room = Room::new(compression);
            if open {
                room.coding.encryption = Encryption::Nobody;
            }
            let bytes = bytes(length);
            let packed = room.stored(&bytes).await;
            assert_eq!(packed.plain.size, length as u64);
            assert_eq!(packed.stored.digests.sha256, {
                let mut all = Vec::new();
                for volume in 1..=packed.stored.volumes.len() {
                    all.extend(room.object(volume).await.1);
                }
                crate::storage::Sha256::of(&all)
            });
            assert!(room.read(&packed).await.unwrap() == bytes, "{length} {compression:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_of_one_size_and_more_than_fit_begin_another_volume() {
    let room = Room::new(Compression::Zstd);
    let packed = room.stored(&bytes(50 << 20)).await;
    let volumes = &packed.stored.volumes;
    assert!(volumes.len() > 1, "{volumes:?}");
    let sizes: Vec<_> = volumes.iter().flat_map(|volume| &volume.parts).map(|part| part.size).collect();
    let (last, others) = sizes.split_last().unwrap();
    assert!(others.iter().all(|size| *size == PART_LEAST) && *last <= PART_LEAST);
    assert_eq!(sizes.iter().sum::<u64>(), packed.stored.digests.size);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_that_breaks_off_leaves_nothing_and_says_why() {
    let room = Room::new(Compression::Zstd);
    let broken = room.store(Box::new(Breaks(Some(bytes(40 << 20))))).await.unwrap_err();
    assert_eq!(broken.to_string(), "the server is gone");
    assert_eq!(room.left().await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_visible_before_it_is_completed_and_what_is_given_up_is_gone() {
    let room = Room::new(Compression::Zstd);
    let (_, mut upload) = room.store(full(bytes(50 << 20))).await.unwrap();
    let (objects, open) = room.left().await;
    assert!(objects == 0 && open > 1);
    upload.complete().await.unwrap();
    assert_eq!(room.left().await, (open, 0));
    upload.abort().await;
    assert_eq!(room.left().await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_stored_bytes_they_are_not_taken_for_what_was_dumped() {
    let room = Room::new(Compression::Zstd);
    let packed = room.stored(&bytes(50 << 20)).await;
    let part = usize::try_from(PART_LEAST).unwrap();
    let (key, good) = room.object(1).await;
    let refused = async |bytes: Vec<u8>| {
        room.overwrite(&key, bytes).await;
        let error = room.read(&packed).await.unwrap_err();
        assert_eq!(error.code(), crate::ErrorCode::Corrupted, "{error}");
        error.to_string()
    };
    let mut flipped = good.clone();
    flipped[part + 9] ^= 1;
    assert_eq!(refused(flipped).await, "part 2 of data-001.dump.zst.age is not what was stored");
    let cut = refused(good[..part + 9].to_vec()).await;
    assert_eq!(cut, format!("part 2 of data-001.dump.zst.age has 9 of {part} bytes"));
    assert_eq!(refused(good[..part].to_vec()).await, "part 2 of data-001.dump.zst.age is gone");
    let swapped = [&good[part..], &good[..part]].concat();
    assert_eq!(refused(swapped).await, "part 1 of data-001.dump.zst.age is not what was stored");
    let longer = [&good[..], b"x"].concat();
    assert_eq!(refused(longer).await, "data-001.dump.zst.age is not of the length that was stored");
    room.store.delete(&key).await.unwrap();
    let gone = room.read(&packed).await.unwrap_err();
    assert_eq!(gone.to_string(), "part 1 of data-001.dump.zst.age is gone");
    room.overwrite(&key, good).await;
    assert!(room.read(&packed).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_s_identity_reads_nothing() {
    let mut room = Room::new(Compression::Zstd);
    let packed = room.stored(&bytes(1000)).await;
    room.identities = Identities::generate().0.reveal().parse().unwrap();
    let refused = room.read(&packed).await.unwrap_err();
    assert!(refused.to_string().contains("encrypted for others"), "{refused}");
}

#[test]
fn a_database_of_any_size_fits_and_takes_no_more_memory() {
    assert_eq!((part_size(0), part_size(460 << 20), part_size(4600 << 20)), (PART, PART, PART));
    for estimate in [0, 1 << 30, 60 << 30, 100 << 30, 1 << 40, 1 << 50] {
        let size = part_size(estimate);
        assert!(size.is_multiple_of(1 << 20) && (PART..=PART_MOST).contains(&size), "{estimate}");
        assert!(size == PART_MOST || estimate.div_ceil(size) <= PARTS_AIM, "{estimate}");
    }
}
