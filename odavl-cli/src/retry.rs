//! Trying again what a moment may mend.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use odavl_core::ErrorCode;

use crate::failure::{Failure, Result};

/// Whether the same call, a moment later, may succeed. A quota and a rate are not mended in a moment, and what fails on
/// this machine, as a full disk, is none of the call's.
pub(crate) fn may_help(failure: &Failure) -> bool {
    match failure {
        Failure::Unreachable(_, error) => !error.is_builder(),
        Failure::Still(_) => true,
        Failure::Refused(_) | Failure::Denied(..) | Failure::Foreign(..) | Failure::Store(..) => {
            failure.code() == ErrorCode::Unavailable
        }
        Failure::Own(_) | Failure::Stuck(..) => false,
    }
}

/// Makes a call that may be made twice: up to four tries within about two seconds, at random distances.
pub(crate) async fn call<T>(mut call: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let mut pauses = ExponentialBuilder::default()
        .with_jitter()
        .with_min_delay(Duration::from_millis(100))
        .with_factor(3.0)
        .with_max_times(3)
        .build();
    loop {
        match call().await {
            Err(failure) if may_help(&failure) => match pauses.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(failure),
            },
            result => return result,
        }
    }
}
