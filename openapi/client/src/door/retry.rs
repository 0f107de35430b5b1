//! Trying again what a moment may mend.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use odavl_core::ErrorCode;

use super::failure::{Failure, Result};

/// Whether the same call, a moment later, may succeed. A quota and a rate are not mended in a moment, and what fails on
/// this machine, as a full disk, is none of the call's.
pub fn may_help(failure: &Failure) -> bool {
    match failure {
        Failure::Unreachable(_, error) => !error.is_builder(),
        Failure::Still(_) => true,
        Failure::Refused(..) | Failure::Denied(..) | Failure::Foreign(..) | Failure::Store(..) => {
            failure.code() == ErrorCode::Unavailable
        }
        Failure::Own(_) | Failure::Stuck(..) => false,
    }
}

/// Up to four tries within about two seconds, at random distances.
#[derive(Debug)]
pub struct Tries(ExponentialBackoff);

impl Default for Tries {
    fn default() -> Self {
        let pauses = ExponentialBuilder::default().with_jitter().with_min_delay(Duration::from_millis(100));
        Self(pauses.with_factor(3.0).with_max_times(3).build())
    }
}

impl Tries {
    /// Waits for the next try.
    ///
    /// # Errors
    /// The failure, where no further try helps.
    pub async fn after(&mut self, failure: Failure) -> Result<()> {
        match self.0.next() {
            Some(pause) if may_help(&failure) => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
            _ => Err(failure),
        }
    }
}

/// Makes a call that may be made twice, as often as [`Tries`] says.
pub async fn call<T>(mut call: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let mut tries = Tries::default();
    loop {
        match call().await {
            Ok(answer) => return Ok(answer),
            Err(failure) => tries.after(failure).await?,
        }
    }
}
