//! Whole objects, and which operations there are.

use std::ops::Bound;

use bytes::Bytes;
use futures_util::stream;
use s3s::{
    S3, S3Request, S3Response, S3Result,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, BucketVersioningStatus, ChecksumMode,
        CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CreateMultipartUploadInput,
        CreateMultipartUploadOutput, DeleteObjectInput, DeleteObjectOutput, ETag, GetBucketVersioningInput,
        GetBucketVersioningOutput, GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput,
        HeadObjectInput, HeadObjectOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput,
        ListObjectsV2Input, ListObjectsV2Output, ListPartsInput, ListPartsOutput, Object as Listed,
        PutObjectInput, PutObjectOutput, StreamingBlob, UploadPartInput, UploadPartOutput,
    },
    s3_error,
};

use crate::{
    Kept,
    shelves::{About, Object, check_bucket, now, take},
};

type Answer<T> = S3Result<S3Response<T>>;

#[expect(clippy::unnecessary_wraps, reason = "it is what every operation answers")]
pub(crate) fn well<T>(output: T) -> Answer<T> {
    Ok(S3Response::new(output))
}

/// A length as S3's types have it.
pub(crate) fn length(bytes: &Bytes) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

#[async_trait::async_trait]
impl S3 for Kept {
    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        check_bucket(&request.input.bucket)?;
        well(HeadBucketOutput::default())
    }

    async fn get_bucket_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> Answer<GetBucketVersioningOutput> {
        check_bucket(&request.input.bucket)?;
        let enabled = || BucketVersioningStatus::from_static(BucketVersioningStatus::ENABLED);
        let status = self.shelves().versioned.then(enabled);
        well(GetBucketVersioningOutput { status, ..GetBucketVersioningOutput::default() })
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        let input = request.input;
        check_bucket(&input.bucket)?;
        let sha256 = input.checksum_sha256.filter(|_| self.does.checksums);
        let bytes = take(input.body, sha256.as_deref()).await?;
        let mut shelves = self.shelves();
        let etag = shelves.fresh();
        let object = Object {
            bytes,
            about: About { content_type: input.content_type, metadata: input.metadata },
            sha256,
            encryption: input.server_side_encryption.map(|how| how.as_str().to_owned()),
            etag: etag.clone(),
            modified: now(),
        };
        let condition = input.if_none_match.filter(|_| self.does.conditions);
        shelves.place(&input.key, object, condition.as_ref())?;
        well(PutObjectOutput { e_tag: Some(ETag::Strong(etag)), ..PutObjectOutput::default() })
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        let input = request.input;
        let object = self.object(&input.bucket, &input.key)?;
        let size = object.bytes.len() as u64;
        let range = input.range.map(|range| range.check(size)).transpose()?;
        let bytes = match &range {
            Some(range) => object.bytes.slice(within(range.start)..within(range.end)),
            None => object.bytes.clone(),
        };
        let whole = range.is_none() && is_asked(input.checksum_mode.as_ref());
        well(GetObjectOutput {
            content_length: Some(length(&bytes)),
            content_range: range.map(|range| format!("bytes {}-{}/{size}", range.start, range.end - 1)),
            body: Some(StreamingBlob::wrap(stream::iter([Ok::<_, std::io::Error>(bytes)]))),
            content_type: object.about.content_type,
            content_disposition: input.response_content_disposition,
            metadata: object.about.metadata,
            checksum_sha256: object.sha256.filter(|_| whole),
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(object.modified.into()),
            ..GetObjectOutput::default()
        })
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        let input = request.input;
        let object = self.object(&input.bucket, &input.key)?;
        well(HeadObjectOutput {
            content_length: Some(length(&object.bytes)),
            content_type: object.about.content_type,
            metadata: object.about.metadata,
            checksum_sha256: object.sha256.filter(|_| is_asked(input.checksum_mode.as_ref())),
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(object.modified.into()),
            ..HeadObjectOutput::default()
        })
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> Answer<DeleteObjectOutput> {
        check_bucket(&request.input.bucket)?;
        self.shelves().objects.remove(&request.input.key);
        well(DeleteObjectOutput::default())
    }

    async fn list_objects_v2(&self, request: S3Request<ListObjectsV2Input>) -> Answer<ListObjectsV2Output> {
        let input = request.input;
        check_bucket(&input.bucket)?;
        let most = usize::try_from(input.max_keys.unwrap_or(1000)).unwrap_or_default();
        let prefix = input.prefix.unwrap_or_default();
        let after = input.start_after.map_or(Bound::Unbounded, Bound::Excluded);
        let shelves = self.shelves();
        let mut found: Vec<_> = shelves
            .objects
            .range((after, Bound::Unbounded))
            .filter(|(key, _)| key.starts_with(&prefix))
            .take(most + 1)
            .map(|(key, object)| Listed {
                key: Some(key.clone()),
                size: Some(length(&object.bytes)),
                e_tag: Some(ETag::Strong(object.etag.clone())),
                last_modified: Some(object.modified.into()),
                ..Listed::default()
            })
            .collect();
        let more = found.len() > most;
        found.truncate(most);
        let (is_truncated, contents) = (Some(more), Some(found));
        well(ListObjectsV2Output { is_truncated, contents, ..ListObjectsV2Output::default() })
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        self.begin(request.input)
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        self.part(request.input).await
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> Answer<ListPartsOutput> {
        self.parts(request.input)
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> Answer<ListMultipartUploadsOutput> {
        self.open(request.input)
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        self.complete(request.input)
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        self.abort(request.input)
    }
}

impl Kept {
    fn object(&self, bucket: &str, key: &str) -> S3Result<Object> {
        check_bucket(bucket)?;
        self.shelves().objects.get(key).cloned().ok_or_else(|| s3_error!(NoSuchKey))
    }
}

fn is_asked(mode: Option<&ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED)
}

fn within(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}
