//! Multipart uploads: begun, filled, listed, put together and dropped.

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart},
};
use bytes::Bytes;

use super::{
    super::{
        Ability, ArrivedPart, BoxBody, Checked, Expected, KeyPrefix, MediaType, Multipart, MultipartId,
        ObjectMeta, OpenMultipart, Part, PutMode, Sha256, StoreKey, assemble, check_number, not_arrived,
        not_open,
    },
    Inner, Kind, StoreFault,
    put::MARK,
    read::{size, timestamp},
    taken,
};
use crate::{
    error::{Error, Result},
    page::{Page, PageQuery},
};

/// A part that has arrived, and the store's own tag of it.
type Tagged = (ArrivedPart, String);

impl Inner {
    pub(super) async fn begin_multipart(
        &self,
        key: &StoreKey,
        content_type: &MediaType,
        mark: Option<&str>,
    ) -> Result<Multipart> {
        let (encryption, encryption_key) = self.encryption();
        let request = self.asks.create_multipart_upload().bucket(&self.bucket.name).key(self.path(key));
        let mut request = request
            .content_type(content_type.as_str())
            .set_checksum_algorithm(self.can(Ability::Checksums).then_some(ChecksumAlgorithm::Sha256))
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(encryption_key);
        if let Some(mark) = mark {
            request = request.metadata(MARK, mark);
        }
        let begun = request.send().await.map_err(StoreFault::of)?;
        let id = begun.upload_id.ok_or_else(StoreFault::nothing)?;
        Ok(Multipart { key: key.clone(), id: MultipartId(id) })
    }

    /// Receives a part whole, so that it can be sent again, and proves it before any of it is sent.
    pub(super) async fn put_part(&self, multipart: &Multipart, part: Part, body: BoxBody) -> Result<()> {
        check_number(part.number)?;
        let mut body = Checked::new(body, Expected::exactly(part.size, part.sha256));
        let mut bytes = Vec::new();
        while let Some(piece) = body.next().await? {
            bytes.extend_from_slice(&piece);
        }
        body.finish()?;
        self.send_part(multipart, part.number, part.sha256, bytes.into()).await.map(drop)
    }

    pub(super) async fn send_part(
        &self,
        multipart: &Multipart,
        number: u32,
        sha256: Sha256,
        bytes: Bytes,
    ) -> Result<CompletedPart> {
        let request = self.moves.upload_part().bucket(&self.bucket.name).key(self.path(&multipart.key));
        let sha256 = self.can(Ability::Checksums).then(|| sha256.to_base64());
        let request = request
            .upload_id(&multipart.id.0)
            .part_number(numbered(number))
            .set_checksum_sha256(sha256.clone())
            .body(ByteStream::from(bytes));
        match request.send().await.map_err(StoreFault::of) {
            Ok(sent) => Ok(CompletedPart::builder()
                .part_number(numbered(number))
                .set_e_tag(sent.e_tag)
                .set_checksum_sha256(sha256)
                .build()),
            Err(fault) if *fault.kind() == Kind::NoUpload => Err(not_open(multipart)),
            Err(fault) => Err(fault.into()),
        }
    }

    /// The parts that have arrived, by number; `None` where no such upload is open.
    pub(super) async fn arrived(&self, multipart: &Multipart) -> Result<Option<Vec<Tagged>>> {
        let request = self.asks.list_parts().bucket(&self.bucket.name).key(self.path(&multipart.key));
        let mut pages = request.upload_id(&multipart.id.0).into_paginator().send();
        let mut arrived = Vec::new();
        while let Some(page) = pages.next().await {
            let page = match page.map_err(StoreFault::of) {
                Ok(page) => page,
                Err(fault) if *fault.kind() == Kind::NoUpload => return Ok(None),
                Err(fault) => return Err(fault.into()),
            };
            for part in page.parts.unwrap_or_default() {
                arrived.push(tagged(&part).ok_or_else(StoreFault::nothing)?);
            }
        }
        arrived.sort_by_key(|(part, _)| part.number);
        Ok(Some(arrived))
    }

    pub(super) async fn complete_multipart(
        &self,
        multipart: &Multipart,
        parts: &[Part],
        mode: PutMode,
    ) -> Result<ObjectMeta> {
        assemble(parts)?;
        let key = &multipart.key;
        let _end = self.ending.take(&multipart.id).await;
        let arrived = self.arrived(multipart).await?.ok_or_else(|| not_open(multipart))?;
        let named = parts.iter().map(|part| self.as_named(&arrived, *part)).collect::<Result<_>>()?;
        let _turn = self.turn_to_create(key, mode).await?;
        match self.complete(multipart, named, mode).await {
            Ok(_) => {}
            Err(fault) => match fault.kind() {
                Kind::Taken => return Err(taken(key)),
                Kind::NoUpload => return Err(not_open(multipart)),
                Kind::NoPart => {
                    return Err(Error::Conflict(
                        "a part was replaced while the parts were put together".to_owned(),
                    ));
                }
                _ => return Err(fault.into()),
            },
        }
        self.head(key).await?.ok_or_else(|| Error::not_found("object", key))
    }

    /// The part that arrived as it is named.
    fn as_named(&self, arrived: &[Tagged], part: Part) -> Result<CompletedPart> {
        let is_it = |(found, _): &&Tagged| {
            (found.number, found.size) == (part.number, part.size)
                && found.sha256.is_none_or(|sha256| sha256 == part.sha256)
        };
        let (_, etag) = arrived.iter().find(is_it).ok_or_else(|| not_arrived(part))?;
        Ok(CompletedPart::builder()
            .part_number(numbered(part.number))
            .e_tag(etag)
            .set_checksum_sha256(self.can(Ability::Checksums).then(|| part.sha256.to_base64()))
            .build())
    }

    /// Makes one object of the parts, and answers its etag.
    pub(super) async fn complete(
        &self,
        multipart: &Multipart,
        parts: Vec<CompletedPart>,
        mode: PutMode,
    ) -> Result<String, StoreFault> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self.moves.complete_multipart_upload().bucket(&self.bucket.name);
        let request = request.key(self.path(&multipart.key)).upload_id(&multipart.id.0);
        let request = request.multipart_upload(parts).set_if_none_match(self.only_once(mode));
        let object = request.send().await.map_err(StoreFault::of)?;
        Ok(object.e_tag.unwrap_or_default())
    }

    pub(super) async fn abort_multipart(&self, multipart: &Multipart) -> Result<()> {
        let _end = self.ending.take(&multipart.id).await;
        let request = self.asks.abort_multipart_upload().bucket(&self.bucket.name);
        let request = request.key(self.path(&multipart.key)).upload_id(&multipart.id.0);
        match request.send().await.map_err(StoreFault::of) {
            Ok(_) => Ok(()),
            Err(fault) => Ok(self.gone(fault).await?),
        }
    }

    pub(super) async fn open_multiparts(
        &self,
        prefix: &KeyPrefix,
        page: &PageQuery,
    ) -> Result<Page<OpenMultipart>> {
        let after = page.cursor.as_deref().and_then(|cursor| cursor.split_once(' '));
        let (key, id) = after.map_or((None, None), |(key, id)| (Some(self.below(key)), Some(id.to_owned())));
        let request = self.asks.list_multipart_uploads().bucket(&self.bucket.name);
        let request =
            request.prefix(self.below(prefix.as_str())).set_key_marker(key).set_upload_id_marker(id);
        let most = i32::try_from(page.limit).unwrap_or(i32::MAX);
        let listed = request.max_uploads(most).send().await.map_err(StoreFault::of)?;
        let next_cursor = match (&listed.next_key_marker, &listed.next_upload_id_marker) {
            (Some(key), Some(id)) if listed.is_truncated == Some(true) => {
                self.above(key).map(|key| format!("{key} {id}"))
            }
            _ => None,
        };
        // What has another form is not odavl's.
        let open = listed.uploads.unwrap_or_default().into_iter().filter_map(|open| {
            let key = self.above(open.key.as_deref()?)?.parse().ok()?;
            let multipart = Multipart { key, id: MultipartId(open.upload_id?) };
            Some(OpenMultipart { multipart, begun: open.initiated.as_ref().and_then(timestamp)? })
        });
        Ok(Page { items: open.collect(), next_cursor })
    }
}

fn tagged(part: &aws_sdk_s3::types::Part) -> Option<Tagged> {
    let arrived = ArrivedPart {
        number: u32::try_from(part.part_number?).ok()?,
        size: size(part.size)?,
        sha256: part.checksum_sha256.as_deref().and_then(Sha256::from_base64),
    };
    Some((arrived, part.e_tag.clone().unwrap_or_default()))
}

/// As the SDK writes it.
fn numbered(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
