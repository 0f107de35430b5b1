//! Trying again what a moment may mend.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use odavl_core::ErrorCode;
use tokio::time::Instant;

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

/// How long a server that takes no connection is tried.
const WITHIN: Duration = Duration::from_secs(2);

/// Up to four tries within about two seconds, at random distances. What a connection carried, however long, is not counted
/// against them: what breaks off late is tried again, too.
#[derive(Debug)]
pub struct Tries {
    pauses: ExponentialBackoff,
    begun: Instant,
}

impl Default for Tries {
    fn default() -> Self {
        let pauses = ExponentialBuilder::default().with_jitter().with_min_delay(Duration::from_millis(100));
        Self { pauses: pauses.with_factor(3.0).with_max_times(3).build(), begun: Instant::now() }
    }
}

impl Tries {
    /// Waits for the next try.
    ///
    /// # Errors
    /// The failure, where no further try helps.
    pub async fn after(&mut self, failure: Failure) -> Result<()> {
        match self.pauses.next() {
            Some(pause) if may_help(&failure) && !self.are_over(&failure) => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
            _ => Err(failure),
        }
    }

    fn are_over(&self, failure: &Failure) -> bool {
        let unconnected = matches!(failure, Failure::Unreachable(_, error) if error.is_connect());
        unconnected && self.begun.elapsed() >= WITHIN
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::{
        http::{Server, build},
        origin::Origin,
    };

    /// A server that takes no connection.
    async fn unconnected() -> Failure {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let origin: Origin = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        drop(listener);
        let server = Server { origin: origin.clone(), allow_http: false, agent: "test" };
        let asked = build(server.client().unwrap()).unwrap().get(origin.as_str()).send().await;
        Failure::Unreachable(origin, asked.unwrap_err())
    }

    #[tokio::test]
    async fn who_takes_no_connection_is_tried_for_two_seconds_and_what_breaks_off_later_again() {
        let (early, late, broken) =
            (unconnected().await, unconnected().await, Failure::Still(Origin::local()));
        tokio::time::pause();
        let mut tries = Tries::default();
        tries.after(early).await.unwrap();
        tokio::time::advance(WITHIN).await;
        tries.after(broken).await.unwrap();
        assert!(tries.after(late).await.is_err());
    }
}
