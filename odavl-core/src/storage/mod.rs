//! Storage: bytes under keys ([`Storage`]), and the rows that give them names and owners ([`Catalog`]).
//!
//! People name objects ([`ObjectName`]); a store keeps bytes under keys ([`StoreKey`]) that are never derived from
//! names and never used again. A row in the catalog joins the two, so replacing a name is one transaction, and bytes
//! without a row are removed later.

mod body;
mod bucket;
mod catalog;
#[cfg(feature = "contract")]
pub mod contract;
mod copied;
mod digest;
#[cfg(feature = "direct")]
mod direct;
#[cfg(feature = "fs")]
mod fs;
mod key;
mod listing;
mod media;
mod memory;
mod multipart;
mod object;
mod port;
mod presign;
mod profile;
#[cfg(feature = "s3")]
mod s3;
pub(crate) mod service;
#[cfg(feature = "sql")]
mod sql;
mod text;
#[cfg(any(feature = "fs", feature = "s3"))]
mod turns;
mod upload;

use text::as_text;

pub use body::{Body, BoxBody, Checked, Expected, PIECE, broken, collect, full};
pub use bucket::{AccessKey, Bucket, Encryption, check_endpoint};
pub use catalog::{Catalog, Garbage, ObjectRow, StorageStats, StoreMark, StoreWalk};
pub use copied::{Copied, copy_objects};
pub use digest::{Checksum, Hasher, Sha256};
#[cfg(feature = "direct")]
pub use direct::{DIRECT_PATH, DirectUrls, Grant, Incoming, Redeemed};
#[cfg(feature = "fs")]
pub use fs::FsStorage;
pub use key::{Creator, KeyPrefix, Product, StoreKey};
pub use listing::{Bounds, Depth, ListQuery, Listed, Listing};
pub use media::{ByteRange, MediaType};
pub use memory::{MemoryCatalog, MemoryStorage};
pub use multipart::{
    ArrivedPart, Multipart, MultipartId, OpenMultipart, PART_LEAST, PARTS_MOST, Part, assemble, check_number,
    not_arrived, not_open,
};
pub use object::{ObjectMeta, ObjectName};
pub use port::{Object, PutMode, PutOptions, Storage, Stored};
pub use presign::{Method, PRESIGN_MOST, Presign, PresignedRequest, expiry};
pub use profile::{Ability, Profile};
#[cfg(feature = "s3")]
pub use s3::{S3Storage, StoreFault};
pub use service::{
    Deleted, Download, NewObject, NewUpload, Objects, Progress, Recount, SignedPart, UploadStatus,
    UploadTicket, WHOLE_MOST, part_size,
};
#[cfg(feature = "sql")]
pub use sql::SqlCatalog;
pub use upload::{Arrival, Arrived, Completion, Upload, UploadState};
