//! The behaviour of the Storage wing's ports, on every adapter.

#[cfg(test)]
#[path = "storage_contract/memory.rs"]
mod memory;

#[cfg(test)]
#[cfg(feature = "fs")]
#[path = "storage_contract/fs.rs"]
mod fs;

#[cfg(test)]
#[cfg(all(unix, feature = "fs"))]
#[path = "storage_contract/fs_faults.rs"]
mod fs_faults;

#[cfg(test)]
#[cfg(feature = "postgres")]
#[path = "storage_contract/postgres.rs"]
mod postgres;

#[cfg(test)]
#[cfg(feature = "postgres")]
#[path = "support/postgres.rs"]
mod server;

#[cfg(test)]
#[cfg(feature = "sqlite")]
#[path = "storage_contract/sql.rs"]
mod sql;

#[cfg(test)]
#[cfg(feature = "s3")]
#[path = "storage_contract/s3.rs"]
mod s3;

#[cfg(test)]
#[cfg(feature = "s3")]
#[path = "storage_contract/s3_faults.rs"]
mod s3_faults;

#[cfg(test)]
#[cfg(feature = "s3")]
#[path = "storage_contract/s3_large.rs"]
mod s3_large;
