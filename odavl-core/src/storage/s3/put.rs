//! Putting: small bodies in one request, larger ones in equal parts, some on the way while the next one fills.

use std::sync::Arc;

use aws_sdk_s3::{primitives::ByteStream, types::CompletedPart};
use bytes::{Bytes, BytesMut};
use tokio::{
    sync::MutexGuard,
    task::{JoinError, JoinSet},
};

use super::{
    super::{
        Ability, BoxBody, Checked, Checksum, Expected, Multipart, ObjectMeta, PARTS_MOST, PutMode,
        PutOptions, Sha256, StoreKey,
    },
    Inner, Kind, StoreFault, taken,
};
use crate::{
    error::{Error, Result},
    random,
};

/// Under which name an object says which put made it: a request that was made again after its answer was lost finds
/// its own.
pub(super) const MARK: &str = "odavl-put";
/// How many bytes a part has, unless it takes larger ones for [`PARTS_MOST`] of them.
const PART: u64 = 8 << 20;
/// How many parts are on the way at a time.
const AT_ONCE: usize = 2;
/// How often a write is made that others' got in the way of.
const COLLISIONS: u32 = 5;

/// How large the parts are of a body of that length.
fn part_size(length: Option<u64>) -> u64 {
    PART.max(length.unwrap_or(0).div_ceil(u64::from(PARTS_MOST)).next_multiple_of(1 << 20))
}

/// A body, cut into pieces of one size.
struct Slices {
    body: Checked,
    size: u64,
    came: BytesMut,
    ended: bool,
}

impl Slices {
    fn new(body: BoxBody, expected: Expected) -> Self {
        let size = part_size(expected.length);
        Self { body: Checked::new(body, expected), size, came: BytesMut::new(), ended: false }
    }

    /// The next ones; once they are the last, this is known.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        while !self.ended && self.came.len() as u64 <= self.size {
            match self.body.next().await? {
                Some(piece) => self.came.extend_from_slice(&piece),
                None => self.ended = true,
            }
        }
        let length = usize::try_from(self.size).unwrap_or(usize::MAX).min(self.came.len());
        Ok((length > 0).then(|| self.came.split_to(length).freeze()))
    }

    fn is_over(&self) -> bool {
        self.ended && self.came.is_empty()
    }
}

impl Inner {
    pub(super) async fn put(
        self: &Arc<Self>,
        key: &StoreKey,
        body: BoxBody,
        options: PutOptions,
    ) -> Result<ObjectMeta> {
        let mut slices = Slices::new(body, options.expected);
        let first = slices.next().await?.unwrap_or_default();
        let (size, sha256, etag) = if slices.is_over() {
            let (size, sha256) = slices.body.finish()?;
            (size, sha256, self.put_whole(key, (first, sha256), &options).await?)
        } else {
            self.put_parts(key, first, slices, &options).await?
        };
        let modified = self.clock.now();
        if let Err(late) = options.check_time(modified) {
            self.delete(key).await?;
            return Err(late);
        }
        let checksum = Some(Checksum::Whole(sha256));
        Ok(ObjectMeta { size, checksum, content_type: options.content_type, etag, modified })
    }

    async fn put_whole(
        &self,
        key: &StoreKey,
        proved: (Bytes, Sha256),
        options: &PutOptions,
    ) -> Result<String> {
        let mark = random::id();
        let _turn = self.turn_to_create(key, options.mode).await?;
        options.check_time(self.clock.now())?;
        let mut tries = 1;
        loop {
            match self.put_once(key, &proved, options, &mark).await {
                Err(fault) if *fault.kind() == Kind::Collided && tries < COLLISIONS => tries += 1,
                Err(fault) => return self.made_before(key, &mark, fault).await,
                Ok(etag) => return Ok(etag),
            }
        }
    }

    async fn put_once(
        &self,
        key: &StoreKey,
        (bytes, sha256): &(Bytes, Sha256),
        options: &PutOptions,
        mark: &str,
    ) -> Result<String, StoreFault> {
        let (encryption, encryption_key) = self.encryption();
        let request = self.moves.put_object().bucket(&self.bucket.name).key(self.path(key));
        let request = request
            .content_type(options.content_type.as_str())
            .metadata(MARK, mark)
            .set_checksum_sha256(self.can(Ability::Checksums).then(|| sha256.to_base64()))
            .set_if_none_match(self.only_once(options.mode))
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(encryption_key)
            .body(ByteStream::from(bytes.clone()));
        Ok(request.send().await.map_err(StoreFault::of)?.e_tag.unwrap_or_default())
    }

    /// The etag of what this very put made, where it was refused because of that: its first answer was lost.
    async fn made_before(&self, key: &StoreKey, mark: &str, fault: StoreFault) -> Result<String> {
        if !matches!(fault.kind(), Kind::Taken | Kind::NoUpload) {
            return Err(fault.into());
        }
        match self.find(key).await? {
            Some(found) if found.mark.as_deref() == Some(mark) => Ok(found.meta.etag),
            Some(_) => Err(taken(key)),
            None => Err(fault.into()),
        }
    }

    /// Refuses a key that is taken where the store would not; nobody else here creates it before the turn is over.
    pub(super) async fn turn_to_create(
        &self,
        key: &StoreKey,
        mode: PutMode,
    ) -> Result<Option<MutexGuard<'_, ()>>> {
        if mode == PutMode::Overwrite || self.can(Ability::ConditionalPut) {
            return Ok(None);
        }
        let turn = self.creating.take(key).await;
        if self.find(key).await?.is_some() { Err(taken(key)) } else { Ok(Some(turn)) }
    }

    async fn put_parts(
        self: &Arc<Self>,
        key: &StoreKey,
        first: Bytes,
        mut slices: Slices,
        options: &PutOptions,
    ) -> Result<(u64, Sha256, String)> {
        let mark = random::id();
        let begun = self.begin_multipart(key, &options.content_type, Some(&mark)).await?;
        let begun = Begun { store: self.clone(), multipart: Some(begun) };
        let ended = async {
            let multipart = begun.multipart.as_ref().ok_or_else(StoreFault::nothing)?;
            let parts = self.send_parts(multipart, first, &mut slices).await?;
            let (size, sha256) = slices.body.finish()?;
            let _turn = self.turn_to_create(key, options.mode).await?;
            options.check_time(self.clock.now())?;
            let etag = match self.complete(multipart, parts, options.mode).await {
                Ok(etag) => etag,
                Err(fault) => self.made_before(key, &mark, fault).await?,
            };
            Ok((size, sha256, etag))
        };
        let ended = ended.await;
        begun.end(ended.is_ok()).await;
        ended
    }

    async fn send_parts(
        self: &Arc<Self>,
        multipart: &Multipart,
        first: Bytes,
        slices: &mut Slices,
    ) -> Result<Vec<CompletedPart>> {
        let (mut sending, mut parts) = (JoinSet::new(), Vec::new());
        let mut next = Some(first);
        for number in 1.. {
            let Some(bytes) = next else { break };
            if number > PARTS_MOST {
                let limit = slices.size.saturating_mul(u64::from(PARTS_MOST));
                return Err(Error::TooLarge { what: "the object".to_owned(), limit });
            }
            if sending.len() == AT_ONCE {
                parts.extend(sending.join_next().await.map(joined).transpose()?);
            }
            let (store, multipart) = (self.clone(), multipart.clone());
            sending.spawn(async move {
                let sha256 = Sha256::of(&bytes);
                store.send_part(&multipart, number, sha256, bytes).await
            });
            next = slices.next().await?;
        }
        while let Some(sent) = sending.join_next().await {
            parts.push(joined(sent)?);
        }
        parts.sort_by_key(CompletedPart::part_number);
        Ok(parts)
    }
}

fn joined(sent: Result<Result<CompletedPart>, JoinError>) -> Result<CompletedPart> {
    sent.map_err(|error| Error::internal("a part stopped on its way to the store", Some(error.into())))?
}

/// A multipart upload of odavl's own, which is dropped unless it is completed, also where nobody waits for it any more.
struct Begun {
    store: Arc<Inner>,
    multipart: Option<Multipart>,
}

impl Begun {
    /// Where the store cannot drop it now, the sweep of old uploads does.
    async fn end(mut self, completed: bool) {
        if let Some(multipart) = self.multipart.take().filter(|_| !completed) {
            let _ = self.store.abort_multipart(&multipart).await;
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let Some(multipart) = self.multipart.take() else { return };
        let store = self.store.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { store.abort_multipart(&multipart).await });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::full;

    #[tokio::test]
    async fn a_body_is_cut_into_equal_parts_and_the_last_is_known_as_such() {
        for (length, cut) in [(0, vec![]), (3, vec![3]), (4, vec![4]), (5, vec![4, 1]), (8, vec![4, 4])] {
            let mut slices = Slices { size: 4, ..Slices::new(full(vec![1; length]), Expected::default()) };
            let mut found = Vec::new();
            while let Some(slice) = slices.next().await.unwrap() {
                found.push(slice.len());
                assert_eq!(slices.is_over(), found.len() == cut.len());
            }
            assert_eq!(found, cut);
        }
    }

    #[test]
    fn no_body_has_more_parts_than_a_store_takes() {
        for length in [1, PART * u64::from(PARTS_MOST), PART * u64::from(PARTS_MOST) + 1, 5 << 40] {
            assert!(length.div_ceil(part_size(Some(length))) <= u64::from(PARTS_MOST), "{length}");
        }
        assert_eq!(part_size(None), PART);
    }
}
