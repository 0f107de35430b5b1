//! Multipart uploads.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::{Bytes, BytesMut};
use s3s::{
    S3Response, S3Result,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
        CompleteMultipartUploadOutput, CompletedPart, CreateMultipartUploadInput,
        CreateMultipartUploadOutput, ETag, ListMultipartUploadsInput, ListMultipartUploadsOutput,
        ListPartsInput, ListPartsOutput, MultipartUpload, Part as Listed, UploadPartInput, UploadPartOutput,
    },
    s3_error,
};

use crate::{
    Kept,
    objects::{length, well},
    shelves::{About, Object, Part, Upload, check_bucket, now, sha256, take},
};

type Answer<T> = S3Result<S3Response<T>>;

/// How many parts a page has: few, so that small lists have several pages.
const PAGE: usize = 2;
/// The fewest bytes of a part that is not the last.
const PART_LEAST: usize = 5 << 20;

impl Kept {
    pub(crate) fn begin(&self, input: CreateMultipartUploadInput) -> Answer<CreateMultipartUploadOutput> {
        check_bucket(&input.bucket)?;
        let mut shelves = self.shelves();
        let id = shelves.fresh();
        let upload = Upload {
            about: About { content_type: input.content_type, metadata: input.metadata },
            encryption: input.server_side_encryption.map(|how| how.as_str().to_owned()),
            begun: now(),
            parts: std::collections::BTreeMap::new(),
        };
        shelves.uploads.insert((input.key, id.clone()), upload);
        well(CreateMultipartUploadOutput { upload_id: Some(id), ..CreateMultipartUploadOutput::default() })
    }

    pub(crate) async fn part(&self, input: UploadPartInput) -> Answer<UploadPartOutput> {
        check_bucket(&input.bucket)?;
        let sha256 = input.checksum_sha256.filter(|_| self.does.checksums);
        let bytes = take(input.body, sha256.as_deref()).await?;
        let mut shelves = self.shelves();
        if shelves.refused == Some(input.part_number) {
            return Err(s3_error!(AccessDenied));
        }
        let etag = shelves.fresh();
        let upload =
            shelves.uploads.get_mut(&(input.key, input.upload_id)).ok_or_else(|| s3_error!(NoSuchUpload))?;
        upload.parts.insert(input.part_number, Part { bytes, sha256, etag: etag.clone() });
        shelves.parts += 1;
        well(UploadPartOutput { e_tag: Some(ETag::Strong(etag)), ..UploadPartOutput::default() })
    }

    pub(crate) fn parts(&self, input: ListPartsInput) -> Answer<ListPartsOutput> {
        check_bucket(&input.bucket)?;
        let shelves = self.shelves();
        let upload =
            shelves.uploads.get(&(input.key, input.upload_id)).ok_or_else(|| s3_error!(NoSuchUpload))?;
        let after = input.part_number_marker.unwrap_or(0);
        let listed = |(number, part): (&i32, &Part)| Listed {
            part_number: Some(*number),
            size: Some(length(&part.bytes)),
            checksum_sha256: part.sha256.clone(),
            e_tag: Some(ETag::Strong(part.etag.clone())),
            ..Listed::default()
        };
        let mut parts: Vec<_> = upload.parts.range(after + 1..).take(PAGE + 1).map(listed).collect();
        let more = parts.len() > PAGE;
        parts.truncate(PAGE);
        well(ListPartsOutput {
            is_truncated: Some(more),
            next_part_number_marker: parts.last().and_then(|part| part.part_number),
            parts: Some(parts),
            ..ListPartsOutput::default()
        })
    }

    pub(crate) fn open(&self, input: ListMultipartUploadsInput) -> Answer<ListMultipartUploadsOutput> {
        check_bucket(&input.bucket)?;
        let most = usize::try_from(input.max_uploads.unwrap_or(1000)).unwrap_or_default();
        let prefix = input.prefix.unwrap_or_default();
        let after = (input.key_marker.unwrap_or_default(), input.upload_id_marker.unwrap_or_default());
        let shelves = self.shelves();
        let open = shelves.uploads.iter().filter(|(name, _)| **name > after && name.0.starts_with(&prefix));
        let mut open: Vec<_> = open.take(most + 1).collect();
        let more = open.len() > most;
        open.truncate(most);
        let last = open.last().filter(|_| more);
        well(ListMultipartUploadsOutput {
            is_truncated: Some(more),
            next_key_marker: last.map(|((key, _), _)| key.clone()),
            next_upload_id_marker: last.map(|((_, id), _)| id.clone()),
            uploads: Some(
                open.into_iter()
                    .map(|((key, id), upload)| MultipartUpload {
                        key: Some(key.clone()),
                        upload_id: Some(id.clone()),
                        initiated: Some(upload.begun.into()),
                        ..MultipartUpload::default()
                    })
                    .collect(),
            ),
            ..ListMultipartUploadsOutput::default()
        })
    }

    pub(crate) fn complete(
        &self,
        input: CompleteMultipartUploadInput,
    ) -> Answer<CompleteMultipartUploadOutput> {
        check_bucket(&input.bucket)?;
        let name = (input.key, input.upload_id);
        let mut shelves = self.shelves();
        let etag = shelves.fresh();
        let upload = shelves.uploads.get(&name).ok_or_else(|| s3_error!(NoSuchUpload))?;
        let named = input.multipart_upload.and_then(|parts| parts.parts).unwrap_or_default();
        let (bytes, digests) = upload.put_together(&named)?;
        let sha256 =
            (digests.len() == named.len() * 32).then(|| format!("{}-{}", sha256(&digests), named.len()));
        let object = Object {
            bytes,
            about: upload.about.clone(),
            sha256,
            encryption: upload.encryption.clone(),
            etag: format!("{etag}-{}", named.len()),
            modified: now(),
        };
        let etag = Some(ETag::Strong(object.etag.clone()));
        let condition = input.if_none_match.filter(|_| self.does.conditions);
        shelves.place(&name.0, object, condition.as_ref())?;
        shelves.uploads.remove(&name);
        well(CompleteMultipartUploadOutput { e_tag: etag, ..CompleteMultipartUploadOutput::default() })
    }

    pub(crate) fn abort(&self, input: AbortMultipartUploadInput) -> Answer<AbortMultipartUploadOutput> {
        check_bucket(&input.bucket)?;
        let dropped = self.shelves().uploads.remove(&(input.key, input.upload_id));
        dropped.ok_or_else(|| s3_error!(NoSuchUpload))?;
        well(AbortMultipartUploadOutput::default())
    }
}

impl Upload {
    /// The bytes of the parts named, and the digests of those that have one.
    fn put_together(&self, named: &[CompletedPart]) -> S3Result<(Bytes, Vec<u8>)> {
        let most = self.parts.values().map(|part| part.bytes.len()).sum();
        let (mut bytes, mut digests) = (BytesMut::with_capacity(most), Vec::new());
        if named.is_empty() || !named.is_sorted_by(|a, b| a.part_number < b.part_number) {
            return Err(s3_error!(InvalidPartOrder));
        }
        for (at, one) in named.iter().enumerate() {
            let part = self.parts.get(&one.part_number.unwrap_or(0));
            let part = part.filter(|part| one.e_tag.as_ref().is_some_and(|etag| etag.value() == part.etag));
            let part =
                part.filter(|part| one.checksum_sha256.is_none() || one.checksum_sha256 == part.sha256);
            let part = part.ok_or_else(|| s3_error!(InvalidPart))?;
            if part.bytes.len() < PART_LEAST && at + 1 < named.len() {
                return Err(s3_error!(EntityTooSmall));
            }
            bytes.extend_from_slice(&part.bytes);
            let digest = part.sha256.as_ref().and_then(|sha256| BASE64_STANDARD.decode(sha256).ok());
            digests.extend(digest.unwrap_or_default());
        }
        Ok((bytes.freeze(), digests))
    }
}
