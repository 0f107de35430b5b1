//! Presigned requests, which go to the store itself: it holds the sender to every header that is signed.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::{PresignedRequest as Signed, PresigningConfig};

use super::{
    super::{
        Ability, Method, Multipart, Part, Presign, PresignedRequest, PutMode, StoreKey, presign::expiry,
    },
    Inner, StoreFault,
};
use crate::error::{Error, Result};

impl Inner {
    pub(super) async fn presign(
        &self,
        key: &StoreKey,
        what: &Presign,
        lives: Duration,
    ) -> Result<PresignedRequest> {
        let now = self.clock.now();
        let expires_at = expiry(now, lives)?;
        let seconds = u64::try_from(expires_at.as_second() - now.as_second()).unwrap_or_default();
        let config = PresigningConfig::builder()
            .start_time(SystemTime::UNIX_EPOCH + Duration::from_secs(now.as_second().unsigned_abs()))
            .expires_in(Duration::from_secs(seconds))
            .build()
            .map_err(|error| {
                Error::internal("a presigned request cannot be described", Some(error.into()))
            })?;
        let (method, signed) = match what {
            Presign::Put { .. } => (Method::Put, self.sign_put(key, what, config).await?),
            Presign::Part { multipart, part } => {
                (Method::Put, self.sign_part(multipart, *part, config).await?)
            }
            Presign::Get { attachment } => (Method::Get, self.sign_get(key, attachment, config).await?),
        };
        let headers = signed.headers().map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        Ok(PresignedRequest { method, url: signed.uri().to_owned(), headers: headers.collect(), expires_at })
    }

    async fn sign_put(&self, key: &StoreKey, what: &Presign, config: PresigningConfig) -> Result<Signed> {
        let Presign::Put { length, sha256, content_type, mode } = what else {
            return Err(Error::internal("another request was taken for a put", None));
        };
        self.holds_to_put(*mode)?;
        let (proves, once) = (self.can(Ability::Checksums), self.signs_once(*mode));
        let (encryption, encryption_key) = self.encryption();
        let request = self.asks.put_object().bucket(&self.bucket.name).key(self.path(key));
        request
            .content_length(signed(*length)?)
            .content_type(content_type.as_str())
            .set_checksum_sha256(proves.then(|| sha256.to_base64()))
            .set_if_none_match(once.then(|| "*".to_owned()))
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(encryption_key)
            .presigned(config)
            .await
            .map_err(|error| StoreFault::of(error).into())
    }

    async fn sign_part(&self, multipart: &Multipart, part: Part, config: PresigningConfig) -> Result<Signed> {
        self.holds_to_part()?;
        let request = self.asks.upload_part().bucket(&self.bucket.name).key(self.path(&multipart.key));
        request
            .upload_id(&multipart.id.0)
            .part_number(i32::try_from(part.number).unwrap_or(i32::MAX))
            .content_length(signed(part.size)?)
            .checksum_sha256(part.sha256.to_base64())
            .presigned(config)
            .await
            .map_err(|error| StoreFault::of(error).into())
    }

    async fn sign_get(&self, key: &StoreKey, attachment: &str, config: PresigningConfig) -> Result<Signed> {
        let request = self.asks.get_object().bucket(&self.bucket.name).key(self.path(key));
        let request = request.response_content_disposition(attachment);
        request.presigned(config).await.map_err(|error| StoreFault::of(error).into())
    }

    fn signs_once(&self, mode: PutMode) -> bool {
        mode == PutMode::Create && self.can(Ability::WriteOnce)
    }

    /// Refuses to presign a put that is held neither to its bytes nor to one time: what was proved and counted could be
    /// replaced until the URL expires.
    pub(super) fn holds_to_put(&self, mode: PutMode) -> Result<()> {
        if self.can(Ability::Checksums) || self.signs_once(mode) {
            return Ok(());
        }
        Err(self.unable("hold a presigned request to the bytes that were announced"))
    }

    /// Refuses to presign parts that could be others than were announced.
    pub(super) fn holds_to_part(&self) -> Result<()> {
        if self.can(Ability::Checksums) {
            return Ok(());
        }
        Err(self.unable("hold a presigned part to the bytes that were announced"))
    }

    /// The error of what the store is not known to do.
    fn unable(&self, what: &str) -> Error {
        Error::Unsupported(format!(
            "a store of the profile `{}` is not known to {what}; where `odavl doctor` finds that it does, say so in \
             [stores.NAME] of odavl.toml",
            self.profile.0
        ))
    }
}

fn signed(length: u64) -> Result<i64> {
    i64::try_from(length)
        .map_err(|_| Error::TooLarge { what: "the body".to_owned(), limit: i64::MAX.unsigned_abs() })
}
